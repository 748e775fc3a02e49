/**
 * A folder of small rendered photos with their landmarks beside them (`--beside`), for tests of what runs over many photos:
 * no network has to find the faces, and the tiny head fits in a fraction of a second.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createRandom } from '../../src/core/random.ts';
import { npyArray, writeNpy } from '../../src/io/npy.ts';
import { encodePng } from '../../src/io/png.ts';
import { createKernels } from '../../src/kernels/runtime.ts';
import type { HeadModel } from '../../src/model/head-model.ts';
import { writeHeadPack } from '../../src/model/pack.ts';
import { expose, observeTruth, photograph, sampleTruth } from './synthetic.ts';
import { makeTinyHead } from './tiny-head.ts';

/** Writes the tiny head as a `.head` file. */
export async function writeTinyHead(file: string): Promise<HeadModel> {
  const model = makeTinyHead({ textureSize: 64 });
  writeFileSync(file, writeHeadPack(model, { version: '1', credits: 'tests', precision: 'float32' }));
  return model;
}

/** Writes `count` photos of `size`², `photo-000.png` and so on, into `folder`. */
export async function writePhotoSet(
  folder: string,
  model: HeadModel,
  count: number,
  size = 96,
): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const kernels = await createKernels();
  for (let i = 0; i < count; i++) {
    const random = createRandom(500 + i);
    const truth = expose(kernels, model, sampleTruth(model, random, size));
    const image = photograph(kernels, model, truth, random);
    const { landmarks68 } = observeTruth(model, truth, random);
    const stem = path.join(folder, `photo-${String(i).padStart(3, '0')}`);
    writeFileSync(`${stem}.png`, encodePng(image));
    writeFileSync(`${stem}.npy`, writeNpy(npyArray(landmarks68, [68, 2])));
  }
}
