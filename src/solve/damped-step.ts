/**
 * The damped step of Levenberg-Marquardt within a box, by an active set: unknowns that the gradient pushes out of the box
 * are held, those that the solution drives out are put on its border and the rest is solved again.
 */
import type { DampedEquations } from '../kernels/damped.ts';
import { freeSizes, solveArrow } from '../linalg/arrow.ts';
import { choleskyFactor, choleskySolve } from '../linalg/cholesky.ts';
import { predictedDecrease } from '../linalg/quadratic-model.ts';

/** Lowest and highest step per unknown, (n) each. */
export interface StepBounds {
  readonly lower: Float64Array;
  readonly upper: Float64Array;
}

/** Rounds of putting unknowns on the border. */
const ROUNDS = 3;

/** The step (n) within the bounds; null when the system cannot be solved. */
export function boundedStep(
  system: DampedEquations,
  gradient: Float64Array,
  lambda: number,
  bounds: StepBounds | undefined,
): Float64Array | null {
  const n = gradient.length;
  const step = new Float64Array(n);
  const free = new Uint8Array(n).fill(1);
  if (bounds) holdPushed(bounds, gradient, free);
  const held = new Float64Array(n);
  const index = new Uint32Array(n);
  for (let round = 0; round < ROUNDS; round++) {
    const m = listFree(free, step, held, index);
    const solution = system.solve(index.subarray(0, m), held, lambda);
    if (!solution?.every(Number.isFinite)) return null;
    if (!takeSteps(solution, index, bounds, step, free)) break;
  }
  return step;
}

// Loops in functions of their own: V8 compiles them once, in time for a process's first photo.

/** Holds the unknowns that the gradient pushes out of the box. */
function holdPushed({ lower, upper }: StepBounds, gradient: Float64Array, free: Uint8Array): void {
  for (let i = 0; i < free.length; i++)
    if ((lower[i] >= 0 && gradient[i] > 0) || (upper[i] <= 0 && gradient[i] < 0)) free[i] = 0;
}

/** Writes steps of held unknowns and numbers of free ones, whose count it returns. */
function listFree(free: Uint8Array, step: Float64Array, held: Float64Array, index: Uint32Array): number {
  let m = 0;
  for (let i = 0; i < free.length; i++) {
    held[i] = free[i] ? 0 : step[i];
    if (free[i]) index[m++] = i;
  }
  return m;
}

/** Takes the steps of the free unknowns; holds those that would leave the box on its border, and says whether any did. */
function takeSteps(
  solution: Float64Array,
  index: Uint32Array,
  bounds: StepBounds | undefined,
  step: Float64Array,
  free: Uint8Array,
): boolean {
  let clipped = false;
  for (let r = 0; r < solution.length; r++) {
    const i = index[r];
    let d = solution[r];
    if (bounds && (d < bounds.lower[i] || d > bounds.upper[i])) {
      d = Math.min(Math.max(d, bounds.lower[i]), bounds.upper[i]);
      free[i] = 0;
      clipped = true;
    }
    step[i] = d;
  }
  return clipped;
}

/** Equations solved in plain TypeScript, with groups (see `NormalEquations`) where they have any. */
export function plainEquations({
  hessian,
  gradient,
  groups,
}: {
  readonly hessian: Float64Array;
  readonly gradient: Float64Array;
  readonly groups?: readonly number[];
}): DampedEquations {
  const n = gradient.length;
  return {
    solve: (index, held, lambda) => {
      const m = index.length;
      const a = new Float64Array(m * m);
      const b = new Float64Array(m);
      for (let r = 0; r < m; r++) {
        const row = index[r] * n;
        let s = -gradient[index[r]];
        for (let j = 0; j < n; j++) s -= hessian[row + j] * held[j];
        b[r] = s;
        // The lower triangle is all that is read.
        for (let c = 0; c <= r; c++) a[r * m + c] = hessian[row + index[c]];
        a[r * m + r] += lambda * a[r * m + r] + 1e-12;
      }
      if (groups) return solveArrow(a, m, b, freeSizes(groups, index));
      return choleskyFactor(a, m) >= 0 ? null : choleskySolve(a, m, b, b);
    },
    predictedDecrease: (step) => predictedDecrease(hessian, gradient, step),
  };
}
