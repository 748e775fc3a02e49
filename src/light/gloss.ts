/**
 * Gloss: white light that skin throws back as a mirror would, beside what it scatters.
 *
 *   colour = albedo · shading(n) + gloss(r),  r = 2 (n·v) n − v,  gloss(r) = Σ_k gloss_k · Y_k(r)
 *
 * n is the unit normal, v the direction towards the viewer, both in camera space. Y_k are the 25 real spherical harmonics
 * of order 4 as polynomials in x, y, z, scaled to a mean square of 1 over the sphere: a coefficient is what it adds to the
 * colour, RGB in [0, 1]. It is the same for all channels, since skin reflects white where it is wet or oily, and may be
 * negative: then it is a shadow that the nine harmonics of the light lack.
 */

/** What tells where the viewer is: a camera (`camera/camera.ts`), pixels. */
export type GlossCamera =
  | { readonly kind: 'perspective'; readonly focal: number; readonly principal: readonly [number, number] }
  | { readonly kind: 'orthographic' };

/** What kernels take of a camera: the focal length, infinite where rays are parallel, and the principal point. */
export function glossRays(camera: GlossCamera): {
  readonly focal: number;
  readonly principal: readonly [number, number];
} {
  if (camera.kind === 'orthographic') return { focal: Number.POSITIVE_INFINITY, principal: [0, 0] };
  return { focal: camera.focal, principal: camera.principal };
}

/** Number of basis functions. */
export const GLOSS_COUNT = 25;

/** Writes the basis values at the unit direction (x, y, z) to `out[offset…offset+24]`. */
export function glossBasis(
  x: number,
  y: number,
  z: number,
  out: Float32Array | Float64Array,
  offset = 0,
): void {
  const xx = x * x;
  const yy = y * y;
  const zz = z * z;
  const o = offset;
  out[o] = 1;
  out[o + 1] = A1 * x;
  out[o + 2] = A1 * y;
  out[o + 3] = A1 * z;
  out[o + 4] = A2 * x * y;
  out[o + 5] = A2 * x * z;
  out[o + 6] = A2 * y * z;
  out[o + 7] = 0.5 * A2 * (xx - yy);
  out[o + 8] = B2 * (3 * zz - 1);
  out[o + 9] = A3 * y * (3 * xx - yy);
  out[o + 10] = B3 * x * y * z;
  out[o + 11] = C3 * y * (5 * zz - 1);
  out[o + 12] = D3 * z * (5 * zz - 3);
  out[o + 13] = C3 * x * (5 * zz - 1);
  out[o + 14] = 0.5 * B3 * z * (xx - yy);
  out[o + 15] = A3 * x * (xx - 3 * yy);
  out[o + 16] = A4 * x * y * (xx - yy);
  out[o + 17] = B4 * y * z * (3 * xx - yy);
  out[o + 18] = C4 * x * y * (7 * zz - 1);
  out[o + 19] = D4 * y * z * (7 * zz - 3);
  out[o + 20] = 0.375 * (35 * zz * zz - 30 * zz + 3);
  out[o + 21] = D4 * x * z * (7 * zz - 3);
  out[o + 22] = 0.5 * C4 * (xx - yy) * (7 * zz - 1);
  out[o + 23] = B4 * x * z * (xx - 3 * yy);
  out[o + 24] = 0.25 * A4 * (xx * (xx - 3 * yy) - yy * (3 * xx - yy));
}

const A1 = Math.sqrt(3);
const [A2, B2] = [Math.sqrt(15), Math.sqrt(5) / 2];
const [A3, B3, C3, D3] = [Math.sqrt(35 / 8), Math.sqrt(105), Math.sqrt(21 / 8), Math.sqrt(7) / 2];
const [A4, B4, C4, D4] = [
  1.5 * Math.sqrt(35),
  1.5 * Math.sqrt(35 / 2),
  1.5 * Math.sqrt(5),
  1.5 * Math.sqrt(5 / 2),
];

/**
 * Basis values of what the point (px, py) of a picture by `camera` shows mirrored in a surface with the unit normal
 * `normals[at…at+2]`, to `out[offset…offset+24]`.
 */
export function mirroredBasis(
  camera: GlossCamera,
  px: number,
  py: number,
  normals: ArrayLike<number>,
  at: number,
  out: Float32Array | Float64Array,
  offset = 0,
): void {
  const x = normals[at];
  const y = normals[at + 1];
  const z = normals[at + 2];
  let vx = 0;
  let vy = 0;
  let vz = 1;
  if (camera.kind === 'perspective') {
    vx = (camera.principal[0] - px) / camera.focal;
    vy = (py - camera.principal[1]) / camera.focal;
    vz = 1 / Math.sqrt(vx * vx + vy * vy + 1);
    vx *= vz;
    vy *= vz;
  }
  const twice = 2 * (x * vx + y * vy + z * vz);
  glossBasis(twice * x - vx, twice * y - vy, twice * z - vz, out, offset);
}

/**
 * The gloss that the point (px, py) of a picture by `camera` shows, on a surface with the unit normal `normals[at…at+2]`.
 * @param gloss (25)
 * @param basis room for 25
 */
export function glossAt(
  gloss: ArrayLike<number>,
  camera: GlossCamera,
  px: number,
  py: number,
  normals: ArrayLike<number>,
  at: number,
  basis: Float64Array,
): number {
  mirroredBasis(camera, px, py, normals, at, basis);
  let sum = 0;
  for (let k = 0; k < GLOSS_COUNT; k++) sum += gloss[k] * basis[k];
  return sum;
}
