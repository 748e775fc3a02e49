import { describe, expect, it } from 'vitest';
import {
  paddedComponents,
  photometricCost,
  photometricEquations,
  photometricGradient,
  photometricResiduals,
  RESIDUAL_COLUMN,
  takePhoto,
} from '../../src/kernels/photometric.ts';
import { gemmReference } from '../../src/kernels/reference/gemm.ts';
import {
  multiplyBlocks,
  photometricBlocksReference,
  photometricCostReference,
} from '../../src/kernels/reference/photometric.ts';
import { tangentBasisReference } from '../../src/kernels/reference/vertex-blocks.ts';
import { multiplyVertexBlocks } from '../../src/kernels/vertex-blocks.ts';
import { LOSS, load, scene } from '../helpers/photometric-scene.ts';
import { BUILDS } from './builds.ts';

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
      const first = photometricGradient(kernels, arrays, A, input);
      expect(Math.abs(first.cost - expected.cost)).toBeLessThanOrEqual(TOLERANCE * expected.cost);
      close((i) => first.appearance.view[column(i)], expected.appearanceGradient);
      close((i) => first.vertices.view[8 * Math.floor(i / 5) + (i % 5)], expected.gradient);
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
