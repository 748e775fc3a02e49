/**
 * Systems of arrow shape: several private groups of unknowns, each coupled to itself and to one shared group only, as in
 * several photos of one person (pose and light of each, identity of all). Eliminating the private groups leaves a Schur
 * complement of the shared size (Triggs et al. 1999, "Bundle adjustment", §6.1).
 *
 *   [ D_1          B_1 ]
 *   [      …        …  ]   S' = S − Σ B_iᵀ D_i⁻¹ B_i
 *   [          D_n B_n ]
 *   [ B_1ᵀ … B_nᵀ  S   ]
 *
 * Fits solve them in kernel memory (`kernels/arrow.ts`), which is held to this.
 */
import { choleskyFactor, choleskySolve } from './cholesky.ts';

/**
 * Solves A·x = b for a symmetric positive definite arrow matrix.
 * @param a (n,n) float64, row-major; only the lower triangles of D_i and S and the rows of B_iᵀ are read.
 * @param b (n).
 * @param sizes sizes of the private groups in order; what follows them is shared.
 * @returns x (n), or null where a pivot is not positive.
 */
export function solveArrow(
  a: Float64Array,
  n: number,
  b: Float64Array,
  sizes: readonly number[],
): Float64Array | null {
  const first = sizes.reduce((s, k) => s + k, 0);
  const m = n - first;
  const schur = new Float64Array(m * m);
  const right = b.slice(first);
  for (let i = 0; i < m; i++) for (let j = 0; j <= i; j++) schur[i * m + j] = a[(first + i) * n + first + j];
  const groups: { readonly factor: Float64Array; readonly w: Float64Array; readonly y: Float64Array }[] = [];
  let offset = 0;
  for (const k of sizes) {
    const factor = new Float64Array(k * k);
    for (let i = 0; i < k; i++)
      for (let j = 0; j <= i; j++) factor[i * k + j] = a[(offset + i) * n + offset + j];
    if (choleskyFactor(factor, k) >= 0) return null;
    // Rows of w are L⁻¹B for one shared column each, so that their products run along memory.
    const w = new Float64Array(m * k);
    for (let s = 0; s < m; s++) {
      for (let i = 0; i < k; i++) w[s * k + i] = a[(first + s) * n + offset + i];
      forward(factor, k, w, s * k);
    }
    const y = b.slice(offset, offset + k);
    forward(factor, k, y, 0);
    for (let i = 0; i < m; i++) {
      for (let j = 0; j <= i; j++) schur[i * m + j] -= dot(w, i * k, w, j * k, k);
      right[i] -= dot(w, i * k, y, 0, k);
    }
    groups.push({ factor, w, y });
    offset += k;
  }
  if (choleskyFactor(schur, m) >= 0) return null;
  const x = new Float64Array(n);
  x.set(choleskySolve(schur, m, right, right), first);
  offset = 0;
  for (const { factor, w, y } of groups) {
    const k = y.length;
    for (let s = 0; s < m; s++) for (let i = 0; i < k; i++) y[i] -= w[s * k + i] * right[s];
    for (let i = k - 1; i >= 0; i--) {
      const value = y[i] / factor[i * k + i];
      x[offset + i] = value;
      for (let j = 0; j < i; j++) y[j] -= factor[i * k + j] * value;
    }
    offset += k;
  }
  return x;
}

/** How many unknowns of each group are free; `index` is ascending. */
export function freeSizes(groups: readonly number[], index: ArrayLike<number>): number[] {
  let offset = 0;
  let at = 0;
  return groups.map((size) => {
    offset += size;
    const from = at;
    while (at < index.length && index[at] < offset) at++;
    return at - from;
  });
}

/** Solves L·y = v in place of v[at … at+k). */
function forward(l: Float64Array, k: number, v: Float64Array, at: number): void {
  for (let i = 0; i < k; i++) v[at + i] = (v[at + i] - dot(l, i * k, v, at, i)) / l[i * k + i];
}

/** Four sums at a time: a single one waits for its own last addition. */
function dot(a: Float64Array, ao: number, b: Float64Array, bo: number, n: number): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  const whole = n & ~3;
  for (let i = 0; i < whole; i += 4) {
    s0 += a[ao + i] * b[bo + i];
    s1 += a[ao + i + 1] * b[bo + i + 1];
    s2 += a[ao + i + 2] * b[bo + i + 2];
    s3 += a[ao + i + 3] * b[bo + i + 3];
  }
  for (let i = whole; i < n; i++) s0 += a[ao + i] * b[bo + i];
  return s0 + s1 + (s2 + s3);
}
