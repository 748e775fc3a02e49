/** Reference of `kernels/texels.ts`, float64. */
import { conjugateGradients } from '../../linalg/conjugate-gradients.ts';

/** As {@link TexelSystem}, in plain arrays. */
export interface TexelSystemReference {
  readonly starts: ArrayLike<number>;
  readonly columns: ArrayLike<number>;
  readonly values: ArrayLike<number> | null;
  readonly scale: number;
  readonly diagonal: ArrayLike<number>;
  /** Aᵀ·diag(v)·A. */
  readonly data?: { readonly samples: SamplesReference; readonly values: ArrayLike<number> } | null;
}

/** A: (P,4) texels and their weights. */
export interface SamplesReference {
  readonly taps: ArrayLike<number>;
  readonly weights: ArrayLike<number>;
}

/** A·x, (P,3), of x (n,3). */
export function sampleTexelsReference(
  { taps, weights }: SamplesReference,
  x: ArrayLike<number>,
): Float64Array {
  const out = new Float64Array((3 * taps.length) / 4);
  for (let k = 0; k < taps.length; k++)
    for (let c = 0; c < 3; c++) out[3 * (k >> 2) + c] += weights[k] * x[3 * taps[k] + c];
  return out;
}

/** Aᵀ·diag(v)·y, (n,3), of y (P,3). */
export function splatPixelsReference(
  { taps, weights }: SamplesReference,
  values: ArrayLike<number>,
  y: ArrayLike<number>,
  n: number,
): Float64Array {
  const out = new Float64Array(3 * n);
  for (let k = 0; k < taps.length; k++)
    for (let c = 0; c < 3; c++) out[3 * taps[k] + c] += weights[k] * values[k >> 2] * y[3 * (k >> 2) + c];
  return out;
}

/** out = (D + scale·W + Aᵀ·diag(v)·A)·x; both (n,3). */
export function multiplyTexelsReference(
  { starts, columns, values, scale, diagonal, data }: TexelSystemReference,
  x: Float64Array,
  out: Float64Array,
): void {
  for (let i = 0; i < diagonal.length; i++)
    for (let c = 0; c < 3; c++) {
      let sum = diagonal[i] * x[3 * i + c];
      for (let e = starts[i]; e < starts[i + 1]; e++)
        sum += scale * (values ? values[e] : 1) * x[3 * columns[e] + c];
      out[3 * i + c] = sum;
    }
  if (!data) return;
  const sampled = sampleTexelsReference(data.samples, x);
  const back = splatPixelsReference(data.samples, data.values, sampled, diagonal.length);
  for (let i = 0; i < out.length; i++) out[i] += back[i];
}

/** Diagonal of the whole matrix, (n). */
export function texelDiagonalReference({ diagonal, data }: TexelSystemReference): Float64Array {
  const out = Float64Array.from(diagonal);
  if (data)
    for (let k = 0; k < data.samples.taps.length; k++)
      out[data.samples.taps[k]] += data.samples.weights[k] ** 2 * data.values[k >> 2];
  return out;
}

/** The solution, (n,3), after at most `steps` steps from `start`. */
export function texelGradientsReference(
  system: TexelSystemReference,
  b: Float64Array,
  start: Float64Array,
  steps: number,
  tolerance: number,
): { x: Float64Array; iterations: number } {
  const diagonal = texelDiagonalReference(system);
  return conjugateGradients((v, out) => multiplyTexelsReference(system, v, out), b, {
    preconditioner: (r, out) => {
      for (let i = 0; i < r.length; i++) {
        const d = diagonal[Math.floor(i / 3)];
        out[i] = d > 0 ? r[i] / d : r[i];
      }
    },
    start,
    maxIterations: steps,
    tolerance,
  });
}
