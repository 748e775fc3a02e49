/**
 * Preconditioned conjugate gradients for symmetric positive definite systems that are known only by their product
 * with a vector (Hestenes and Stiefel 1952; Shewchuk 1994, B3).
 */
import { withDefaults } from '../core/defaults.ts';
import { InvalidArgumentError } from '../core/errors.ts';

/** Writes A·x (or M⁻¹·x) into `out`; both (n) float64 and never the same array. */
export type LinearOperator = (x: Float64Array, out: Float64Array) => void;

/** Options of {@link conjugateGradients}. */
export interface ConjugateGradientOptions {
  /** M⁻¹·r, symmetric positive definite; the identity by default. */
  readonly preconditioner?: LinearOperator;
  /** (n) where to start; zeros by default. */
  readonly start?: Float64Array;
  /** Stop at ‖b − A·x‖ ≤ tolerance·‖b‖. */
  readonly tolerance?: number;
  /** Stop after so many products with A. */
  readonly maxIterations?: number;
}

/** Defaults of {@link ConjugateGradientOptions}. */
export const CONJUGATE_GRADIENT_DEFAULTS = { tolerance: 1e-8, maxIterations: 200 } as const;

/** Result of {@link conjugateGradients}. */
export interface ConjugateGradientResult {
  /** (n) float64. */
  readonly x: Float64Array;
  readonly iterations: number;
  /** ‖b − A·x‖ / ‖b‖ as updated along the way. */
  readonly residual: number;
  /**
   * `converged`, `iterations` used up, or `indefinite`: a direction of no or negative curvature was met (A or the
   * preconditioner is not positive definite, or NaN came in) and x is the last point before it.
   */
  readonly reason: 'converged' | 'iterations' | 'indefinite';
}

/**
 * Solves A·x = b.
 * @param b (n) float64
 * @throws {InvalidArgumentError} when `start` has another length
 */
export function conjugateGradients(
  multiply: LinearOperator,
  b: Float64Array,
  options: ConjugateGradientOptions = {},
): ConjugateGradientResult {
  const n = b.length;
  const { preconditioner, start, tolerance, maxIterations } = withDefaults(
    CONJUGATE_GRADIENT_DEFAULTS,
    options,
  );
  if (start && start.length !== n) {
    throw new InvalidArgumentError(
      `conjugateGradients: options.start must have ${n} elements, got ${start.length}`,
    );
  }
  const x = new Float64Array(n);
  const r = b.slice();
  const ap = new Float64Array(n);
  if (start) {
    x.set(start);
    multiply(x, ap);
    for (let i = 0; i < n; i++) r[i] -= ap[i];
  }
  const norm = Math.sqrt(dot(b, b)) || 1;
  const z = preconditioner ? new Float64Array(n) : r;
  preconditioner?.(r, z);
  const p = z.slice();
  let rz = dot(r, z);
  let residual = Math.sqrt(dot(r, r)) / norm;
  let iterations = 0;
  while (residual > tolerance) {
    if (iterations >= maxIterations) return { x, iterations, residual, reason: 'iterations' };
    multiply(p, ap);
    const curvature = dot(p, ap);
    if (!(curvature > 0 && rz > 0)) return { x, iterations, residual, reason: 'indefinite' };
    iterations++;
    const alpha = rz / curvature;
    for (let i = 0; i < n; i++) {
      x[i] += alpha * p[i];
      r[i] -= alpha * ap[i];
    }
    residual = Math.sqrt(dot(r, r)) / norm;
    preconditioner?.(r, z);
    const next = dot(r, z);
    const beta = next / rz;
    rz = next;
    for (let i = 0; i < n; i++) p[i] = z[i] + beta * p[i];
  }
  return { x, iterations, residual, reason: Number.isNaN(residual) ? 'indefinite' : 'converged' };
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}
