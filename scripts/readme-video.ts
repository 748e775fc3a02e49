// Writes docs/images/video.webp, the moving strip of the README: a rendered head that talks, tracked, and two fits of the
// examples driven by it. Needs ffmpeg and a build: npm run build && node scripts/run.mjs scripts/readme-video.ts
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { setExpressions } from '../src/fit/expression-names.ts';
import { renderView } from '../src/fit/render-view.ts';
import { createKernels } from '../src/kernels/runtime.ts';
import { namedLight } from '../src/light/presets.ts';
import { readHeadPack } from '../src/model/pack.ts';
import { sampleHead } from '../src/model/sample.ts';
import { encodePicture } from '../src/node/picture-files.ts';

const FRAMES = 48;
const RATE = 16;
const SIDE = 320;
const PANEL = 200;
const program = process.env['PHOTOFIT'] ?? 'bin/photofit.js';
const work = path.join('out', 'readme-video');

rmSync(work, { recursive: true, force: true });
const talk = path.join(work, 'talk');
mkdirSync(talk, { recursive: true });
const model = await readHeadPack(new Uint8Array(readFileSync('models/open-head.head')));
const kernels = await createKernels();
const person = sampleHead(model, 11, 0, { expression: 0, pose: 0, texture: 0.6 });
for (let i = 0; i < FRAMES; i++) {
  // Whole periods, so that the strip runs round.
  const wave = (periods: number, shift = 0) => Math.sin((2 * Math.PI * periods * i) / FRAMES + shift);
  const open = Math.max(0, wave(6)) * (0.6 + 0.4 * wave(1));
  const blink = Math.max(0, 1 - Math.abs(i - 30) / 2);
  const params = setExpressions(model, person, [
    ['jawOpen', 0.5 * open],
    ['mouthSmileLeft', 0.35 + 0.35 * wave(1, 1)],
    ['mouthSmileRight', 0.35 + 0.35 * wave(1, 1)],
    ['mouthPuckerLeft', 0.4 * Math.max(0, wave(3, 2))],
    ['mouthPuckerRight', 0.4 * Math.max(0, wave(3, 2))],
    ['browInnerUp', 0.7 * Math.max(0, wave(1, 3))],
    ['eyeBlinkLeft', blink],
    ['eyeBlinkRight', blink],
  ]);
  const pose = params.pose.slice();
  pose.set([0.08 * wave(2), 0.3 * wave(1), 0.05 * wave(1, 2)]);
  const picture = renderView(
    kernels,
    model,
    {
      params: { ...params, pose },
      camera: {
        kind: 'perspective',
        focal: 3 * SIDE,
        principal: [SIDE / 2, SIDE / 2],
        translation: [0.01 * wave(1), -0.015, -1],
      },
      light: namedLight('front'),
      image: { width: SIDE, height: SIDE },
    },
    { frame: 'photo', size: SIDE, background: [0.62, 0.66, 0.72] },
  );
  writeFileSync(path.join(talk, `${String(i).padStart(2, '0')}.png`), await encodePicture(picture, '.png'));
}

const photofit = (...args: string[]) =>
  execFileSync(process.execPath, [program, ...args], { stdio: 'inherit' });
const size = ['--picture-rate', String(RATE)];
photofit('track', talk, '-o', path.join(work, 'out'), '--overlay-size', String(SIDE), ...size);
photofit('fit', 'examples/portrait.jpg', 'examples/mona-lisa.jpg', '-o', path.join(work, 'fits'));
const fits = ['portrait', 'mona-lisa'].map((name) => path.join(work, 'fits', name));
const driven = path.join(work, 'driven');
photofit(
  'transfer',
  path.join(work, 'out', 'talk'),
  ...fits,
  '-o',
  driven,
  '--film-size',
  String(SIDE),
  ...size,
);

const films = [
  path.join(work, 'out', 'talk', 'overlay.mp4'),
  ...['portrait', 'mona-lisa'].map((name) => path.join(driven, name, 'transfer.mp4')),
];
const middle = (input: number) => `[${input}]crop=${SIDE}:${SIDE}:${SIDE}:0[m${input}]`;
execFileSync('ffmpeg', [
  ...['-v', 'error', '-y', ...films.flatMap((film) => ['-i', film])],
  ...[
    '-filter_complex',
    `${middle(1)};${middle(2)};[0][m1][m2]hstack=inputs=3,scale=${5 * PANEL}:${PANEL}:flags=area`,
  ],
  path.join(work, 'strip-%02d.png'),
]);
const strips = readdirSync(work)
  .filter((name) => name.startsWith('strip-'))
  .sort();
await sharp(
  strips.map((name) => path.join(work, name)),
  { join: { animated: true } },
)
  .webp({ quality: 60, effort: 4, loop: 0, delay: strips.map(() => Math.round(1000 / RATE)) })
  .toFile(path.join('docs', 'images', 'video.webp'));
