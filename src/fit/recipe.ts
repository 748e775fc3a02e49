/**
 * The recipe as data: named stages, each of which minimises the energy of `problem.ts` over some unknowns and starts where
 * the last one stopped:
 *
 *   pose         root rotation, translation; landmarks
 *   landmarks    + jaw, gaze, focal length, identity, expression; landmarks
 *   light        light and texture alone, coarse picture, wide loss
 *   photometric  everything, over a pyramid of pictures; the skin mask is re-estimated before each level
 *
 * All are Levenberg-Marquardt on analytic Jacobians. One photo goes through them as they are. Several photos of one
 * person go through them up to the coarse photometric stage each on its own, and through the photometric stages
 * together (`fit-person.ts`).
 */
import { throwIfAborted } from '../core/errors.ts';
import { eventsHandled, type ProgressListener } from '../core/progress.ts';
import type { Kernels } from '../kernels/runtime.ts';
import type { HeadModel } from '../model/head-model.ts';
import { minimize } from '../solve/levenberg-marquardt.ts';
import { CommonAlbedo } from './common-albedo.ts';
import type { FaceView } from './face-view.ts';
import type { PersonOptions } from './fit-options.ts';
import { type BlockName, createLayout, type FitState } from './parameters.ts';
import { combineProblems, ONE_PERSON } from './person-problem.ts';
import type { EnergyPoint, PhotoFit } from './types.ts';

/** One stage. */
export interface Stage {
  readonly name: string;
  readonly blocks: readonly BlockName[];
  readonly iterations: number;
  /** Share of the whole work that is done after it. */
  readonly progress: number;
  /** Compare with the picture at this share of its size; landmarks alone where absent. */
  readonly level?: number;
  /** Width of the photometric loss, in units of its final one. */
  readonly sigma?: number;
  /** Below the brows only, without landmarks: for light and texture. */
  readonly hull?: boolean;
  /** Compare the photos with each other as well (`common-albedo.ts`), where there are several. */
  readonly common?: boolean;
}

const POSE: BlockName[] = ['joint:root', 'translation'];
const GEOMETRY: BlockName[] = [
  ...POSE,
  'focal',
  'joint:jaw',
  'joint:left_eye',
  'joint:right_eye',
  'identity',
  'expression',
];
const APPEARANCE: BlockName[] = ['light', 'texture'];
const ALL: BlockName[] = [...GEOMETRY, ...APPEARANCE];

/** Landmarks first, then light from below the brows, where there is no hair to take for skin. */
const FIRST: readonly Stage[] = [
  { name: 'pose', blocks: POSE, iterations: 12, progress: 0.05 },
  { name: 'landmarks', blocks: GEOMETRY, iterations: 12, progress: 0.2 },
  { name: 'light', blocks: APPEARANCE, iterations: 4, progress: 0.3, level: 1 / 4, sigma: 3, hull: true },
];

/**
 * The whole recipe. Iterations are where more of them no longer lower the final energy by half a per cent: 4, 5, 5 end at
 * −0.2…0.3 % of what 125 at the last level reach on seven photos, 5, 5, 4 at −0.2…0.6 % for the same time.
 */
export const RECIPE: readonly Stage[] = [
  ...FIRST,
  { name: 'photometric', blocks: ALL, iterations: 4, progress: 0.42, level: 1 / 4, sigma: 2 },
  { name: 'photometric', blocks: ALL, iterations: 5, progress: 0.66, level: 1 / 2, sigma: 1.3 },
  { name: 'photometric', blocks: ALL, iterations: 5, progress: 0.95, level: 1, sigma: 1 },
];

/** Geometry from landmarks alone, then light and texture for it. */
export const LANDMARKS_RECIPE: readonly Stage[] = [
  ...FIRST,
  { name: 'appearance', blocks: APPEARANCE, iterations: 4, progress: 0.95, level: 1 / 2, sigma: 1 },
];

/**
 * How several photos of one person go on together after the coarse photometric stage of each. Compared from the first
 * iteration on, rendered heads of the model's own ended at 0.76 mm instead of 0.51 (before weights knew better where there
 * is nothing to compare for), ICT-FaceKit people where they do now; without full size the model's own lose as much, with
 * full size alone the others.
 */
export const TOGETHER: readonly Stage[] = [
  { name: 'photometric', blocks: ALL, iterations: 2, progress: 0.48, level: 1 / 2, sigma: 1.3 },
  {
    name: 'common albedo',
    blocks: ALL,
    iterations: 5,
    progress: 0.74,
    level: 1 / 2,
    sigma: 1.3,
    common: true,
  },
  { name: 'common albedo', blocks: ALL, iterations: 1, progress: 0.95, level: 1, sigma: 1, common: true },
];

/**
 * The same for pictures of a video: many iterations at a quarter of the size first, which cost a third of those at half of it.
 * What each picture found alone, and above all the focal length, is far from what all of them say together; started at
 * half the size, two rendered heads (192²) ended at 1.3 and 3.0 mm without overall size, rotations wrong by 2.2 and 4.1°;
 * so at 1.0 and 1.1 mm, 2.1 and 0.7°. Comparing skins from here on is worse: 3.1 and 2.5 mm.
 */
export const FILMED: readonly Stage[] = [
  { name: 'photometric', blocks: ALL, iterations: 8, progress: 0.3, level: 1 / 4, sigma: 2 },
  ...TOGETHER,
];

/** What runs a recipe. */
export interface RecipeOptions extends PersonOptions {
  /** Pixels along the side of the views' crops. */
  readonly size: number;
  readonly light: 'rgb' | 'mono';
  /** What several views share; one person by default. */
  readonly shared?: readonly BlockName[];
  /** Which of the views are compared with each other; all by default. */
  readonly compared?: readonly boolean[];
  /** The fit goes on: its results are not wanted yet. */
  readonly unfinished?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: ProgressListener;
}

/** Where a recipe stands. */
export interface RecipeState {
  /** One per view. */
  readonly states: readonly FitState[];
  readonly curve: readonly EnergyPoint[];
  readonly results: readonly Omit<PhotoFit, 'timingMs'>[];
}

/**
 * Runs stages over all views together: with one view its own fit, with several one person. States must agree in identity
 * and texture when there is more than one.
 * @returns states, energies, and the views' results after the last stage, none where it is unfinished.
 * @throws {AbortedError} when `options.signal` is aborted.
 */
export async function runStages(
  kernels: Kernels,
  model: HeadModel,
  views: readonly FaceView[],
  start: readonly FitState[],
  stages: readonly Stage[],
  options: RecipeOptions,
): Promise<RecipeState> {
  let states = start;
  let done = 0;
  const curve: EnergyPoint[] = [];
  let results: RecipeState['results'] = [];
  for (const stage of stages) {
    // Kernel memory is free then.
    await eventsHandled();
    throwIfAborted(options.signal);
    const level = stage.level ? Math.round(stage.level * options.size) : 0;
    // Energies of different resolutions, or with other terms, do not compare.
    const name = stage.blocks === ALL ? `${stage.name} ${level}` : stage.name;
    const layout = createLayout(model, stage.blocks, { light: options.light });
    const last = stage === stages.at(-1) && !options.unfinished;
    kernels.scope(() => {
      const compared = views.flatMap((_, i) => ((options.compared?.[i] ?? true) ? [i] : []));
      const albedo = stage.common ? commonAlbedo(kernels, views, states, compared, level) : null;
      const problems = views.map((view, i) => {
        const common = albedo && compared.includes(i) ? { albedo, view: compared.indexOf(i) } : undefined;
        const photometric = level ? { level, sigma: stage.sigma ?? 1, hull: stage.hull, common } : null;
        return view.problem(states[i], layout, photometric, 1 / views.length, options);
      });
      const look = (now: readonly FitState[]) => albedo?.update(compared.map((i) => now[i]));
      const problem = combineProblems(problems, layout, options.shared ?? ONE_PERSON, look);
      const result = minimize(problem, states, {
        iterations: stage.iterations,
        signal: options.signal,
        kernels,
        onIteration: (iteration, energy) => {
          curve.push({ stage: name, iteration, energy });
          options.onProgress?.({
            stage: name,
            fraction: done + ((stage.progress - done) * iteration) / stage.iterations,
            energy,
          });
        },
      });
      curve.push({ stage: name, iteration: result.iterations, energy: result.cost });
      states = result.state;
      if (last) results = views.map((view, i) => view.result(states[i], problems[i], curve));
    });
    done = stage.progress;
  }
  return { states, curve, results };
}

/** What the photos are compared by with each other; one photo has nothing to be compared with. */
function commonAlbedo(
  kernels: Kernels,
  views: readonly FaceView[],
  states: readonly FitState[],
  compared: readonly number[],
  level: number,
): CommonAlbedo | null {
  if (compared.length < 2) return null;
  return new CommonAlbedo(
    kernels,
    views[0].resident,
    compared.map((i) => views[i].compared(states[i], level)),
  );
}
