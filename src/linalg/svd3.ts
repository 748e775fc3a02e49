/**
 * Singular values of a 3 × 3 matrix by one-sided Jacobi rotations: small ones come out to full relative precision,
 * and singular matrices are no special case.
 */

/** M = U·diag(s)·Vᵀ. */
export interface Svd3 {
  /** (3,3) row-major, orthogonal (may be a reflection). */
  readonly u: Float64Array;
  /** (3), largest first, not negative. */
  readonly s: Float64Array;
  /** (3,3) row-major, orthogonal. */
  readonly v: Float64Array;
}

/** Decomposes `m` (3,3), row-major; U = V for the zero matrix. */
export function svd3(m: ArrayLike<number>): Svd3 {
  // Columns of W = M·V are rotated against each other until they are orthogonal.
  // Scaled, so that squares neither overflow nor vanish.
  let size = 0;
  for (let i = 0; i < 9; i++) size = Math.max(size, Math.abs(m[i]));
  if (size === 0) size = 1;
  const w = [0, 1, 2].map((c) => [m[c] / size, m[3 + c] / size, m[6 + c] / size]);
  const v = [0, 1, 2].map((c) => [0, 1, 2].map((r) => (r === c ? 1 : 0)));
  for (let sweep = 0; sweep < 30; sweep++) {
    let turned = false;
    for (const [p, q] of [
      [0, 1],
      [0, 2],
      [1, 2],
    ]) {
      const [app, aqq, apq] = [dot(w[p], w[p]), dot(w[q], w[q]), dot(w[p], w[q])];
      if (Math.abs(apq) <= 1e-16 * Math.sqrt(app * aqq) || apq === 0) continue;
      turned = true;
      const zeta = (aqq - app) / (2 * apq);
      const t = (zeta < 0 ? -1 : 1) / (Math.abs(zeta) + Math.hypot(1, zeta));
      const c = 1 / Math.hypot(1, t);
      for (const columns of [w, v]) {
        const [a, b] = [columns[p], columns[q]];
        columns[p] = a.map((x, i) => c * (x - t * b[i]));
        columns[q] = b.map((x, i) => c * (x + t * a[i]));
      }
    }
    if (!turned) break;
  }
  const norms = w.map((column) => Math.hypot(...column));
  const order = [0, 1, 2].sort((a, b) => norms[b] - norms[a]);
  const s = Float64Array.from(order, (c) => norms[c]);
  const vs = order.map((c) => v[c]);
  const us = order.map((c) => (s[0] > 0 ? w[c] : v[c]));
  // Columns without length are chosen orthogonal to the others.
  const tiny = 1e-14 * s[0];
  if (s[0] > 0) us[0] = us[0].map((x) => x / s[0]);
  if (s[0] > 0) us[1] = s[1] > tiny ? us[1].map((x) => x / s[1]) : perpendicular(us[0]);
  const third = cross(us[0], us[1]);
  if (s[0] > 0) us[2] = s[2] > tiny && dot(third, us[2]) < 0 ? third.map((x) => -x) : third;
  const rowMajor = (columns: number[][]) =>
    Float64Array.from({ length: 9 }, (_, i) => columns[i % 3][Math.floor(i / 3)]);
  return { u: rowMajor(us), s: s.map((x) => x * size), v: rowMajor(vs) };
}

/**
 * The rotation nearest to `m` (3,3): U·diag(1, 1, det(U·V))·Vᵀ.
 * @returns (3,3) row-major, determinant +1
 */
export function nearestRotation(m: ArrayLike<number>): Float64Array {
  const { u, v } = svd3(m);
  const sign = Math.sign(determinant3(u) * determinant3(v));
  const out = new Float64Array(9);
  for (let r = 0; r < 3; r++) {
    for (let c = 0; c < 3; c++) {
      out[3 * r + c] = u[3 * r] * v[3 * c] + u[3 * r + 1] * v[3 * c + 1] + sign * u[3 * r + 2] * v[3 * c + 2];
    }
  }
  return out;
}

/** Determinant of `m` (3,3). */
export function determinant3(m: ArrayLike<number>): number {
  return (
    m[0] * (m[4] * m[8] - m[5] * m[7]) -
    m[1] * (m[3] * m[8] - m[5] * m[6]) +
    m[2] * (m[3] * m[7] - m[4] * m[6])
  );
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

function cross(a: readonly number[], b: readonly number[]): number[] {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

function perpendicular(a: readonly number[]): number[] {
  const least = a.map(Math.abs).indexOf(Math.min(...a.map(Math.abs)));
  const other = cross(
    a,
    [0, 1, 2].map((i) => (i === least ? 1 : 0)),
  );
  const length = Math.hypot(...other);
  return other.map((x) => x / length);
}
