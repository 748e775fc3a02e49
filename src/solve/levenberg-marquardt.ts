/**
 * Levenberg-Marquardt on normal equations, with box bounds on the step (Madsen, Nielsen and Tingleff 2004,
 * "Methods for non-linear least squares problems", algorithm 3.16 for the damping; bounds by an active set as in
 * projected Newton, Bertsekas 1982). Pure: it knows states only through the problem it is given.
 *
 * Robust losses enter through the problem: `linearize` returns JᵀWJ and JᵀWr with W the loss' weights (iteratively
 * re-weighted least squares), `cost` the robust energy itself, which a step must lower to be taken.
 */
import { throwIfAborted } from '../core/errors.ts';
import { solveArrow } from '../linalg/arrow.ts';
import { choleskyFactor, choleskySolve } from '../linalg/cholesky.ts';

/** Quadratic model of the energy around a state: E(x ⊕ d) ≈ cost + gradientᵀd + ½ dᵀ·hessian·d. */
export interface NormalEquations {
  readonly cost: number;
  /** (n,n) float64, symmetric. */
  readonly hessian: Float64Array;
  /** (n) float64. */
  readonly gradient: Float64Array;
  /**
   * Sizes of leading groups of parameters that are not coupled to each other, only to the parameters after them
   * (`linalg/arrow.ts`); absent where everything may be coupled.
   */
  readonly groups?: readonly number[];
}

/** A non-linear least-squares problem over states of type `X`. */
export interface LeastSquaresProblem<X> {
  linearize(x: X): NormalEquations;
  cost(x: X): number;
  /** The state reached by the step (n) from `x`; must clamp to the bounds itself. */
  retract(x: X, step: Float64Array): X;
  /** Lowest and highest admissible step per parameter, (n) each; absent when unbounded. */
  stepBounds?(x: X): { readonly lower: Float64Array; readonly upper: Float64Array };
}

/** Options of {@link minimize}. */
export interface MinimizeOptions {
  /** Accepted steps at most. */
  readonly iterations?: number;
  /** Stop when an accepted step lowers the energy by less than this fraction. */
  readonly tolerance?: number;
  /** First damping, relative to the Hessian's diagonal. */
  readonly damping?: number;
  /** Called after every linearisation with the iteration number and the energy there. */
  readonly onIteration?: (iteration: number, cost: number) => void;
  readonly signal?: AbortSignal;
}

/** Defaults of {@link minimize}. */
export const MINIMIZE_DEFAULTS = { iterations: 20, tolerance: 1e-4, damping: 1e-3 } as const;

/** Result of {@link minimize}. */
export interface MinimizeResult<X> {
  readonly state: X;
  readonly cost: number;
  /** Accepted steps. */
  readonly iterations: number;
}

const REJECTIONS_MAX = 6;

/**
 * Minimises `problem` from `start`.
 * @throws {AbortedError} when `options.signal` is aborted.
 */
export function minimize<X>(
  problem: LeastSquaresProblem<X>,
  start: X,
  options: MinimizeOptions = {},
): MinimizeResult<X> {
  const { iterations, tolerance, damping } = { ...MINIMIZE_DEFAULTS, ...options };
  let state = start;
  let lambda = damping;
  let cost = Number.NaN;
  let done = 0;
  for (; done < iterations; done++) {
    throwIfAborted(options.signal);
    const equations = problem.linearize(state);
    cost = equations.cost;
    options.onIteration?.(done, cost);
    const bounds = problem.stepBounds?.(state);
    let accepted = false;
    let relative = 0;
    for (let attempt = 0; attempt < REJECTIONS_MAX; attempt++) {
      const step = dampedStep(equations, lambda, bounds);
      if (step) {
        const next = problem.retract(state, step);
        const nextCost = problem.cost(next);
        if (nextCost < cost) {
          const gain = (cost - nextCost) / Math.max(predictedDecrease(equations, step), 1e-300);
          lambda = Math.max(1e-7, lambda * (gain > 0.75 ? 0.2 : gain > 0.25 ? 0.6 : 2));
          relative = (cost - nextCost) / Math.max(cost, 1e-300);
          state = next;
          cost = nextCost;
          accepted = true;
          break;
        }
      }
      lambda = Math.max(lambda * 8, 1e-6);
    }
    if (!accepted) break;
    if (relative < tolerance) {
      done++;
      break;
    }
  }
  return { state, cost, iterations: done };
}

/** Solves (H + λ·diag H)·d = −g within the bounds; null when the system cannot be factored. */
function dampedStep(
  { hessian, gradient, groups }: NormalEquations,
  lambda: number,
  bounds: { readonly lower: Float64Array; readonly upper: Float64Array } | undefined,
): Float64Array | null {
  const n = gradient.length;
  const step = new Float64Array(n);
  const free = new Uint8Array(n).fill(1);
  if (bounds)
    for (let i = 0; i < n; i++)
      if ((bounds.lower[i] >= 0 && gradient[i] > 0) || (bounds.upper[i] <= 0 && gradient[i] < 0)) free[i] = 0;
  // A parameter that the solution drives out of its box is fixed at the border and the rest solved again.
  for (let round = 0; round < 3; round++) {
    const index: number[] = [];
    for (let i = 0; i < n; i++) if (free[i]) index.push(i);
    const m = index.length;
    const a = new Float64Array(m * m);
    const b = new Float64Array(m);
    for (let r = 0; r < m; r++) {
      const row = index[r] * n;
      let s = -gradient[index[r]];
      for (let j = 0; j < n; j++) if (!free[j] && step[j] !== 0) s -= hessian[row + j] * step[j];
      b[r] = s;
      // The lower triangle is all that is read.
      if (m === n) a.set(hessian.subarray(row, row + r + 1), row);
      else for (let c = 0; c <= r; c++) a[r * m + c] = hessian[row + index[c]];
      a[r * m + r] += lambda * a[r * m + r] + 1e-12;
    }
    const solution = groups ? solveArrow(a, m, b, freeSizes(groups, free)) : solveDense(a, m, b);
    if (!solution) return null;
    let clipped = false;
    for (let r = 0; r < m; r++) {
      const i = index[r];
      let d = solution[r];
      if (!Number.isFinite(d)) return null;
      if (bounds && (d < bounds.lower[i] || d > bounds.upper[i])) {
        d = Math.min(Math.max(d, bounds.lower[i]), bounds.upper[i]);
        free[i] = 0;
        clipped = true;
      }
      step[i] = d;
    }
    if (!clipped) break;
  }
  return step;
}

/** Solves a·x = b, lower triangle given; null where a pivot is not positive. Both are overwritten. */
function solveDense(a: Float64Array, n: number, b: Float64Array): Float64Array | null {
  return choleskyFactor(a, n) >= 0 ? null : choleskySolve(a, n, b, b);
}

/** How many parameters of each group are free. */
function freeSizes(groups: readonly number[], free: Uint8Array): number[] {
  let offset = 0;
  return groups.map((size) => {
    let count = 0;
    for (let i = 0; i < size; i++) count += free[offset + i];
    offset += size;
    return count;
  });
}

function predictedDecrease({ hessian, gradient }: NormalEquations, step: Float64Array): number {
  const n = step.length;
  let sum = 0;
  for (let i = 0; i < n; i++) {
    let h = 0;
    for (let j = 0; j < n; j++) h += hessian[i * n + j] * step[j];
    sum -= step[i] * (gradient[i] + 0.5 * h);
  }
  return sum;
}
