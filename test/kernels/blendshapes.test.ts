import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import { blendshapes } from '../../src/kernels/blendshapes.ts';
import { blendshapesReference } from '../../src/kernels/reference/blendshapes.ts';
import { BUILDS } from './builds.ts';

describe.each(BUILDS)('blendshapes (%s)', (_name, create) => {
  const kernels = create();

  function check(n: number, count: number, seed: number, zeroEvery = 3) {
    const random = createRandom(seed);
    const normals = (length: number) => Float32Array.from({ length }, () => random.normal());
    const base = normals(n);
    const basis = normals(n * count);
    const coefficients = normals(count);
    for (let k = 0; k < count; k += zeroEvery) coefficients[k] = 0;
    kernels.scope(() => {
      const out = kernels.f32(n);
      blendshapes(kernels, kernels.f32(base), kernels.f32(basis), kernels.f32(coefficients), out);
      const expected = blendshapesReference(base, basis, coefficients);
      // Float32 rounding of a running sum: one ulp of the largest partial sum per term, bounded generously.
      const tolerance = 1e-6 * (count + 1) * 5;
      for (let i = 0; i < n; i++) expect(Math.abs(out.view[i] - expected[i])).toBeLessThanOrEqual(tolerance);
    });
  }

  it.each([
    [0, 0],
    [0, 5],
    [1, 0],
    [1, 1],
    [3, 4],
    [7, 5],
    [2047, 9],
    [2049, 8],
    [5003, 31],
  ])('equals the reference for N = %i, K = %i', (n, count) => check(n, count, n + 17 * count));

  it('equals the reference for random shapes', () => {
    fc.assert(
      fc.property(
        fc.nat(300),
        fc.nat(20),
        fc.nat(),
        fc.integer({ min: 1, max: 5 }),
        (n, count, seed, every) => check(n, count, seed, every),
      ),
      { numRuns: 60, seed: 1 },
    );
  });

  it('skips zero coefficients altogether, works in place and on ranges', () => {
    kernels.scope(() => {
      const base = kernels.f32([1, 2, 3, 4, 5]);
      const basis = kernels.f32([NaN, NaN, NaN, NaN, NaN, 1, 1, 1, 1, 1]);
      blendshapes(kernels, base, basis, kernels.f32([0, 2]), base, [1, 4]);
      expect(Array.from(base.view)).toEqual([1, 4, 5, 6, 5]);
    });
  });

  it('refuses lengths that do not match', () => {
    kernels.scope(() => {
      const three = kernels.f32(3);
      expect(() => blendshapes(kernels, three, kernels.f32(5), kernels.f32(2), three)).toThrow(
        /basis must be \(K,N\) with 6 elements, got 5/,
      );
      expect(() => blendshapes(kernels, three, kernels.f32(6), kernels.f32(2), three, [0, 4])).toThrow(
        /range/,
      );
    });
  });
});
