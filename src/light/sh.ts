/**
 * Spherical-harmonics light of order 2 (Ramamoorthi and Hanrahan 2001, "An efficient representation for
 * irradiance environment maps"): shading(n) = Σ_k light_k · B_k(n), per colour channel.
 *
 * The nine basis functions are the real spherical harmonics times the clamped-cosine factors (π, 2π/3, π/4)
 * over π, in the order and with the constants of FLAME-based fitters: 1, x, y, z, xy, xz, yz, x²−y², 3z²−1.
 * The normal n is a unit vector in camera space (x right, y up, z towards the viewer).
 */

/** Constants of the nine basis functions. */
export const SH_CONSTANTS: readonly number[] = [
  1 / Math.sqrt(4 * Math.PI),
  ((2 * Math.PI) / 3) * Math.sqrt(3 / (4 * Math.PI)),
  ((2 * Math.PI) / 3) * Math.sqrt(3 / (4 * Math.PI)),
  ((2 * Math.PI) / 3) * Math.sqrt(3 / (4 * Math.PI)),
  (Math.PI / 4) * 3 * Math.sqrt(5 / (12 * Math.PI)),
  (Math.PI / 4) * 3 * Math.sqrt(5 / (12 * Math.PI)),
  (Math.PI / 4) * 3 * Math.sqrt(5 / (12 * Math.PI)),
  (Math.PI / 4) * (3 / 2) * Math.sqrt(5 / (12 * Math.PI)),
  (Math.PI / 4) * (1 / 2) * Math.sqrt(5 / (4 * Math.PI)),
];

/** Number of basis functions. */
export const SH_COUNT = 9;

/** Writes the nine basis values at the unit normal (x, y, z) to `out[offset…offset+8]`. */
export function shBasis(x: number, y: number, z: number, out: Float32Array | Float64Array, offset = 0): void {
  const c = SH_CONSTANTS;
  out[offset] = c[0];
  out[offset + 1] = c[1] * x;
  out[offset + 2] = c[2] * y;
  out[offset + 3] = c[3] * z;
  out[offset + 4] = c[4] * x * y;
  out[offset + 5] = c[5] * x * z;
  out[offset + 6] = c[6] * y * z;
  out[offset + 7] = c[7] * (x * x - y * y);
  out[offset + 8] = c[8] * (3 * z * z - 1);
}

const basis = new Float64Array(SH_COUNT);

/** Writes the shading (3) of the unit normal at `normals[at…at+2]` under `light` (9,3) to `out`. */
export function shadeAt(
  light: ArrayLike<number>,
  normals: ArrayLike<number>,
  at: number,
  out: Float64Array,
): void {
  shBasis(normals[at], normals[at + 1], normals[at + 2], basis);
  for (let c = 0; c < 3; c++) {
    let sum = 0;
    for (let k = 0; k < SH_COUNT; k++) sum += basis[k] * light[3 * k + c];
    out[c] = sum;
  }
}

/**
 * Gradient of shading = Σ light_k B_k with respect to the (unconstrained) normal, for one channel of `light`
 * ((9,3), channel c); returns through `out` (3).
 */
export function shGradient(
  x: number,
  y: number,
  z: number,
  light: Float32Array | Float64Array,
  channel: number,
  out: Float32Array | Float64Array,
): void {
  const c = SH_CONSTANTS;
  const l = (k: number) => light[3 * k + channel] * c[k];
  out[0] = l(1) + l(4) * y + l(5) * z + l(7) * 2 * x;
  out[1] = l(2) + l(4) * x + l(6) * z - l(7) * 2 * y;
  out[2] = l(3) + l(5) * x + l(6) * y + l(8) * 6 * z;
}
