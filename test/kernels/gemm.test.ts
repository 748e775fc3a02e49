import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import { gemmTN, matrixF32, symmetricTN, syrkTN } from '../../src/kernels/gemm.ts';
import { gemmReference } from '../../src/kernels/reference/gemm.ts';
import { BUILDS } from './builds.ts';

describe.each(BUILDS)('gemm (%s)', (_name, create) => {
  const kernels = create();

  function normals(length: number, seed: number) {
    const random = createRandom(seed);
    return Float32Array.from({ length }, () => random.normal());
  }

  /** Float32 sums of at most 256 products of standard normals, plus the float64 sum of chunks. */
  const tolerance = (m: number) => 4e-6 * Math.sqrt(m + 1) * 4;

  function compare(got: Float64Array, expected: Float64Array, m: number) {
    expect(got.length).toBe(expected.length);
    let worst = 0;
    for (let i = 0; i < got.length; i++) worst = Math.max(worst, Math.abs(got[i] - expected[i]));
    expect(worst).toBeLessThanOrEqual(tolerance(m));
  }

  function checkGemm(m: number, n: number, k: number, padA: number, padB: number, seed: number) {
    const [lda, ldb] = [n + padA, k + padB];
    const a = normals(m * lda, seed);
    const b = normals(m * ldb, seed + 1);
    const expected = gemmReference(a, b, [m, n, k], lda, ldb);
    kernels.scope(() => {
      const c = kernels.f64(n * k);
      c.view.fill(5);
      const [ma, mb] = [matrixF32(kernels.f32(a), m, n, lda), matrixF32(kernels.f32(b), m, k, ldb)];
      gemmTN(kernels, ma, mb, c, { accumulate: false });
      compare(c.view, expected, m);
      gemmTN(kernels, ma, mb, c);
      compare(
        c.view,
        expected.map((v) => 2 * v),
        4 * m,
      );
    });
  }

  it.each([
    [0, 3, 4],
    [5, 0, 4],
    [5, 4, 0],
    [1, 1, 1],
    [7, 4, 8],
    [256, 8, 16],
    [257, 9, 17],
    [600, 13, 33],
    // Packed from 64 columns of the other matrix on; tiles of six and four columns end in every way.
    [258, 64, 79],
    [258, 65, 78],
    [258, 66, 77],
    [258, 67, 76],
    [258, 68, 75],
    [258, 69, 74],
    [258, 70, 73],
    [258, 71, 72],
    [70, 100, 1],
  ])('gemmTN equals the reference for m = %i, n = %i, k = %i', (m, n, k) => {
    checkGemm(m, n, k, 0, 0, m + n + k);
    checkGemm(m, n, k, 3, 5, m + n + k);
  });

  it('gemmTN equals the reference for random shapes', () => {
    fc.assert(fc.property(fc.nat(300), fc.nat(30), fc.nat(30), fc.nat(9), fc.nat(9), fc.nat(), checkGemm), {
      numRuns: 60,
      seed: 3,
    });
  });

  it.each([
    [0, 5],
    [3, 0],
    [1, 1],
    [300, 8],
    [513, 31],
    [700, 45],
    [300, 127],
    [300, 128],
    [300, 133],
  ])('syrkTN and symmetricTN equal the reference for m = %i, n = %i', (m, n) => {
    const a = normals(m * n, m + n);
    // H = diagonal: AᵀHA is symmetric.
    const h = normals(m, 7);
    const b = a.map((v, i) => v * h[Math.floor(i / n)]);
    kernels.scope(() => {
      const ma = matrixF32(kernels.f32(a), m, n);
      const mb = matrixF32(kernels.f32(b), m, n);
      const c = kernels.f64(n * n);
      syrkTN(kernels, ma, c);
      const gram = gemmReference(a, a, [m, n, n]);
      compare(c.view, gram, 4 * m);
      symmetricTN(kernels, ma, mb, c);
      const sum = gemmReference(a, b, [m, n, n]).map((v, i) => v + gram[i]);
      compare(c.view, sum, 4 * m);
      for (let i = 0; i < n; i++)
        for (let j = 0; j < i; j++) expect(c.view[i * n + j]).toBe(c.view[j * n + i]);
    });
  });

  it('adds up parts of the rows to the whole', () => {
    const [m, n] = [600, 20];
    const a = normals(m * n, 1);
    kernels.scope(() => {
      const ma = matrixF32(kernels.f32(a), m, n);
      const c = kernels.f64(n * n);
      syrkTN(kernels, ma, c, { rows: [0, 123] });
      syrkTN(kernels, ma, c, { rows: [123, 123] });
      syrkTN(kernels, ma, c, { rows: [123, 600] });
      compare(c.view, gemmReference(a, a, [m, n, n]), 4 * m);
    });
  });

  it('keeps its precision over many rows', () => {
    // Float32 throughout would be off by some 1e-4 here: 40,000 ones and tenths.
    const m = 40_000;
    kernels.scope(() => {
      const a = kernels.f32(m);
      a.view.fill(0.1);
      const c = kernels.f64(1);
      syrkTN(kernels, matrixF32(a, m, 1), c);
      expect(Math.abs(c.view[0] / (m * Math.fround(0.1) ** 2) - 1)).toBeLessThan(1e-5);
    });
  });

  it('refuses shapes that do not match', () => {
    kernels.scope(() => {
      const a = matrixF32(kernels.f32(12), 4, 3);
      const c = kernels.f64(9);
      expect(() => gemmTN(kernels, a, matrixF32(kernels.f32(9), 3, 3), c)).toThrow(/b must have 4 rows/);
      expect(() => syrkTN(kernels, matrixF32(a.data, 5, 3), c)).toThrow(/needs 15 elements/);
      expect(() => syrkTN(kernels, matrixF32(a.data, 4, 3, 2), c)).toThrow(/stride/);
      expect(() => syrkTN(kernels, a, kernels.f64(8))).toThrow(/c must be \(n,n\) with 9 elements, got 8/);
    });
  });
});
