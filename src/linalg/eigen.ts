/**
 * Eigenvalues and eigenvectors of a symmetric matrix, float64: Householder reduction to tridiagonal form, then
 * implicit QL with Wilkinson shifts (Golub and Van Loan, Matrix Computations, 4th ed., 8.3; EISPACK tql2).
 *
 * All passes run along rows: eigenvectors are kept as rows, so that a plane rotation touches two contiguous rows.
 * Good to n of some hundreds (about 5·n³ operations); for larger problems use a Gram matrix.
 */
import { InvalidArgumentError, PhotofitError } from '../core/errors.ts';

/** Result of {@link symmetricEigen}. */
export interface SymmetricEigen {
  /** (n) float64, largest first. */
  readonly values: Float64Array;
  /** (n,n) float64, row r is the unit eigenvector of `values[r]`. */
  readonly vectors: Float64Array;
}

/**
 * Decomposes A = Σ values[r]·vectors[r]·vectors[r]ᵀ.
 * @param a (n,n) float64, row-major, symmetric (the lower triangle is read); kept
 * @throws {InvalidArgumentError} on a wrong length, NaN or infinities
 */
export function symmetricEigen(a: Float64Array, n: number): SymmetricEigen {
  if (a.length !== n * n) {
    throw new InvalidArgumentError(`symmetricEigen: a must be (n,n) with ${n * n} elements, got ${a.length}`);
  }
  if (!a.every(Number.isFinite)) {
    throw new InvalidArgumentError(
      'symmetricEigen: a holds NaN or infinity; check what it was computed from',
    );
  }
  const { diagonal, off, rows } = tridiagonalise(a, n);
  implicitQl(diagonal, off, rows, n);
  const order = Array.from({ length: n }, (_, i) => i).sort((p, q) => diagonal[q] - diagonal[p]);
  const values = new Float64Array(n);
  const vectors = new Float64Array(n * n);
  order.forEach((from, to) => {
    values[to] = diagonal[from];
    vectors.set(rows.subarray(from * n, from * n + n), to * n);
  });
  return { values, vectors };
}

/** A = Q·T·Qᵀ; `diagonal` (n) and `off` (n; off[i] couples i and i+1) of T, `rows` = Qᵀ. */
function tridiagonalise(a: Float64Array, n: number) {
  const t = new Float64Array(n * n);
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) t[i * n + j] = t[j * n + i] = a[i * n + j];
  const diagonal = new Float64Array(n);
  const off = new Float64Array(n);
  const betas = new Float64Array(n);
  const reflectors = new Float64Array(n * n); // row k: v of step k, zero up to and including entry k
  const p = new Float64Array(n);
  for (let k = 0; k < n - 1; k++) {
    const v = reflectors.subarray(k * n, k * n + n);
    let scale = 0;
    for (let i = k + 1; i < n; i++) scale = Math.max(scale, Math.abs(t[k * n + i]));
    diagonal[k] = t[k * n + k];
    if (scale === 0) continue;
    // v = x + sign(x₁)·‖x‖·e₁ turns x into −sign(x₁)·‖x‖·e₁; scaled against overflow.
    let norm2 = 0;
    for (let i = k + 1; i < n; i++) {
      v[i] = t[k * n + i] / scale;
      norm2 += v[i] * v[i];
    }
    const alpha = v[k + 1] > 0 ? -Math.sqrt(norm2) : Math.sqrt(norm2);
    const beta = 1 / (norm2 - v[k + 1] * alpha);
    v[k + 1] -= alpha;
    off[k] = alpha * scale;
    betas[k] = beta;
    // T ← T − v·wᵀ − w·vᵀ with p = β·T·v, w = p − ½·β·(pᵀv)·v, on what remains.
    let pv = 0;
    for (let i = k + 1; i < n; i++) {
      let sum = 0;
      for (let j = k + 1, at = i * n; j < n; j++) sum += t[at + j] * v[j];
      p[i] = beta * sum;
      pv += p[i] * v[i];
    }
    for (let i = k + 1; i < n; i++) p[i] -= 0.5 * beta * pv * v[i];
    for (let i = k + 1; i < n; i++) {
      const [vi, pi] = [v[i], p[i]];
      for (let j = k + 1, at = i * n; j < n; j++) t[at + j] -= vi * p[j] + pi * v[j];
    }
  }
  if (n > 0) diagonal[n - 1] = t[n * n - 1];
  // Q = H₀·H₁·…, formed from the last: row and column k of the product are still those of the identity.
  const q = t.fill(0);
  for (let i = 0; i < n; i++) q[i * n + i] = 1;
  for (let k = n - 2; k >= 0; k--) {
    if (betas[k] === 0) continue;
    const v = reflectors.subarray(k * n, k * n + n);
    p.fill(0);
    for (let i = k + 1; i < n; i++) for (let j = k + 1; j < n; j++) p[j] += v[i] * q[i * n + j];
    for (let i = k + 1; i < n; i++) {
      const factor = betas[k] * v[i];
      for (let j = k + 1; j < n; j++) q[i * n + j] -= factor * p[j];
    }
  }
  const rows = reflectors;
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) rows[j * n + i] = q[i * n + j];
  return { diagonal, off, rows };
}

/** Diagonalises the tridiagonal matrix in place, turning `rows` along. */
function implicitQl(d: Float64Array, e: Float64Array, rows: Float64Array, n: number): void {
  // Of a matrix of less than full rank a block is left where everything is rounding; beside each other these numbers are
  // not small and never part, beside the matrix they are nothing.
  let size = 0;
  for (let i = 0; i < n; i++) size = Math.max(size, Math.abs(d[i]) + Math.abs(e[i]));
  const nothing = 2 ** -54 * size;
  for (let l = 0; l < n; l++) {
    for (let iteration = 0; ; iteration++) {
      let m = l;
      while (m < n - 1 && Math.abs(e[m]) > 2 ** -52 * (Math.abs(d[m]) + Math.abs(d[m + 1])) + nothing) m++;
      if (m === l) break;
      if (iteration === 60) throw new PhotofitError('symmetricEigen: no convergence after 60 QL steps');
      // The eigenvalue of the leading 2 × 2 block nearer to d[l] is the shift.
      const g0 = (d[l + 1] - d[l]) / (2 * e[l]);
      const shift = d[l] - e[l] / (g0 + (g0 < 0 ? -Math.hypot(g0, 1) : Math.hypot(g0, 1)));
      let g = d[m] - shift;
      let [s, c, p] = [1, 1, 0];
      let i = m - 1;
      for (; i >= l; i--) {
        const f = s * e[i];
        const b = c * e[i];
        const r = Math.hypot(f, g);
        e[i + 1] = r;
        if (r === 0) {
          d[i + 1] -= p;
          e[m] = 0;
          break;
        }
        s = f / r;
        c = g / r;
        g = d[i + 1] - p;
        const u = (d[i] - g) * s + 2 * c * b;
        p = s * u;
        d[i + 1] = g + p;
        g = c * u - b;
        rotateRows(rows, i * n, n, s, c);
      }
      if (i >= l) continue;
      d[l] -= p;
      e[l] = g;
      e[m] = 0;
    }
  }
}

function rotateRows(rows: Float64Array, at: number, n: number, s: number, c: number): void {
  for (let k = at; k < at + n; k++) {
    const f = rows[k + n];
    rows[k + n] = s * rows[k] + c * f;
    rows[k] = c * rows[k] - s * f;
  }
}
