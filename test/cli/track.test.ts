/**
 * `photofit track` and `photofit transfer` on a rendered talking head, as a folder of pictures: what is written, going on
 * after Ctrl-C, and input that is bad. Films need ffmpeg (Debian: apt install ffmpeg); where it is missing their
 * checks are skipped.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { validateBytes } from 'gltf-validator';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { interpupillaryDistance } from '../../src/fit/known-size.ts';
import { writeOriginalFit } from '../../src/fit/original-files.ts';
import type { PhotoFit } from '../../src/fit/types.ts';
import { lipsOf } from '../../src/fit/video/lips.ts';
import { parseTrackArrays, parseTrackFile, type StoredTrack } from '../../src/fit/video/track-file.ts';
import { neutralOf } from '../../src/fit/video/transfer.ts';
import { readNpz } from '../../src/io/npz.ts';
import { createKernels } from '../../src/kernels/runtime.ts';
import type { HeadModel } from '../../src/model/head-model.ts';
import { loadHeadModel } from '../../src/node/models.ts';
import { albedoPng, decodeTexture } from '../../src/node/texture-file.ts';
import { movingMouth } from '../../src/texture/inner-mouth.ts';
import { makeHeadFit, writeHeadFit } from '../helpers/open-head-fit.ts';
import { writeTalkingHead } from '../helpers/talking-head.ts';
import { type CliResult, cli, lastingFolder, temporaryFolder } from './helpers.ts';

const FRAMES = 7;
const noFfmpeg = spawnSync('ffprobe', ['-version']).status === 0 ? null : 'no ffmpeg on the PATH';

const readTrack = (folder: string): StoredTrack =>
  parseTrackFile(readFileSync(path.join(folder, 'track.json'), 'utf8'));

/** Size, frames and rate of a film. */
function film(file: string) {
  const args = [
    '-v',
    'error',
    '-show_entries',
    'stream=width,height,nb_frames,r_frame_rate',
    '-of',
    'json',
    file,
  ];
  return JSON.parse(spawnSync('ffprobe', args, { encoding: 'utf8' }).stdout).streams[0];
}

describe('photofit track', () => {
  const folder = lastingFolder();
  const video = path.join(folder, 'talk');
  const out = path.join(folder, 'out');
  let model: HeadModel;
  let tracked: CliResult;

  beforeAll(async () => {
    model = await loadHeadModel('open-head');
    await writeTalkingHead(video, await createKernels(), model, FRAMES);
    tracked = await cli(['track', video, '-o', out, '--json', '--overlay-size', '128']);
  }, 300_000);

  it('writes the track, and says so', () => {
    expect(tracked.stderr).not.toMatch(/photofit:/);
    expect(tracked.code).toBe(0);
    const line = JSON.parse(tracked.stdout);
    expect(line).toMatchObject({ ok: true, complete: true, output: path.join(out, 'talk') });
    expect(line.summary).toMatchObject({ frames: FRAMES, lost: 0, cuts: 0 });
    expect(line.seconds.total).toBeGreaterThan(0);
    const { track, metadata } = readTrack(path.join(out, 'talk'));
    expect(metadata).toMatchObject({ complete: true, smoothed: true, model: { name: 'open-head' } });
    expect(track.frames.map((f) => f.index)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    track.frames.forEach((frame, i) => {
      expect(frame.time).toBeCloseTo(i / 25, 6);
    });
    expect(metadata.summary.landmark_nme_median).toBeLessThan(0.05);
    expect(readdirSync(path.join(out, 'talk')).filter((name) => name.startsWith('.'))).toEqual([]);
    // Progress, a line per stage.
    expect(tracked.stderr).toMatch(/talk: tracking, 7 of 7 frames, [\d.]+ a second/);
  });

  it('track.npz is the same track', () => {
    const { track } = readTrack(path.join(out, 'talk'));
    const arrays = readNpz(readFileSync(path.join(out, 'talk', 'track.npz')));
    const other = parseTrackArrays(arrays).track;
    expect(other.identity.identity).toEqual(track.identity.identity);
    other.frames.forEach((frame, i) => {
      expect(frame.expression).toEqual(track.frames[i].expression);
      expect(frame.pose).toEqual(track.frames[i].pose);
    });
  });

  it('head.glb moves, blendshapes are curves', async () => {
    const { issues, info } = await validateBytes(readFileSync(path.join(out, 'talk', 'head.glb')), {
      maxIssues: 0,
    });
    expect(issues.messages).toEqual([]);
    expect(info).toMatchObject({ animationCount: 1, hasTextures: true, hasMorphTargets: true });
    const lines = readFileSync(path.join(out, 'talk', 'blendshapes.csv'), 'utf8')
      .trim()
      .split('\n');
    expect(lines).toHaveLength(1 + FRAMES);
    expect(lines[0]).toMatch(/^frame,time,browDownLeft,/);
    const { frames } = JSON.parse(readFileSync(path.join(out, 'talk', 'blendshapes.json'), 'utf8'));
    expect(frames).toHaveLength(FRAMES);
    // FLAME parameters are for FLAME heads.
    expect(existsSync(path.join(out, 'talk', 'flame_params.npz'))).toBe(false);
  });

  it.skipIf(noFfmpeg)('overlay.mp4 has a picture per frame, three panels wide', async () => {
    const file = path.join(out, 'talk', 'overlay.mp4');
    expect(film(file)).toMatchObject({
      width: 384,
      height: 128,
      nb_frames: String(FRAMES),
      r_frame_rate: '25/1',
    });
    const png = path.join(temporaryFolder(), 'f.png');
    spawnSync('ffmpeg', ['-v', 'error', '-i', file, '-frames:v', '1', png]);
    const { data } = await sharp(png).removeAlpha().raw().toBuffer({ resolveWithObject: true });
    const photo = await sharp(path.join(video, '0.png')).resize(128, 128).removeAlpha().raw().toBuffer();
    let [left, middle] = [0, 0];
    for (let y = 32; y < 96; y++)
      for (let x = 32; x < 96; x++)
        for (let c = 0; c < 3; c++) {
          const wanted = photo[3 * (128 * y + x) + c];
          left += Math.abs(data[3 * (384 * y + x) + c] - wanted);
          middle += Math.abs(data[3 * (384 * y + 128 + x) + c] - wanted);
        }
    const n = 3 * 64 * 64;
    // The first panel is the frame but for coding and resampling; the second the head over it, which looks like it.
    expect(left / n).toBeLessThan(6);
    expect(middle / n).toBeLessThan(14);
  });

  it('Ctrl-C leaves a valid result of the frames done; the same command goes on and ends as if it had not been', async () => {
    const args = (to: string) => ['track', video, '-o', to, '--no-overlay', '--no-offset'];
    const broken = path.join(temporaryFolder(), 'broken');
    // A terminal is told of frames now and then; the first that it is told of is followed by Ctrl-C.
    const controller = new AbortController();
    const progress = { isTTY: true, columns: 200 };
    const { runCli } = await import('../../src/cli/run.ts');
    let stderr = '';
    const code = await runCli(args(broken), {
      stdout: { write: () => {} },
      stderr: {
        ...progress,
        write: (text: string) => {
          stderr += text;
          if (/tracking, [1-5] of/.test(text)) controller.abort();
        },
      },
      signal: controller.signal,
    });
    expect(code).toBe(130);
    expect(stderr).toMatch(/interrupted; the same command again goes on from there/);
    const part = readTrack(path.join(broken, 'talk'));
    expect(part.metadata.complete).toBe(false);
    const done = part.track.frames.length;
    expect(done).toBeGreaterThanOrEqual(1);
    expect(done).toBeLessThan(FRAMES);
    const again = await cli(args(broken));
    expect(again.code).toBe(0);
    expect(again.stderr).toMatch(new RegExp(`going on after the ${done} frames`));
    // The texture's detail has no part in tracking, so that the first run serves for comparison.
    const [a, b] = [readTrack(path.join(out, 'talk')), readTrack(path.join(broken, 'talk'))];
    expect(b.metadata.complete).toBe(true);
    expect(b.track.identity).toEqual(a.track.identity);
    expect(b.track.frames).toEqual(a.track.frames);
    expect(readdirSync(path.join(broken, 'talk')).filter((name) => name.startsWith('.'))).toEqual([]);
  }, 300_000);

  it('one frame is a track, of the person of a fit', async () => {
    const one = path.join(temporaryFolder(), 'one');
    mkdirSync(one);
    copyFileSync(path.join(video, '2.png'), path.join(one, '2.png'));
    const fit = makeHeadFit(model);
    const from = writeHeadFit(path.join(temporaryFolder(), 'me'), fit, model);
    const to = temporaryFolder();
    const { code, stderr } = await cli(['track', one, '-o', to, '--from', from, '--no-overlay']);
    expect([code, stderr.match(/photofit:.*/)]).toEqual([0, null]);
    const { track } = readTrack(path.join(to, 'one'));
    expect(track.frames).toHaveLength(1);
    // Shape as fit.json has it: to the float32.
    const { params } = JSON.parse(readFileSync(path.join(from, 'fit.json'), 'utf8'));
    expect(track.identity.identity).toEqual(Float32Array.from(params.shape));
    expect(track.identity.texture).toEqual(Float32Array.from(params.texture));
  });

  it('--ipd says how large the head is', async () => {
    const to = temporaryFolder();
    const args = ['track', video, '-o', to, '--no-overlay', '--no-offset', '--ipd', '70', '--end', '0.1'];
    expect((await cli(args)).code).toBe(0);
    const { identity } = readTrack(path.join(to, 'talk')).track;
    const apart = interpupillaryDistance(model, identity.identity)!;
    // The statistics of heads pull this one's back, by some.
    expect(Math.abs(apart - 0.07)).toBeLessThan(0.0015);
    const unsaid = readTrack(path.join(out, 'talk')).track.identity;
    expect(interpupillaryDistance(model, unsaid.identity)).toBeLessThan(apart - 0.003);
  });

  describe('bad input', () => {
    it('pictures without a face', async () => {
      const empty = path.join(temporaryFolder(), 'wall');
      mkdirSync(empty);
      const grey = { create: { width: 128, height: 128, channels: 3, background: '#808080' } } as const;
      for (const name of ['1.png', '2.png']) await sharp(grey).toFile(path.join(empty, name));
      const to = temporaryFolder();
      const { code, stdout, stderr } = await cli(['track', empty, '-o', to]);
      expect([code, stdout]).toEqual([1, '']);
      expect(stderr).toMatch(/wall: no face was found in the video; look at a few of its frames/);
      expect(readdirSync(path.join(to, 'wall'))).toEqual([]);
    });

    it.each([
      [['track', 'FOLDER/none.mp4'], /none\.mp4: there is no such file or folder/, 1],
      [['track', 'FOLDER/text.mp4'], /text\.mp4: (is not a video|videos cannot be decoded)/, 1],
      [['track', 'VIDEO', '--start', '9'], /has no picture from 9 s on; it ends after 0\.28 s/, 1],
      [['track', 'VIDEO', '--start', '0.2', '--end', '0.1'], /end must be after the start/, 1],
      [['track', 'VIDEO', '--fps', '0'], /must be a positive number/, 2],
      [['track', 'VIDEO', '--start', 'soon'], /must be seconds \(12\.5\) or minutes and seconds/, 2],
      [['track', 'VIDEO', '--face', '0'], /largest, or a number from 1/, 2],
      [['track', 'VIDEO', '--ipd', '0.063'], /a number of millimetres from 40 to 85/, 2],
      [['track', 'VIDEO', '--ipd', '63', '--from', 'FOLDER'], /--ipd with --from: the fit says how large/, 1],
      [['track', 'VIDEO', '--focal', '3'], /--focal 3: must be .* pixels, since a frame is \d+ × \d+/, 1],
      [['track', 'VIDEO', '--model', 'nobody'], /nobody: no head model of that name/, 1],
      [
        ['track', 'VIDEO', '--from', 'FOLDER/nothing'],
        /nothing: no such file or folder; give a fit\.json/,
        1,
      ],
      [['transfer', 'VIDEO', 'FOLDER/nothing'], /nothing: no such file or folder; give a fit\.json/, 1],
      [['transfer', 'OUT/talk', 'ME', '--absolute', '--neutral-frame', '2'], /leave one out/, 1],
      [['transfer', 'OUT/talk', 'ME', '--neutral-frame', '99'], /neutral frame 99 is not in the track/, 1],
      [['transfer', 'OUT/talk', 'FOLDER/fit.npy'], /does not name its model; give --model/, 1],
      [['transfer', 'FOLDER/broken', 'ME'], /broken.*track\.json.*is no JSON/, 1],
      [
        ['transfer', 'OUT/talk', 'ME', '--expression-names', 'FOLDER/text.mp4', '--pose', 'mine'],
        /Allowed choices are video, own/,
        2,
      ],
    ] as const)('%j', async (args, message, expected) => {
      writeFileSync(path.join(folder, 'text.mp4'), 'this is no video');
      writeFileSync(path.join(folder, 'fit.npy'), 'nothing');
      mkdirSync(path.join(folder, 'broken'), { recursive: true });
      writeFileSync(path.join(folder, 'broken', 'track.json'), '{');
      const me = writeHeadFit(path.join(folder, 'me'), makeHeadFit(model), model);
      const real = args.map((arg) =>
        arg.replace('FOLDER', folder).replace('VIDEO', video).replace('OUT', out).replace(/^ME$/, me),
      );
      const { code, stdout, stderr } = await cli([...real, '-o', path.join(folder, 'bad')]);
      expect(stderr).toMatch(message);
      expect([code, stdout]).toEqual([expected, '']);
      expect(stderr).not.toMatch(/\n\s+at /);
    });
  });

  describe('photofit transfer', () => {
    let fit: PhotoFit;
    let me: string;
    let skin: Buffer;
    const driven = path.join(folder, 'driven');

    beforeAll(async () => {
      fit = makeHeadFit(model);
      // A texture with detail of its own: noise, which no coding would survive.
      const noise = Buffer.from(Array.from({ length: 3 * 64 * 64 }, (_, i) => (i * 7919) % 251));
      skin = await sharp(noise, { raw: { width: 64, height: 64, channels: 3 } })
        .png()
        .toBuffer();
      me = writeHeadFit(path.join(folder, 'me'), fit, model, skin);
    });

    it('shape, texture and light are the stored ones to the bit; the motion is the track’s', async () => {
      const { code, stdout, stderr } = await cli([
        'transfer',
        path.join(out, 'talk'),
        me,
        '-o',
        driven,
        '--film-size',
        '96',
      ]);
      expect(stderr).not.toMatch(/photofit:/);
      expect([code, stdout]).toEqual([
        0,
        `${path.join(out, 'talk')} + ${me} → ${path.join(driven, 'me')}  (7 frames)\n`,
      ]);
      const arrays = readNpz(readFileSync(path.join(driven, 'me', 'track.npz')));
      const { params } = JSON.parse(readFileSync(path.join(me, 'fit.json'), 'utf8'));
      expect(arrays.get('shape')!.data).toEqual(Float32Array.from(params.shape));
      expect(arrays.get('texture')!.data).toEqual(Float32Array.from(params.texture));
      const light = Float32Array.from(params.light.flat());
      const lights = arrays.get('light')!.data as Float32Array;
      for (let i = 0; i < FRAMES; i++) expect(lights.subarray(27 * i, 27 * (i + 1))).toEqual(light);
      expect(readFileSync(path.join(driven, 'me', 'texture.png')).equals(skin)).toBe(true);
      const glb = readFileSync(path.join(driven, 'me', 'head.glb'));
      // A mouth that moves shows nothing of what its photo has between the lips.
      const kernels = await createKernels();
      const { albedo } = await decodeTexture(skin, 'skin');
      const worn = movingMouth(kernels, model, albedo, Float32Array.from(params.texture));
      expect(glb.includes(Buffer.from(await albedoPng(worn)))).toBe(true);
      expect(glb.includes(skin)).toBe(false);
      expect((await validateBytes(glb, { maxIssues: 0 })).issues.messages).toEqual([]);
      const [source, target] = [
        readTrack(path.join(out, 'talk')).track,
        readTrack(path.join(driven, 'me')).track,
      ];
      // What the source differs by from its neutral face, within the bounds; blinks may be raised further.
      const { expression: neutral } = neutralOf(source, null, {
        lips: lipsOf(model, source.identity.identity),
        expressionNames: model.expressionNames,
        jointNames: model.joints.map((joint) => joint.name),
      });
      let moved = 0;
      target.frames.forEach((frame, i) => {
        model.expressionNames.forEach((name, e) => {
          const wanted = Math.min(1, Math.max(0, source.frames[i].expression[e] - neutral[e]));
          moved = Math.max(moved, wanted);
          if (name.startsWith('eyeBlink')) expect(frame.expression[e]).toBeGreaterThan(wanted - 1e-5);
          else expect(frame.expression[e]).toBeCloseTo(wanted, 5);
        });
      });
      expect(moved).toBeGreaterThan(0.05);
    });

    it.skipIf(noFfmpeg)('transfer.mp4 has a picture per frame', () => {
      expect(film(path.join(driven, 'me', 'transfer.mp4'))).toMatchObject({
        ...{ width: 288, height: 96, nb_frames: String(FRAMES) },
      });
    });

    it('a file of the original, its own pose and light, from the npz', async () => {
      const file = path.join(folder, 'theirs.npy');
      const { params, light } = fit;
      const camera = {
        kind: 'orthographic',
        scale: 560,
        principal: [112, 112],
        translation: [0, 0, 0],
      } as const;
      const still = params.pose.slice().fill(0, 9);
      still.fill(0, 3, 6);
      const part = {
        ...params,
        pose: still,
        identity: params.identity.slice(0, 100),
        expression: params.expression.slice(0, 50),
        texture: params.texture.slice(0, 50),
      };
      const { originalModel } = await import('../../src/fit/original-result.ts');
      writeFileSync(file, writeOriginalFit(originalModel(model), { params: part, camera, light }));
      const to = path.join(folder, 'driven2');
      const track = path.join(out, 'talk', 'track.npz');
      const { code, stderr } = await cli([
        'transfer',
        track,
        file,
        '--model',
        'open-head',
        '--pose',
        'own',
        '--no-film',
        '-o',
        to,
      ]);
      expect([code, stderr.match(/photofit:.*/)]).toEqual([0, null]);
      const { track: moved } = readTrack(path.join(to, 'theirs'));
      const shape = moved.identity.identity;
      expect(shape.subarray(0, part.identity.length)).toEqual(part.identity);
      for (const frame of moved.frames) {
        expect(frame.camera).toEqual(moved.frames[0].camera);
        expect(frame.pose.subarray(0, 3)).toEqual(moved.frames[0].pose.subarray(0, 3));
      }
    });
  });

  it('help shows examples', async () => {
    expect((await cli(['track', '--help'])).stdout).toMatch(/photofit track talk\.mp4 --from out\/me/);
    expect((await cli(['transfer', '--help'])).stdout).toMatch(/one track drives many heads/);
  });
});
