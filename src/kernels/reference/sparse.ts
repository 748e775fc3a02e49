/** Reference of `kernels/sparse.ts`, float64. */

/** S·X for S in compressed rows and X (m,n) with row stride `ldx`; (rows,n). */
export function multiplySparseReference(
  rowStart: ArrayLike<number>,
  columns: ArrayLike<number>,
  values: ArrayLike<number>,
  x: ArrayLike<number>,
  n: number,
  ldx: number = n,
): Float64Array {
  const rows = rowStart.length - 1;
  const y = new Float64Array(rows * n);
  for (let r = 0; r < rows; r++) {
    for (let e = rowStart[r]; e < rowStart[r + 1]; e++) {
      for (let c = 0; c < n; c++) y[r * n + c] += values[e] * x[columns[e] * ldx + c];
    }
  }
  return y;
}
