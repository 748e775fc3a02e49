/** Fitting one photo: find the face, then run the stages of `recipe.ts` on it. */
import { withDefaults } from '../core/defaults.ts';
import { InvalidArgumentError, NoFaceError, throwIfAborted } from '../core/errors.ts';
import type { Image8 } from '../core/image.ts';
import type { HeadModel } from '../model/head-model.ts';
import type { FaceObservation } from '../perceive/types.ts';
import { FaceView } from './face-view.ts';
import { FIT_PHOTO_DEFAULTS, type FitPhotoOptions } from './fit-options.ts';
import { checkKnown, knownValues } from './known-size.ts';
import { prepareModel } from './prepare.ts';
import { LANDMARKS_RECIPE, RECIPE, runStages } from './recipe.ts';
import { fitMemory } from './resident.ts';
import type { PhotoFit } from './types.ts';

export { FIT_PHOTO_DEFAULTS, type FitPhotoOptions, type FitWeights } from './fit-options.ts';

/**
 * Fits `model` to the face in `image`.
 * @throws {NoFaceError} when there is no face, or not the one asked for.
 * @throws {InvalidArgumentError} on options out of range.
 * @throws {AbortedError} when `options.signal` is aborted.
 */
export async function fitPhoto(
  image: Image8,
  model: HeadModel,
  options: FitPhotoOptions = {},
): Promise<PhotoFit> {
  const size = checkSize('fitPhoto', options.size);
  checkKnown('fitPhoto', model, image, options);
  const start = performance.now();
  options.onProgress?.({ stage: 'perceive', fraction: 0 });
  const observation = options.observation ?? (await observe(image, options));
  throwIfAborted(options.signal);
  const perceived = performance.now();
  const { kernels, resident } = await fitMemory(prepareModel(model));
  const weights = withDefaults(FIT_PHOTO_DEFAULTS.weights, options.weights);
  const view = new FaceView(kernels, resident, image, observation, size, options, weights);
  const recipe = options.landmarksOnly ? LANDMARKS_RECIPE : RECIPE;
  const { results } = await runStages(kernels, model, [view], [view.initialState()], recipe, {
    ...options,
    size,
    light: options.light ?? FIT_PHOTO_DEFAULTS.light,
  });
  const [fit] = results;
  options.onProgress?.({ stage: 'done', fraction: 1, energy: fit.energy.total });
  return {
    ...fit,
    ...knownValues(options),
    timingMs: { perceive: perceived - start, solve: performance.now() - perceived },
  };
}

/**
 * The crop's size, the default where absent.
 * @throws {InvalidArgumentError} out of range.
 */
export function checkSize(caller: string, size: number = FIT_PHOTO_DEFAULTS.size): number {
  if (!Number.isInteger(size) || size < 64 || size > 1024 || size % 4 !== 0)
    throw new InvalidArgumentError(`${caller}: options.size must be a multiple of 4 in 64…1024, got ${size}`);
  return size;
}

async function observe(image: Image8, options: FitPhotoOptions): Promise<FaceObservation> {
  if (!options.perception)
    throw new InvalidArgumentError(
      'fitPhoto: options.perception or options.observation is needed to find the face',
    );
  const faces = await options.perception.detect(image, { signal: options.signal });
  if (faces.length === 0) throw new NoFaceError('no face was found in the picture');
  const wanted = options.face ?? FIT_PHOTO_DEFAULTS.face;
  const index = wanted === 'largest' ? 0 : wanted;
  const face = faces[index];
  if (!face)
    throw new NoFaceError(
      `face ${index} was asked for, but the picture has ${faces.length} (they are numbered from 0, largest first)`,
    );
  return face;
}
