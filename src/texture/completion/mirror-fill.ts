/**
 * The first classical completion: what the other side of the face shows is copied in the gradient domain, the rest is
 * continued harmonically. It minimises over the texel graph
 *
 *   Σ_ij ‖(x_i − x_j) − (m_i − m_j)‖² + Σ_i h_i ‖x_i − known_i‖² + Σ_i ε_i ‖x_i − m_i‖²
 *
 * with m the mirror image where it was seen (differences count between two such texels; other edges ask for no step),
 * h large where a texel is known, ε small: a step between the sides fades over 8 % of the map's width, as in `fill.ts`.
 * Given as deviations from a mean texture it keeps the mean's features where neither side was seen.
 */
import type { Kernels } from '../../kernels/runtime.ts';
import { solveCoarseToFine } from '../coarse-levels.ts';
import { FILL_DEFAULTS, holdOf } from '../fill.ts';
import { laplacianMatrix } from '../normal-matrix.ts';
import type { TexelGraph } from '../texel-graph.ts';
import { type CompletionAtlas, type KnownTexture, mirrorTexture } from './atlas.ts';

/** Steps of conjugate gradients on the finest level. */
const STEPS = 12;
/** Keeps the matrix regular where a chart has nothing known. */
const LEAST = 1e-7;

/**
 * Fills what is not known.
 * @param known colours, or deviations from a mean.
 * @returns (n,3) float32 at all nodes; close to the known values where they are.
 */
export function mirrorFill(
  kernels: Kernels,
  atlas: CompletionAtlas,
  known: KnownTexture,
  mirrored: KnownTexture = mirrorTexture(atlas, known),
): Float32Array {
  return blendKnown(kernels, atlas, known, mirrored.values, mirrored.weights, FILL_DEFAULTS.fadeMirror);
}

/** The same for what deviates from `base` (n,3), which stays where neither side was seen. */
export function mirrorFillAbout(
  kernels: Kernels,
  atlas: CompletionAtlas,
  known: KnownTexture,
  mirrored: KnownTexture,
  base: Float32Array,
): Float32Array {
  const less = ({ values, weights }: KnownTexture): KnownTexture => ({
    values: values.map((x, c) => (weights[Math.floor(c / 3)] > 0 ? x - base[c] : 0)),
    weights,
  });
  return mirrorFill(kernels, atlas, less(known), less(mirrored)).map((x, c) => x + base[c]);
}

/** Edges whose step comes from another texture than the guide. */
export interface GuideJoints {
  /** (n) where the guide of a node comes from; edges between two kinds, and those across seams, take the base's step. */
  readonly kinds: Uint8Array;
  /** (n,3) a texture without seams. */
  readonly base: Float32Array;
}

/**
 * Gradient-domain blend of known values into a guide.
 * @param guide (n,3), used where `strength` (n) is above 0.
 * @param fade fraction of the map's width over which a step between the two falls to 1/e at a strength of 1.
 * @param joints where the guide is not to be trusted with a step. Without it that is where guided nodes end, and there no
 *   step is asked for.
 */
export function blendKnown(
  kernels: Kernels,
  atlas: CompletionAtlas,
  known: KnownTexture,
  guide: Float32Array,
  strength: Float32Array,
  fade: number,
  joints?: GuideJoints,
): Float32Array {
  const { graph, levels, size } = atlas;
  const n = known.weights.length;
  const pull = new Float64Array(n);
  const b = new Float64Array(3 * n);
  // Solved for d = x − m, m taken as zero where there is no guide: the coarse levels then carry no detail.
  const guided = (i: number, c: number) => (strength[i] > 0 ? guide[3 * i + c] : 0);
  const guidePull = (fade * size) ** -2;
  for (let i = 0; i < n; i++) {
    const v = known.weights[i];
    const h = holdOf(v);
    pull[i] = h + (strength[i] > 0 ? guidePull * strength[i] * (1 - v) : LEAST);
    if (h > 0) for (let c = 0; c < 3; c++) b[3 * i + c] = h * (known.values[3 * i + c] - guided(i, c));
    for (let k = graph.starts[i]; k < graph.starts[i + 1]; k++) {
      const j = graph.neighbours[k];
      if (joints ? !isJoint(graph, joints.kinds, i, j) : strength[i] > 0 === strength[j] > 0) continue;
      for (let c = 0; c < 3; c++) {
        const step = joints ? joints.base[3 * i + c] - joints.base[3 * j + c] : 0;
        b[3 * i + c] += step - guided(i, c) + guided(j, c);
      }
    }
  }
  const matrix = laplacianMatrix({ ...graph, weights: null }, 1, pull);
  const d = solveCoarseToFine(kernels, levels, matrix, 1, pull, b, STEPS, 1e-4);
  return Float32Array.from(d, (x, c) => x + guided(Math.floor(c / 3), c % 3));
}

/** Whether an edge joins nodes of two kinds, or the two sides of a seam: texels not next to each other in the map. */
function isJoint({ texels, charts, width }: TexelGraph, kinds: Uint8Array, i: number, j: number): boolean {
  const across = Math.abs((texels[i] % width) - (texels[j] % width));
  const down = Math.abs(Math.floor(texels[i] / width) - Math.floor(texels[j] / width));
  return kinds[i] !== kinds[j] || charts[i] !== charts[j] || across > 2 || down > 2;
}
