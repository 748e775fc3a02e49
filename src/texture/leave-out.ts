/**
 * How well a space of k components shows people it was not made from, without looking at a map again: everything needed
 * is in the Gram matrix. The maps are parted into folds; each fold's maps are projected onto the components of the
 * others (Styner et al. 2003, "Evaluation of 3D correspondence methods for model building": generalisation).
 */
import { symmetricEigen } from '../linalg/eigen.ts';

/** Errors by number of components. */
export interface LeaveOut {
  readonly folds: number;
  /** Maps that took part. */
  readonly maps: number;
  /** (K+1) root mean square error with 0, 1, … K components, unit of the albedo. */
  readonly rms: readonly number[];
}

const FOLDS = 5;
/** More maps than these say the same and cost n³. */
const MOST = 500;

/**
 * Errors from a Gram matrix of weighted averages.
 * @param gram (N,N) ⟨xᵢ, xⱼ⟩, of deviations from any common point
 * @param most components at most
 * @returns null with fewer than 10 maps, where folds would say little
 */
export function leaveOutErrors(gram: Float64Array, N: number, most: number): LeaveOut | null {
  if (N < 2 * FOLDS) return null;
  const count = Math.min(N, MOST);
  const chosen = Array.from({ length: count }, (_, i) => Math.floor((i * N) / count));
  const largest = Math.min(most, count - Math.ceil(count / FOLDS) - 1);
  const squares = new Float64Array(largest + 1);
  for (let fold = 0; fold < FOLDS; fold++) {
    const train = chosen.filter((_, i) => i % FOLDS !== fold);
    const test = chosen.filter((_, i) => i % FOLDS === fold);
    const n = train.length;
    const at = (i: number, j: number) => gram[i * N + j];
    // Moved to the training maps' mean.
    const rowMean = train.map((i) => train.reduce((s, j) => s + at(i, j), 0) / n);
    const all = rowMean.reduce((s, x) => s + x, 0) / n;
    const centred = new Float64Array(n * n);
    for (let p = 0; p < n; p++)
      for (let q = 0; q < n; q++) centred[p * n + q] = at(train[p], train[q]) - rowMean[p] - rowMean[q] + all;
    const { values, vectors } = symmetricEigen(centred, n);
    for (const j of test) {
      const toTrain = train.map((i) => at(i, j));
      const meanToTrain = toTrain.reduce((s, x) => s + x, 0) / n;
      const products = toTrain.map((x, p) => x - rowMean[p] - meanToTrain + all);
      let rest = at(j, j) - 2 * meanToTrain + all;
      squares[0] += rest;
      for (let k = 0; k < largest; k++) {
        if (values[k] > 1e-12 * values[0]) {
          let a = 0;
          for (let p = 0; p < n; p++) a += vectors[k * n + p] * products[p];
          rest -= a ** 2 / values[k];
        }
        squares[k + 1] += Math.max(rest, 0);
      }
    }
  }
  return { folds: FOLDS, maps: count, rms: Array.from(squares, (s) => Math.sqrt(s / count)) };
}
