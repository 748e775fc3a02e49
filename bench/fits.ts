/**
 * Fits photos and prints a table of how well it went; writes a contact sheet per photo to look at.
 *
 *   node scripts/run.mjs bench/fits.ts [--model FILE.head] [--out DIR] [PHOTO…]
 *
 * Without photos: the examples, and the pictures of ../shared/data where that is there.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { ImageF } from '../src/core/image.ts';
import { fitPhoto } from '../src/fit/fit-photo.ts';
import { renderFit } from '../src/fit/render-fit.ts';
import { createKernels } from '../src/kernels/runtime.ts';
import { readHeadPack } from '../src/model/pack.ts';
import { loadPerception } from '../src/node/perception.ts';
import { decodePhoto } from '../src/node/photo.ts';
import { resampleCrop } from '../src/render/resample.ts';
import { blend, defaultPhotos, writeContactSheet } from './contact-sheet.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    model: { type: 'string', default: 'models/open-head.head' },
    out: { type: 'string', default: 'out/fits' },
    size: { type: 'string', default: '384' },
    landmarks: { type: 'boolean', default: false },
    weights: { type: 'string', default: '{}' },
  },
});

const photos = positionals.length > 0 ? positionals : defaultPhotos();
const side = Number(values.size);
mkdirSync(values.out, { recursive: true });
const model = await readHeadPack(new Uint8Array(readFileSync(values.model)));
const perception = await loadPerception();
const kernels = await createKernels();
const rows: { nme: number; l1: number; psnr: number; ms: number }[] = [];
console.log('photo                nme51 %  skin L1  PSNR  skin px  perceive ms  solve ms');
for (const file of photos) {
  const photo = await decodePhoto(file);
  try {
    const fit = await fitPhoto(photo.image, model, {
      perception,
      focal35mm: photo.focal35mm,
      landmarksOnly: values.landmarks,
      weights: JSON.parse(values.weights),
    });
    const m = fit.metrics;
    rows.push({ nme: 100 * m.landmarkNmeInner51, l1: m.skinL1, psnr: m.skinPsnrDb, ms: fit.timingMs.solve });
    console.log(
      path.basename(file).padEnd(20),
      (100 * m.landmarkNmeInner51).toFixed(2).padStart(7),
      m.skinL1.toFixed(4).padStart(8),
      m.skinPsnrDb.toFixed(1).padStart(5),
      String(m.skinPixels).padStart(8),
      fit.timingMs.perceive.toFixed(0).padStart(12),
      fit.timingMs.solve.toFixed(0).padStart(9),
      fit.warnings.join('; '),
    );
    const crop = { ...fit.skin.crop, scale: (fit.skin.crop.scale * side) / fit.skin.crop.size, size: side };
    const background = resampleCrop(photo.image, crop);
    const r = renderFit(kernels, fit, model, { crop, size: side });
    const over = blend(background, r.rgb, r.mask);
    const skin = skinPicture(background, fit.skin.mask, fit.skin.crop.size);
    await writeContactSheet(
      [background, over, r.shape, skin, r.albedo, r.shading],
      side,
      path.join(values.out, `${path.parse(file).name}.png`),
    );
  } catch (error) {
    console.log(path.basename(file).padEnd(20), String(error));
    if (process.env.DEBUG) console.log((error as Error).stack);
  }
}
const median = (x: number[]) => x.sort((a, b) => a - b)[x.length >> 1] ?? Number.NaN;
console.log(
  'median'.padEnd(20),
  median(rows.map((r) => r.nme))
    .toFixed(2)
    .padStart(7),
  median(rows.map((r) => r.l1))
    .toFixed(4)
    .padStart(8),
  median(rows.map((r) => r.psnr))
    .toFixed(1)
    .padStart(5),
  ''.padStart(21),
  median(rows.map((r) => r.ms))
    .toFixed(0)
    .padStart(9),
);

function skinPicture(photo: ImageF, mask: Uint8Array, size: number): ImageF {
  const data = photo.data.slice();
  for (let y = 0; y < photo.height; y++)
    for (let x = 0; x < photo.width; x++) {
      const w =
        mask[Math.floor((y * size) / photo.height) * size + Math.floor((x * size) / photo.width)] / 255;
      const p = 3 * (y * photo.width + x);
      data[p + 1] += 0.5 * w * (1 - data[p + 1]);
      if (w === 0) for (let c = 0; c < 3; c++) data[p + c] *= 0.5;
    }
  return { ...photo, data };
}
