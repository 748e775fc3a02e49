import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import { arrowEquations } from '../../src/kernels/arrow.ts';
import { solveArrow } from '../../src/linalg/arrow.ts';
import { solvePositiveDefinite } from '../../src/linalg/cholesky.ts';
import { plainEquations } from '../../src/solve/damped-step.ts';
import { BUILDS } from '../kernels/builds.ts';

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

describe.each(BUILDS)('arrowEquations (%s)', (_name, create) => {
  const kernels = create();

  it('give the plain solution, whatever is held', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 14 }), { maxLength: 5 }),
        fc.integer({ min: 1, max: 21 }),
        fc.constantFrom(0, 1e-3, 10),
        fc.integer(),
        (groups, shared, lambda, seed) => {
          const { a: hessian, n } = arrow(groups, shared, seed);
          const random = createRandom(seed + 1);
          const gradient = Float64Array.from({ length: n }, () => random.normal());
          const plain = plainEquations({ hessian, gradient, groups });
          const fast = arrowEquations(kernels, hessian, gradient, groups);
          const index = Array.from({ length: n }, (_, i) => i).filter(() => random.uniform() < 0.8);
          const held = Float64Array.from({ length: n }, (_, i) => (index.includes(i) ? 0 : random.normal()));
          const [got, want] = [fast.solve(index, held, lambda)!, plain.solve(index, held, lambda)!];
          const size = 1 + Math.max(0, ...want.map(Math.abs));
          expect(got.length).toBe(index.length);
          for (let i = 0; i < index.length; i++) expect(Math.abs(got[i] - want[i])).toBeLessThan(1e-8 * size);
          const step = Float64Array.from({ length: n }, () => random.normal());
          expect(fast.predictedDecrease(step) / plain.predictedDecrease(step)).toBeCloseTo(1, 9);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('have no solution where a pivot is not positive, of a group or of what is shared', () => {
    for (const bad of [0, 6, 9]) {
      const { a, n } = arrow([3, 5], 4, 2);
      a[bad * n + bad] = -1;
      const all = Array.from({ length: n }, (_, i) => i);
      const zero = new Float64Array(n);
      expect(arrowEquations(kernels, a, zero, [3, 5]).solve(all, zero, 0)).toBeNull();
    }
  });
});
