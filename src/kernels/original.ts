/**
 * Pixels of albedo·shading − picture where the picture's pixels stay and the surface moves under them, as in the original
 * fitter's energy. At a pixel of a triangle with projected corners p_i and barycentrics β_i, an interpolated attribute A
 * (texture coordinates, normal) changes by
 *   dA = Σ β_i dA_i − (∂A/∂p)·Σ β_i dp_i,
 * linear in five numbers per corner (x, y, n_x, n_y, n_z) with weights β_i: the blocks of `vertex-blocks.ts` serve as
 * they are. The energy is Σ mask·|r|₁; rows carry the root of mask·weight/max(|r|, ε), channel by channel, so that their
 * products are the re-weighted least squares of it. The interpolated normal is not made unit length again, and the
 * albedo lies between four texels, the map's border going on.
 *
 * Columns are those of `photometric.ts`.
 */
import { whole } from './job.ts';
import type { RasterizeOutput } from './rasterize.ts';
import { type F32, type Kernels, requireLength, type U32 } from './runtime.ts';
import type { WasmImage } from './sample.ts';
import {
  requireAtLeast,
  requireSamples,
  type SampleEquations,
  type SampleInput,
  type SamplePlaces,
  type SampleSums,
  sampleEnergy,
  sampleEquations,
  sampleJob,
} from './sample-sums.ts';

/** Samples of `collect.ts` at pixels. */
export interface OriginalSamples extends SamplePlaces {
  /** At least (N) uint32, (N,2) float32. */
  readonly pixels: U32;
  readonly points: F32;
}

/** What the residuals depend on besides the samples; q are x, y in pixels and the unit normal. */
export interface OriginalInput extends SampleInput {
  readonly raster: RasterizeOutput;
  /** (F,3) and (U,2). */
  readonly textureFaces: U32;
  readonly textureCoordinates: F32;
  /** Texture space by texel, `appearanceMap`. */
  readonly map: WasmImage;
  /** (pixels,4) float32 RGB0. */
  readonly picture: F32;
  /** What Σ mask·|r|₁ is multiplied by. */
  readonly weight: number;
  /** Least |residual| that a weight is divided by. */
  readonly epsilon: number;
}

/**
 * weight·Σ mask·|r|₁.
 * @throws {InvalidArgumentError} on lengths that do not match.
 */
export function originalPixelEnergy(
  kernels: Kernels,
  samples: OriginalSamples,
  input: OriginalInput,
): number {
  requireInput(samples, input);
  const job = (sums: SampleSums) => fillJob(kernels, samples, input, sums);
  return input.weight * sampleEnergy(kernels, 'originalPart', samples.count, job);
}

/**
 * Normal equations of all samples, in kernel memory that the caller gives back.
 * @throws {InvalidArgumentError} on lengths that do not match.
 */
export function originalPixelEquations(
  kernels: Kernels,
  samples: OriginalSamples,
  mesh: { readonly vertexCount: number; readonly edgeCount: number },
  input: OriginalInput,
): SampleEquations & { readonly columns: number } {
  requireInput(samples, input);
  const columns = 28 + (input.map.channels - 4) / 3;
  const job = (sums: SampleSums) => fillJob(kernels, samples, input, sums);
  return {
    columns,
    ...sampleEquations(kernels, 'originalPart', samples.count, mesh, columns, job),
  };
}

/** @throws {InvalidArgumentError} on lengths that do not match. */
function requireInput(samples: OriginalSamples, input: OriginalInput): void {
  const { map, texture } = input;
  requireSamples('original', samples, input);
  requireAtLeast('original', 'pixels', samples.pixels, samples.count, '(N)');
  requireAtLeast('original', 'points', samples.points, 2 * samples.count, '(N,2)');
  requireLength('original', 'map', map.data, map.width * map.height * map.channels, '(H,W,4+3T)');
  requireLength('original', 'texture', texture, Math.min(texture.length, (map.channels - 4) / 3), '(T)');
}

/** Fills the structure that assembly/original.ts reads; returns its address. */
function fillJob(kernels: Kernels, samples: OriginalSamples, input: OriginalInput, sums: SampleSums): number {
  const { map, raster } = input;
  const vectors = (map.channels - 4) / 12;
  const own = [
    ...[samples.pixels, samples.points, raster.faceIndex, input.textureFaces, input.textureCoordinates],
    ...[map.data, whole(map.width), whole(map.height), input.picture],
    ...[input.weight, input.epsilon],
  ];
  return sampleJob(kernels, samples, input, vectors, sums, { own, scratch: 48 + 12 * vectors });
}
