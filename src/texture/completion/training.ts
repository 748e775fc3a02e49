/**
 * Training as pure steps. Step s draws a batch from (seed, s) alone, computes the gradient of every example into a place
 * of its own, adds them in the order of the batch and lets Adam move the parameters: whoever computes which example,
 * every bit comes out the same, and a run taken up from a checkpoint goes on as if it had never stopped.
 *
 * The rate warms up over 50 steps and falls along a cosine to a hundredth; gradients longer than 1 are cut to it.
 */
import { withDefaults } from '../../core/defaults.ts';
import { InvalidArgumentError } from '../../core/errors.ts';
import { createRandom } from '../../core/random.ts';
import type { Kernels } from '../../kernels/runtime.ts';
import { type AdamState, adamStep, addGradients, GRADIENT_BLOCK } from '../../nn/adam.ts';
import { TRAINING_DEFAULTS } from '../space-defaults.ts';
import { answer, answerLoss } from './answer.ts';
import type { CompletionAtlas, KnownTexture } from './atlas.ts';
import {
  classicalCompletions,
  exampleSeed,
  hide,
  type MapWindow,
  type Question,
  windowOf,
  windowPixels,
  writeInput,
} from './examples.ts';
import type { MissingPca } from './missing-pca.ts';
import { type CompletionNetwork, createCompletionNetwork } from './network.ts';
import { componentsWithout, type TrainingSet, textureOf } from './training-set.ts';

/** How a network is trained; defaults: `TRAINING_DEFAULTS`. */
export interface TrainingOptions {
  /** c of the network, a multiple of 8. */
  readonly base?: number;
  readonly batch?: number;
  /** Steps in all. */
  readonly steps?: number;
  /** Highest learning rate. */
  readonly rate?: number;
  readonly seed?: number;
}

const WARM_UP = 50;
const LEAST_RATE = 0.01;
const LONGEST = 1;

/** Fills in defaults. @throws {InvalidArgumentError} on options out of range */
export function resolveTraining(options: TrainingOptions): Required<TrainingOptions> {
  const o = withDefaults(TRAINING_DEFAULTS, options);
  for (const key of ['batch', 'steps', 'base'] as const)
    if (!Number.isInteger(o[key]) || o[key] < 1)
      throw new InvalidArgumentError(`training: ${key} must be a positive integer, got ${o[key]}`);
  if (!(o.rate > 0)) throw new InvalidArgumentError(`training: rate must be positive, got ${o.rate}`);
  return o;
}

/** Learning rate of step `step`, from 1. */
export function rateAt(step: number, { rate, steps }: Required<TrainingOptions>): number {
  const warm = Math.min(1, step / WARM_UP);
  const cosine = (1 + Math.cos((Math.PI * Math.min(step, steps)) / steps)) / 2;
  return rate * warm * (LEAST_RATE + (1 - LEAST_RATE) * cosine);
}

/** Computes examples: a network in one thread's memory, and what the threads share. */
export class ExampleRunner {
  readonly network: CompletionNetwork;
  readonly window: MapWindow;
  readonly kernels: Kernels;
  readonly #atlas: CompletionAtlas;
  readonly #pixels: Uint32Array;

  constructor(kernels: Kernels, atlas: CompletionAtlas, base: number) {
    this.kernels = kernels;
    this.#atlas = atlas;
    this.window = windowOf(atlas);
    this.#pixels = windowPixels(atlas, this.window);
    const { height, width } = this.window;
    this.network = createCompletionNetwork(kernels, { height, width, base });
  }

  /** Example `index` of step `step` of a run of seed `seed`. */
  question(set: TrainingSet, seed: number, step: number, index: number): Question & { readonly map: number } {
    const own = exampleSeed(seed, step, index);
    const random = createRandom(own);
    const map = random.below(set.trained);
    const other = random.below(set.trained);
    return { ...hide(this.#atlas, textureOf(set, map), textureOf(set, other), own ^ 0x5bd1e995), map };
  }

  /** Loss of an example; its gradient with respect to the parameters to `gradient` (P). */
  train(set: TrainingSet, seed: number, step: number, index: number, gradient: Float32Array): number {
    const { map, known, weights } = this.question(set, seed, step, index);
    const pca = componentsWithout(set, map);
    const { network, output } = this.network;
    const candidates = this.#run(pca, known);
    network.clearGradients();
    const { values } = textureOf(set, map);
    const loss = answerLoss(
      output.values.view,
      this.#pixels,
      candidates,
      values,
      weights,
      output.gradient.view,
    );
    network.backward();
    network.copyGradients(gradient);
    return loss;
  }

  /** The network's completion of a texture, (n,3), and the classical ones it chose from. */
  complete(
    pca: MissingPca,
    known: KnownTexture,
  ): { values: Float32Array; candidates: readonly Float32Array[] } {
    const candidates = this.#run(pca, known);
    return { values: answer(this.network.output.values.view, this.#pixels, candidates), candidates };
  }

  #run(pca: MissingPca, known: KnownTexture): readonly Float32Array[] {
    const { candidates, mirrored } = classicalCompletions(this.kernels, this.#atlas, pca, known);
    const { input, network } = this.network;
    writeInput(input.values.view, this.#atlas, this.#pixels, pca, known, mirrored, candidates);
    network.forward();
    return candidates;
  }
}

/** A run of training between two steps. */
export interface TrainingState extends AdamState {
  /** Steps done. */
  readonly step: number;
  /** Loss of each step. */
  readonly losses: readonly number[];
}

/** Where a run begins. @param shared put the arrays on shared memory */
export function initialState(parameters: Float32Array, shared = false): TrainingState {
  const array = () =>
    new Float32Array(
      shared ? new SharedArrayBuffer(4 * parameters.length) : new ArrayBuffer(4 * parameters.length),
    );
  const state = { parameters: array(), first: array(), second: array(), step: 0, losses: [] };
  state.parameters.set(parameters);
  return state;
}

/** Mean of the examples' losses, rounded as a checkpoint holds it: a run taken up again draws the same curve. */
export function batchLoss(losses: Float64Array): number {
  return Math.fround(losses.reduce((sum, loss) => sum + loss, 0) / losses.length);
}

/** What scales a gradient of the given squared norms (see `addGradients`) to at most the longest allowed. */
export function clipScale(norms: Float64Array): number {
  let square = 0;
  for (const norm of norms) square += norm;
  return square > LONGEST * LONGEST ? LONGEST / Math.sqrt(square) : 1;
}

/** Room for the norms of `size` parameters. */
export function normBlocks(size: number): number {
  return Math.ceil(size / GRADIENT_BLOCK);
}

/** One step in this thread; `gradients` is room for a batch, (P) each. */
export function trainingStep(
  runner: ExampleRunner,
  set: TrainingSet,
  state: TrainingState,
  options: Required<TrainingOptions>,
  gradients: readonly Float32Array[],
): TrainingState {
  const step = state.step + 1;
  const size = state.parameters.length;
  runner.network.network.load(state.parameters);
  const losses = Float64Array.from({ length: options.batch }, (_, index) =>
    runner.train(set, options.seed, step, index, gradients[index]),
  );
  const norms = new Float64Array(normBlocks(size));
  addGradients(gradients, 0, size, norms);
  const rate = rateAt(step, options);
  adamStep(state, gradients[0], clipScale(norms), step, 0, size, { rate });
  return { ...state, step, losses: [...state.losses, batchLoss(losses)] };
}
