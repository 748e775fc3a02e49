/**
 * Products of tall matrices, C += AᵀB: what normal equations are made of.
 *
 * Rows are taken in chunks of 256: summed in float32 within a chunk, chunks summed in float64 into C. The rounding
 * error is then that of 256 terms, however many rows there are. Tall matrices are cut into slices with a C each, which
 * are added up at the end, so that threads can take one each; the cut depends on the rows alone, and so do the bits
 * of the result.
 *
 * A tile of C of 6×8, or 4×8 without fused multiply-add, stays in registers (see assembly/gemm.ts).
 */
import { InvalidArgumentError } from '../core/errors.ts';
import { type F32, type F64, type Kernels, requireLength, resolveRange, type WorkRange } from './runtime.ts';
import { cutRange, type TaskArguments } from './tasks.ts';

/** A row-major float32 matrix in kernel memory. */
export interface MatrixF32 {
  /** At least (rows−1)·stride + columns elements. */
  readonly data: F32;
  readonly rows: number;
  readonly columns: number;
  /** Elements from one row to the next, at least `columns`. */
  readonly stride: number;
}

/** Options of {@link gemmTN} and its symmetric forms. */
export interface GemmOptions {
  /** Add to C instead of overwriting it. */
  readonly accumulate?: boolean;
  /** Rows of A and B to take, all by default. */
  readonly rows?: WorkRange;
}

/** Defaults of {@link GemmOptions}. */
export const GEMM_DEFAULTS = { accumulate: true } as const;

/** Rows summed in float32, as in assembly/gemm.ts. */
const CHUNK = 256;
/** Bytes of a packed panel of 8 columns and of a tile's sums, as there. */
const PANEL_BYTES = 32 * CHUNK + 64;
const TILE_BYTES = 192;
/** Slices of a product over that many rows: each costs clearing and adding a C (eight instead of four: 8 % at n = 256). */
const slicesOf = (rows: number) => (rows < 2048 ? 1 : 4);

/** Describes `data` as a matrix; `stride` defaults to `columns`. */
export function matrixF32(data: F32, rows: number, columns: number, stride: number = columns): MatrixF32 {
  return { data, rows, columns, stride };
}

/**
 * C (+)= AᵀB.
 * @param a (m,n) float32
 * @param b (m,k) float32
 * @param c (n,k) float64
 * @throws {InvalidArgumentError} on shapes that do not match
 */
export function gemmTN(
  kernels: Kernels,
  a: MatrixF32,
  b: MatrixF32,
  c: F64,
  options: GemmOptions = {},
): void {
  product('gemmTN', kernels, a, b, c, false, options);
}

/**
 * C (+)= AᵀA, both triangles.
 * @param a (m,n) float32
 * @param c (n,n) float64, symmetric where it is added to
 * @throws {InvalidArgumentError} on shapes that do not match
 */
export function syrkTN(kernels: Kernels, a: MatrixF32, c: F64, options: GemmOptions = {}): void {
  product('syrkTN', kernels, a, a, c, true, options);
}

/**
 * C (+)= AᵀB for a product that is known to be symmetric, such as B = H·A with symmetric H: the lower triangle is
 * computed and mirrored.
 * @param a (m,n) float32
 * @param b (m,n) float32
 * @param c (n,n) float64, symmetric where it is added to
 * @throws {InvalidArgumentError} on shapes that do not match
 */
export function symmetricTN(
  kernels: Kernels,
  a: MatrixF32,
  b: MatrixF32,
  c: F64,
  options: GemmOptions = {},
): void {
  product('symmetricTN', kernels, a, b, c, true, options);
}

function product(
  name: string,
  kernels: Kernels,
  a: MatrixF32,
  b: MatrixF32,
  c: F64,
  symmetric: boolean,
  options: GemmOptions,
): void {
  requireMatrix(name, 'a', a);
  if (b !== a) requireMatrix(name, 'b', b);
  if (b.rows !== a.rows || (symmetric && b.columns !== a.columns)) {
    throw new InvalidArgumentError(
      `${name}: b must have ${a.rows} rows${symmetric ? ` and ${a.columns} columns` : ''} as a has, ` +
        `got ${b.rows} × ${b.columns}`,
    );
  }
  const [n, k] = [a.columns, b.columns];
  requireLength(name, 'c', c, n * k, symmetric ? '(n,n)' : '(n,k)');
  const [begin, end] = resolveRange(name, options.rows, a.rows);
  if (!(options.accumulate ?? GEMM_DEFAULTS.accumulate)) c.view.fill(0);
  if (n > 0 && k > 0) kernels.scope(sumSlices, kernels, a, b, c, symmetric, begin, end);
}

function sumSlices(
  kernels: Kernels,
  a: MatrixF32,
  b: MatrixF32,
  c: F64,
  symmetric: boolean,
  begin: number,
  end: number,
): void {
  const { raw, threads } = kernels;
  const [n, k] = [a.columns, b.columns];
  const bytes = TILE_BYTES + panelBytes(a) + (b === a ? 0 : panelBytes(b));
  const scratch = kernels.f32((bytes * threads) / 4, false);
  const cuts = cutRange(begin, end, slicesOf(end - begin), 1);
  const length = (n * k + 1) & ~1;
  const parts = cuts.length > 1 ? kernels.f64(length * cuts.length) : null;
  const [left, right] = [
    [a.data.ptr, a.stride],
    [b.data.ptr, b.stride],
  ];
  const calls: TaskArguments[] = [];
  for (const [from, to] of cuts) {
    const sum = parts ? parts.ptr + 8 * length * calls.length : c.ptr;
    calls.push([...left, ...right, from, to, n, k, sum, symmetric ? 1 : 0, scratch.ptr, bytes]);
  }
  kernels.run('gemmSlice', calls);
  if (parts) raw.addParts(c.ptr, parts.ptr, cuts.length, length);
  if (symmetric) raw.mirrorLower(c.ptr, n, n);
}

function panelBytes({ columns }: MatrixF32): number {
  return PANEL_BYTES * Math.ceil(columns / 8);
}

function requireMatrix(kernel: string, name: string, m: MatrixF32): void {
  const needed = m.rows === 0 ? 0 : (m.rows - 1) * m.stride + m.columns;
  if (m.stride < m.columns || m.data.length < needed) {
    throw new InvalidArgumentError(
      `${kernel}: ${name} of ${m.rows} × ${m.columns} with row stride ${m.stride} needs ${needed} elements and ` +
        `a stride of at least its columns, got ${m.data.length} elements`,
    );
  }
}
