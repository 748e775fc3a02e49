/**
 * Products of tall matrices, C += AᵀB: what normal equations are made of.
 *
 * Rows are taken in chunks of 256: summed in float32 within a chunk, chunks summed in float64 into C. The rounding
 * error is then that of 256 terms, however many rows there are. One call into WebAssembly per chunk also lets V8
 * replace its baseline code early (a single call over 30,000 rows would run in it to the end).
 *
 * Chunks are packed into panels of 8 columns; a 4×8 tile of C stays in registers (see assembly/gemm.ts). Packing
 * costs about 3 % and makes any row stride as good as any other.
 */
import { InvalidArgumentError } from '../core/errors.ts';
import { type F32, type F64, type Kernels, requireLength, resolveRange, type WorkRange } from './runtime.ts';

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
  /** Rows of A and B to take, all by default; workers take a part each into a C of their own. */
  readonly rows?: WorkRange;
}

/** Defaults of {@link GemmOptions}. */
export const GEMM_DEFAULTS = { accumulate: true } as const;

/** Rows summed in float32. */
const CHUNK = 256;

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
  if (n === 0 || k === 0) return;
  const { raw } = kernels;
  kernels.scope(() => {
    const panelsA = kernels.f32(CHUNK * 8 * Math.ceil(n / 8));
    const panelsB = b === a ? panelsA : kernels.f32(CHUNK * 8 * Math.ceil(k / 8));
    const scratch = kernels.f32(8);
    for (let row = begin; row < end; row += CHUNK) {
      const rows = Math.min(CHUNK, end - row);
      raw.packPanels(a.data.ptr + 4 * row * a.stride, rows, n, a.stride, panelsA.ptr);
      if (b !== a) raw.packPanels(b.data.ptr + 4 * row * b.stride, rows, k, b.stride, panelsB.ptr);
      raw.gemmChunk(panelsA.ptr, panelsB.ptr, rows, n, k, c.ptr, k, symmetric ? 1 : 0, scratch.ptr);
    }
    if (symmetric) raw.mirrorLower(c.ptr, n, n);
  });
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
