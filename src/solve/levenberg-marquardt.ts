/**
 * Levenberg-Marquardt on normal equations, with box bounds on the step (Madsen, Nielsen and Tingleff 2004,
 * "Methods for non-linear least squares problems", algorithm 3.16 for the damping; bounds by an active set as in
 * projected Newton, Bertsekas 1982). Pure: it knows states only through the problem it is given.
 *
 * Robust losses enter through the problem: `linearize` returns JᵀWJ and JᵀWr with W the loss' weights (iteratively
 * re-weighted least squares), `cost` the robust energy itself, which a step must lower to be taken.
 */
import { withDefaults } from '../core/defaults.ts';
import { throwIfAborted } from '../core/errors.ts';
import { arrowEquations } from '../kernels/arrow.ts';
import { dampedEquations } from '../kernels/damped.ts';
import type { Kernels } from '../kernels/runtime.ts';
import { boundedStep, plainEquations } from './damped-step.ts';

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
  /** Solves in their memory, which is faster. */
  readonly kernels?: Kernels;
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
  const { iterations, tolerance, damping, kernels } = withDefaults(MINIMIZE_DEFAULTS, options);
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
    const { hessian, gradient, groups } = equations;
    const mark = kernels?.mark();
    const system = !kernels
      ? plainEquations(equations)
      : groups
        ? arrowEquations(kernels, hessian, gradient, groups)
        : dampedEquations(kernels, hessian, gradient);
    let accepted = false;
    let relative = 0;
    for (let attempt = 0; attempt < REJECTIONS_MAX; attempt++) {
      const step = boundedStep(system, gradient, lambda, bounds);
      if (step) {
        const next = problem.retract(state, step);
        const nextCost = problem.cost(next);
        if (nextCost < cost) {
          const gain = (cost - nextCost) / Math.max(system.predictedDecrease(step), 1e-300);
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
    if (mark) kernels?.release(mark);
    if (!accepted) break;
    if (relative < tolerance) {
      done++;
      break;
    }
  }
  return { state, cost, iterations: done };
}
