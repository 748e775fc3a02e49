/**
 * Minimises the original's energy with our solver: `--energy original`. The same two stages (rigid on 51 landmarks,
 * then everything), re-weighted least squares instead of a thousand steps of Adam.
 */
import { withDefaults } from '../core/defaults.ts';
import type { Kernels } from '../kernels/runtime.ts';
import { type HeadModel, headSizes } from '../model/head-model.ts';
import { minimize } from '../solve/levenberg-marquardt.ts';
import {
  ORIGINAL_SIZE,
  type OriginalEnergy,
  type OriginalObservation,
  originalEnergy,
} from './original-energy.ts';
import { asOriginal, createOriginalProblem, takeOriginal } from './original-problem.ts';
import { type BlockName, createLayout, type FitState } from './parameters.ts';

/** One stage: what moves, how sharply absolute values are taken, how many steps. */
export interface OriginalStage {
  readonly name: string;
  readonly blocks: readonly BlockName[];
  readonly energy: 'rigid' | 'full';
  readonly epsilon: { readonly landmarks: number; readonly photometric: number };
  readonly iterations: number;
  readonly tolerance: number;
  /** Texture components that move, the first ones; all by default. */
  readonly textureComponents?: number;
}

const RIGID: readonly BlockName[] = ['joint:root', 'joint:jaw', 'translation', 'focal'];
const ALL: readonly BlockName[] = [...RIGID, 'identity', 'expression', 'texture', 'light'];

/** The stages of {@link fitOriginal}. */
export const ORIGINAL_STAGES: readonly OriginalStage[] = [
  {
    name: 'rigid',
    blocks: RIGID,
    energy: 'rigid',
    epsilon: { landmarks: 0.02, photometric: 0.1 },
    iterations: 20,
    tolerance: 1e-4,
  },
  {
    name: 'light',
    blocks: ['light'],
    energy: 'full',
    epsilon: { landmarks: 0.02, photometric: 0.1 },
    iterations: 4,
    tolerance: 1e-3,
  },
  {
    name: 'full, soft, few colours',
    blocks: ALL,
    textureComponents: 10,
    energy: 'full',
    epsilon: { landmarks: 0.01, photometric: 0.05 },
    iterations: 20,
    tolerance: 5e-3,
  },
  {
    name: 'full, soft',
    blocks: ALL,
    energy: 'full',
    epsilon: { landmarks: 0.01, photometric: 0.05 },
    iterations: 20,
    tolerance: 2e-3,
  },
  {
    name: 'full',
    blocks: ALL,
    energy: 'full',
    epsilon: { landmarks: 0.003, photometric: 0.01 },
    iterations: 40,
    tolerance: 5e-4,
  },
];

/** Result of {@link fitOriginal}. */
export interface OriginalFit {
  /** The camera is in pixels of the 224² picture. */
  readonly state: FitState;
  readonly energy: OriginalEnergy;
  /** Energy before each step, by stage; the rigid stage counts its landmarks only. */
  readonly curve: readonly { readonly stage: string; readonly iteration: number; readonly energy: number }[];
}

/** Options of {@link fitOriginal}. */
export interface OriginalFitOptions {
  readonly stages?: readonly OriginalStage[];
  readonly signal?: AbortSignal;
  readonly onIteration?: (stage: string, iteration: number, energy: number) => void;
}

/** Defaults of {@link OriginalFitOptions}. */
export const ORIGINAL_FIT_DEFAULTS = { stages: ORIGINAL_STAGES } as const satisfies OriginalFitOptions;

/** Where the original starts: everything zero, scale 5. */
export function originalStart(model: HeadModel): FitState {
  const { S, E, J, T } = headSizes(model);
  return {
    identity: new Float64Array(S),
    expression: new Float64Array(E),
    pose: new Float64Array(3 * J),
    texture: new Float64Array(T),
    light: new Float64Array(27),
    camera: {
      kind: 'orthographic',
      scale: (5 * ORIGINAL_SIZE) / 2,
      principal: [ORIGINAL_SIZE / 2, ORIGINAL_SIZE / 2],
      translation: [0, 0, 0],
    },
  };
}

/**
 * Fits `model` to `observation` by the original's energy.
 * @throws {InvalidArgumentError} when the model has no texture space.
 * @throws {AbortedError} when cancelled.
 */
export function fitOriginal(
  kernels: Kernels,
  model: HeadModel,
  observation: OriginalObservation,
  options: OriginalFitOptions = {},
): OriginalFit {
  const { stages } = withDefaults(ORIGINAL_FIT_DEFAULTS, options);
  const curve: { stage: string; iteration: number; energy: number }[] = [];
  let state = originalStart(model);
  kernels.scope(() => {
    const memory = takeOriginal(kernels, model, observation);
    for (const stage of stages) {
      const problem = createOriginalProblem(kernels, {
        memory,
        layout: createLayout(model, stage.blocks, { textureComponents: stage.textureComponents }),
        stage: stage.energy,
        epsilon: stage.epsilon,
        signal: options.signal,
      });
      const result = minimize(problem, state, {
        iterations: stage.iterations,
        tolerance: stage.tolerance,
        signal: options.signal,
        kernels,
        onIteration: (iteration, energy) => {
          curve.push({ stage: stage.name, iteration, energy });
          options.onIteration?.(stage.name, iteration, energy);
        },
      });
      state = result.state;
    }
  });
  return { state, energy: originalEnergy(kernels, model, asOriginal(state), observation), curve };
}
