/**
 * Solves the texture offset of photos, prints how well render and photo agree before and after, and writes a contact
 * sheet per photo to look at: photo, render over photo without and with offset, views from −40°, 0 and 40°, albedo map,
 * visibility (white seen, blue from the mirrored side, dark from the parametric texture).
 *
 *   node scripts/run.mjs bench/offset.ts [--model FILE.head] [--out DIR] [--size 512|1024] [--fits DIR] [PHOTO…]
 *
 * Without photos: the examples, and the pictures of ../shared/data where that is there. `--fits` keeps the parametric
 * fits in a folder and takes them from there the next time.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { deserialize, serialize } from 'node:v8';
import type { ImageF } from '../src/core/image.ts';
import type { DecodedPhoto } from '../src/core/photo.ts';
import { fitPhoto } from '../src/fit/fit-photo.ts';
import { renderFit } from '../src/fit/render-fit.ts';
import type { PhotoFit } from '../src/fit/types.ts';
import { createKernels } from '../src/kernels/runtime.ts';
import type { HeadModel } from '../src/model/head-model.ts';
import { readHeadPack } from '../src/model/pack.ts';
import { poseHead } from '../src/model/pose.ts';
import { loadPerception } from '../src/node/perception.ts';
import { decodePhoto } from '../src/node/photo.ts';
import { renderHead } from '../src/render/render-head.ts';
import { resampleCrop, resize } from '../src/render/resample.ts';
import { ORIGIN } from '../src/texture/origin.ts';
import { solveTextureOffset } from '../src/texture/solve-offset.ts';
import { blend, defaultPhotos, writeContactSheet } from './contact-sheet.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    model: { type: 'string', default: 'models/open-head.head' },
    out: { type: 'string', default: 'out/offset' },
    size: { type: 'string', default: '512' },
    panel: { type: 'string', default: '360' },
    fits: { type: 'string' },
  },
});

const side = Number(values.panel);
mkdirSync(values.out, { recursive: true });
const model = await readHeadPack(new Uint8Array(readFileSync(values.model)));
const kernels = await createKernels();
let perception: Awaited<ReturnType<typeof loadPerception>> | undefined;
console.log('photo                skin L1  offset   ratio    PSNR  offset  light  seen  ms first  again');
const worst = { ratio: 0, psnr: Number.POSITIVE_INFINITY };
for (const file of positionals.length > 0 ? positionals : defaultPhotos()) {
  const photo = await decodePhoto(file);
  const fit = await fitOf(file, photo);
  const size = Number(values.size) as 512 | 1024;
  const started = performance.now();
  solveTextureOffset(kernels, fit, photo.image, model, { size });
  const once = performance.now();
  const texture = solveTextureOffset(kernels, fit, photo.image, model, { size });
  const again = performance.now() - once;
  const { before, after, shadingShare } = texture.metrics;
  const ratio = after.l1 / before.l1;
  worst.ratio = Math.max(worst.ratio, ratio);
  worst.psnr = Math.min(worst.psnr, after.psnrDb);
  const covered = texture.origin.reduce((n, o) => n + (o !== ORIGIN.none ? 1 : 0), 0);
  const seen = texture.origin.reduce((n, o) => n + (o === ORIGIN.photo ? 1 : 0), 0);
  console.log(
    path.basename(file).padEnd(20),
    before.l1.toFixed(4).padStart(7),
    after.l1.toFixed(4).padStart(7),
    ratio.toFixed(2).padStart(7),
    before.psnrDb.toFixed(1).padStart(7),
    after.psnrDb.toFixed(1).padStart(7),
    shadingShare.toFixed(2).padStart(6),
    (seen / covered).toFixed(2).padStart(5),
    (once - started).toFixed(0).padStart(9),
    again.toFixed(0).padStart(6),
  );

  const crop = { ...fit.skin.crop, scale: (fit.skin.crop.scale * side) / fit.skin.crop.size, size: side };
  const background = resampleCrop(photo.image, crop);
  const plain = renderFit(kernels, fit, model, { crop, size: side });
  const offset = renderFit(kernels, fit, model, { crop, size: side, albedo: texture.albedo });
  await writeContactSheet(
    [
      background,
      blend(background, plain.rgb, plain.mask),
      blend(background, offset.rgb, offset.mask),
      ...[-40, 0, 40].map((degrees) => view(fit, texture.albedo, degrees)),
      resize(texture.albedo, side, side),
      visibilityPicture(texture.visibility, texture.origin, texture.width, texture.height),
    ],
    side,
    path.join(values.out, `${path.parse(file).name}.png`),
  );
}
console.log(`worst ratio ${worst.ratio.toFixed(2)}, worst PSNR ${worst.psnr.toFixed(1)} dB`);
perception?.dispose();

async function fitOf(file: string, photo: DecodedPhoto): Promise<PhotoFit> {
  const cached = values.fits && path.join(values.fits, `${path.parse(file).name}.v8`);
  if (cached && existsSync(cached)) return deserialize(readFileSync(cached)) as PhotoFit;
  perception ??= await loadPerception();
  const fit = await fitPhoto(photo.image, model, { perception, focal35mm: photo.focal35mm });
  if (cached) {
    mkdirSync(path.dirname(cached), { recursive: true });
    writeFileSync(cached, serialize(fit));
  }
  return fit;
}

/** The head turned by `degrees` in the light of the photo, expression kept. */
function view(fit: PhotoFit, albedo: ImageF, degrees: number): ImageF {
  const pose = fit.params.pose.slice();
  pose.set([0, (degrees * Math.PI) / 180, 0]);
  const { vertices } = poseHead(model as HeadModel, { ...fit.params, pose });
  const low = [Infinity, Infinity, Infinity];
  const high = [-Infinity, -Infinity, -Infinity];
  for (let i = 0; i < vertices.length; i++) {
    low[i % 3] = Math.min(low[i % 3], vertices[i]);
    high[i % 3] = Math.max(high[i % 3], vertices[i]);
  }
  const centre = low.map((x, i) => (x + high[i]) / 2);
  const distance = 1.1;
  return renderHead(kernels, {
    vertices,
    faces: model.faces,
    uvs: model.uvs,
    faceUvs: model.faceUvs,
    albedo,
    light: fit.light,
    camera: {
      kind: 'perspective',
      focal: (0.9 * side * distance) / (high[1] - low[1]),
      principal: [side / 2, side / 2],
      translation: [-centre[0], -centre[1], -centre[2] - distance],
    },
    width: side,
    height: side,
  }).rgb;
}

function visibilityPicture(
  visibility: Float32Array,
  origin: Uint8Array,
  width: number,
  height: number,
): ImageF {
  const data = new Float32Array(3 * width * height);
  for (let t = 0; t < visibility.length; t++) {
    const v = visibility[t];
    const o = origin[t];
    const under = o === ORIGIN.mirror ? [0.2, 0.4, 0.9] : o === ORIGIN.none ? [0, 0, 0] : [0.25, 0.2, 0.2];
    for (let c = 0; c < 3; c++) data[3 * t + c] = under[c] + v * (1 - under[c]);
  }
  return resize({ width, height, channels: 3, data }, side, side);
}
