import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import { createKernelsSync } from '../../src/kernels/runtime.ts';
import { multiplyVertexBlocks } from '../../src/kernels/vertex-blocks.ts';
import {
  type ActiveMesh,
  multiplyBlocks,
  photometricBlocks,
  Q,
  type SurfaceSamples,
} from '../../src/render/photometric-blocks.ts';
import { photometricEquations } from '../../src/render/photometric-equations.ts';

/** A triangle fan with random samples; some have no weight. */
function scene(N: number, T: number, seed: number) {
  const random = createRandom(seed);
  const floats = (length: number, scale = 1, shift = 0) =>
    Float32Array.from({ length }, () => shift + scale * random.normal());
  const ring = 7;
  const edges: number[] = [];
  for (let i = 0; i < ring; i++) edges.push(0, 1 + i);
  for (let i = 0; i < ring; i++) edges.push(1 + i, 1 + ((i + 1) % ring));
  const mesh: ActiveMesh = {
    vertices: Uint32Array.from({ length: ring + 1 }, (_, i) => i),
    corners: Uint32Array.from(
      Array.from({ length: ring }, (_, i) => [0, 1 + i, 1 + ((i + 1) % ring)]).flat(),
    ),
    triangleEdges: Uint32Array.from(
      Array.from({ length: ring }, (_, i) => [i, ring + i, (i + 1) % ring]).flat(),
    ),
    edges: Uint32Array.from(edges),
  };
  const barycentrics = new Float32Array(3 * N);
  for (let p = 0; p < N; p++) {
    const [a, b] = [random.uniform(), random.uniform()];
    barycentrics.set([a * b, a * (1 - b), 1 - a], 3 * p);
  }
  const samples: SurfaceSamples = {
    count: N,
    triangles: Uint32Array.from({ length: N }, () => random.below(ring)),
    barycentrics,
    mask: Float32Array.from({ length: N }, () => Math.max(0, random.uniform() - 0.2)),
    albedo: floats(3 * N, 0.1, 0.6),
    albedoBasis: floats(3 * N * T, 0.05),
  };
  const q = new Float32Array(Q * (ring + 1));
  for (let i = 0; i <= ring; i++) {
    q.set(
      [20 * random.uniform(), 20 * random.uniform(), 0.4 * random.normal(), 0.4 * random.normal(), 1],
      Q * i,
    );
  }
  const state = {
    q,
    light: Float64Array.from({ length: 27 }, (_, i) => (i < 3 ? 0.8 : 0.1 * random.normal())),
    texture: Float64Array.from({ length: T }, () => random.normal()),
    photo: { width: 20, height: 20, channels: 3, data: floats(1200, 0.2, 0.5) },
  };
  return { mesh, samples, state };
}

describe('photometricEquations', () => {
  const kernels = createKernelsSync();
  const loss = { sigma: 0.1, k: 4, weight: 3 };

  it.each([
    [0, 3],
    [1, 0],
    [200, 0],
    [150, 4],
    [301, 13],
  ])('sums up to what photometricBlocks does: %i samples, %i texture components', (N, T) => {
    const { mesh, samples, state } = scene(N, T, N + T);
    const expected = photometricBlocks(mesh, samples, state, loss);
    const X = 27 + T;
    const n = 11;
    const P = Float32Array.from({ length: Q * mesh.vertices.length * n }, (_, i) => Math.sin(i));
    /** Relative to the largest entry: float32 rows, summed in float32 within chunks. */
    const close = (got: (i: number) => number, want: ArrayLike<number>) => {
      const size = Array.from(want).reduce((a, b) => Math.max(a, Math.abs(b)), 1e-12);
      for (let i = 0; i < want.length; i++) expect(Math.abs(got(i) - want[i]) / size).toBeLessThan(5e-6);
    };
    kernels.scope(() => {
      const got = photometricEquations(kernels, mesh, samples, state, loss);
      expect(got.cost).toBeCloseTo(expected.cost, 12);
      expect(got.columns).toBe(X + 1);
      const appearance = got.appearance.view;
      close((i) => appearance[Math.floor(i / X) * (X + 1) + (i % X)], expected.appearance);
      close((i) => appearance[i * (X + 1) + X], expected.appearanceGradient);
      const { mixedStride } = got.vertex;
      const mixed = got.vertex.mixed.view;
      close((i) => mixed[Math.floor(i / X) * mixedStride + (i % X)], expected.mixed);
      close((i) => mixed[i * mixedStride + X], expected.gradient);
      const y = kernels.f32(P.length);
      multiplyVertexBlocks(kernels, got.vertex, mesh.edges, kernels.f32(P), n, y);
      const product = multiplyBlocks(mesh, expected, P, n);
      close((i) => y.view[i], product);
    });
  });
});
