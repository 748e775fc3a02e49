/**
 * Sums of normal equations. Functions of a few lines, which V8 compiles once: in the long functions that call them, these
 * loops had all of those compiled while a process' first photo waits.
 */

/** to[at + i] += from[start + i] for `count` i. */
export function addRange(
  to: Float64Array,
  at: number,
  from: Float64Array,
  start: number,
  count: number,
): void {
  for (let i = 0; i < count; i++) to[at + i] += from[start + i];
}

/** Adds the lower triangle of the first `count` rows and columns of `from` to that of `to`. */
export function addLower(
  to: Float64Array,
  toStride: number,
  from: Float64Array,
  fromStride: number,
  count: number,
): void {
  for (let i = 0; i < count; i++) addRange(to, i * toStride, from, i * fromStride, i + 1);
}

/** to += factor · from in the lower triangle, both (n,n). */
export function addScaledLower(to: Float64Array, from: Float64Array, n: number, factor: number): void {
  for (let i = 0; i < n; i++) for (let j = i * n; j <= i * n + i; j++) to[j] += factor * from[j];
}

/** Makes a matrix (n,n) symmetric that has its lower triangle. */
export function mirrorLower(matrix: Float64Array, n: number): void {
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) matrix[j * n + i] = matrix[i * n + j];
}
