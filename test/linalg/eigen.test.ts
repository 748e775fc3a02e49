import fc from 'fast-check';
import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import { symmetricEigen } from '../../src/linalg/eigen.ts';

function randomSymmetric(n: number, seed: number): Float64Array {
  const random = createRandom(seed);
  const a = new Float64Array(n * n);
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) a[i * n + j] = a[j * n + i] = random.normal();
  return a;
}

/** A·v = λ·v, V·Vᵀ = I, largest first. */
function checkDecomposition(a: Float64Array, n: number) {
  const { values, vectors } = symmetricEigen(a, n);
  const size = Math.max(1e-300, ...a.map(Math.abs)) * (n + 1);
  for (let r = 0; r < n; r++) {
    if (r > 0) expect(values[r]).toBeLessThanOrEqual(values[r - 1]);
    for (let i = 0; i < n; i++) {
      let product = 0;
      let gram = 0;
      for (let j = 0; j < n; j++) {
        product += a[i * n + j] * vectors[r * n + j];
        gram += vectors[r * n + j] * vectors[i * n + j];
      }
      expect(Math.abs(product - values[r] * vectors[r * n + i])).toBeLessThan(1e-13 * size);
      expect(Math.abs(gram - (i === r ? 1 : 0))).toBeLessThan(1e-13 * (n + 1));
    }
  }
  return values;
}

describe('symmetricEigen', () => {
  it.each([1, 2, 3, 4, 10, 33, 80])('agrees with ml-matrix for n = %i', (n) => {
    const a = randomSymmetric(n, n);
    const values = checkDecomposition(a, n);
    const expected = new EigenvalueDecomposition(Matrix.from1DArray(n, n, Array.from(a)), {
      assumeSymmetric: true,
    });
    const sorted = expected.realEigenvalues.sort((p, q) => q - p);
    for (let i = 0; i < n; i++) expect(Math.abs(values[i] - sorted[i])).toBeLessThan(1e-12 * (n + 1));
  });

  it('decomposes the products of many maps made of few components', () => {
    // Did not converge: 150 maps that 30 components make up, as completion by components leaves them.
    const random = createRandom(7);
    const [N, k, M] = [150, 30, 400];
    const [z, w] = [N, M].map((m) => Float64Array.from({ length: m * k }, () => random.normal()));
    const x = Array.from({ length: N }, (_, r) =>
      Float64Array.from({ length: M }, (_, i) => {
        let sum = 0;
        for (let a = 0; a < k; a++) sum += z[r * k + a] * w[i * k + a] * 0.7 ** a;
        return sum;
      }),
    );
    const gram = new Float64Array(N * N);
    for (let r = 0; r < N; r++)
      for (let q = 0; q < N; q++) gram[r * N + q] = x[r].reduce((s, v, i) => s + v * x[q][i], 0);
    const values = checkDecomposition(gram, N);
    expect(Math.abs(values[k])).toBeLessThan(1e-12 * values[0]);
  });

  it('decomposes random matrices of any rank and scale', () => {
    fc.assert(
      fc.property(
        fc.nat(24),
        fc.nat(24),
        fc.integer({ min: -120, max: 120 }),
        fc.nat(),
        (n, rank, power, seed) => {
          const random = createRandom(seed);
          const a = new Float64Array(n * n);
          for (let k = 0; k < rank; k++) {
            const v = Float64Array.from({ length: n }, () => random.normal());
            const scale = (random.uniform() < 0.5 ? -1 : 1) * 10 ** power;
            for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) a[i * n + j] += scale * v[i] * v[j];
          }
          checkDecomposition(a, n);
        },
      ),
      { numRuns: 60, seed: 5 },
    );
  });

  it('keeps diagonal, zero and repeated eigenvalues', () => {
    expect(Array.from(checkDecomposition(Float64Array.from([2, 0, 0, 0, 5, 0, 0, 0, 2]), 3))).toEqual([
      5, 2, 2,
    ]);
    expect(Array.from(checkDecomposition(new Float64Array(16), 4))).toEqual([0, 0, 0, 0]);
    expect(symmetricEigen(new Float64Array(0), 0).values.length).toBe(0);
  });

  it('refuses wrong sizes and NaN', () => {
    expect(() => symmetricEigen(new Float64Array(5), 2)).toThrow(/4 elements, got 5/);
    expect(() => symmetricEigen(Float64Array.from([1, NaN, NaN, 1]), 2)).toThrow(/NaN/);
  });
});
