/** Reference of `kernels/texels.ts`, float64. */
import { conjugateGradients } from '../../linalg/conjugate-gradients.ts';

/** As {@link TexelSystem}, in plain arrays. */
export interface TexelSystemReference {
  readonly starts: ArrayLike<number>;
  readonly columns: ArrayLike<number>;
  readonly values: ArrayLike<number> | null;
  readonly scale: number;
  readonly diagonal: ArrayLike<number>;
}

/** out = (D + scale·W)·x; both (n,3). */
export function multiplyTexelsReference(
  { starts, columns, values, scale, diagonal }: TexelSystemReference,
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
}

/** The solution, (n,3), after at most `steps` steps from `start`. */
export function texelGradientsReference(
  system: TexelSystemReference,
  b: Float64Array,
  start: Float64Array,
  steps: number,
  tolerance: number,
): { x: Float64Array; iterations: number } {
  return conjugateGradients((v, out) => multiplyTexelsReference(system, v, out), b, {
    preconditioner: (r, out) => {
      for (let i = 0; i < r.length; i++) {
        const d = system.diagonal[Math.floor(i / 3)];
        out[i] = d > 0 ? r[i] / d : r[i];
      }
    },
    start,
    maxIterations: steps,
    tolerance,
  });
}
