/**
 * The photometric term's normal equations on the kernels: the same sums as `photometricBlocks`, the float64
 * definition, which tests hold it to.
 *
 * Each sample becomes three rows (channels) of one matrix, times the square root of its robust weight:
 *   [ light 27 | texture T | residual | u v n_x n_y n_z ]
 * AᵀA of the first X+1 columns is the appearance block, its gradient and the sum of squares at once; the rest is
 * accumulated per vertex and edge (`kernels/vertex-blocks.ts`), where the residual column yields the gradient.
 */
import { matrixF32, syrkTN } from '../kernels/gemm.ts';
import type { F64, Kernels } from '../kernels/runtime.ts';
import { accumulateVertexBlocks, createVertexBlocks, type VertexBlocks } from '../kernels/vertex-blocks.ts';
import { shGradient } from '../light/sh.ts';
import {
  type ActiveMesh,
  createScratch,
  evaluateSample,
  type PhotometricLoss,
  type PhotometricState,
  Q,
  type SurfaceSamples,
} from './photometric-blocks.ts';

/** Sums over all samples; X = 27 + T. The energy's factor weight/(σ²·Σ mask) is already in. */
export interface PhotometricEquations {
  readonly cost: number;
  /** 27 light coefficients (3k+c), T texture coefficients, and the residual. */
  readonly columns: number;
  /** H per vertex and edge; mixed rows of which column X is the gradient. */
  readonly vertex: VertexBlocks;
  /** (X+1,X+1) float64 block of light and texture; row and column X are its gradient. */
  readonly appearance: F64;
}

/**
 * Accumulates the normal equations in kernel memory; the caller releases it (`kernels.scope`).
 */
export function photometricEquations(
  kernels: Kernels,
  mesh: ActiveMesh,
  samples: SurfaceSamples,
  state: PhotometricState,
  loss: PhotometricLoss,
): PhotometricEquations {
  const T = state.texture.length;
  const X = 27 + T;
  const columns = X + 1;
  const vertex = createVertexBlocks(kernels, mesh.vertices.length, mesh.edges.length / 2, columns);
  const appearance = kernels.f64(columns * columns);
  let total = 0;
  let count = 0;
  for (let p = 0; p < samples.count; p++) {
    total += samples.mask[p];
    if (samples.mask[p] !== 0) count++;
  }
  if (!(total > 0)) return { cost: 0, columns, vertex, appearance };
  const scale = loss.weight / (loss.sigma ** 2 * total);
  let cost = 0;
  kernels.scope(() => {
    // A stride that is no multiple of a power of two, so that rows spread over the cache.
    const stride = ((columns + Q + 3) & ~3) + 4;
    const jacobian = kernels.f32(3 * count * stride);
    const corners = kernels.u32(3 * count);
    const edges = kernels.u32(3 * count);
    const barycentrics = kernels.f32(3 * count);
    const views = { rows: jacobian.view, corners: corners.view, edges: edges.view, betas: barycentrics.view };
    const s = createScratch();
    for (let p = 0, i = 0; p < samples.count; p++) {
      const m = samples.mask[p];
      if (m === 0) continue;
      evaluateSample(mesh, samples, state, p, T, s);
      const e = (s.r[0] ** 2 + s.r[1] ** 2 + s.r[2] ** 2) / loss.sigma ** 2;
      const d = 1 + e / loss.k ** 2;
      cost += (m * e) / d;
      const w = Math.sqrt(scale * m) / d;
      for (let c = 0; c < 3; c++) {
        const o = (3 * i + c) * stride;
        const light = w * s.albedo[c];
        for (let k = 0; k < 9; k++) views.rows[o + 3 * k + c] = light * s.basis[k];
        const shading = w * s.shading[c];
        const basis = (3 * p + c) * T;
        for (let t = 0; t < T; t++) views.rows[o + 27 + t] = shading * samples.albedoBasis[basis + t];
        views.rows[o + X] = w * s.r[c];
        shGradient(s.n[0], s.n[1], s.n[2], state.light, c, s.g);
        const along = s.g[0] * s.n[0] + s.g[1] * s.n[1] + s.g[2] * s.n[2];
        views.rows[o + columns] = -w * s.photo[3 * c + 1];
        views.rows[o + columns + 1] = -w * s.photo[3 * c + 2];
        for (let a = 0; a < 3; a++) {
          views.rows[o + columns + 2 + a] = (light * (s.g[a] - along * s.n[a])) / s.length;
        }
      }
      const triangle = 3 * samples.triangles[p];
      for (let a = 0; a < 3; a++) {
        views.corners[3 * i + a] = mesh.corners[triangle + a];
        views.edges[3 * i + a] = mesh.triangleEdges[triangle + a];
        views.betas[3 * i + a] = samples.barycentrics[3 * p + a];
      }
      i++;
    }
    accumulateVertexBlocks(kernels, { corners, edges, barycentrics, jacobian, stride, columns }, vertex);
    syrkTN(kernels, matrixF32(jacobian, 3 * count, columns, stride), appearance);
  });
  return { cost: (0.5 * loss.weight * cost) / total, columns, vertex, appearance };
}
