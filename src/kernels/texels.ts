/**
 * Linear systems over texels: symmetric positive definite matrices in compressed rows, solutions with three colours that
 * share the matrix, so that each entry read serves a whole vector.
 *
 * Float32, unlike the general solver of `linalg`: right-hand sides are differences of 8-bit colours. Sums that decide
 * about the steps are carried on in float64. Measured on 170,000 texels, 5 edges each: a step takes 2 ms, in plain
 * TypeScript and float64 13 ms.
 *
 * What pixels say is a part Aᵀ·diag(v)·A of the matrix, A sampling four texels per pixel. It is applied pixel by pixel: to
 * multiply it out took as long as twenty steps with it.
 */
import { type F32, type Kernels, requireLength, type U32 } from './runtime.ts';

/** Pixels that each sample four texels: A, (P,n). */
export interface TexelSamples {
  /** P; arrays may have room for more. */
  readonly count: number;
  /** (P,4) uint32 texels and float32 weights. */
  readonly taps: U32;
  readonly weights: F32;
}

/** D + scale·W + Aᵀ·diag(v)·A over n texels. */
export interface TexelSystem {
  /** (n+1) uint32: where each row begins in `columns`. */
  readonly starts: U32;
  /** (m) uint32 columns of W, diagonal excluded. */
  readonly columns: U32;
  /** (m) float32 entries of W; all 1 where null. */
  readonly values: F32 | null;
  readonly scale: number;
  /** (n) float32 D; rows with 0 are left alone by the preconditioner. */
  readonly diagonal: F32;
  /** A with v (P) float32, and the diagonal (n) float32 of the whole matrix, which preconditions. */
  readonly data?: { readonly samples: TexelSamples; readonly values: F32; readonly diagonal: F32 } | null;
}

/** Options of {@link texelGradients}. */
export interface TexelGradientOptions {
  /** Products with the matrix at most. */
  readonly steps: number;
  /** Stop at ‖b − A·x‖ ≤ tolerance·‖b‖. */
  readonly tolerance: number;
}

/**
 * Conjugate gradients preconditioned by the diagonal, for A·x = b. Column numbers and taps are trusted to be below n.
 *
 * @param b (n,4) float32, the fourth of each row zero
 * @param x (n,4) float32: where to start, overwritten by the solution
 * @returns steps taken
 * @throws {InvalidArgumentError} on shapes that do not match
 */
export function texelGradients(
  kernels: Kernels,
  system: TexelSystem,
  b: F32,
  x: F32,
  options: TexelGradientOptions,
): number {
  const name = 'texelGradients';
  const { starts, columns, values, scale, diagonal, data } = system;
  const n = diagonal.length;
  requireRoom(name, 'starts', starts, n + 1, '(n+1)');
  if (values) requireLength(name, 'values', values, columns.length, '(m)');
  requireLength(name, 'b', b, 4 * n, '(n,4)');
  requireLength(name, 'x', x, 4 * n, '(n,4)');
  if (data) {
    requireSamples(name, data.samples);
    requireRoom(name, 'data.values', data.values, data.samples.count, '(P)');
    requireLength(name, 'data.diagonal', data.diagonal, n, '(n)');
  }
  return kernels.scope(() => {
    const scratch = () => kernels.f32(4 * n, false).ptr;
    return kernels.raw.texelGradients(
      n,
      starts.ptr,
      columns.ptr,
      values?.ptr ?? 0,
      scale,
      diagonal.ptr,
      (data?.diagonal ?? diagonal).ptr,
      data?.samples.count ?? 0,
      data?.samples.taps.ptr ?? 0,
      data?.samples.weights.ptr ?? 0,
      data?.values.ptr ?? 0,
      b.ptr,
      x.ptr,
      scratch(),
      scratch(),
      scratch(),
      options.steps,
      options.tolerance,
    );
  });
}

/** out (P,4) = A·x. @param x (n,4) @throws {InvalidArgumentError} on shapes that do not match */
export function sampleTexels(kernels: Kernels, samples: TexelSamples, x: F32, out: F32): void {
  requireSamples('sampleTexels', samples);
  requireRoom('sampleTexels', 'out', out, 4 * samples.count, '(P,4)');
  kernels.raw.sampleTexels(samples.count, samples.taps.ptr, samples.weights.ptr, x.ptr, out.ptr);
}

/** What {@link splatPixels} adds to. */
export interface SplatSums {
  /** (n,4) += Aᵀ·diag(v)·y. */
  readonly right: F32;
  /** (n) += Aᵀ·v. */
  readonly lumped: F32;
  /** (n) += diagonal of Aᵀ·diag(v)·A. */
  readonly squares: F32;
}

/**
 * The data's part of a system. @param values (P) v @param y (P,4)
 * @throws {InvalidArgumentError} on shapes that do not match
 */
export function splatPixels(
  kernels: Kernels,
  samples: TexelSamples,
  values: F32,
  y: F32,
  sums: SplatSums,
): void {
  const name = 'splatPixels';
  const n = sums.lumped.length;
  requireSamples(name, samples);
  requireRoom(name, 'values', values, samples.count, '(P)');
  requireRoom(name, 'y', y, 4 * samples.count, '(P,4)');
  requireLength(name, 'right', sums.right, 4 * n, '(n,4)');
  requireLength(name, 'squares', sums.squares, n, '(n)');
  const { count, taps, weights } = samples;
  kernels.raw.splatPixels(
    count,
    taps.ptr,
    weights.ptr,
    values.ptr,
    y.ptr,
    sums.right.ptr,
    sums.lumped.ptr,
    sums.squares.ptr,
  );
}

function requireSamples(kernel: string, { count, taps, weights }: TexelSamples): void {
  requireRoom(kernel, 'taps', taps, 4 * count, '(P,4)');
  requireRoom(kernel, 'weights', weights, 4 * count, '(P,4)');
}

/** Arrays over pixels may have room for more pixels than there are. */
function requireRoom(
  kernel: string,
  name: string,
  array: { length: number },
  least: number,
  shape: string,
): void {
  requireLength(kernel, name, { length: Math.min(array.length, least) }, least, shape);
}
