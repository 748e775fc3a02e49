import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import {
  appearanceStride,
  type PhotometricInput,
  paddedComponents,
  photometricCost,
  photometricEquations,
  photometricResiduals,
  Q_STRIDE,
  RESIDUAL_COLUMN,
  type SampleArrays,
  takePhoto,
} from '../../src/kernels/photometric.ts';
import { gemmReference } from '../../src/kernels/reference/gemm.ts';
import {
  type ActiveMesh,
  multiplyBlocks,
  photometricBlocksReference,
  photometricCostReference,
  Q,
  type SurfaceSamples,
} from '../../src/kernels/reference/photometric.ts';
import { tangentBasisReference } from '../../src/kernels/reference/vertex-blocks.ts';
import type { Kernels } from '../../src/kernels/runtime.ts';
import { multiplyVertexBlocks } from '../../src/kernels/vertex-blocks.ts';
import { SH_CONSTANTS } from '../../src/light/sh.ts';
import { BUILDS } from './builds.ts';

const SIDE = 20;

/** A triangle fan with random samples, some of which have no weight, some beyond the photo's border. */
function scene(N: number, T: number, seed: number) {
  const random = createRandom(seed);
  const floats = (length: number, scale = 1, shift = 0) =>
    Float32Array.from({ length }, () => shift + scale * random.normal());
  const ring = 7;
  const edges: number[] = [];
  for (let i = 0; i < ring; i++) edges.push(0, 1 + i);
  for (let i = 0; i < ring; i++) edges.push(1 + i, 1 + ((i + 1) % ring));
  const triangles = Array.from({ length: ring }, (_, i) => i);
  const mesh: ActiveMesh = {
    vertices: Uint32Array.from({ length: ring + 1 }, (_, i) => i),
    corners: Uint32Array.from(triangles.flatMap((i) => [0, 1 + i, 1 + ((i + 1) % ring)])),
    triangleEdges: Uint32Array.from(triangles.flatMap((i) => [i, ring + i, (i + 1) % ring])),
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
  for (let i = 0; i <= ring; i++)
    q.set(
      [
        SIDE * (1.2 * random.uniform() - 0.1),
        SIDE * (1.2 * random.uniform() - 0.1),
        0.4 * random.normal(),
        0.4 * random.normal(),
        1,
      ],
      Q * i,
    );
  const state = {
    q,
    light: Float64Array.from({ length: 27 }, (_, i) => (i < 3 ? 2.8 : 0.1 * random.normal())),
    basis: SH_CONSTANTS,
    texture: Float64Array.from({ length: T }, () => random.normal()),
    photo: { width: SIDE, height: SIDE, channels: 3, data: floats(3 * SIDE * SIDE, 0.2, 0.5) },
  };
  return { mesh, samples, state };
}

/** The scene in kernel memory. */
function load(kernels: Kernels, { mesh, samples, state }: ReturnType<typeof scene>) {
  const { count: N } = samples;
  const T = state.texture.length;
  const stride = appearanceStride(T);
  const appearance = kernels.f32(N * stride);
  const corners = kernels.u32(3 * N);
  const edges = kernels.u32(3 * N);
  for (let p = 0; p < N; p++) {
    const tri = 3 * samples.triangles[p];
    corners.view.set(mesh.corners.subarray(tri, tri + 3), 3 * p);
    edges.view.set(mesh.triangleEdges.subarray(tri, tri + 3), 3 * p);
    appearance.view.set(samples.albedo.subarray(3 * p, 3 * p + 3), p * stride);
    for (let c = 0; c < 3; c++)
      appearance.view.set(
        samples.albedoBasis.subarray((3 * p + c) * T, (3 * p + c + 1) * T),
        p * stride + 4 + c * paddedComponents(T),
      );
  }
  const q = kernels.f32(Q_STRIDE * mesh.vertices.length);
  for (let i = 0; i < mesh.vertices.length; i++) q.view.set(state.q.subarray(Q * i, Q * i + Q), Q_STRIDE * i);
  const arrays: SampleArrays = {
    count: N,
    corners,
    edges,
    barycentrics: kernels.f32(samples.barycentrics),
    mask: kernels.f32(samples.mask),
    appearance,
  };
  const input: PhotometricInput = { ...state, q, photo: takePhoto(kernels, state.photo), loss: LOSS };
  return { arrays, input };
}

const LOSS = { sigma: 0.1, k: 4, weight: 3 };

/** Relative to the largest entry: float32 throughout, summed in float32 within chunks. */
const TOLERANCE = 1e-5;

function close(got: (i: number) => number, want: ArrayLike<number>): void {
  const size = Array.from(want).reduce((a, b) => Math.max(a, Math.abs(b)), 1e-12);
  for (let i = 0; i < want.length; i++) expect(Math.abs(got(i) - want[i]) / size).toBeLessThan(TOLERANCE);
}

function transpose(a: ArrayLike<number>, rows: number, columns: number): Float64Array {
  return Float64Array.from(
    { length: rows * columns },
    (_, i) => a[(i % rows) * columns + Math.floor(i / rows)],
  );
}

describe.each(BUILDS)('photometric (%s)', (_name, create) => {
  const kernels = create();

  it.each([
    [0, 3],
    [1, 0],
    [2, 1],
    [200, 0],
    [150, 4],
    [301, 13],
  ])('sums up to what the reference does: %i samples, %i texture components', (N, T) => {
    const world = scene(N, T, N + T);
    const { mesh, samples, state } = world;
    const expected = photometricBlocksReference(mesh, samples, state, LOSS);
    const X = 27 + T;
    /** Column of the reference's column x. */
    const column = (x: number) => (x < 27 ? x : x + 1);
    const n = 16;
    const A = mesh.vertices.length;
    const P = Float32Array.from({ length: 4 * A * n }, (_, i) => Math.sin(i));
    const frames = Float32Array.from({ length: 8 * A }, (_, i) => (i % 4 === 3 ? 0 : Math.cos(i)));
    const T5 = tangentBasisReference(frames);
    kernels.scope(() => {
      const { arrays, input } = load(kernels, world);
      const cost = photometricCost(kernels, arrays, input);
      const wanted = photometricCostReference(mesh, samples, state, LOSS);
      expect(Math.abs(cost - wanted)).toBeLessThanOrEqual(TOLERANCE * wanted);
      const got = photometricEquations(kernels, arrays, mesh.vertices.length, mesh.edges.length / 2, input);
      expect(Math.abs(got.cost - expected.cost)).toBeLessThanOrEqual(TOLERANCE * expected.cost);
      expect(got.columns).toBe(28 + paddedComponents(T));
      const appearance = got.appearance.view;
      close((i) => appearance[column(Math.floor(i / X)) * got.columns + column(i % X)], expected.appearance);
      close((i) => appearance[RESIDUAL_COLUMN * got.columns + column(i)], expected.appearanceGradient);
      const { mixedStride } = got.vertex;
      const mixed = got.vertex.mixed.view;
      close((i) => mixed[Math.floor(i / X) * mixedStride + column(i % X)], expected.mixed);
      close((i) => mixed[i * mixedStride + RESIDUAL_COLUMN], expected.gradient);
      const y = kernels.f32(P.length);
      multiplyVertexBlocks(kernels, got.vertex, mesh.edges, kernels.f32(frames), kernels.f32(P), n, y);
      // TᵀHT·P: in five numbers per vertex, then back to four rows.
      const TP = gemmReference(transpose(T5, 5 * A, 4 * A), P, [4 * A, 5 * A, n]);
      const HTP = multiplyBlocks(mesh, expected, Float32Array.from(TP), n);
      close((i) => y.view[i], gemmReference(T5, HTP, [5 * A, 4 * A, n]));
    });
  });

  it('residuals are what the energy sums up', () => {
    const world = scene(90, 5, 3);
    kernels.scope(() => {
      const { arrays, input } = load(kernels, world);
      const out = kernels.f32(4 * 90);
      photometricResiduals(kernels, arrays, input, out);
      let [sum, total] = [0, 0];
      for (let p = 0; p < 90; p++) {
        const [r, g, b] = out.view.subarray(4 * p, 4 * p + 3);
        expect(out.view[4 * p + 3]).toBe(0);
        const e = (r * r + g * g + b * b) / LOSS.sigma ** 2;
        sum += (world.samples.mask[p] * e) / (1 + e / LOSS.k ** 2);
        total += world.samples.mask[p];
      }
      const expected = photometricCostReference(world.mesh, world.samples, world.state, LOSS);
      expect((0.5 * LOSS.weight * sum) / total / expected).toBeCloseTo(1, 5);
    });
  });

  it('is the same from run to run', () => {
    const world = scene(500, 6, 8);
    const run = () =>
      kernels.scope(() => {
        const { arrays, input } = load(kernels, world);
        const got = photometricEquations(
          kernels,
          arrays,
          world.mesh.vertices.length,
          world.mesh.edges.length / 2,
          input,
        );
        return [got.cost, ...got.appearance.view, ...got.vertex.mixed.view, ...got.vertex.blocks.view];
      });
    expect(run()).toEqual(run());
  });

  it('refuses photos and arrays that do not fit', () => {
    kernels.scope(() => {
      expect(() =>
        takePhoto(kernels, { width: 1, height: 4, channels: 3, data: new Float32Array(12) }),
      ).toThrow(/at least 2×2/);
      const { arrays, input } = load(kernels, scene(5, 2, 1));
      expect(() => photometricCost(kernels, { ...arrays, count: 6 }, input)).toThrow(/photometric: corners/);
      expect(() => photometricCost(kernels, arrays, { ...input, light: [1] })).toThrow(/light/);
      expect(() => photometricEquations(kernels, arrays, 3, 14, input)).toThrow(/q must be \(A,8\)/);
    });
  });
});
