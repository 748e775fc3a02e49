import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import { dampedEquations } from '../../src/kernels/damped.ts';
import { plainEquations } from '../../src/solve/damped-step.ts';
import { BUILDS } from './builds.ts';

/** A positive definite system of n unknowns with scales from 1e-2 to 1e2. */
function system(n: number, seed: number) {
  const random = createRandom(seed);
  const scale = Float64Array.from({ length: n }, () => 10 ** (4 * random.uniform() - 2));
  const g = Float64Array.from({ length: n * n }, () => random.normal());
  const hessian = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) {
      let s = i === j ? 1 : 0;
      for (let k = 0; k < n; k++) s += g[i * n + k] * g[j * n + k];
      hessian[i * n + j] = s * scale[i] * scale[j];
    }
  return {
    cost: 0,
    hessian,
    gradient: Float64Array.from({ length: n }, (_, i) => scale[i] * random.normal()),
  };
}

describe.each(BUILDS)('damped equations (%s)', (_name, create) => {
  const kernels = create();

  it.each([1, 2, 3, 4, 5, 8, 31, 64, 103])('give the plain solution for n = %i', (n) => {
    const equations = system(n, n);
    const plain = plainEquations(equations);
    const random = createRandom(9);
    kernels.scope(() => {
      const fast = dampedEquations(kernels, equations.hessian, equations.gradient);
      for (const share of [1, 0.7]) {
        const index = Array.from({ length: n }, (_, i) => i).filter(() => random.uniform() <= share);
        const held = Float64Array.from({ length: n }, (_, i) => (index.includes(i) ? 0 : random.normal()));
        for (const lambda of [0, 1e-3, 10]) {
          const [got, want] = [fast.solve(index, held, lambda)!, plain.solve(index, held, lambda)!];
          expect(got.length).toBe(index.length);
          for (let r = 0; r < index.length; r++) {
            const unit = Math.sqrt(equations.hessian[index[r] * n + index[r]]);
            const size =
              1 +
              Math.max(
                ...want.map((x, q) => Math.abs(x) * Math.sqrt(equations.hessian[index[q] * n + index[q]])),
              );
            expect(Math.abs(got[r] - want[r]) * unit).toBeLessThan(1e-9 * size);
          }
        }
        const step = Float64Array.from({ length: n }, () => random.normal());
        expect(fast.predictedDecrease(step) / plain.predictedDecrease(step)).toBeCloseTo(1, 9);
      }
    });
  });

  it('have no solution where a pivot is not positive', () => {
    for (const bad of [0, 2, 5, 6]) {
      const { hessian, gradient } = system(7, 3);
      hessian[bad * 7 + bad] = -1;
      const all = [0, 1, 2, 3, 4, 5, 6];
      kernels.scope(() => {
        const equations = dampedEquations(kernels, hessian, gradient);
        expect(equations.solve(all, new Float64Array(7), 0)).toBeNull();
        expect(
          equations.solve(
            all.filter((i) => i !== bad),
            new Float64Array(7),
            0,
          ),
        ).not.toBeNull();
      });
    }
    kernels.scope(() => {
      const { hessian, gradient } = system(3, 3);
      hessian[4] = Number.NaN;
      expect(dampedEquations(kernels, hessian, gradient).solve([0, 1, 2], new Float64Array(3), 0)).toBeNull();
    });
  });

  it('refuse lengths that do not match', () => {
    expect(() => dampedEquations(kernels, new Float64Array(5), new Float64Array(2))).toThrow(
      /hessian must be/,
    );
  });
});
