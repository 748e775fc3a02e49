/** References of `kernels/gloss.ts`, float64; basis values are the caller's (`light/gloss.ts`). */
import type { ImageF } from '../../core/image.ts';
import { choleskyFactor, choleskySolve } from '../../linalg/cholesky.ts';
import type { GlossPrior } from '../gloss.ts';

/** What is to be explained: pictures of one size. */
export interface GlossEvidenceReference {
  readonly photo: ImageF;
  readonly render: ImageF;
  /** (H,W) 1 where gloss is looked at, and weights. */
  readonly region: Uint8Array;
  readonly mask: Float32Array;
}

/**
 * The coefficients that explain best what is left between photo and render; null where no pixel counts.
 * @param basisAt basis values of a pixel, (25)
 */
export function solveGlossReference(
  { photo, render, region, mask }: GlossEvidenceReference,
  basisAt: (pixel: number) => Float64Array,
  { sigma, k, weight, deviation }: GlossPrior,
  every: number,
  rounds: number,
): Float64Array | null {
  const some = [...region.keys()].filter((p) => region[p] && mask[p] > 0).filter((_, i) => i % every === 0);
  if (some.length === 0) return null;
  const total = some.reduce((sum, p) => sum + mask[p], 0);
  const bases = some.map(basisAt);
  const n = bases[0].length;
  const coefficients = new Float64Array(n);
  for (let round = 0; round < rounds; round++) {
    const [matrix, right] = [new Float64Array(n * n), new Float64Array(n)];
    for (let a = 0; a < n; a++) matrix[a * n + a] = 1 / deviation ** 2;
    some.forEach((p, i) => {
      const y = bases[i];
      const gloss = y.reduce((sum, x, a) => sum + x * coefficients[a], 0);
      const left = [0, 1, 2].map((c) => photo.data[3 * p + c] - render.data[3 * p + c]);
      const e = left.reduce((sum, r) => sum + (r - gloss) ** 2, 0) / sigma ** 2;
      const w = (weight * mask[p]) / (total * sigma ** 2 * (1 + e / k ** 2) ** 2);
      for (let a = 0; a < n; a++) {
        right[a] += w * y[a] * (left[0] + left[1] + left[2]);
        for (let b = 0; b <= a; b++) matrix[a * n + b] += 3 * w * y[a] * y[b];
      }
    });
    choleskyFactor(matrix, n);
    choleskySolve(matrix, n, right, coefficients);
  }
  return coefficients;
}

/** `values` (H,W) carried on beyond where they are known, `rounds` pixels far: the mean of the neighbours that are known. */
export function growPlaneReference(
  values: Float32Array,
  known: Uint8Array,
  width: number,
  rounds: number,
): Float32Array {
  const height = values.length / width;
  let [out, flags] = [values.slice(), known.slice()];
  for (let round = 0; round < rounds; round++) {
    const [next, nextFlags] = [out.slice(), flags.slice()];
    for (let p = 0; p < values.length; p++) {
      if (flags[p]) continue;
      const [x, y] = [p % width, Math.floor(p / width)];
      const around = [
        ...(y > 0 ? [p - width] : []),
        ...(y + 1 < height ? [p + width] : []),
        ...(x > 0 ? [p - 1] : []),
        ...(x + 1 < width ? [p + 1] : []),
      ].filter((q) => flags[q]);
      if (around.length === 0) continue;
      next[p] = around.reduce((sum, q) => sum + out[q], 0) / around.length;
      nextFlags[p] = 1;
    }
    [out, flags] = [next, nextFlags];
  }
  return out;
}
