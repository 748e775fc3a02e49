/**
 * Linear systems of a sequence whose blocks are tied to their next two neighbours, as second differences tie them:
 *
 *   A_t x_t + b_t∘x_{t+1} + c_t∘x_{t+2} + (the transposes towards earlier blocks) = r_t
 *
 * A_t dense and symmetric, couplings diagonal. Taken in pairs of blocks the matrix is block-tridiagonal; eliminating
 * single blocks does the same with a third of the work: with L_t L_tᵀ = A_t, U = L⁻¹B, V = L⁻¹C
 *
 *   A_{t+1} −= UᵀU,  B_{t+1} −= UᵀV,  A_{t+2} −= VᵀV,
 *
 * some 2n³ multiplications a block, so that time is proportional to the length of the sequence.
 *
 * Memory is not: factors are 3n² numbers a block (110 kB at n = 67), and they are wanted in reverse order for the back
 * substitution. Beyond a budget only the state at the start of every section is kept, and a section's factors are made
 * again when the substitution comes to it (Griewank 1992, checkpointing with two levels): twice the time of the
 * elimination, memory with the square root of the length.
 */
import { InvalidArgumentError } from '../core/errors.ts';
import { choleskyFactor } from './cholesky.ts';

/** A symmetric positive definite system, see the header. */
export interface SequenceSystem {
  /** Number of blocks, T. */
  readonly length: number;
  /** n. */
  readonly size: number;
  /** Writes the lower triangle of A_t to `out`, (n,n) row-major; called at most twice for each t. */
  readonly diagonal: (t: number, out: Float64Array) => void;
  /** (T,n) couplings of t with t + 1; the last row counts for nothing. */
  readonly next: Float64Array;
  /** (T,n) couplings of t with t + 2; the last two rows count for nothing. */
  readonly nextButOne: Float64Array;
  /** (T,n). */
  readonly right: Float64Array;
}

/** Options of {@link solveSequence}. */
export interface SequenceOptions {
  /** Numbers (float64) of factors kept at a time, about. */
  readonly budget?: number;
}

/** Defaults of {@link solveSequence}: 80 MB. */
export const SEQUENCE_DEFAULTS: Required<SequenceOptions> = { budget: 1e7 };

/** Factors of one block; rows of `u` and `v` are the columns of U and V. */
interface Factors {
  readonly l: Float64Array;
  readonly u: Float64Array;
  readonly v: Float64Array;
  readonly y: Float64Array;
}

/** What earlier blocks have left for block t and the next one. */
interface Pending {
  /** (n,n) lower triangles taken from A_t and A_{t+1}. */
  readonly now: Float64Array;
  readonly after: Float64Array;
  /** (n,n) taken from B_t, column by column: row s is column s. */
  readonly coupling: Float64Array;
  /** (n) taken from r_t and r_{t+1}. */
  readonly rightNow: Float64Array;
  readonly rightAfter: Float64Array;
}

/**
 * Solves the system.
 * @returns (T,n), or null where a pivot is not positive.
 * @throws {InvalidArgumentError} on lengths that do not match.
 */
export function solveSequence(system: SequenceSystem, options: SequenceOptions = {}): Float64Array | null {
  const { length: T, size: n, next, nextButOne, right } = system;
  for (const [name, a] of Object.entries({ next, nextButOne, right }))
    if (a.length !== T * n)
      throw new InvalidArgumentError(`solveSequence: ${name} must be (T,n) = ${T * n} long, got ${a.length}`);
  const x = new Float64Array(T * n);
  if (T === 0 || n === 0) return x;
  const budget = options.budget ?? SEQUENCE_DEFAULTS.budget;
  const whole = 3 * n * n * T <= budget;
  const section = whole ? T : Math.max(2, Math.ceil(Math.sqrt(T)));
  const starts: Pending[] = [];
  let pending = nothingPending(n);
  let factors: Factors[] = [];
  for (let t = 0; t < T; t++) {
    if (t % section === 0) {
      starts.push({ ...pending, after: pending.after.slice(), rightAfter: pending.rightAfter.slice() });
      factors = [];
    }
    const step = eliminate(system, t, pending);
    if (!step) return null;
    // All but the last section's are made again later.
    if (t >= (starts.length - 1) * section && starts.length === Math.ceil(T / section))
      factors.push(step.factors);
    pending = step.pending;
  }
  for (let s = starts.length - 1; s >= 0; s--) {
    const begin = s * section;
    const end = Math.min(begin + section, T);
    if (end < T) {
      factors = [];
      pending = starts[s];
      for (let t = begin; t < end; t++) {
        const step = eliminate(system, t, pending)!;
        factors.push(step.factors);
        pending = step.pending;
      }
    }
    for (let t = end - 1; t >= begin; t--) substitute(factors[t - begin], x, t, T, n);
  }
  return x;
}

function nothingPending(n: number): Pending {
  return {
    now: new Float64Array(n * n),
    after: new Float64Array(n * n),
    coupling: new Float64Array(n * n),
    rightNow: new Float64Array(n),
    rightAfter: new Float64Array(n),
  };
}

/** Takes block t out; `p.after` and `p.rightAfter` become part of the next pending state and are changed. */
function eliminate(
  system: SequenceSystem,
  t: number,
  p: Pending,
): { factors: Factors; pending: Pending } | null {
  const { length: T, size: n, next, nextButOne, right } = system;
  const l = new Float64Array(n * n);
  system.diagonal(t, l);
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) l[i * n + j] -= p.now[i * n + j];
  if (choleskyFactor(l, n) >= 0) return null;
  const o = t * n;
  const y = new Float64Array(n);
  for (let i = 0; i < n; i++) y[i] = right[o + i] - p.rightNow[i];
  forward(l, n, y, 0, 0);
  const [u, v] = [new Float64Array(n * n), new Float64Array(n * n)];
  const now = p.after;
  const after = new Float64Array(n * n);
  const coupling = new Float64Array(n * n);
  const rightNow = p.rightAfter;
  const rightAfter = new Float64Array(n);
  if (t + 1 < T) {
    for (let s = 0; s < n; s++) {
      for (let i = 0; i < n; i++) u[s * n + i] = -p.coupling[s * n + i];
      u[s * n + s] += next[o + s];
      forward(l, n, u, s * n, 0);
    }
    for (let i = 0; i < n; i++) {
      for (let j = 0; j <= i; j++) now[i * n + j] += dot(u, i * n, u, j * n, 0, n);
      rightNow[i] += dot(u, i * n, y, 0, 0, n);
    }
  }
  if (t + 2 < T) {
    for (let s = 0; s < n; s++) {
      v[s * n + s] = nextButOne[o + s];
      forward(l, n, v, s * n, s);
    }
    for (let s = 0; s < n; s++) {
      for (let i = 0; i < n; i++) coupling[s * n + i] = dot(u, i * n, v, s * n, s, n);
      for (let j = 0; j <= s; j++) after[s * n + j] = dot(v, s * n, v, j * n, s, n);
      rightAfter[s] = dot(v, s * n, y, 0, s, n);
    }
  }
  return { factors: { l, u, v, y }, pending: { now, after, coupling, rightNow, rightAfter } };
}

/** x_t = L⁻ᵀ(y − U x_{t+1} − V x_{t+2}). */
function substitute({ l, u, v, y }: Factors, x: Float64Array, t: number, T: number, n: number): void {
  const o = t * n;
  const z = y.slice();
  for (const [ahead, m] of [
    [1, u],
    [2, v],
  ] as const) {
    if (t + ahead >= T) continue;
    for (let s = 0; s < n; s++) {
      const value = x[o + ahead * n + s];
      if (value === 0) continue;
      for (let i = ahead === 2 ? s : 0; i < n; i++) z[i] -= m[s * n + i] * value;
    }
  }
  for (let i = n - 1; i >= 0; i--) {
    const value = z[i] / l[i * n + i];
    x[o + i] = value;
    for (let k = 0, at = i * n; k < i; k++) z[k] -= l[at + k] * value;
  }
}

/** Solves L·w = m[at … at+n) in place; elements before `first` are zero. */
function forward(l: Float64Array, n: number, m: Float64Array, at: number, first: number): void {
  for (let i = first; i < n; i++) m[at + i] = (m[at + i] - dot(l, i * n, m, at, first, i)) / l[i * n + i];
}

/** Σ a·b over elements first … end−1; four sums at a time, as a single one waits for its own last addition. */
function dot(a: Float64Array, ao: number, b: Float64Array, bo: number, first: number, end: number): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  let i = first;
  for (; i + 3 < end; i += 4) {
    s0 += a[ao + i] * b[bo + i];
    s1 += a[ao + i + 1] * b[bo + i + 1];
    s2 += a[ao + i + 2] * b[bo + i + 2];
    s3 += a[ao + i + 3] * b[bo + i + 3];
  }
  for (; i < end; i++) s0 += a[ao + i] * b[bo + i];
  return s0 + s1 + (s2 + s3);
}
