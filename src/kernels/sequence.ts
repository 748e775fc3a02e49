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
 * some 2n³ multiplications a block, so that time is proportional to the length of the sequence. All of it is the partial
 * factorisation of a front of three blocks, in float64 on two lanes (assembly/cholesky.ts): 0.28 ms a block at n = 67, against
 * 2.2 ms in TypeScript that spares the zeros of V.
 *
 * Memory is not: factors are 3n² numbers a block (110 kB at n = 67), and they are wanted in reverse order for the back
 * substitution. Beyond a budget only the state at the start of every section is kept, and a section's factors are made
 * again when the substitution comes to it (Griewank 1992, checkpointing with two levels): twice the time of the
 * elimination, memory with the square root of the length.
 */
import { InvalidArgumentError } from '../core/errors.ts';
import type { Kernels } from './runtime.ts';

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
  /** Numbers (float64) of factors kept at a time, about; they lie in kernel memory. */
  readonly budget?: number;
}

/** Defaults of {@link solveSequence}: 80 MB. */
export const SEQUENCE_DEFAULTS: Required<SequenceOptions> = { budget: 1e7 };

/**
 * Solves the system.
 * @returns (T,n), or null where a pivot is not positive.
 * @throws {InvalidArgumentError} on lengths that do not match.
 */
export function solveSequence(
  kernels: Kernels,
  system: SequenceSystem,
  options: SequenceOptions = {},
): Float64Array | null {
  const { length: T, size: n, next, nextButOne, right } = system;
  for (const [name, a] of Object.entries({ next, nextButOne, right }))
    if (a.length !== T * n)
      throw new InvalidArgumentError(`solveSequence: ${name} must be (T,n) = ${T * n} long, got ${a.length}`);
  const x = new Float64Array(T * n);
  if (T === 0 || n === 0) return x;
  return kernels.scope(() => solve(kernels, system, options.budget ?? SEQUENCE_DEFAULTS.budget, x));
}

function solve(
  kernels: Kernels,
  system: SequenceSystem,
  budget: number,
  x: Float64Array,
): Float64Array | null {
  const { length: T, size: n } = system;
  // Padded with an identity, so that the kernel has no edges.
  const m = (n + 3) & ~3;
  const each = (3 * m + 1) * m;
  const whole = each * T <= budget;
  const section = whole ? T : Math.max(2, Math.ceil(Math.sqrt(T)));
  const sections = Math.ceil(T / section);
  const front = kernels.f64((3 * m + 2) * 3 * m);
  // Factors of one section; those of all but the last are made again when the substitution comes to them.
  const factors = Array.from({ length: Math.min(section, T) }, () => kernels.f64(each, false));
  const scratch = kernels.f64(n * n);
  const starts: Float64Array[] = [];
  const eliminate = (t: number): boolean => {
    assemble(system, t, m, front.view, scratch.view);
    return kernels.raw.eliminateFront(front.ptr, m, factors[t % section].ptr) === 1;
  };
  for (let t = 0; t < T; t++) {
    if (t % section === 0) starts.push(front.view.slice());
    if (!eliminate(t)) return null;
  }
  for (let s = sections - 1; s >= 0; s--) {
    const begin = s * section;
    const end = Math.min(begin + section, T);
    if (end < T) {
      front.view.set(starts[s]);
      for (let t = begin; t < end; t++) eliminate(t);
    }
    for (let t = end - 1; t >= begin; t--) substitute(factors[t - begin].view, m, x, t, T, n);
  }
  return x;
}

/** Adds block t, its couplings and its right hand side to the front, whose first block it is now. */
function assemble(
  { length: T, size: n, diagonal, next, nextButOne, right }: SequenceSystem,
  t: number,
  m: number,
  front: Float64Array,
  scratch: Float64Array,
): void {
  const row = 3 * m;
  const o = t * n;
  diagonal(t, scratch);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) front[i * row + j] += scratch[i * n + j];
    if (t + 1 < T) front[(m + i) * row + i] += next[o + i];
    if (t + 2 < T) front[(2 * m + i) * row + i] += nextButOne[o + i];
    front[3 * m * row + i] += right[o + i];
  }
  for (let i = n; i < m; i++) front[i * row + i] = 1;
}

/** x_t = L⁻ᵀ(y − U x_{t+1} − V x_{t+2}); `factors` hold L, the columns of U and of V as rows, and y. */
function substitute(
  factors: Float64Array,
  m: number,
  x: Float64Array,
  t: number,
  T: number,
  n: number,
): void {
  const o = t * n;
  const z = factors.slice(3 * m * m, 3 * m * m + n);
  for (const ahead of [1, 2]) {
    if (t + ahead >= T) continue;
    for (let s = 0; s < n; s++) {
      const value = x[o + ahead * n + s];
      if (value === 0) continue;
      const at = (ahead * m + s) * m;
      // V is triangular.
      for (let i = ahead === 2 ? s : 0; i < n; i++) z[i] -= factors[at + i] * value;
    }
  }
  for (let i = n - 1; i >= 0; i--) {
    const value = z[i] / factors[i * m + i];
    x[o + i] = value;
    for (let k = 0, at = i * m; k < i; k++) z[k] -= factors[at + k] * value;
  }
}
