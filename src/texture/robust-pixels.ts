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
import { type Evidence, robustFactors, sumCells } from '../kernels/evidence.ts';
import type { F32, Kernels, U32 } from '../kernels/runtime.ts';
import { texelGradients } from '../kernels/texels.ts';
import { laplacianSystem, type ResidentLevel } from './coarse-levels.ts';
import { smoothstep } from './grids.ts';

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
 * @param evidence with taps into the part of the graph that `levels` merge.
 * @param nodes node of the whole graph of each of the part.
 * @param residual (P,4) albedo residual of the parametric texture.
 */
export function robustWeights(
  kernels: Kernels,
  evidence: Evidence,
  nodes: U32,
  levels: readonly ResidentLevel[],
  residual: F32,
  weight: F32,
  lambda: number,
  visibility: F32,
): void {
  const { level, rounds } = ROBUST_DEFAULTS;
  const depth = Math.min(level, levels.length);
  if (depth === 0) return;
  const { graph } = levels[depth - 1];
  const P = evidence.count;
  kernels.scope(() => {
    const cells = kernels.u32(cellsOf(evidence, levels.slice(0, depth)));
    const factor = kernels.f32(P, false);
    factor.view.fill(1);
    const foreign = kernels.f32(P);
    const pixels = { evidence, cells, weight, residual, factor };
    for (let round = 0; round < rounds; round++)
      kernels.scope(() => {
        const pull = kernels.f32(graph.count, false);
        pull.view.fill(1e-3);
        const right = kernels.f32(4 * graph.count);
        const around = kernels.f32(4 * graph.count);
        sumCells(kernels, pixels, pull, right);
        // Smoother than the texture itself: surroundings reach over several cells.
        const system = laplacianSystem(kernels, graph, 400 * lambda, pull);
        texelGradients(kernels, system, right, around, { steps: 60, tolerance: 1e-3 });
        robustFactors(kernels, pixels, around, ROBUST_DEFAULTS, foreign);
      });
    const [w, f] = [weight.view, factor.view];
    for (let p = 0; p < P; p++) w[p] *= f[p];
    const part = nodes.view.subarray(0, levels[0].parents.length);
    hideForeign(evidence, foreign.view, part, visibility.view);
  });
}

/** Coarse node of each pixel, through its heaviest tap. */
function cellsOf({ count, taps, weights }: Evidence, levels: readonly ResidentLevel[]): Uint32Array {
  let cell = levels[0].parents.view;
  for (const { parents } of levels.slice(1)) {
    const { view } = parents;
    const coarser = new Uint32Array(cell.length);
    for (let i = 0; i < cell.length; i++) coarser[i] = view[cell[i]];
    cell = coarser;
  }
  const out = new Uint32Array(count);
  const [t, w] = [taps.view, weights.view];
  for (let p = 0, k = 0; p < count; p++, k += 4) {
    let heaviest = k;
    if (w[k + 1] > w[heaviest]) heaviest = k + 1;
    if (w[k + 2] > w[heaviest]) heaviest = k + 2;
    if (w[k + 3] > w[heaviest]) heaviest = k + 3;
    out[p] = cell[t[heaviest]];
  }
  return out;
}

/** Texels of which the pixels show something else count as unseen. */
function hideForeign(
  { count, taps, weights, trust }: Evidence,
  foreign: Float32Array,
  nodes: Uint32Array,
  visibility: Float32Array,
): void {
  const [t, w, sure] = [taps.view, weights.view, trust.view];
  const total = new Float32Array(nodes.length);
  const doubt = new Float32Array(nodes.length);
  for (let k = 0; k < 4 * count; k++) {
    if (sure[k >> 2] === 0) continue;
    total[t[k]] += w[k];
    doubt[t[k]] += w[k] * foreign[k >> 2];
  }
  for (let i = 0; i < nodes.length; i++)
    if (doubt[i] > 0) visibility[nodes[i]] *= 1 - smoothstep(0.3, 0.8, doubt[i] / total[i]);
}
