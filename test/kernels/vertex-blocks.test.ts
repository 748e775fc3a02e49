import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import { gemmReference } from '../../src/kernels/reference/gemm.ts';
import { tangentBasisReference, vertexBlocksReference } from '../../src/kernels/reference/vertex-blocks.ts';
import {
  accumulateVertexBlocks,
  createVertexBlocks,
  foldMixedRows,
  multiplyVertexBlocks,
} from '../../src/kernels/vertex-blocks.ts';
import { BUILDS } from './builds.ts';

/** A triangle strip over A vertices with N random samples on it. */
function scene(A: number, N: number, columns: number, pad: number, seed: number) {
  const random = createRandom(seed);
  const edgeOf = new Map<string, number>();
  const edges: number[] = [];
  const edge = (i: number, j: number) => {
    const key = `${Math.min(i, j)} ${Math.max(i, j)}`;
    if (!edgeOf.has(key)) {
      edgeOf.set(key, edges.length / 2);
      edges.push(i, j);
    }
    return edgeOf.get(key)!;
  };
  const corners: number[] = [];
  const sampleEdges: number[] = [];
  const barycentrics: number[] = [];
  for (let p = 0; p < N; p++) {
    const t = random.below(A - 2);
    const [i, j, k] = t % 2 ? [t + 1, t, t + 2] : [t, t + 1, t + 2];
    corners.push(i, j, k);
    sampleEdges.push(edge(i, j), edge(j, k), edge(k, i));
    const [a, b] = [random.uniform(), random.uniform()];
    barycentrics.push(a * b, a * (1 - b), 1 - a);
  }
  const stride = columns + 5 + pad;
  const jacobian = Float32Array.from({ length: 3 * N * stride }, () => random.normal());
  return {
    corners,
    sampleEdges,
    edges: Uint32Array.from(edges),
    barycentrics: Float32Array.from(barycentrics),
    jacobian,
    stride,
    columns,
  };
}

describe.each(BUILDS)('vertex blocks (%s)', (_name, create) => {
  const kernels = create();

  function check(A: number, N: number, columns: number, pad: number, n: number, seed: number) {
    const input = scene(A, N, columns, pad, seed);
    const expected = vertexBlocksReference(input, A);
    const random = createRandom(seed + 1);
    const p = Float32Array.from({ length: 4 * A * n }, () => random.normal());
    const frames = Float32Array.from({ length: 8 * A }, (_, i) => (i % 4 === 3 ? 0 : random.normal()));
    const T = tangentBasisReference(frames);
    const tolerance = 1e-5 * (N + 1);
    kernels.scope(() => {
      const output = createVertexBlocks(kernels, A, input.edges.length / 2, columns);
      const samples = {
        corners: kernels.u32(input.corners),
        edges: kernels.u32(input.sampleEdges),
        barycentrics: kernels.f32(input.barycentrics),
        jacobian: kernels.f32(input.jacobian),
        stride: input.stride,
        columns,
      };
      const half = N >> 1;
      accumulateVertexBlocks(kernels, samples, output, [0, half]);
      accumulateVertexBlocks(kernels, samples, output, [half, N]);
      const mixed = output.mixed.view;
      for (let r = 0; r < 5 * A; r++) {
        for (let x = 0; x < columns; x++) {
          const error = mixed[r * output.mixedStride + x] - expected.mixed[r * columns + x];
          expect(Math.abs(error)).toBeLessThan(tolerance);
        }
      }
      const [basis, y] = [kernels.f32(frames), kernels.f32(4 * A * n)];
      y.view.fill(3);
      multiplyVertexBlocks(kernels, output, input.edges, basis, kernels.f32(p), n, y);
      // H is symmetric: HᵀT = H·T.
      const HT = gemmReference(expected.geometry, T, [5 * A, 5 * A, 4 * A]);
      const folded = gemmReference(T, HT, [5 * A, 4 * A, 4 * A]);
      const product = gemmReference(folded, p, [4 * A, 4 * A, n]);
      const size = (of: Float64Array) => of.reduce((a, b) => Math.max(a, Math.abs(b)), 1e-12);
      const scale = size(product);
      for (let i = 0; i < product.length; i++)
        expect(Math.abs(y.view[i] - product[i]) / scale).toBeLessThan(1e-5);
      const rows = foldMixedRows(kernels, output, basis).view;
      const turned = gemmReference(T, expected.mixed, [5 * A, 4 * A, columns]);
      const mixedScale = size(turned);
      for (let r = 0; r < 4 * A; r++)
        for (let x = 0; x < columns; x++)
          expect(
            Math.abs(rows[r * output.mixedStride + x] - turned[r * columns + x]) / mixedScale,
          ).toBeLessThan(1e-5);
    });
  }

  it.each([
    [3, 0, 4, 8],
    [3, 1, 1, 8],
    [4, 9, 27, 8],
    [9, 40, 35, 24],
    [12, 60, 0, 16],
    [5, 7, 6, 0],
  ])('equals the reference for A = %i, N = %i, X = %i, n = %i', (A, N, columns, n) =>
    check(A, N, columns, 0, n, A + N),
  );

  it('equals the reference for random shapes', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 3, max: 14 }),
        fc.nat(40),
        fc.nat(20),
        fc.nat(4),
        fc.nat(3).map((n) => 8 * n),
        fc.nat(),
        check,
      ),
      { numRuns: 60, seed: 10 },
    );
  });

  it('refuses lengths that do not match', () => {
    const input = scene(4, 3, 2, 0, 1);
    kernels.scope(() => {
      const output = createVertexBlocks(kernels, 4, input.edges.length / 2, 2);
      const samples = {
        corners: kernels.u32(input.corners),
        edges: kernels.u32(input.sampleEdges),
        barycentrics: kernels.f32(input.barycentrics),
        jacobian: kernels.f32(input.jacobian),
        stride: input.stride,
        columns: 2,
      };
      expect(() => accumulateVertexBlocks(kernels, { ...samples, columns: 3 }, output)).toThrow(
        /stride must be/,
      );
      expect(() => accumulateVertexBlocks(kernels, { ...samples, edges: kernels.u32(1) }, output)).toThrow(
        /edges/,
      );
      const [p, frames] = [kernels.f32(128), kernels.f32(32)];
      const { edges } = input;
      expect(() => multiplyVertexBlocks(kernels, output, new Uint32Array(2), frames, p, 8, p)).toThrow(
        /blocks/,
      );
      expect(() => multiplyVertexBlocks(kernels, output, edges, p, p, 8, p)).toThrow(/frames/);
      expect(() => multiplyVertexBlocks(kernels, output, edges, frames, p, 7, p)).toThrow(/multiple of 8/);
      expect(() => multiplyVertexBlocks(kernels, output, edges, frames, p, 16, p)).toThrow(
        /p must be \(4A,n\)/,
      );
    });
  });
});
