/**
 * Fitting several photos of one person: one identity and one texture; expression, pose, camera and light of each photo.
 *
 * Each photo is first fitted on its own at a coarse level. That places the faces and shows whether they are one person
 * (`agreement.ts`); then all go on together at the finer levels (the coarse one once more changed the surface error of
 * ICT-FaceKit people by 0.003 mm for a sixth of the time), their normal equations joined in arrow shape
 * (`person-problem.ts`) and their skin compared with each other's (`common-albedo.ts`).
 */
import { withDefaults } from '../core/defaults.ts';
import { InvalidArgumentError, throwIfAborted } from '../core/errors.ts';
import type { Image8 } from '../core/image.ts';
import type { ProgressListener } from '../core/progress.ts';
import { median } from '../core/quantile.ts';
import type { HeadModel } from '../model/head-model.ts';
import type { FaceObservation, FacePerception } from '../perceive/types.ts';
import { agreement } from './agreement.ts';
import { FaceView } from './face-view.ts';
import { FIT_PHOTO_DEFAULTS, type FitWeights, type PersonOptions, type ViewOptions } from './fit-options.ts';
import { checkSize } from './fit-photo.ts';
import { checkKnown, knownValues } from './known-size.ts';
import type { FitState } from './parameters.ts';
import { ONE_CAMERA, ONE_PERSON } from './person-problem.ts';
import { prepareModel } from './prepare.ts';
import { FILMED, RECIPE, runStages, TOGETHER } from './recipe.ts';
import { fitMemory } from './resident.ts';
import type { PhotoFit } from './types.ts';

/** One photo of the person. */
export interface PersonPhoto extends ViewOptions {
  readonly image: Image8;
  /** The face, in pixels of the photo. */
  readonly observation: FaceObservation;
}

/** Options of {@link fitPerson}. */
export interface FitPersonOptions extends PersonOptions {
  /** Describes the faces, where it can: what tells people apart beside the photos' own fits. */
  readonly perception?: Pick<FacePerception, 'describe'>;
  readonly light?: 'rgb' | 'mono';
  /** Pixels along the side of the crops that are fitted, a multiple of 4. */
  readonly size?: number;
  /** Photos that seem to show somebody else: keep them (with a warning) or leave them out. */
  readonly strangers?: 'warn' | 'leave-out';
  /** One camera took all of them without zooming or cropping, as a video's: one focal length. */
  readonly oneCamera?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: ProgressListener;
  readonly weights?: Partial<FitWeights>;
}

/** The result of fitting several photos of one person. */
export interface PersonFit {
  /** One per photo, in order, with the same identity and texture; null for a photo that was left out. */
  readonly fits: readonly (PhotoFit | null)[];
  /** Numbers of the photos that seem to show somebody else. */
  readonly strangers: readonly number[];
  /** (n,n) how alike the photos are, −1…1: see `agreement.ts`. */
  readonly similarities: readonly (readonly number[])[];
}

/** Share of the recipe that each photo goes through alone: up to the coarse photometric stage. */
const ALONE = RECIPE.slice(0, 4);
/** The rest of it, for a photo that nothing is left to be compared with. */
const REST = RECIPE.slice(4);

/**
 * Fits one person to several photos.
 * @throws {InvalidArgumentError} without photos or on options out of range.
 * @throws {AbortedError} when `options.signal` is aborted.
 */
export async function fitPerson(
  photos: readonly PersonPhoto[],
  model: HeadModel,
  options: FitPersonOptions = {},
): Promise<PersonFit> {
  if (photos.length === 0) throw new InvalidArgumentError('fitPerson: photos must not be empty');
  const size = checkSize('fitPerson', options.size);
  for (const photo of photos) checkKnown('fitPerson', model, photo.image, { ...photo, ipd: options.ipd });
  const start = performance.now();
  const { kernels, resident } = await fitMemory(prepareModel(model));
  // Photos compared with each other tell skin from what moves over it themselves: three views of another model's people
  // were met to 1.15 mm with gloss, 1.09 without. Their common albedo is what a tint is to one photo.
  const { weights: usual } = FIT_PHOTO_DEFAULTS;
  const own = photos.length > 1 ? { gloss: 0, tint: 0 } : {};
  const weights = withDefaults({ ...usual, ...own }, options.weights);
  const light = options.light ?? FIT_PHOTO_DEFAULTS.light;
  const views = photos.map(
    (photo) => new FaceView(kernels, resident, photo.image, photo.observation, size, photo, weights),
  );
  const { signal, onProgress } = options;

  // Asked for now: on a thread of its own perception answers while photos are fitted.
  const described = describe(photos, options);
  described.catch(() => {});
  // Without the distance of the eyes: one that strangers share too makes their coefficients alike.
  const alone: FitState[] = [];
  for (const [i, view] of views.entries()) {
    const share = 0.5 / views.length;
    const tell: ProgressListener = (e) =>
      onProgress?.({
        ...e,
        stage: `photo ${i + 1}: ${e.stage}`,
        fraction: share * (i + e.fraction / ALONE[3].progress),
      });
    const { states } = await runStages(kernels, model, [view], [view.initialState()], ALONE, {
      size,
      light,
      unfinished: true,
      signal,
      onProgress: tell,
    });
    alone.push(states[0]);
  }

  let told = 0.5;
  const judge = (seen: readonly Described[]) =>
    agreement(alone.map((state, i) => ({ state, descriptor: seen[i]?.descriptor })));
  const fitTogether = (views: readonly FaceView[], same: readonly number[], signal?: AbortSignal) => {
    const kept = options.strangers === 'leave-out' ? [...same] : views.map((_, i) => i);
    // Whoever is thought to be somebody else has no say in where the joint fit starts.
    const identity = mean(same.map((i) => alone[i].identity));
    const texture = mean(same.map((i) => alone[i].texture));
    const placed = kept.map((i) => ({ ...alone[i], identity, texture }));
    const scales = kept.map((i) => views[i].crop.scale);
    return runStages(
      kernels,
      model,
      kept.map((i) => views[i]),
      options.oneCamera ? oneFocalLength(placed, scales) : placed,
      kept.length === 1 ? REST : options.oneCamera ? FILMED : TOGETHER,
      {
        size,
        light,
        shared: options.oneCamera ? ONE_CAMERA : ONE_PERSON,
        // Another person's skin says nothing about this one's shape.
        compared: kept.map((i) => same.includes(i)),
        ipd: options.ipd,
        signal,
        onProgress: (e) => {
          told = Math.max(told, 0.5 + 0.5 * e.fraction);
          onProgress?.({ ...e, stage: `together: ${e.stage}`, fraction: told });
        },
      },
    );
  };
  // Descriptors seldom say otherwise than the fits, and take a thread a second for five photos: nobody waits for them then.
  const guess = judge([]).same;
  const apart = views.map((view) => view.again());
  const right = described.then((seen) => String(judge(seen).same) === String(guess));
  const until = whileRight(right, signal);
  let joint = await fitTogether(views, guess, until.signal)
    .catch(async (error) => {
      if (signal?.aborted || (await right)) throw error;
      return null;
    })
    .finally(until.over);
  const descriptors = await described;
  const { similarities, same } = judge(descriptors);
  // Anew: how far the views had come is chance.
  if (!joint || !(await right)) joint = await fitTogether(apart, same, signal);
  const strangers = views.map((_, i) => i).filter((i) => !same.includes(i));
  const kept = options.strangers === 'leave-out' ? [...same] : views.map((_, i) => i);
  const solve = (performance.now() - start) / kept.length;
  const fits: (PhotoFit | null)[] = photos.map(() => null);
  for (const [k, i] of kept.entries()) {
    const fit = joint.results[k];
    fits[i] = {
      ...fit,
      ...knownValues({ ...photos[i], ipd: options.ipd }),
      timingMs: { perceive: 0, solve },
      warnings: [
        ...fit.warnings,
        ...(descriptors[i]?.warnings ?? []).map((why) => `photo ${i + 1}: ${why}`),
        ...(strangers.includes(i)
          ? [`photo ${i + 1} does not agree with the others: it may show somebody else`]
          : []),
      ],
    };
  }
  onProgress?.({ stage: 'done', fraction: 1 });
  return { fits, strangers, similarities };
}

/** A signal that is aborted where `right` comes out false or fails, and with `signal` until it is `over`. */
function whileRight(right: Promise<boolean>, signal: AbortSignal | undefined) {
  const controller = new AbortController();
  const stop = () => controller.abort(signal?.reason);
  if (signal?.aborted) stop();
  signal?.addEventListener('abort', stop);
  right.then((so) => so || stop(), stop);
  return { signal: controller.signal, over: () => signal?.removeEventListener('abort', stop) };
}

/** A face's descriptor; null with the reason where it could not be had. */
interface Described {
  readonly descriptor: Float32Array | null;
  readonly warnings: readonly string[];
}

/** The faces' descriptors; none where nobody can describe them, or there is nobody to compare. */
async function describe(
  photos: readonly PersonPhoto[],
  { perception, signal }: FitPersonOptions,
): Promise<Described[]> {
  if (!perception?.describe || photos.length < 2) return [];
  // All questions at once: while photos are fitted, a thread that describes would wait for the next one.
  return Promise.all(
    photos.map(async ({ image, observation }) => {
      try {
        return { descriptor: await perception.describe!(image, observation, { signal }), warnings: [] };
      } catch (error) {
        throwIfAborted(signal);
        const why = `its face could not be described (${(error as Error).message}); compared by its fit alone`;
        return { descriptor: null, warnings: [why] };
      }
    }),
  );
}

function mean(vectors: readonly Float64Array[]): Float64Array {
  const out = new Float64Array(vectors[0].length);
  for (const v of vectors) for (let i = 0; i < out.length; i++) out[i] += v[i] / vectors.length;
  return out;
}

/** Gives all states the middle focal length (in photo pixels), each head moved so far that it stays as large. */
function oneFocalLength(states: readonly FitState[], scales: readonly number[]): FitState[] {
  const focal = (camera: FitState['camera']) => (camera.kind === 'perspective' ? camera.focal : camera.scale);
  const middle = median(states.map(({ camera }, i) => focal(camera) / scales[i]));
  return states.map((state, i) => {
    const { camera } = state;
    if (camera.kind === 'orthographic') return { ...state, camera: { ...camera, scale: middle * scales[i] } };
    const [x, y, z] = camera.translation;
    const length = middle * scales[i];
    return {
      ...state,
      camera: { ...camera, focal: length, translation: [x, y, (z * length) / camera.focal] },
    };
  });
}
