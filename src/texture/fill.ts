/**
 * Texels that the photo does not show. Their offset d continues the seen one without a seam: it minimises
 *
 *   Σ_ij ‖(d_i − d_j) − (g_i − g_j)‖² + Σ_i h_i ‖d_i − d⁰_i‖² + Σ_i ε_i ‖d_i − g_i‖²
 *
 * over the texel graph (Pérez et al. 2003, "Poisson image editing", with soft instead of fixed boundaries): h is large
 * where the texel was seen well, g the offset that would make the texel look as its mirror point does, where that was
 * seen; elsewhere g = 0, which is the parametric texture, and edges between the two kinds ask for no step at all.
 */
import type { F32, Kernels } from '../kernels/runtime.ts';
import { fillRight, mirrorGuides } from '../kernels/texel-levels.ts';
import { laplacianSystem, solveLevels } from './coarse-levels.ts';
import type { ResidentAtlas } from './offset-atlas.ts';
import { ORIGIN } from './origin.ts';

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

/**
 * Continues a seen offset over all nodes.
 * @param seen (n,4) offset; zero where nothing is known.
 * @param visibility (n) in [0, 1].
 * @param base (n,4) parametric albedo.
 * @param offset (n,4) the result, overwritten.
 * @returns (n) what decides each node, see {@link ORIGIN}.
 */
export function fillOffset(
  kernels: Kernels,
  atlas: ResidentAtlas,
  seen: F32,
  visibility: F32,
  base: F32,
  offset: F32,
): Uint8Array {
  const { graph, levels, mirror, width } = atlas;
  const n = graph.count;
  return kernels.scope(() => {
    const strength = kernels.f32(n, false);
    const guide = kernels.f32(4 * n, false);
    mirrorGuides(kernels, mirror, visibility, base, seen, guide, strength);
    const hold = kernels.f32(n, false);
    const pull = kernels.f32(n, false);
    const right = kernels.f32(4 * n, false);
    const origin = new Uint8Array(n);
    const [h, v, s] = [hold.view, visibility.view, strength.view];
    for (let i = 0; i < n; i++) {
      h[i] = holdOf(v[i]);
      origin[i] = v[i] >= 0.5 ? ORIGIN.photo : s[i] > 0 ? ORIGIN.mirror : ORIGIN.parametric;
    }
    const { fadeMirror, fadeParametric, steps } = FILL_DEFAULTS;
    const [mirrorPull, plainPull] = [(fadeMirror * width) ** -2, (fadeParametric * width) ** -2];
    fillRight(kernels, graph, { hold, strength, seen, guide, mirrorPull, plainPull }, pull, right);
    const problem = { lambda: 1, lumped: pull, right, steps, tolerance: 1e-4 };
    solveLevels(kernels, levels, { ...problem, system: laplacianSystem(kernels, graph, 1, pull) }, offset);
    return origin;
  });
}

/** h: how firmly a texel of visibility `v` is held at what was seen, in units of an edge; 0 where it was not seen. */
export function holdOf(v: number): number {
  return Math.min(FILL_DEFAULTS.hold * (v / Math.max(1 - v, 1e-3)) ** 2, 100);
}
