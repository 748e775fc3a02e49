/** Reference of what `kernels/fields.ts` solves, float64. */
import { choleskyFactor, choleskySolve } from '../../linalg/cholesky.ts';
import type { FieldPrior } from '../fields.ts';

/** A pixel: what is left of its colour, its weight, its basis values (n), and the colours (S,3) that they scale. */
export interface FieldPixel {
  readonly left: readonly number[];
  readonly mask: number;
  readonly basis: ArrayLike<number>;
  readonly colours: readonly (readonly number[])[];
}

/** The coefficients (S,n) that explain best what is left; null without pixels. */
export function solveFieldsReference(
  pixels: readonly FieldPixel[],
  { sigma, k, weight, deviations }: FieldPrior,
  rounds: number,
): Float64Array | null {
  if (pixels.length === 0) return null;
  const total = pixels.reduce((sum, { mask }) => sum + mask, 0);
  const n = pixels[0].basis.length;
  const N = n * deviations.length;
  const x = new Float64Array(N);
  for (let round = 0; round < rounds; round++) {
    const [matrix, right] = [new Float64Array(N * N), new Float64Array(N)];
    for (let a = 0; a < N; a++) matrix[a * N + a] = 1 / deviations[Math.floor(a / n)] ** 2;
    for (const { left, mask, basis, colours } of pixels) {
      // Derivative of each channel by each coefficient.
      const rows = [0, 1, 2].map((c) =>
        Float64Array.from({ length: N }, (_, a) => colours[Math.floor(a / n)][c] * basis[a % n]),
      );
      const e = rows.reduce((sum, row, c) => {
        const explained = row.reduce((s, d, a) => s + d * x[a], 0);
        return sum + ((left[c] - explained) / sigma) ** 2;
      }, 0);
      const w = (weight * mask) / (total * sigma ** 2 * (1 + e / k ** 2) ** 2);
      rows.forEach((row, c) => {
        for (let a = 0; a < N; a++) {
          right[a] += w * row[a] * left[c];
          for (let b = 0; b <= a; b++) matrix[a * N + b] += w * row[a] * row[b];
        }
      });
    }
    choleskyFactor(matrix, N);
    choleskySolve(matrix, N, right, x);
  }
  return x;
}
