import { describe, expect, it } from 'vitest';
import { AbortedError } from '../../src/core/errors.ts';
import { type LeastSquaresProblem, minimize } from '../../src/solve/levenberg-marquardt.ts';
import { gemanMcClure, gemanMcClureWeight, pseudoHuber, pseudoHuberWeight } from '../../src/solve/robust.ts';

/** A problem from residuals and their Jacobian rows, with a weight per residual. */
function problem(
  residuals: (x: Float64Array) => number[],
  jacobian: (x: Float64Array) => number[][],
  box?: { lower: number[]; upper: number[] },
): LeastSquaresProblem<Float64Array> {
  const cost = (x: Float64Array) => 0.5 * residuals(x).reduce((s, r) => s + r * r, 0);
  return {
    cost,
    linearize(x) {
      const r = residuals(x);
      const J = jacobian(x);
      const n = x.length;
      const hessian = new Float64Array(n * n);
      const gradient = new Float64Array(n);
      for (let k = 0; k < r.length; k++)
        for (let i = 0; i < n; i++) {
          gradient[i] += J[k][i] * r[k];
          for (let j = 0; j < n; j++) hessian[i * n + j] += J[k][i] * J[k][j];
        }
      return { cost: cost(x), hessian, gradient };
    },
    retract(x, step) {
      const next = x.map((v, i) => v + step[i]);
      return box ? next.map((v, i) => Math.min(Math.max(v, box.lower[i]), box.upper[i])) : next;
    },
    ...(box && {
      stepBounds: (x: Float64Array) => ({
        lower: Float64Array.from(box.lower, (b, i) => b - x[i]),
        upper: Float64Array.from(box.upper, (b, i) => b - x[i]),
      }),
    }),
  };
}

const rosenbrock = (box?: { lower: number[]; upper: number[] }) =>
  problem(
    ([x, y]) => [10 * (y - x * x), 1 - x],
    ([x]) => [
      [-20 * x, 10],
      [-1, 0],
    ],
    box,
  );

describe('minimize', () => {
  it('finds the minimum of the Rosenbrock function from the usual start', () => {
    const { state, cost } = minimize(rosenbrock(), new Float64Array([-1.2, 1]), {
      iterations: 100,
      tolerance: 1e-14,
    });
    expect(state[0]).toBeCloseTo(1, 5);
    expect(state[1]).toBeCloseTo(1, 5);
    expect(cost).toBeLessThan(1e-12);
  });

  it('stays in its box and finds the constrained minimum', () => {
    // On the border x = 0.5 the minimum is y = x² = 0.25.
    const { state } = minimize(
      rosenbrock({ lower: [-2, -2], upper: [0.5, 2] }),
      new Float64Array([-1.2, 1]),
      { iterations: 200, tolerance: 1e-14 },
    );
    expect(state[0]).toBeCloseTo(0.5, 6);
    expect(state[1]).toBeCloseTo(0.25, 4);
  });

  it('leaves a parameter at its border while the gradient pushes outwards, and lets it go otherwise', () => {
    const box = { lower: [0, 0], upper: [1, 1] };
    const linear = (a: number, b: number) =>
      problem(
        ([x, y]) => [x - a, y - b, 0.5 * (x + y) - 0.5 * (a + b)],
        () => [
          [1, 0],
          [0, 1],
          [0.5, 0.5],
        ],
        box,
      );
    const out = minimize(linear(-1, 0.4), new Float64Array([0, 0]), { iterations: 30, tolerance: 1e-14 });
    expect(out.state[0]).toBe(0);
    // With x fixed at 0: d/dy of ½(y−0.4)² + ½(0.5y+0.3)² = 0.
    expect(out.state[1]).toBeCloseTo((0.4 - 0.15) / 1.25, 5);
    const free = minimize(linear(0.7, 0.2), new Float64Array([0, 0]), { iterations: 30, tolerance: 1e-14 });
    expect(free.state[0]).toBeCloseTo(0.7, 5);
    expect(free.state[1]).toBeCloseTo(0.2, 5);
  });

  it('never returns a state worse than its start and reports every iteration', () => {
    const p = rosenbrock();
    const start = new Float64Array([2, -3]);
    const costs: number[] = [];
    const result = minimize(p, start, { iterations: 4, onIteration: (_, c) => costs.push(c) });
    expect(result.cost).toBeLessThan(p.cost(start));
    expect(costs).toHaveLength(result.iterations);
    for (let i = 1; i < costs.length; i++) expect(costs[i]).toBeLessThan(costs[i - 1]);
  });

  it('stops on an aborted signal', () => {
    expect(() => minimize(rosenbrock(), new Float64Array([0, 0]), { signal: AbortSignal.abort() })).toThrow(
      AbortedError,
    );
  });
});

describe('robust losses', () => {
  const losses = [
    ['Geman-McClure', gemanMcClure, gemanMcClureWeight],
    ['pseudo-Huber', pseudoHuber, pseudoHuberWeight],
  ] as const;
  it.each(losses)(
    '%s: the weight is the derivative, and small residuals are least squares',
    (_, rho, weight) => {
      for (const k of [0.5, 1, 3])
        for (const s of [0, 0.1, 1, 7, 100]) {
          const h = 1e-4 * (1 + s);
          const numeric = (rho(s + h, k) - rho(Math.max(s - h, 0), k)) / (s + h - Math.max(s - h, 0));
          expect(weight(s, k)).toBeCloseTo(numeric, 2);
        }
      expect(rho(1e-6, 2) / 1e-6).toBeCloseTo(1, 5);
      expect(weight(0, 2)).toBe(1);
    },
  );
});
