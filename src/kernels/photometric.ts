/**
 * Residuals albedo·shading − photo at surface samples, and their normal equations in vertex space.
 *
 * A sample is a point on the surface, fixed by its triangle's corners and barycentric coordinates β; per channel
 *   r_c = a_c · s_c(n̂) − I_c(u, v),   a = mean + basis·τ,   s_c = Σ_k l_kc B_k(n̂),   n̂ = Σβ_i n_i / |Σβ_i n_i|
 * and (u, v) = Σ β_i (u_i, v_i). It depends on geometry only through the five numbers q_i = (u, v, n_x, n_y, n_z) of
 * its corners, linearly in β: ∂r/∂q_i = β_i K with one 3×5 matrix K per sample. So the geometric part of JᵀWJ is
 * Pᵀ H P with P = ∂q/∂θ and H a sparse symmetric matrix of 5×5 blocks per vertex and edge, block (i, j) =
 * Σ β_i β_j KᵀWK (`vertex-blocks.ts`): exact, and hardly dependent on the number of pixels.
 *
 * B are polynomials of order 2 in the unit normal, 1, x, y, z, xy, xz, yz, x²−y², 3z²−1, times given constants. The
 * photo is interpolated by cubic convolution (Keys 1981, a = −½): C¹, so that the gradient is exact and continuous
 * while a point slides over pixels; bilinear interpolation has a kink at every pixel centre. Beyond the outermost
 * pixel centres the coordinate is clamped, the derivative is that at the border.
 *
 * Every sample becomes three rows (channels), times the square root of its robust weight, in the columns
 *   [ light 3k+c: 27 | residual | texture, zero-filled to a multiple of 4 | u v n_x n_y n_z 0 0 0 ]
 * in chunks that stay in the cache. AᵀA of the shared columns is the block of light and texture, with its gradient as
 * the residual's row and column.
 */
import { InvalidArgumentError } from '../core/errors.ts';
import type { ImageF } from '../core/image.ts';
import { whole } from './job.ts';
import { type F32, type F64, type Kernels, requireLength } from './runtime.ts';
import {
  chunkRows,
  NOTHING,
  requireAtLeast,
  requireSamples,
  type SampleInput,
  type SamplePlaces,
  type SampleSums,
  sampleEquations,
  sampleJob,
} from './sample-sums.ts';
import { cutRange, type TaskArguments } from './tasks.ts';
import type { VertexBlocks } from './vertex-blocks.ts';

/** Numbers per vertex in {@link PhotometricInput.q}: u, v, n_x, n_y, n_z and three unused. */
export const Q_STRIDE = 8;
/** Column of the residual among the shared ones; light is before, texture after it. */
export const RESIDUAL_COLUMN = 27;

/** A photo prepared by {@link takePhoto}. */
export interface PaddedPhoto {
  readonly width: number;
  readonly height: number;
  /** (H+2,W+2,4) float32: RGB0, border pixels repeated. */
  readonly data: F32;
}

/** Points on the surface. */
export interface SampleArrays extends SamplePlaces {
  /** (N,{@link appearanceStride}) float32: mean albedo RGB0, then components of each channel, zero-filled. */
  readonly appearance: F32;
}

/** What the residuals depend on besides the samples; q are u, v in pixels of the photo and the unit normal. */
export interface PhotometricInput extends SampleInput {
  readonly photo: PaddedPhoto;
  readonly loss: PhotometricLoss;
}

/** The loss: Σ mask·ρ(|r|²/σ²)/(2·Σ mask)·weight with ρ Geman-McClure of width k. */
export interface PhotometricLoss {
  readonly sigma: number;
  readonly k: number;
  readonly weight: number;
}

/** Sums over all samples; the energy's factor weight/(σ²·Σ mask) is already in. */
export interface PhotometricEquations {
  readonly cost: number;
  /** X: 28 + T rounded up to a multiple of 4. */
  readonly columns: number;
  /** H per vertex and edge, and mixed rows (5A,X), of which column 27 is the gradient. */
  readonly vertex: VertexBlocks;
  /** (X,X) float64; row 27 is the gradient of light and texture. */
  readonly appearance: F64;
}

/** First derivatives over all samples, scaled as {@link PhotometricEquations}. */
export interface PhotometricGradient {
  readonly cost: number;
  /** (A,8) float64: by u, v and the unit normal of each vertex, and three zeros. */
  readonly vertices: F64;
  /** (X) float64: by light; [27] is of no use; by texture. */
  readonly appearance: F64;
}

/** Samples worth a task. */
const GRAIN = 512;

/** Components per channel, rounded up to whole vectors. */
export function paddedComponents(T: number): number {
  return (T + 3) & ~3;
}

/** Floats per sample of {@link SampleArrays.appearance} for T texture components. */
export function appearanceStride(T: number): number {
  return 4 + 3 * paddedComponents(T);
}

/**
 * Copies a photo into kernel memory.
 * @throws {InvalidArgumentError} when it is not RGB or smaller than 2×2.
 */
export function takePhoto(kernels: Kernels, photo: ImageF): PaddedPhoto {
  const { width, height, channels, data } = photo;
  if (channels !== 3 || width < 2 || height < 2)
    throw new InvalidArgumentError(
      `takePhoto: the photo must be RGB and at least 2×2, got ${width}×${height} with ${channels} channels`,
    );
  const padded = kernels.f32(4 * (width + 2) * (height + 2), false);
  kernels.scope(() => kernels.raw.padPicture(kernels.f32(data).ptr, width, height, padded.ptr));
  return { width, height, data: padded };
}

/**
 * The robust energy alone.
 * @throws {InvalidArgumentError} on lengths that do not match.
 */
export function photometricCost(kernels: Kernels, samples: SampleArrays, input: PhotometricInput): number {
  requireInput(samples, input);
  const total = maskSum(samples);
  if (!(total > 0)) return 0;
  return (0.5 * input.loss.weight * kernels.scope(sumOfLosses, kernels, samples, input, total)) / total;
}

function sumOfLosses(
  kernels: Kernels,
  samples: SampleArrays,
  input: PhotometricInput,
  total: number,
): number {
  // Summed up in parts of fixed size, so that the sum does not depend on the number of threads.
  const cuts = cutRange(0, samples.count, 8, GRAIN);
  const sums = kernels.f64(cuts.length);
  const calls: TaskArguments[] = [];
  for (const [from, to] of cuts)
    calls.push([fillJob(kernels, samples, input, total, NOTHING), from, to, sums.ptr + 8 * calls.length]);
  kernels.run('photometricCost', calls);
  let sum = 0;
  for (const part of sums.view) sum += part;
  return sum;
}

/**
 * Residuals of all samples, albedo·shading − photo; against a black photo, the picture itself.
 * @param out (N,4) float32, RGB and a zero.
 * @throws {InvalidArgumentError} on lengths that do not match.
 */
export function photometricResiduals(
  kernels: Kernels,
  samples: SampleArrays,
  input: PhotometricInput,
  out: F32,
): void {
  requireInput(samples, input);
  requireLength('photometricResiduals', 'out', out, 4 * samples.count, '(N,4)');
  kernels.scope(() => {
    const job = fillJob(kernels, samples, input, 1, NOTHING);
    kernels.raw.photometricResiduals(job, 0, samples.count, out.ptr);
  });
}

/**
 * Normal equations of all samples, in kernel memory that the caller gives back (`kernels.scope`).
 * @param vertexCount A.
 * @param edgeCount D.
 * @throws {InvalidArgumentError} on lengths that do not match.
 */
export function photometricEquations(
  kernels: Kernels,
  samples: SampleArrays,
  vertexCount: number,
  edgeCount: number,
  input: PhotometricInput,
): PhotometricEquations {
  const columns = 28 + paddedComponents(input.texture.length);
  requireLength('photometricEquations', 'q', input.q, vertexCount * Q_STRIDE, '(A,8)');
  requireInput(samples, input);
  const total = maskSum(samples);
  // Without weight there is nothing to add up.
  const count = total > 0 ? samples.count : 0;
  const { sum, vertex, appearance } = sampleEquations(
    kernels,
    'photometricPart',
    count,
    { vertexCount, edgeCount },
    columns,
    (sums) => fillJob(kernels, samples, input, total, sums),
  );
  return { cost: count > 0 ? (0.5 * input.loss.weight * sum) / total : 0, columns, vertex, appearance };
}

/**
 * First derivatives of the energy, in kernel memory that the caller gives back: a third of the work of
 * {@link photometricEquations}, and nothing of what comes after it.
 * @param vertexCount A.
 * @throws {InvalidArgumentError} on lengths that do not match.
 */
export function photometricGradient(
  kernels: Kernels,
  samples: SampleArrays,
  vertexCount: number,
  input: PhotometricInput,
): PhotometricGradient {
  const columns = 28 + paddedComponents(input.texture.length);
  requireLength('photometricGradient', 'q', input.q, vertexCount * Q_STRIDE, '(A,8)');
  requireInput(samples, input);
  const total = maskSum(samples);
  const vertices = kernels.f64(8 * vertexCount);
  const appearance = kernels.f64(columns);
  if (!(total > 0)) return { cost: 0, vertices, appearance };
  const sum = kernels.scope(() => {
    const job = fillJob(kernels, samples, input, total, { ...NOTHING, ...chunkRows(kernels, columns) });
    return kernels.raw.photometricGradient(job, 0, samples.count, vertices.ptr, appearance.ptr);
  });
  return { cost: (0.5 * input.loss.weight * sum) / total, vertices, appearance };
}

function maskSum(samples: SampleArrays): number {
  const mask = samples.mask.view;
  let total = 0;
  for (let p = 0; p < samples.count; p++) total += mask[p];
  return total;
}

/** @throws {InvalidArgumentError} on lengths that do not match. */
function requireInput(samples: SampleArrays, input: PhotometricInput): void {
  const needed = samples.count * appearanceStride(input.texture.length);
  requireSamples('photometric', samples, input);
  requireAtLeast('photometric', 'appearance', samples.appearance, needed, '(N,4+3T)');
}

/** Fills the structure that assembly/photometric.ts reads; returns its address. */
function fillJob(
  kernels: Kernels,
  samples: SampleArrays,
  input: PhotometricInput,
  total: number,
  sums: SampleSums,
): number {
  const { photo, loss } = input;
  const vectors = paddedComponents(input.texture.length) / 4;
  const { sigma, k, weight } = loss;
  const own = [
    ...[samples.appearance, photo.data, whole(photo.width), whole(photo.height)],
    ...[1 / sigma ** 2, 1 / k ** 2, weight / (sigma ** 2 * total)],
  ];
  return sampleJob(kernels, samples, input, vectors, sums, { own, scratch: 64 });
}
