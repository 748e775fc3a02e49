/** Texture spaces as subspaces over some texels: how well they reconstruct, and the angles between them. */
import { symmetricEigen } from '../src/linalg/eigen.ts';
import type { TextureSpace } from '../src/model/head-model.ts';

/** An affine subspace over 3·M values, with an orthonormal basis in the order of the space's components. */
export interface Subspace {
  /** Components. */
  readonly size: number;
  readonly basis: readonly Float64Array[];
  /** Root mean square error of whole maps (H,W,3), with the first `k` components. */
  error(maps: readonly Float32Array[], k: number): number;
  /** (3·M) values of a map over the texels, by the first `k` components. */
  reconstruct(map: Float32Array, k: number): Float32Array;
  /** Principal angles, ascending, between the first `own` components and the first `others` of another, radians. */
  angles(other: Subspace, own: number, others: number): number[];
}

/**
 * `space` over `texels`.
 * @param options.order principal components of the space over these texels, by variance, in place of its own order
 */
export function subspaceOf(
  space: TextureSpace,
  texels: Uint32Array,
  options: { order?: boolean } = {},
): Subspace {
  const stride = space.mean.length;
  const pick = (map: Float32Array, at = 0) =>
    Float64Array.from(
      { length: 3 * texels.length },
      (_, i) => map[at + 3 * texels[Math.floor(i / 3)] + (i % 3)],
    );
  const mean = pick(space.mean);
  let columns: Float64Array[] = Array.from({ length: space.basis.length / stride }, (_, t) =>
    pick(space.basis, t * stride),
  );
  if (options.order) columns = principal(columns);
  const basis = orthonormal(columns);
  const coefficients = (map: Float32Array) => {
    const x = pick(map);
    for (let i = 0; i < x.length; i++) x[i] -= mean[i];
    return { x, c: basis.map((b) => dot(b, x)) };
  };
  return {
    size: basis.length,
    basis,
    error(maps, k) {
      let sum = 0;
      for (const map of maps) {
        const { x, c } = coefficients(map);
        sum += dot(x, x) - c.slice(0, k).reduce((s, v) => s + v * v, 0);
      }
      return Math.sqrt(Math.max(sum, 0) / (maps.length * mean.length));
    },
    reconstruct(map, k) {
      const { c } = coefficients(map);
      const out = Float32Array.from(mean);
      for (let t = 0; t < k; t++) for (let i = 0; i < out.length; i++) out[i] += c[t] * basis[t][i];
      return out;
    },
    angles(other, own, others) {
      const [a, b] = [basis.slice(0, own), other.basis.slice(0, others)];
      // Cosines are the singular values of AᵀB; A has no more columns than B.
      const m = a.map((u) => b.map((v) => dot(u, v)));
      const gram = Float64Array.from({ length: a.length * a.length }, (_, i) => {
        const [p, q] = [m[Math.floor(i / a.length)], m[i % a.length]];
        return p.reduce((s, v, j) => s + v * q[j], 0);
      });
      return Array.from(symmetricEigen(gram, a.length).values, (v) =>
        Math.acos(Math.sqrt(Math.min(1, Math.max(0, v)))),
      );
    },
  };
}

/** Principal axes of Σ c_t·columns[t] for independent unit-variance c, by variance. */
function principal(columns: readonly Float64Array[]): Float64Array[] {
  const n = columns.length;
  const gram = Float64Array.from({ length: n * n }, (_, i) =>
    dot(columns[Math.floor(i / n)], columns[i % n]),
  );
  const { vectors } = symmetricEigen(gram, n);
  return columns.map((_, r) => {
    const out = new Float64Array(columns[0].length);
    for (let t = 0; t < n; t++)
      for (let i = 0; i < out.length; i++) out[i] += vectors[r * n + t] * columns[t][i];
    return out;
  });
}

/** Gram-Schmidt, twice; what depends on the others is left out. */
function orthonormal(columns: readonly Float64Array[]): Float64Array[] {
  const out: Float64Array[] = [];
  for (const column of columns) {
    const v = column.slice();
    const before = Math.sqrt(dot(v, v));
    for (let pass = 0; pass < 2; pass++)
      for (const b of out) {
        const c = dot(b, v);
        for (let i = 0; i < v.length; i++) v[i] -= c * b[i];
      }
    const norm = Math.sqrt(dot(v, v));
    if (!(norm > 1e-6 * before)) continue;
    out.push(v.map((x) => x / norm));
  }
  return out;
}

function dot(a: Float64Array, b: Float64Array): number {
  let s = 0;
  for (let i = 0; i < a.length; i++) s += a[i] * b[i];
  return s;
}
