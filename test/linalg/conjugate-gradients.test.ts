import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import { conjugateGradients, type LinearOperator } from '../../src/linalg/conjugate-gradients.ts';

/** Second differences on a line plus a diagonal: positive definite, banded. */
function operator(n: number, seed: number): { multiply: LinearOperator; diagonal: Float64Array } {
  const random = createRandom(seed);
  const diagonal = Float64Array.from({ length: n }, () => 2 + 10 ** (4 * random.uniform()));
  const multiply: LinearOperator = (x, out) => {
    for (let i = 0; i < n; i++) out[i] = diagonal[i] * x[i] - (x[i - 1] ?? 0) - (x[i + 1] ?? 0);
  };
  return { multiply, diagonal };
}

describe('conjugateGradients', () => {
  it('solves random systems, sooner with a preconditioner', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.nat(), (n, seed) => {
        const { multiply, diagonal } = operator(n, seed);
        const random = createRandom(seed + 1);
        const x = Float64Array.from({ length: n }, () => random.normal());
        const b = new Float64Array(n);
        multiply(x, b);
        const preconditioner: LinearOperator = (r, z) => z.set(r.map((v, i) => v / diagonal[i]));
        const plain = conjugateGradients(multiply, b, { tolerance: 1e-12, maxIterations: 2000 });
        const fast = conjugateGradients(multiply, b, { preconditioner, tolerance: 1e-12 });
        for (const result of [plain, fast]) {
          expect(result.reason).toBe('converged');
          for (let i = 0; i < n; i++) expect(Math.abs(result.x[i] - x[i])).toBeLessThan(1e-7);
        }
        expect(fast.iterations).toBeLessThanOrEqual(plain.iterations);
        expect(conjugateGradients(multiply, b, { start: x }).iterations).toBe(0);
      }),
      { numRuns: 40, seed: 8 },
    );
  });

  it('tells why it stopped', () => {
    const { multiply } = operator(50, 1);
    const b = new Float64Array(50).fill(1);
    expect(conjugateGradients(multiply, b, { maxIterations: 2 })).toMatchObject({
      reason: 'iterations',
      iterations: 2,
    });
    const negative: LinearOperator = (x, out) => out.set(x.map((v) => -v));
    expect(conjugateGradients(negative, b).reason).toBe('indefinite');
    const broken: LinearOperator = (_x, out) => void out.fill(NaN);
    expect(conjugateGradients(broken, b).reason).toBe('indefinite');
    expect(conjugateGradients(multiply, new Float64Array(50)).reason).toBe('converged');
    expect(() => conjugateGradients(multiply, b, { start: new Float64Array(3) })).toThrow(/start/);
  });
});
