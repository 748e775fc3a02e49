/** Energy of the last stage against time, beside the least that can be reached, so that speed never buys a worse fit. */

import type { Image8 } from '../../src/core/image.ts';
import { FaceView } from '../../src/fit/face-view.ts';
import { FIT_PHOTO_DEFAULTS } from '../../src/fit/fit-options.ts';
import { prepareModel } from '../../src/fit/prepare.ts';
import { RECIPE, runStages } from '../../src/fit/recipe.ts';
import { fitMemory } from '../../src/fit/resident.ts';
import type { HeadModel } from '../../src/model/head-model.ts';
import type { FaceObservation } from '../../src/perceive/types.ts';

/** A moment of a fit. */
export interface EnergyMoment {
  readonly stage: string;
  readonly milliseconds: number;
  readonly energy: number;
}

/** Runs the recipe, with `extra` times as many iterations in its last stage, and notes when each energy was reached. */
export async function energyMoments(
  image: Image8,
  observation: FaceObservation,
  model: HeadModel,
  extra = 1,
): Promise<EnergyMoment[]> {
  const { kernels, resident } = await fitMemory(prepareModel(model));
  const { size, light, weights } = FIT_PHOTO_DEFAULTS;
  const stages = RECIPE.map((stage, i) =>
    i === RECIPE.length - 1 ? { ...stage, iterations: extra * stage.iterations } : stage,
  );
  const started = performance.now();
  const moments: EnergyMoment[] = [];
  const view = new FaceView(kernels, resident, image, observation, size, {}, weights);
  const { curve } = await runStages(kernels, model, [view], [view.initialState()], stages, {
    size,
    light,
    onProgress: ({ stage, energy }) => {
      if (energy !== undefined) moments.push({ stage, milliseconds: performance.now() - started, energy });
    },
  });
  // Progress tells of energies before a step; what the last one reached is in the curve alone.
  const end = curve.at(-1);
  if (end) moments.push({ stage: end.stage, milliseconds: performance.now() - started, energy: end.energy });
  return moments;
}
