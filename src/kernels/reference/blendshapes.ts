/** Reference of `kernels/blendshapes.ts`, float64. */

/**
 * out[i] = base[i] + Σ_k coefficients[k]·basis[k,i].
 * @param base (N)
 * @param basis (K,N)
 * @param coefficients (K)
 * @returns (N) float64
 */
export function blendshapesReference(
  base: ArrayLike<number>,
  basis: ArrayLike<number>,
  coefficients: ArrayLike<number>,
): Float64Array {
  const n = base.length;
  const out = Float64Array.from(base);
  for (let k = 0; k < coefficients.length; k++) {
    if (coefficients[k] === 0) continue;
    for (let i = 0; i < n; i++) out[i] += coefficients[k] * basis[k * n + i];
  }
  return out;
}
