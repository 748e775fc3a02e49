/**
 * Several photos of one person as one least-squares problem: the sum of the photos' energies over one identity and one
 * texture and everything else of each photo. The priors on what is shared must be counted once: each photo's problem
 * carries its share of them.
 *
 * Columns: the private columns of photo 1, of photo 2, …, then what is shared: identity and texture, and for pictures of
 * one camera its focal length. The Hessian has arrow shape.
 */
import type { LeastSquaresProblem, NormalEquations } from '../solve/levenberg-marquardt.ts';
import type { BlockName, FitState, ParameterLayout } from './parameters.ts';
import type { FitProblem } from './problem.ts';

/** What photos of one person share. */
export const ONE_PERSON: readonly BlockName[] = ['identity', 'texture'];
/** What pictures of one person share that one camera took without zooming: the focal length moves by one factor. */
export const ONE_CAMERA: readonly BlockName[] = [...ONE_PERSON, 'focal'];

/**
 * One problem over the states of all photos; they agree in what is shared.
 * @param look is told the states before their problems are linearised there.
 */
export function combineProblems(
  problems: readonly FitProblem[],
  layout: ParameterLayout,
  blocks: readonly BlockName[] = ONE_PERSON,
  look?: (states: readonly FitState[]) => void,
): LeastSquaresProblem<readonly FitState[]> {
  if (problems.length === 1) return alone(problems[0]);
  const shared: number[] = [];
  const own: number[] = [];
  for (let c = 0; c < layout.size; c++) (isShared(layout, blocks, c) ? shared : own).push(c);
  const P = own.length;
  const n = problems.length * P + shared.length;
  /** Column of the combined problem for each column of photo i. */
  const maps = problems.map((_, i) => {
    const map = new Int32Array(layout.size);
    for (const [k, c] of own.entries()) map[c] = i * P + k;
    for (const [k, c] of shared.entries()) map[c] = problems.length * P + k;
    return map;
  });
  const gather = (x: Float64Array, i: number) => Float64Array.from(maps[i], (c) => x[c]);

  return {
    linearize(states): NormalEquations {
      look?.(states);
      const hessian = new Float64Array(n * n);
      const gradient = new Float64Array(n);
      let cost = 0;
      for (const [i, problem] of problems.entries()) {
        const e = problem.linearize(states[i]);
        cost += e.cost;
        addMapped(e, maps[i], hessian, gradient, n);
      }
      return { cost, hessian, gradient, groups: problems.map(() => P) };
    },
    cost: (states) => problems.reduce((sum, problem, i) => sum + problem.cost(states[i]), 0),
    retract(states, step) {
      const next = states.map((state, i) => problems[i].retract(state, gather(step, i)));
      const { identity, texture } = next[0];
      return next.map((state) => ({ ...state, identity, texture }));
    },
    stepBounds(states) {
      const lower = new Float64Array(n).fill(Number.NEGATIVE_INFINITY);
      const upper = new Float64Array(n).fill(Number.POSITIVE_INFINITY);
      for (const [i, problem] of problems.entries()) {
        const bounds = problem.stepBounds?.(states[i]);
        if (!bounds) continue;
        for (const c of own) {
          lower[maps[i][c]] = bounds.lower[c];
          upper[maps[i][c]] = bounds.upper[c];
        }
      }
      return { lower, upper };
    },
  };
}

/** Adds one photo's equations at their columns of all photos', `map`. */
function addMapped(
  one: NormalEquations,
  map: ArrayLike<number>,
  hessian: Float64Array,
  gradient: Float64Array,
  n: number,
): void {
  const size = one.gradient.length;
  const own = one.hessian;
  for (let r = 0; r < size; r++) {
    gradient[map[r]] += one.gradient[r];
    const row = map[r] * n;
    const from = r * size;
    for (let c = 0; c < size; c++) hessian[row + map[c]] += own[from + c];
  }
}

/** One photo's problem as it is: nothing to reorder, nothing to eliminate. */
function alone(problem: FitProblem): LeastSquaresProblem<readonly FitState[]> {
  return {
    linearize: ([state]) => problem.linearize(state),
    cost: ([state]) => problem.cost(state),
    retract: ([state], step) => [problem.retract(state, step)],
    stepBounds: ([state]) => problem.stepBounds!(state),
  };
}

function isShared(layout: ParameterLayout, blocks: readonly BlockName[], column: number): boolean {
  for (const name of blocks) {
    const block = layout.blocks.get(name);
    if (block && column >= block.offset && column < block.offset + block.size) return true;
  }
  return false;
}
