/**
 * Texels that the photo does not show. Their offset d continues the seen one without a seam: it minimises
 *
 *   Σ_ij ‖(d_i − d_j) − (g_i − g_j)‖² + Σ_i h_i ‖d_i − d⁰_i‖² + Σ_i ε_i ‖d_i − g_i‖²
 *
 * over the texel graph (Pérez et al. 2003, "Poisson image editing", with soft instead of fixed boundaries): h is large
 * where the texel was seen well, g the offset that would make the texel look as its mirror point does, where that was
 * seen; elsewhere g = 0, which is the parametric texture, and edges between the two kinds ask for no step at all.
 */
import type { Kernels } from '../kernels/runtime.ts';
import type { HeadModel } from '../model/head-model.ts';
import { type Levels, solveCoarseToFine } from './coarse-levels.ts';
import { mirrorNodesOf } from './mirror-nodes.ts';
import { laplacianMatrix } from './normal-matrix.ts';
import type { TexelGraph } from './texel-graph.ts';

/** Tuning of {@link fillOffset}. */
export const FILL_DEFAULTS = {
  /** h at a visibility of one half, in units of an edge. */
  hold: 0.4,
  /** ε: how fast a continued offset fades, as the fraction of the map's width over which it falls to 1/e. */
  fadeMirror: 0.08,
  fadeParametric: 0.25,
  /** Steps of conjugate gradients on the finest level. */
  steps: 5,
} as const;

/** Where a texel's colour comes from. */
export const ORIGIN = { none: 0, photo: 1, mirror: 2, parametric: 3 } as const;

/** Result of {@link fillOffset}. */
export interface FilledOffset {
  /** (n,3). */
  readonly offset: Float64Array;
  /** (n) what decides each node, see {@link ORIGIN}. */
  readonly origin: Uint8Array;
}

/**
 * Continues a seen offset over all nodes.
 * @param seen (n,3) offset; zero where nothing is known.
 * @param visibility (n) in [0, 1].
 * @param base (n,3) parametric albedo.
 */
export function fillOffset(
  kernels: Kernels,
  graph: TexelGraph,
  levels: Levels,
  model: HeadModel,
  seen: Float64Array,
  visibility: Float32Array,
  base: Float64Array,
): FilledOffset {
  const n = visibility.length;
  const { guide, strength } = mirroredOffset(graph, model, seen, visibility, base);
  const { fadeMirror, fadeParametric } = FILL_DEFAULTS;
  const mirrorPull = (fadeMirror * graph.width) ** -2;
  const parametricPull = (fadeParametric * graph.width) ** -2;
  const pull = new Float64Array(n);
  const b = new Float64Array(3 * n);
  for (let i = 0; i < n; i++) {
    const v = visibility[i];
    const h = holdOf(v);
    const e = strength[i] > 0 ? mirrorPull * strength[i] : parametricPull;
    pull[i] = h + e;
    const o = 3 * i;
    b[o] = h * seen[o] + e * guide[o];
    b[o + 1] = h * seen[o + 1] + e * guide[o + 1];
    b[o + 2] = h * seen[o + 2] + e * guide[o + 2];
    if (strength[i] === 0) continue;
    for (let k = graph.starts[i], end = graph.starts[i + 1]; k < end; k++) {
      const j = graph.neighbours[k];
      if (strength[j] === 0) continue;
      b[o] += guide[o] - guide[3 * j];
      b[o + 1] += guide[o + 1] - guide[3 * j + 1];
      b[o + 2] += guide[o + 2] - guide[3 * j + 2];
    }
  }
  const weighted = { ...graph, weights: null };
  const matrix = laplacianMatrix(weighted, 1, pull);
  const offset = solveCoarseToFine(kernels, levels, matrix, 1, pull, b, FILL_DEFAULTS.steps, 1e-4);
  const origin = new Uint8Array(n);
  for (let i = 0; i < n; i++)
    origin[i] = visibility[i] >= 0.5 ? ORIGIN.photo : strength[i] > 0 ? ORIGIN.mirror : ORIGIN.parametric;
  return { offset, origin };
}

/** h: how firmly a texel of visibility `v` is held at what was seen, in units of an edge; 0 where it was not seen. */
export function holdOf(v: number): number {
  return Math.min(FILL_DEFAULTS.hold * (v / Math.max(1 - v, 1e-3)) ** 2, 100);
}

/** What each texel's offset would be if it looked as its mirror point does, and how well that point was seen. */
function mirroredOffset(
  graph: TexelGraph,
  model: HeadModel,
  seen: Float64Array,
  visibility: Float32Array,
  base: Float64Array,
): { guide: Float64Array; strength: Float32Array } {
  const n = visibility.length;
  const guide = new Float64Array(3 * n);
  const strength = new Float32Array(n);
  const mirrorNodes = mirrorNodesOf(graph, model);
  const taps = new Uint32Array(4);
  const weights = new Float64Array(4);
  for (let i = 0; i < n; i++) {
    if (visibility[i] > 0.97) continue;
    if (!mirrorNodes(i, taps, weights)) continue;
    let there = 1;
    for (let k = 0; k < 4; k++) if (weights[k] > 0.01) there = Math.min(there, visibility[taps[k]]);
    // Only what was seen clearly better is worth copying.
    if (there < 0.5 || there < visibility[i] + 0.1) continue;
    strength[i] = there;
    for (let c = 0; c < 3; c++) {
      let sum = 0;
      for (let k = 0; k < 4; k++) sum += weights[k] * (base[3 * taps[k] + c] + seen[3 * taps[k] + c]);
      guide[3 * i + c] = sum - base[3 * i + c];
    }
  }
  return { guide, strength };
}
