/**
 * Adam (Kingma and Ba 2015) over a range of a flat parameter array, and what goes with it when a batch is spread over
 * threads: gradients of the examples are added in the order of the examples, whoever computed them, and the norm is
 * summed over fixed blocks, so that every bit is the same for any number of threads.
 */
import { withDefaults } from '../core/defaults.ts';

/** Tuning of {@link adamStep}. */
export interface AdamOptions {
  readonly rate: number;
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
}

/** Defaults of {@link AdamOptions}. */
export const ADAM_DEFAULTS = { beta1: 0.9, beta2: 0.99, epsilon: 1e-8 } as const;

/** Numbers per block of {@link addGradients}; ranges begin and end on multiples of it (or at the end). */
export const GRADIENT_BLOCK = 16384;

/** What is learned and the optimiser's memory, all (P) float32, possibly on shared memory. */
export interface AdamState {
  readonly parameters: Float32Array;
  /** Running means of the gradient and of its square. */
  readonly first: Float32Array;
  readonly second: Float32Array;
}

/**
 * Mean of the examples' gradients over [begin, end), into the first of them; squared norms per block into `norms`.
 * @param examples (P) each, in the order of the batch.
 * @param norms (⌈P / GRADIENT_BLOCK⌉).
 */
export function addGradients(
  examples: readonly Float32Array[],
  begin: number,
  end: number,
  norms: Float64Array,
): void {
  const sum = examples[0];
  const scale = 1 / examples.length;
  for (let e = 1; e < examples.length; e++) {
    const other = examples[e];
    for (let i = begin; i < end; i++) sum[i] += other[i];
  }
  for (let block = begin; block < end; block += GRADIENT_BLOCK) {
    const stop = Math.min(block + GRADIENT_BLOCK, end);
    let norm = 0;
    for (let i = block; i < stop; i++) {
      const g = sum[i] * scale;
      sum[i] = g;
      norm += g * g;
    }
    norms[block / GRADIENT_BLOCK] = norm;
  }
}

/**
 * One step over [begin, end).
 * @param step number of this step, from 1.
 * @param gradient (P), multiplied by `scale` first.
 */
export function adamStep(
  state: AdamState,
  gradient: Float32Array,
  scale: number,
  step: number,
  begin: number,
  end: number,
  options: AdamOptions,
): void {
  const { rate, beta1, beta2, epsilon } = withDefaults(ADAM_DEFAULTS, options);
  const { parameters, first, second } = state;
  const a = rate / (1 - beta1 ** step);
  const b = 1 / (1 - beta2 ** step);
  for (let i = begin; i < end; i++) {
    const g = scale * gradient[i];
    const m = beta1 * first[i] + (1 - beta1) * g;
    const v = beta2 * second[i] + (1 - beta2) * g * g;
    first[i] = m;
    second[i] = v;
    parameters[i] -= (a * m) / (Math.sqrt(b * v) + epsilon);
  }
}
