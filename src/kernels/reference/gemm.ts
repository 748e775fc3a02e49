/** Reference of `kernels/gemm.ts`, float64. */

/**
 * AᵀB.
 * @param a (m,n) with row stride `lda`
 * @param b (m,k) with row stride `ldb`
 * @returns (n,k) float64
 */
export function gemmReference(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  [m, n, k]: readonly [m: number, n: number, k: number],
  lda: number = n,
  ldb: number = k,
): Float64Array {
  const c = new Float64Array(n * k);
  for (let r = 0; r < m; r++) {
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < k; j++) c[i * k + j] += a[r * lda + i] * b[r * ldb + j];
    }
  }
  return c;
}
