/**
 * Rotations: axis-angle vectors (radians) and row-major 3×3 matrices, in float64.
 * Rodrigues' formula and the left Jacobian of SO(3) (Solà et al. 2018, "A micro Lie theory", eq. 143-146).
 */

/** A 3×3 matrix, row-major, float64. */
export type Matrix3 = Float64Array;

/** Axis-angle (x, y, z) to a rotation matrix, written to `out[offset…offset+8]`. Smooth at zero. */
export function rotationFromAxisAngle(
  x: number,
  y: number,
  z: number,
  out: Matrix3 = new Float64Array(9),
  offset = 0,
): Matrix3 {
  const q = x * x + y * y + z * z;
  const angle = Math.sqrt(q);
  const s = angle < 1e-4 ? 1 - q / 6 : Math.sin(angle) / angle;
  const c = angle < 1e-4 ? 0.5 - q / 24 : (1 - Math.cos(angle)) / q;
  out[offset] = 1 - c * (y * y + z * z);
  out[offset + 1] = c * x * y - s * z;
  out[offset + 2] = c * x * z + s * y;
  out[offset + 3] = c * x * y + s * z;
  out[offset + 4] = 1 - c * (x * x + z * z);
  out[offset + 5] = c * y * z - s * x;
  out[offset + 6] = c * x * z - s * y;
  out[offset + 7] = c * y * z + s * x;
  out[offset + 8] = 1 - c * (x * x + y * y);
  return out;
}

/** Rotation matrix to axis-angle (3), angle in [0, π]. */
export function axisAngleFromRotation(r: ArrayLike<number>, offset = 0): [number, number, number] {
  const o = offset;
  const wx = (r[o + 7] - r[o + 5]) / 2;
  const wy = (r[o + 2] - r[o + 6]) / 2;
  const wz = (r[o + 3] - r[o + 1]) / 2;
  const sin = Math.sqrt(wx * wx + wy * wy + wz * wz);
  const cos = (r[o] + r[o + 4] + r[o + 8] - 1) / 2;
  const angle = Math.atan2(sin, cos);
  if (sin > 1e-7) {
    const k = angle / sin;
    return [wx * k, wy * k, wz * k];
  }
  if (cos > 0) return [wx, wy, wz];
  // Half a turn: the axis is the column of R + I with the largest diagonal.
  const d = [r[o], r[o + 4], r[o + 8]];
  const k = d[0] >= d[1] && d[0] >= d[2] ? 0 : d[1] >= d[2] ? 1 : 2;
  const v = [r[o + k], r[o + 3 + k], r[o + 6 + k]];
  v[k] += 1;
  const n = Math.hypot(v[0], v[1], v[2]);
  return [(Math.PI * v[0]) / n, (Math.PI * v[1]) / n, (Math.PI * v[2]) / n];
}

/** out = a·b for row-major 3×3 matrices at the given offsets; `out` must not alias. */
export function multiply3(
  a: ArrayLike<number>,
  ao: number,
  b: ArrayLike<number>,
  bo: number,
  out: Float64Array,
  oo: number,
): void {
  for (let i = 0; i < 3; i++)
    for (let j = 0; j < 3; j++)
      out[oo + 3 * i + j] =
        a[ao + 3 * i] * b[bo + j] + a[ao + 3 * i + 1] * b[bo + 3 + j] + a[ao + 3 * i + 2] * b[bo + 6 + j];
}

/** Rotates the axis-angle `w` by the small left perturbation `d`: log(exp(d)·exp(w)). */
export function perturbAxisAngle(w: ArrayLike<number>, d: ArrayLike<number>): [number, number, number] {
  const a = rotationFromAxisAngle(d[0], d[1], d[2]);
  const b = rotationFromAxisAngle(w[0], w[1], w[2]);
  const c = new Float64Array(9);
  multiply3(a, 0, b, 0, c, 0);
  return axisAngleFromRotation(c);
}

/** Inverse left Jacobian of SO(3): d log(exp(δ)·exp(w)) / dδ at δ = 0, row-major 3×3. */
export function inverseLeftJacobian(w: ArrayLike<number>): Matrix3 {
  const [x, y, z] = [w[0], w[1], w[2]];
  const q = x * x + y * y + z * z;
  const angle = Math.sqrt(q);
  const k = angle < 1e-3 ? 1 / 12 + q / 720 : 1 / q - (1 + Math.cos(angle)) / (2 * angle * Math.sin(angle));
  // I − ½[w]× + k·[w]×²
  return new Float64Array([
    1 - k * (y * y + z * z),
    0.5 * z + k * x * y,
    -0.5 * y + k * x * z,
    -0.5 * z + k * x * y,
    1 - k * (x * x + z * z),
    0.5 * x + k * y * z,
    0.5 * y + k * x * z,
    -0.5 * x + k * y * z,
    1 - k * (x * x + y * y),
  ]);
}
