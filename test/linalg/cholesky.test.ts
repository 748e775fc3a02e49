import fc from 'fast-check';
import { CholeskyDecomposition, Matrix } from 'ml-matrix';
import { describe, expect, it } from 'vitest';
import { NotPositiveDefiniteError } from '../../src/core/errors.ts';
import { createRandom } from '../../src/core/random.ts';
import {
  choleskyFactor,
  choleskyInverse,
  choleskySolve,
  solvePositiveDefinite,
} from '../../src/linalg/cholesky.ts';

/** GᵀG + ½·I for a random G: condition number of some hundreds. */
function randomSpd(n: number, seed: number): Float64Array {
  const random = createRandom(seed);
  const g = Matrix.from1DArray(
    n + 2,
    n,
    Array.from({ length: (n + 2) * n }, () => random.normal()),
  );
  return Float64Array.from(g.transpose().mmul(g).add(Matrix.eye(n).mul(0.5)).to1DArray());
}

describe('Cholesky', () => {
  function check(n: number, seed: number) {
    const a = randomSpd(n, seed);
    const l = new Float64Array(n * n);
    expect(choleskyFactor(a, n, l)).toBe(-1);
    const expected = new CholeskyDecomposition(Matrix.from1DArray(n, n, Array.from(a))).lowerTriangularMatrix;
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++)
        expect(Math.abs(l[i * n + j] - expected.get(i, j))).toBeLessThan(1e-9 * (n + 1));
    }
    const random = createRandom(seed + 1);
    const x = Float64Array.from({ length: n }, () => random.normal());
    const b = Float64Array.from({ length: n }, (_, i) => x.reduce((sum, v, j) => sum + a[i * n + j] * v, 0));
    const solved = choleskySolve(l, n, b);
    for (let i = 0; i < n; i++) expect(Math.abs(solved[i] - x[i])).toBeLessThan(1e-7);
    const inverse = choleskyInverse(l, n);
    for (let i = 0; i < n; i++) {
      const row = x.reduce((sum, _, j) => sum + inverse[i * n + j] * b[j], 0);
      expect(Math.abs(row - x[i])).toBeLessThan(1e-7);
    }
  }

  it.each([1, 2, 3, 4, 5, 7, 8, 11, 64, 101])('factors, solves and inverts n = %i as ml-matrix does', (n) =>
    check(n, n),
  );

  it('does so for random sizes', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 40 }), fc.nat(), check), { numRuns: 40, seed: 1 });
  });

  it('has nothing to do for n = 0', () => {
    expect(choleskyFactor(new Float64Array(0), 0)).toBe(-1);
    expect(solvePositiveDefinite(new Float64Array(0), 0, new Float64Array(0)).length).toBe(0);
  });

  it('reads and writes the lower triangle only', () => {
    const n = 10;
    const a = randomSpd(n, 3);
    const marked = a.map((v, at) => (at % n > Math.floor(at / n) ? NaN : v));
    const l = a.slice();
    choleskyFactor(a, n, l);
    const inPlace = marked.slice();
    expect(choleskyFactor(inPlace, n)).toBe(-1);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) expect(inPlace[i * n + j]).toBe(j > i ? NaN : l[i * n + j]);
    }
  });

  it.each([0, 3, 4, 6, 8])('names the first bad pivot: %i of 9', (bad) => {
    const n = 9;
    for (const value of [-1, NaN, Infinity]) {
      const a = randomSpd(n, 4);
      a[bad * n + bad] = value;
      expect(choleskyFactor(a.slice(), n)).toBe(bad);
      expect(() => solvePositiveDefinite(a, n, new Float64Array(n))).toThrow(NotPositiveDefiniteError);
      expect(() => solvePositiveDefinite(a, n, new Float64Array(n))).toThrow(
        new RegExp(`not positive definite at row ${bad} `),
      );
    }
    // Two equal parameters: exactly singular.
    expect(choleskyFactor(Float64Array.from([1, 1, 1, 1]), 2)).toBe(1);
  });
});
