/**
 * How far the quadratic model of a function falls over `step`: −(gᵀd + ½ dᵀHd).
 * @param hessian (n,n) float64, symmetric, row-major
 * @param gradient (n) float64
 * @param step (n) float64
 */
export function predictedDecrease(hessian: Float64Array, gradient: Float64Array, step: Float64Array): number {
  const n = gradient.length;
  let sum = 0;
  for (let i = 0; i < n; i++) {
    let h = 0;
    for (let j = 0; j < n; j++) h += hessian[i * n + j] * step[j];
    sum -= step[i] * (gradient[i] + 0.5 * h);
  }
  return sum;
}
