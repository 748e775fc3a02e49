/**
 * Sparse times dense: rows of a result as weighted sums of rows of a dense matrix. Derivatives of normals and
 * projections with respect to parameters are such sums over the derivatives of a vertex and its neighbours.
 */
import { InvalidArgumentError } from '../core/errors.ts';
import type { MatrixF32 } from './gemm.ts';
import { type F32, type Kernels, requireLength, resolveRange, type U32, type WorkRange } from './runtime.ts';
import { cutRange } from './tasks.ts';

/** Rows worth a task. */
const GRAIN = 256;

/** A sparse matrix in compressed rows, in kernel memory. */
export interface SparseMatrix {
  /** (rows+1) uint32: where each row begins in `columns` and `values`. */
  readonly rowStart: U32;
  /** (entries) uint32. */
  readonly columns: U32;
  /** (entries) float32. */
  readonly values: F32;
}

/**
 * Y = S·X. Column numbers are trusted to be below X's rows.
 *
 * @param x (m,n) float32
 * @param y (rows,n) float32, overwritten
 * @param range rows of `y` to compute, all by default
 * @throws {InvalidArgumentError} on shapes that do not match
 */
export function multiplySparse(
  kernels: Kernels,
  s: SparseMatrix,
  x: MatrixF32,
  y: MatrixF32,
  range?: WorkRange,
): void {
  const name = 'multiplySparse';
  requireLength(name, 'rowStart', s.rowStart, y.rows + 1, '(rows+1)');
  requireLength(name, 'values', s.values, s.columns.length, '(entries)');
  if (x.columns !== y.columns) {
    throw new InvalidArgumentError(`${name}: y must have ${x.columns} columns as x has, got ${y.columns}`);
  }
  const [begin, end] = resolveRange(name, range, y.rows);
  kernels.run(
    'multiplySparse',
    cutRange(begin, end, 2 * kernels.threads, GRAIN).map(([from, to]) => [
      s.rowStart.ptr,
      s.columns.ptr,
      s.values.ptr,
      x.data.ptr,
      x.stride,
      x.columns,
      y.data.ptr,
      y.stride,
      from,
      to,
    ]),
  );
}
