/** Reference of `kernels/skinning.ts`, float64. */

/** Joints of a linear blend skinning as plain arrays. */
export interface SkinningReference {
  /** (V,J). */
  readonly weights: ArrayLike<number>;
  /** (J,9) row-major and (J,3). */
  readonly rotations: ArrayLike<number>;
  readonly translations: ArrayLike<number>;
}

/** Blended transform of point v: 3×3 row-major (9), translation (3). */
function blend({ weights, rotations, translations }: SkinningReference, v: number): Float64Array {
  const J = translations.length / 3;
  const out = new Float64Array(12);
  for (let j = 0; j < J; j++) {
    for (let i = 0; i < 9; i++) out[i] += weights[v * J + j] * rotations[9 * j + i];
    for (let i = 0; i < 3; i++) out[9 + i] += weights[v * J + j] * translations[3 * j + i];
  }
  return out;
}

function move(m: Float64Array, points: ArrayLike<number>, v: number): number[] {
  return [0, 1, 2].map(
    (a) =>
      m[3 * a] * points[3 * v] +
      m[3 * a + 1] * points[3 * v + 1] +
      m[3 * a + 2] * points[3 * v + 2] +
      m[9 + a],
  );
}

/** As `skinPoints`; returns (V,3). */
export function skinPointsReference(skinning: SkinningReference, points: ArrayLike<number>): Float64Array {
  const out = new Float64Array(points.length);
  for (let v = 0; v < points.length / 3; v++) out.set(move(blend(skinning, v), points, v), 3 * v);
  return out;
}

/**
 * As `skinRows` for one point: its three rows.
 * @param basis (3,K) of the point
 * @param shift (3J,k)
 * @returns (3,k)
 */
export function skinRowsReference(
  skinning: SkinningReference,
  v: number,
  basis: ArrayLike<number>,
  K: number,
  shift: ArrayLike<number> | null,
  count: number,
): Float64Array {
  const J = skinning.translations.length / 3;
  const m = blend(skinning, v);
  const out = new Float64Array(3 * count);
  for (let a = 0; a < 3; a++)
    for (let k = 0; k < count; k++) {
      let s = 0;
      for (let b = 0; b < 3; b++) s += m[3 * a + b] * basis[b * K + k];
      if (shift)
        for (let j = 0; j < J; j++) s += skinning.weights[v * J + j] * shift[(3 * j + a) * count + k];
      out[a * count + k] = s;
    }
  return out;
}

/**
 * As `rotationRows` for one point: its three rows.
 * @param arms transforms relative to the joint, zero for joints that it does not carry
 * @param axes (3,3)
 * @param correctives (9,3) shapes of the point, or null
 * @param turn (3,9)
 * @returns (3,3)
 */
export function rotationRowsReference(
  skinning: SkinningReference,
  arms: SkinningReference,
  v: number,
  points: ArrayLike<number>,
  axes: ArrayLike<number>,
  correctives: ArrayLike<number> | null,
  turn: ArrayLike<number>,
): Float64Array {
  const m = blend(skinning, v);
  const arm = move(blend(arms, v), points, v);
  const out = new Float64Array(9);
  for (let i = 0; i < 3; i++) {
    const shape = [0, 0, 0];
    if (correctives)
      for (let f = 0; f < 9; f++)
        for (let a = 0; a < 3; a++) shape[a] += turn[9 * i + f] * correctives[3 * f + a];
    for (let a = 0; a < 3; a++) {
      const [b, c] = [(a + 1) % 3, (a + 2) % 3];
      out[3 * a + i] =
        axes[3 * i + b] * arm[c] -
        axes[3 * i + c] * arm[b] +
        m[3 * a] * shape[0] +
        m[3 * a + 1] * shape[1] +
        m[3 * a + 2] * shape[2];
    }
  }
  return out;
}
