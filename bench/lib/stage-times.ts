/** Where the time of one photo goes in this process: once-only work, then each stage's first and later runs. */

import { readFile } from 'node:fs/promises';
import { fitPhoto } from '../../src/fit/fit-photo.ts';
import { prepareModel } from '../../src/fit/prepare.ts';
import { fitMemory } from '../../src/fit/resident.ts';
import { createKernels } from '../../src/kernels/runtime.ts';
import { readHeadPack } from '../../src/model/pack.ts';
import { loadPerception } from '../../src/node/perception.ts';
import { decodePhoto } from '../../src/node/photo.ts';
import { enableRelaxedSimd } from '../../src/node/relaxed-simd.ts';
import { makeFitFiles } from '../../src/node/results.ts';
import { solveTextureOffset } from '../../src/texture/solve-offset.ts';

/** Milliseconds by name, in the order things happened. */
export type Times = Map<string, number>;

/** Everything that one photo needs, measured. */
export interface StageTimes {
  /** Done once in a process. */
  readonly once: Times;
  /** Per photo, the first being cold. */
  readonly runs: readonly Times[];
}

async function timed<R>(times: Times, name: string, body: () => R | Promise<R>): Promise<R> {
  const started = performance.now();
  const result = await body();
  times.set(name, (times.get(name) ?? 0) + performance.now() - started);
  return result;
}

/** Attributes time to the stages that progress events name; what comes before the first counts as `set-up`. */
function stageClock(times: Times, prefix: string): (event: { stage: string }) => void {
  let last = performance.now();
  let name = `${prefix}set-up`;
  return ({ stage }) => {
    const now = performance.now();
    times.set(name, (times.get(name) ?? 0) + now - last);
    [last, name] = [now, stage.startsWith(prefix) ? stage : prefix + stage];
  };
}

/** Fits `file` `runs` times, and once more for the cold figures. */
export async function measureStages(file: string, modelFile: string, runs: number): Promise<StageTimes> {
  // As the program does that loads its model with `loadHeadModel`.
  enableRelaxedSimd();
  const once: Times = new Map();
  const model = await timed(once, 'read model', async () =>
    readHeadPack(new Uint8Array(await readFile(modelFile))),
  );
  const perception = await timed(once, 'load networks', () => loadPerception());
  const prepared = await timed(once, 'prepare model', () => prepareModel(model));
  await timed(once, 'model into kernel memory', () => fitMemory(prepared));
  const kernels = await createKernels();
  const all: Times[] = [];
  for (let r = 0; r <= runs; r++) {
    const times: Times = new Map();
    const photo = await timed(times, 'decode', () => decodePhoto(file));
    const [observation] = await timed(times, 'perceive', () => perception.detect(photo.image));
    const before = performance.now();
    const fit = await fitPhoto(photo.image, model, {
      observation,
      focal35mm: photo.focal35mm,
      onProgress: stageClock(times, 'solve: '),
    });
    times.set('solve', performance.now() - before);
    const offset = await timed(times, 'texture', () =>
      solveTextureOffset(kernels, fit, photo.image, model, { onProgress: stageClock(times, 'texture: ') }),
    );
    await timed(times, 'files', () => makeFitFiles({ file, photo, model, fit, offset }));
    all.push(times);
  }
  perception.dispose();
  return { once, runs: all };
}
