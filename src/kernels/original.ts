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
import type { RasterizeOutput } from './rasterize.ts';
import { type F32, type Kernels, requireLength, type U32 } from './runtime.ts';
import type { WasmImage } from './sample.ts';
import {
  blockFields,
  type SampleEquations,
  type SampleSums,
  sampleEnergy,
  sampleEquations,
} from './sample-sums.ts';

/** Samples of `collect.ts` at pixels. */
export interface OriginalSamples {
  /** N. */
  readonly count: number;
  /** At least (N,3) uint32, (N,3) uint32, (N,3) float32, (N) float32, (N) uint32, (N,2) float32. */
  readonly corners: U32;
  readonly edges: U32;
  readonly barycentrics: F32;
  readonly mask: F32;
  readonly pixels: U32;
  readonly points: F32;
}

/** What the residuals depend on besides the samples. */
export interface OriginalInput {
  /** (A,8) float32: x, y in pixels, unit normal, zeros. */
  readonly q: F32;
  readonly raster: RasterizeOutput;
  /** (F,3) and (U,2). */
  readonly textureFaces: U32;
  readonly textureCoordinates: F32;
  /** Texture space by texel, `appearanceMap`. */
  readonly map: WasmImage;
  /** (pixels,4) float32 RGB0. */
  readonly picture: F32;
  /** (9,3). */
  readonly light: ArrayLike<number>;
  /** (9) factors of the basis' polynomials. */
  readonly basis: ArrayLike<number>;
  /** (T). */
  readonly texture: ArrayLike<number>;
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
function requireInput(samples: OriginalSamples, { map, light, basis, texture }: OriginalInput): void {
  const { count } = samples;
  const enough = (name: string, array: { length: number }, expected: number, shape: string) =>
    requireLength('original', name, { length: Math.min(array.length, expected) }, expected, shape);
  enough('corners', samples.corners, 3 * count, '(N,3)');
  enough('edges', samples.edges, 3 * count, '(N,3)');
  enough('barycentrics', samples.barycentrics, 3 * count, '(N,3)');
  enough('mask', samples.mask, count, '(N)');
  enough('pixels', samples.pixels, count, '(N)');
  enough('points', samples.points, 2 * count, '(N,2)');
  requireLength('original', 'map', map.data, map.width * map.height * map.channels, '(H,W,4+3T)');
  requireLength('original', 'texture', texture, Math.min(texture.length, (map.channels - 4) / 3), '(T)');
  requireLength('original', 'light', light, 27, '(9,3)');
  requireLength('original', 'basis', basis, 9, '(9)');
}

/** Fills the structure that assembly/original.ts reads; returns its address. */
function fillJob(kernels: Kernels, samples: OriginalSamples, input: OriginalInput, sums: SampleSums): number {
  const { map } = input;
  const vectors = (map.channels - 4) / 12;
  const light = kernels.f32(36);
  const constants = kernels.f32(12);
  const texture = kernels.f32(4 * vectors);
  const scratch = kernels.f32(32 + 12 * vectors);
  const job = kernels.u32(32);
  constants.view.set(input.basis);
  texture.view.set(input.texture);
  const columns = light.view;
  for (let k = 0; k < 9; k++)
    for (let c = 0; c < 3; c++) columns[4 * k + c] = input.light[3 * k + c] * input.basis[k];
  const fields = job.view;
  fields.set([
    input.q.ptr,
    samples.corners.ptr,
    samples.edges.ptr,
    samples.barycentrics.ptr,
    samples.mask.ptr,
    samples.pixels.ptr,
    samples.points.ptr,
    input.raster.faceIndex.ptr,
    input.textureFaces.ptr,
    input.textureCoordinates.ptr,
    map.data.ptr,
    map.width,
    map.height,
    vectors,
    input.picture.ptr,
    light.ptr,
    constants.ptr,
    texture.ptr,
  ]);
  new Float32Array(fields.buffer, job.ptr + 72, 2).set([input.weight, input.epsilon]);
  fields.set([sums.rows, sums.stride, scratch.ptr, ...blockFields(sums)], 20);
  return job.ptr;
}
