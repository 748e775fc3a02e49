/**
 * Robust weights: pixels that are brighter than their surroundings allow count less, so that specular highlights are
 * not painted onto the skin. "Surroundings" are the same problem on a coarse grid of texels, solved with the weights of
 * the round before (iteratively re-weighted least squares, Geman-McClure). A highlight adds to all three channels,
 * so the channel with the least excess is what is judged: a red spot or a dark mole is skin, a grey gleam is not. Only in
 * the skin region; the white of the eye is bright by nature. Near the rim of the landmarks' hull
 * and outside it, where a fringe or a hat may
 * have slipped through the skin mask, what is much darker or of another colour counts less as well, and its texels count
 * as unseen.
 */
import type { Kernels } from '../kernels/runtime.ts';
import { jacobiGradients, type Levels } from './coarse-levels.ts';
import { smoothstep } from './grids.ts';
import { laplacianMatrix } from './normal-matrix.ts';
import type { Observation } from './observe.ts';
import type { SeenPart } from './subgraph.ts';

/** Tuning of {@link robustWeights}. */
export const ROBUST_DEFAULTS = {
  /** Merges of 2×2 texels until the grid is coarse. */
  level: 3,
  rounds: 2,
  /** Excess, RGB in [0, 1], that is no highlight yet. */
  free: 0.04,
  /** Excess beyond it at which a pixel counts a quarter. */
  width: 0.06,
  /** Largest difference in a channel, away from the middle of the face, at which a pixel counts a quarter. */
  outside: 0.14,
} as const;

/**
 * Multiplies `weight` (P) by robust factors and `visibility` (n of the whole graph) by those of them that mean that
 * something else than skin is seen.
 * @param residual (P,3) albedo residual of the parametric texture.
 */
export function robustWeights(
  kernels: Kernels,
  part: SeenPart,
  levels: Levels,
  seen: Observation,
  shading: Float32Array,
  residual: Float64Array,
  weight: Float64Array,
  lambda: number,
  visibility: Float32Array,
): void {
  const { level, rounds, free, width, outside } = ROBUST_DEFAULTS;
  const depth = Math.min(level, levels.length);
  if (depth === 0) return;
  const P = weight.length;
  // Coarse node of each fine one, and of each pixel through its heaviest tap.
  let cell: Uint32Array = levels[0].parents;
  for (let l = 1; l < depth; l++) {
    const { parents } = levels[l];
    const coarser = new Uint32Array(cell.length);
    for (let i = 0; i < cell.length; i++) coarser[i] = parents[cell[i]];
    cell = coarser;
  }
  const { graph, count } = levels[depth - 1];
  const a = part.operator;
  const cellOf = new Uint32Array(P);
  for (let p = 0; p < P; p++) {
    let heaviest = 4 * p;
    for (let k = 4 * p + 1; k < 4 * p + 4; k++) if (a.weights[k] > a.weights[heaviest]) heaviest = k;
    cellOf[p] = cell[a.nodes[heaviest]];
  }
  const factor = new Float64Array(P).fill(1);
  const foreign = new Float64Array(P);
  for (let round = 0; round < rounds; round++) {
    const pull = new Float64Array(count).fill(1e-3);
    const b = new Float64Array(3 * count);
    for (let p = 0; p < P; p++) {
      const w = weight[p] * factor[p];
      pull[cellOf[p]] += w;
      for (let c = 0; c < 3; c++) b[3 * cellOf[p] + c] += w * residual[3 * p + c];
    }
    // Smoother than the texture itself: surroundings reach over several cells.
    const x = jacobiGradients(kernels, laplacianMatrix(graph, 400 * lambda, pull), b, 60, 1e-3);
    for (let p = 0; p < P; p++) {
      if (!seen.skin[p] || weight[p] === 0) continue;
      let excess = Number.POSITIVE_INFINITY;
      let largest = 0;
      for (let c = 0; c < 3; c++) {
        const d = (residual[3 * p + c] - x[3 * cellOf[p] + c]) * shading[3 * p + c];
        excess = Math.min(excess, d);
        largest = Math.max(largest, Math.abs(d));
      }
      const e = Math.max(0, excess - free) / width;
      const h = seen.inner[p] ? 0 : largest / outside;
      factor[p] = 1 / (1 + e * e + h * h) ** 2;
      foreign[p] = 1 - 1 / (1 + h * h) ** 2;
    }
  }
  for (let p = 0; p < P; p++) weight[p] *= factor[p];
  const total = new Float64Array(part.count);
  const doubt = new Float64Array(part.count);
  for (let k = 0; k < a.nodes.length; k++) {
    if (seen.trust[k >> 2] === 0) continue;
    total[a.nodes[k]] += a.weights[k];
    doubt[a.nodes[k]] += a.weights[k] * foreign[k >> 2];
  }
  for (let i = 0; i < part.count; i++)
    if (doubt[i] > 0) visibility[part.nodes[i]] *= 1 - smoothstep(0.3, 0.8, doubt[i] / total[i]);
}
