/** Shading of pixels from their spherical-harmonics basis values. */

/** Shading is taken as at least this: what is darker says nothing about albedo. */
export const LEAST_SHADING = 0.1;

/** (P,3) shading of pixels with basis values (P,9) under `light` (9,3). */
export function shadePixels(basis: Float32Array, light: ArrayLike<number>): Float32Array {
  const P = basis.length / 9;
  const out = new Float32Array(3 * P);
  for (let p = 0; p < P; p++)
    for (let c = 0; c < 3; c++) {
      let s = 0;
      for (let k = 0; k < 9; k++) s += light[3 * k + c] * basis[9 * p + k];
      out[3 * p + c] = Math.max(s, LEAST_SHADING);
    }
  return out;
}
