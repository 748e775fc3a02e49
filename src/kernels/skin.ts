/**
 * Pixel work around the skin mask: which pixels look like skin (the method is in `fit/skin.ts`), how far they typically
 * are from the render, pictures put together from samples. In plain TypeScript (`reference/skin.ts`) this took a tenth of
 * a warm fit and a sixth of a process' first one, most of it before V8 had optimised it.
 */
import type { ImageF } from '../core/image.ts';
import { type F32, type Kernels, requireLength, type U8, type U32 } from './runtime.ts';

/** What skin is told by. */
export interface SkinInput {
  /** (H,W,3) each. */
  readonly photo: ImageF;
  readonly render: ImageF;
  /** (H,W) 1 where skin may be, and where it is certain. */
  readonly region: Uint8Array;
  readonly core: Uint8Array;
  /** Of the neighbourhood, whole pixels. */
  readonly radius: number;
  /** Residual, in units of the typical one, at which a pixel counts half. */
  readonly cut: number;
  /** Least typical residual. */
  readonly floor: number;
}

/**
 * Weights in [0, 1], (H,W); zero outside the region.
 * @throws {InvalidArgumentError} on sizes that do not match.
 */
export function skinWeights(kernels: Kernels, input: SkinInput): Float32Array {
  const { photo, render, region, core } = input;
  const { width, height } = photo;
  const pixels = width * height;
  const name = 'skinWeights';
  requireLength(name, 'photo', photo.data, 3 * pixels, '(H,W,3)');
  requireLength(name, 'render', render.data, 3 * pixels, '(H,W,3)');
  requireLength(name, 'region', region, pixels, '(H,W)');
  requireLength(name, 'core', core, pixels, '(H,W)');
  return kernels.scope(() => {
    const out = kernels.f32(pixels, false);
    const job = kernels.u32(19);
    const arrays = [photo.data, render.data].map((data) => kernels.f32(data).ptr);
    const flags = [region, core].map((data) => kernels.u8(data).ptr);
    const scratch = [1, 2, 3, 4, 5].map(() => kernels.f32(pixels, false).ptr);
    const sums = (width + 1) * (height + 1);
    const tables = [kernels.f64(sums, false), kernels.u32(sums, false), kernels.u32(HISTOGRAM, false)];
    const fields = job.view;
    fields.set([...arrays, ...flags, width, height, input.radius]);
    new Float32Array(fields.buffer, job.ptr + 28, 3).set([input.cut, input.floor, 0.5 * input.floor]);
    fields.set([out.ptr, ...scratch, ...tables.map((table) => table.ptr)], 10);
    kernels.raw.skinWeights(job.ptr);
    return out.view.slice();
  });
}

/** Counters that medians are found with. */
const HISTOGRAM = 2048;

/**
 * Median length of the RGB difference of photo and render over the pixels with a weight of half or more; infinity
 * without any.
 * @throws {InvalidArgumentError} on sizes that do not match.
 */
export function medianResidual(
  kernels: Kernels,
  photo: ImageF,
  render: ImageF,
  weights: Float32Array,
): number {
  const pixels = weights.length;
  requireLength('medianResidual', 'photo', photo.data, 3 * pixels, '(H,W,3)');
  requireLength('medianResidual', 'render', render.data, 3 * pixels, '(H,W,3)');
  return kernels.scope(() =>
    kernels.raw.medianResidual(
      kernels.f32(photo.data).ptr,
      kernels.f32(render.data).ptr,
      kernels.f32(weights).ptr,
      pixels,
      kernels.f32(pixels, false).ptr,
      kernels.u32(HISTOGRAM, false).ptr,
    ),
  );
}

/**
 * Puts the colours (N,4) of samples at their pixels (N) of `rgb` (H,W,3), and ones into `seen` (H,W).
 * @throws {InvalidArgumentError} on lengths that do not match.
 */
export function scatterColours(
  kernels: Kernels,
  colours: F32,
  pixels: U32,
  count: number,
  rgb: F32,
  seen: U8,
): void {
  requireLength('scatterColours', 'colours', colours, 4 * count, '(N,4)');
  requireLength('scatterColours', 'rgb', rgb, 3 * seen.length, '(H,W,3)');
  kernels.raw.scatterColours(colours.ptr, pixels.ptr, count, rgb.ptr, seen.ptr);
}
