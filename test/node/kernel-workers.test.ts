// Fits on several threads: the same numbers, whatever the number of threads.
import { expect, it, onTestFinished } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import { fitPhoto } from '../../src/fit/fit-photo.ts';
import { prepareModel } from '../../src/fit/prepare.ts';
import { fitMemory } from '../../src/fit/resident.ts';
import { createKernels } from '../../src/kernels/runtime.ts';
import { defaultThreads, useThreads } from '../../src/node/kernel-workers.ts';
import { loadHeadModel } from '../../src/node/models.ts';
import { expose, observeTruth, photograph, sampleTruth } from '../helpers/synthetic.ts';

it('fits are the same bits on one, two and three threads, and from run to run', async () => {
  const model = await loadHeadModel();
  const kernels = await createKernels();
  const random = createRandom(7);
  const truth = expose(kernels, model, sampleTruth(model, random));
  const image = photograph(kernels, model, truth, random);
  const observation = observeTruth(model, truth, random);
  const alone = await fitPhoto(image, model, { observation, size: 112 });
  expect((await fitMemory(prepareModel(model))).kernels.relaxed).toBe(true);
  for (const threads of [2, 3]) {
    await useThreads(model, { threads });
    const { kernels } = await fitMemory(prepareModel(model));
    onTestFinished(() => kernels.close());
    expect(kernels.threads).toBe(threads);
    const fit = await fitPhoto(image, model, { observation, size: 112 });
    for (const what of ['params', 'camera', 'light', 'energy', 'metrics'] as const)
      expect(fit[what], `${what} on ${threads} threads`).toEqual(alone[what]);
  }
  // Kernels that were replaced have no threads left.
  const before = (await fitMemory(prepareModel(model))).kernels;
  await useThreads(model, { threads: 1 });
  expect(before.threads).toBe(1);
  expect(defaultThreads()).toBeGreaterThanOrEqual(1);
});
