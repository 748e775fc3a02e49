/**
 * The original's energy, ours beside its own after 1000 iterations: one line per image with every term and the processor
 * time, from a folder with FLAME's files, a folder with FFHQ images and their landmark and mask files, and a table of the
 * original's energies (image, iteration, cpu_seconds, landmark, photometric, shape, expression, total).
 *
 *   node scripts/run.mjs bench/original.ts [--flame DIR] [--texture FLAME_texture.npz] [--images DIR] [--table CSV] [--out FILE.png]
 *     [--threads N]
 *
 * Measured 2026-11-26 on one thread of an AMD EPYC (Zen 4) with the stand-in's ten texture components, on a busy machine,
 * energies ours / original, processor seconds:
 *   00000 0.0428 / 0.0688   1.0 / 318      00003 0.0619 / 0.0707   0.7 / 335
 *   00001 0.1085 / 0.1126   1.5 / 328      00004 0.0696 / 0.0969   0.7 / 332
 *   00002 0.0615 / 0.0670   0.6 / 335
 * With plain TypeScript rows it had been 7, 14, 4, 4 and 5 s.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { originalObservation } from '../src/fit/original-energy.ts';
import { fitOriginal } from '../src/fit/original-fit.ts';
import { readNpy, toFloat64 } from '../src/io/npy.ts';
import { createKernels } from '../src/kernels/runtime.ts';
import { poseHead } from '../src/model/pose.ts';
import { findFlameFiles, loadFlame } from '../src/node/flame-files.ts';
import { startKernelWorker } from '../src/node/kernel-workers.ts';
import { decodePhoto } from '../src/node/photo.ts';
import { enableRelaxedSimd } from '../src/node/relaxed-simd.ts';
import { albedoMap } from '../src/render/albedo.ts';
import { renderOriginal } from '../src/render/original.ts';

const { values } = parseArgs({
  options: {
    flame: { type: 'string', default: '../shared/models/flame-standin' },
    texture: { type: 'string' },
    images: { type: 'string', default: '../shared/data/ffhq' },
    table: { type: 'string', default: '../shared/models/flame-standin/original_energies.csv' },
    out: { type: 'string' },
    threads: { type: 'string', default: '1' },
  },
});

const SIZE = 224;
const found = await findFlameFiles(values.flame);
const head = await loadFlame(values.texture ? { ...found, texture: values.texture } : found, {
  identityComponents: 100,
  expressionComponents: 50,
  textureReduction: 'nearest',
});
enableRelaxedSimd();
const kernels = await createKernels({ threads: Number(values.threads), startWorker: startKernelWorker });
const table = readFileSync(values.table, 'utf8')
  .split('\n')
  .map((line) => line.split(','))
  .filter(([, iteration]) => iteration === '1000');
const strips: Buffer[] = [];

console.log(
  "image  whose     landmark photometric shape   expression total    cpu s  to the original's energy: cpu s, wall s",
);
for (const [image, , seconds, ...terms] of table) {
  const file = (ending: string) => path.join(values.images, `${image}${ending}`);
  const array = (ending: string) => toFloat64(readNpy(readFileSync(file(ending))));
  const photo = await decodePhoto(file('.png'));
  const observation = originalObservation(photo.image, array('_seg.npy'), array('.npy'));
  const before = process.cpuUsage();
  const start = performance.now();
  const goal = Number(terms[4]);
  let reached = Number.NaN;
  let reachedCpu = Number.NaN;
  const { state, energy, curve } = fitOriginal(kernels, head, observation, {
    // The rigid stage has another energy.
    onIteration: (stage, _, e) => {
      if (stage === 'rigid' || e > goal || !Number.isNaN(reached)) return;
      reached = (performance.now() - start) / 1000;
      reachedCpu = process.cpuUsage(before).user / 1e6;
    },
  });
  const wall = (performance.now() - start) / 1000;
  const cpu = process.cpuUsage(before).user / 1e6;
  const { landmark, photometric, shape, expression, total } = energy;
  const row = (cells: readonly number[]) =>
    cells.map((x, i) => x.toFixed(5).padEnd([9, 12, 8, 11, 9][i])).join('');
  console.log(
    `${image}  ours      ${row([landmark, photometric, shape, expression, total])}${cpu.toFixed(1).padEnd(7)}${reachedCpu.toFixed(2)}, ${reached.toFixed(2)} of ${wall.toFixed(2)}, ${curve.length} iterations`,
  );
  console.log(`${image}  original  ${row(terms.map(Number))}${seconds}`);
  if (!values.out) continue;
  const { alpha, image: picture } = renderOriginal(kernels, {
    ...head,
    vertices: poseHead(head, state).vertices,
    albedo: albedoMap(head.texture!, state.texture),
    light: state.light,
    camera: state.camera,
    size: SIZE,
  });
  const strip = new Uint8ClampedArray(9 * SIZE * SIZE);
  for (let p = 0; p < SIZE * SIZE; p++)
    for (let c = 0; c < 3; c++) {
      const [theirs, ours] = [255 * observation.image.data[3 * p + c], 255 * picture.data[3 * p + c]];
      const at = (Math.floor(p / SIZE) * 3 * SIZE + (p % SIZE)) * 3 + c;
      strip[at] = theirs;
      strip[at + 3 * SIZE] = alpha[p] > 0 ? ours : theirs;
      strip[at + 6 * SIZE] = ours;
    }
  strips.push(
    await sharp(strip, { raw: { width: 3 * SIZE, height: SIZE, channels: 3 } })
      .png()
      .toBuffer(),
  );
}
if (values.out) {
  const background = {
    width: 3 * SIZE,
    height: SIZE * strips.length,
    channels: 3,
    background: 'black',
  } as const;
  const layers = strips.map((input, i) => ({ input, left: 0, top: SIZE * i }));
  await sharp({ create: background }).composite(layers).png().toFile(values.out);
}
