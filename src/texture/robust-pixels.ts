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
import { heaviestCells, nodeMeans, robustFactors, sumCells } from '../kernels/albedo-residuals.ts';
import type { Evidence } from '../kernels/evidence.ts';
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
    const cells = kernels.u32(P, false);
    heaviestCells(kernels, evidence, kernels.u32(ancestors(levels.slice(0, depth))), cells);
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
    // Texels of which the pixels show something else count as unseen.
    const doubt = kernels.f32(levels[0].parents.length, false);
    nodeMeans(kernels, evidence, foreign, doubt);
    const [d, which, sure] = [doubt.view, nodes.view, visibility.view];
    for (let i = 0; i < d.length; i++) if (d[i] > 0) sure[which[i]] *= 1 - smoothstep(0.3, 0.8, d[i]);
  });
}

/** Node of the last level that each node of the graph below the first one belongs to. */
function ancestors(levels: readonly ResidentLevel[]): Uint32Array {
  const out = levels[0].parents.view.slice();
  for (const { parents } of levels.slice(1)) {
    const { view } = parents;
    for (let i = 0; i < out.length; i++) out[i] = view[out[i]];
  }
  return out;
}
