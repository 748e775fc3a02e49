import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import { solveArrow } from '../../src/linalg/arrow.ts';
import { solvePositiveDefinite } from '../../src/linalg/cholesky.ts';

/** A random positive definite matrix of arrow shape. */
function arrow(sizes: number[], shared: number, seed: number): { a: Float64Array; n: number } {
  const random = createRandom(seed);
  const n = sizes.reduce((s, k) => s + k, 0) + shared;
  const a = new Float64Array(n * n);
  let offset = 0;
  for (const k of sizes) {
    // JᵀJ of rows that touch one private group and the shared one.
    const columns = [
      ...Array.from({ length: k }, (_, i) => offset + i),
      ...Array.from({ length: shared }, (_, i) => n - shared + i),
    ];
    for (let row = 0; row < k + shared + 3; row++) {
      const j = columns.map(() => random.normal());
      for (let p = 0; p < columns.length; p++)
        for (let q = 0; q < columns.length; q++) a[columns[p] * n + columns[q]] += j[p] * j[q];
    }
    offset += k;
  }
  for (let i = 0; i < n; i++) a[i * n + i] += 0.1;
  return { a, n };
}

describe('solveArrow', () => {
  it('solves as the dense factorisation does', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 5 }),
        fc.integer({ min: 1, max: 12 }),
        fc.integer(),
        (sizes, shared, seed) => {
          const { a, n } = arrow(sizes, shared, seed);
          const random = createRandom(seed + 1);
          const b = Float64Array.from({ length: n }, () => random.normal());
          const x = solveArrow(a, n, b, sizes)!;
          const dense = solvePositiveDefinite(a, n, b);
          for (let i = 0; i < n; i++) expect(x[i]).toBeCloseTo(dense[i], 6);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('says so when the matrix is not positive definite', () => {
    const { a, n } = arrow([3, 2], 4, 1);
    const b = new Float64Array(n).fill(1);
    for (const bad of [0, 4, n - 1]) {
      const broken = a.slice();
      broken[bad * n + bad] = -1;
      expect(solveArrow(broken, n, b, [3, 2])).toBeNull();
    }
  });
});
