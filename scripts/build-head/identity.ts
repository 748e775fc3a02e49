/**
 * Identity space: random people → heads without pose → mean and principal components in standard deviations.
 *
 * Every head is turned and moved (not scaled) onto the mean of the heads over skull and face, then split into its
 * symmetric and antisymmetric part about the middle plane. The two parts are decomposed apart: the mean is exactly
 * symmetric and every component either symmetric or antisymmetric, as if each head had been used with its mirror
 * image.
 */

import { EigenvalueDecomposition, Matrix, SingularValueDecomposition } from 'ml-matrix';
import { createRandom } from '../../src/core/random.ts';
import type { ShapeLayout } from './shapes.ts';

/** Result of the decomposition over rows of a shape. */
export interface IdentitySpace {
  /** (rows,3) */
  readonly mean: Float64Array;
  /** K bases (rows,3), per standard deviation, by falling variance. */
  readonly basis: readonly Float64Array[];
  /** (K) false for antisymmetric components. */
  readonly symmetric: readonly boolean[];
  /** Share of the (weighted) variance that the K components carry. */
  readonly captured: number;
}

/** Moves each shape rigidly onto their common mean, in place; `weights` (rows) choose what counts. */
export function alignAll(shapes: readonly Float64Array[], weights: Float64Array): void {
  const rows = weights.length;
  let reference = shapes[0]!.slice();
  for (let round = 0; round < 3; round++) {
    for (const s of shapes) alignRigid(s, reference, weights);
    const mean = new Float64Array(3 * rows);
    for (const s of shapes) for (let i = 0; i < mean.length; i++) mean[i]! += s[i]! / shapes.length;
    reference = mean;
  }
}

/** Turns and moves `shape` onto `reference` in place (Kabsch). */
export function alignRigid(shape: Float64Array, reference: Float64Array, weights: Float64Array): void {
  const ca = centroid(shape, weights);
  const cb = centroid(reference, weights);
  const H = Matrix.zeros(3, 3);
  for (let r = 0; r < weights.length; r++) {
    const w = weights[r]!;
    if (w === 0) continue;
    for (let i = 0; i < 3; i++) {
      for (let j = 0; j < 3; j++) {
        H.set(i, j, H.get(i, j) + w * (shape[3 * r + i]! - ca[i]!) * (reference[3 * r + j]! - cb[j]!));
      }
    }
  }
  const svd = new SingularValueDecomposition(H);
  const U = svd.leftSingularVectors;
  const V = svd.rightSingularVectors;
  let R = V.mmul(U.transpose());
  if (det3(R) < 0) {
    const fix = Matrix.eye(3);
    fix.set(2, 2, -1);
    R = V.mmul(fix).mmul(U.transpose());
  }
  const m = R.to1DArray();
  for (let i = 0; i < shape.length; i += 3) {
    const [x, y, z] = [shape[i]! - ca[0]!, shape[i + 1]! - ca[1]!, shape[i + 2]! - ca[2]!];
    for (let k = 0; k < 3; k++) shape[i + k] = m[3 * k]! * x + m[3 * k + 1]! * y + m[3 * k + 2]! * z + cb[k]!;
  }
}

function det3(m: Matrix): number {
  const a = m.to1DArray() as number[];
  return (
    a[0]! * (a[4]! * a[8]! - a[5]! * a[7]!) -
    a[1]! * (a[3]! * a[8]! - a[5]! * a[6]!) +
    a[2]! * (a[3]! * a[7]! - a[4]! * a[6]!)
  );
}

function centroid(s: Float64Array, w: Float64Array): number[] {
  const c = [0, 0, 0];
  let sum = 0;
  for (let r = 0; r < w.length; r++) {
    sum += w[r]!;
    for (let k = 0; k < 3; k++) c[k]! += w[r]! * s[3 * r + k]!;
  }
  return c.map((x) => x / sum);
}

/** (rows) mirror of each row: the cut's mirror map, eye helpers swapped, joints on themselves. */
export function mirrorRows(layout: ShapeLayout, cutMirror: Int32Array, base: Float64Array): Int32Array {
  const out = new Int32Array(layout.rows);
  for (let r = 0; r < layout.cut; r++) out[r] = cutMirror[r]!;
  const [l0, l1] = layout.leftEye;
  const [r0] = layout.rightEye;
  for (let i = 0; i < l1 - l0; i++) {
    let best = -1;
    let least = Number.POSITIVE_INFINITY;
    for (let j = 0; j < l1 - l0; j++) {
      const d =
        (base[3 * (l0 + i)]! + base[3 * (r0 + j)]!) ** 2 +
        (base[3 * (l0 + i) + 1]! - base[3 * (r0 + j) + 1]!) ** 2 +
        (base[3 * (l0 + i) + 2]! - base[3 * (r0 + j) + 2]!) ** 2;
      if (d < least) {
        least = d;
        best = j;
      }
    }
    out[l0 + i] = r0 + best;
    out[r0 + best] = l0 + i;
  }
  for (const j of [layout.neck, layout.head, layout.jaw]) out[j] = j;
  return out;
}

/** Symmetric part of a shape. */
export function symmetricPart(shape: Float64Array, mirror: Int32Array): Float64Array {
  const out = new Float64Array(shape.length);
  for (let r = 0; r < mirror.length; r++) {
    const m = mirror[r]!;
    out[3 * r] = (shape[3 * r]! - shape[3 * m]!) / 2;
    out[3 * r + 1] = (shape[3 * r + 1]! + shape[3 * m + 1]!) / 2;
    out[3 * r + 2] = (shape[3 * r + 2]! + shape[3 * m + 2]!) / 2;
  }
  return out;
}

/** Mean and the K largest components of the shapes; `weights` (rows) weigh squared distances. */
export function decompose(
  shapes: readonly Float64Array[],
  mirror: Int32Array,
  weights: Float64Array,
  K: number,
): IdentitySpace {
  const N = shapes.length;
  const symmetric = shapes.map((s) => symmetricPart(s, mirror));
  const mean = new Float64Array(shapes[0]!.length);
  for (const s of symmetric) for (let i = 0; i < mean.length; i++) mean[i]! += s[i]! / N;
  const odd = shapes.map((s, n) => s.map((x, i) => x - symmetric[n]![i]!));
  for (const s of symmetric) for (let i = 0; i < s.length; i++) s[i]! -= mean[i]!;
  const a = components(symmetric, weights, K);
  const b = components(odd, weights, K);
  const all = [
    ...a.components.map((c) => ({ ...c, symmetric: true })),
    ...b.components.map((c) => ({ ...c, symmetric: false })),
  ].sort((x, y) => y.variance - x.variance);
  const chosen = all.slice(0, K);
  const sum = chosen.reduce((s, c) => s + c.variance, 0);
  return {
    mean,
    basis: chosen.map((c) => c.basis),
    symmetric: chosen.map((c) => c.symmetric),
    captured: sum / (a.total + b.total),
  };
}

/** Principal components of rows of centred samples through their Gram matrix. */
export function components(
  samples: readonly Float64Array[],
  weights: Float64Array | null,
  K: number,
): { components: { basis: Float64Array; variance: number }[]; total: number } {
  const N = samples.length;
  const D = samples[0]!.length;
  const flat = samples.map((s) => {
    const out = new Float32Array(D);
    for (let i = 0; i < D; i++) out[i] = s[i]! * (weights ? Math.sqrt(weights[Math.floor(i / 3)]!) : 1);
    return out;
  });
  const G = gram(flat);
  const { values, vectors } = topEigen(G, Math.min(K, N));
  const out: { basis: Float64Array; variance: number }[] = [];
  for (let i = 0; i < values.length; i++) {
    if (values[i]! <= 1e-9 * values[0]!) break;
    // Unit-variance scores; the basis is the regression of all rows on them, zero-weight rows included.
    const basis = new Float64Array(D);
    for (let n = 0; n < N; n++) {
      const c = vectors[i]![n]! / Math.sqrt(N);
      const s = samples[n]!;
      for (let d = 0; d < D; d++) basis[d]! += c * s[d]!;
    }
    orient(basis);
    out.push({ basis, variance: values[i]! / N });
  }
  return { components: out, total: G.reduce((s, row, i) => s + row[i]!, 0) / N };
}

/** Signs of eigenvectors are arbitrary: the largest entry is made positive, so that rebuilds agree. */
function orient(basis: Float64Array): void {
  let at = 0;
  for (let i = 1; i < basis.length; i++) if (Math.abs(basis[i]!) > Math.abs(basis[at]!)) at = i;
  if (basis[at]! < 0) for (let i = 0; i < basis.length; i++) basis[i] = -basis[i]!;
}

function gram(rows: readonly Float32Array[]): number[][] {
  const N = rows.length;
  const G = Array.from({ length: N }, () => new Array<number>(N).fill(0));
  const D = rows[0]!.length;
  const BLOCK = 2048;
  for (let start = 0; start < D; start += BLOCK) {
    const end = Math.min(D, start + BLOCK);
    for (let i = 0; i < N; i++) {
      const a = rows[i]!;
      for (let j = 0; j <= i; j++) {
        const b = rows[j]!;
        let s0 = 0;
        let s1 = 0;
        let d = start;
        for (; d + 1 < end; d += 2) {
          s0 += a[d]! * b[d]!;
          s1 += a[d + 1]! * b[d + 1]!;
        }
        if (d < end) s0 += a[d]! * b[d]!;
        G[i]![j]! += s0 + s1;
      }
    }
  }
  for (let i = 0; i < N; i++) for (let j = 0; j < i; j++) G[j]![i] = G[i]![j]!;
  return G;
}

/** The K largest eigenpairs of a symmetric positive matrix by subspace iteration with Rayleigh-Ritz. */
function topEigen(
  G: readonly (readonly number[])[],
  K: number,
): { values: number[]; vectors: Float64Array[] } {
  const N = G.length;
  const m = Math.min(N, K + 24);
  const rows = G.map((r) => Float64Array.from(r));
  const random = createRandom(99);
  let Q: Float64Array[] = Array.from({ length: m }, () =>
    Float64Array.from({ length: N }, () => random.normal()),
  );
  orthonormalise(Q);
  for (let round = 0; round < 24; round++) {
    Q = Q.map((q) => apply(rows, q));
    orthonormalise(Q);
  }
  const Z = Q.map((q) => apply(rows, q));
  const small = Matrix.zeros(m, m);
  for (let i = 0; i < m; i++) for (let j = 0; j < m; j++) small.set(i, j, dot(Q[i]!, Z[j]!));
  for (let i = 0; i < m; i++) for (let j = 0; j < i; j++) small.set(i, j, small.get(j, i));
  const evd = new EigenvalueDecomposition(small, { assumeSymmetric: true });
  const order = evd.realEigenvalues
    .map((_, i) => i)
    .sort((a, b) => evd.realEigenvalues[b]! - evd.realEigenvalues[a]!);
  const vectors = order.slice(0, K).map((i) => {
    const v = new Float64Array(N);
    for (let j = 0; j < m; j++) {
      const c = evd.eigenvectorMatrix.get(j, i);
      for (let n = 0; n < N; n++) v[n]! += c * Q[j]![n]!;
    }
    return v;
  });
  return { values: order.slice(0, K).map((i) => evd.realEigenvalues[i]!), vectors };
}

function apply(rows: readonly Float64Array[], q: Float64Array): Float64Array {
  return Float64Array.from(rows, (r) => dot(r, q));
}

function dot(a: Float64Array, b: Float64Array): number {
  let s = 0;
  for (let i = 0; i < a.length; i++) s += a[i]! * b[i]!;
  return s;
}

/** Gram-Schmidt, twice. */
function orthonormalise(Q: Float64Array[]): void {
  for (let i = 0; i < Q.length; i++) {
    const q = Q[i]!;
    for (let pass = 0; pass < 2; pass++) {
      for (let j = 0; j < i; j++) {
        const p = Q[j]!;
        const c = dot(p, q);
        for (let n = 0; n < q.length; n++) q[n]! -= c * p[n]!;
      }
    }
    const l = Math.sqrt(dot(q, q)) || 1;
    for (let n = 0; n < q.length; n++) q[n]! /= l;
  }
}
