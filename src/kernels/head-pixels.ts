/**
 * Pictures of a head, pixel by pixel, and pictures laid over each other as bytes; plain TypeScript for reading is in
 * `reference/head-pixels.ts`. In TypeScript the overlay of a process's first photo took 0.05 s of the main thread, and V8 as
 * much beside it to compile what then ran once.
 */
import { jobOf, whole } from './job.ts';
import { SURFACE_STRIDE } from './pixel-surface.ts';
import { type F32, type I32, type Kernels, requireLength, type WasmArray } from './runtime.ts';
import { takeLight } from './sample-sums.ts';

/** What {@link headPixels} draws. */
export interface HeadPixelsInput {
  /** (P) int32, −1 for none. */
  readonly faceIndex: I32;
  /** (P,8) from `pixelSurface`. */
  readonly surface: F32;
  /** (H,W,3) float32; `grey` all over where absent. */
  readonly albedo: { readonly data: F32; readonly width: number; readonly height: number } | null;
  readonly grey: number;
  /** (9,3) light and (9) factors of the basis' polynomials. */
  readonly light: ArrayLike<number>;
  readonly basis: ArrayLike<number>;
  /** (P) float32 that is added to the colour. */
  readonly gloss: F32 | null;
  readonly clay: Clay;
}

/** What the shape is drawn with: directions towards two lights with their strengths behind. */
export interface Clay {
  readonly key: readonly [number, number, number, number];
  readonly fill: readonly [number, number, number, number];
  readonly colour: readonly [number, number, number];
  /** Light from everywhere. */
  readonly ambient: number;
}

/** Pictures, (P,3) float32 each; zero where there is no face. */
export interface HeadPixels {
  readonly rgb: F32;
  readonly albedo: F32;
  readonly shading: F32;
  readonly shape: F32;
  readonly normals: F32;
}

/**
 * Draws a head, in memory that the caller gives back.
 * @throws {InvalidArgumentError} on shapes that do not match
 */
export function headPixels(kernels: Kernels, input: HeadPixelsInput): HeadPixels {
  const { faceIndex, surface, albedo, light, basis, gloss, clay } = input;
  const count = faceIndex.length;
  const name = 'headPixels';
  requireLength(name, 'surface', surface, SURFACE_STRIDE * count, '(P,8)');
  requireLength(name, 'light', light, 27, '(9,3)');
  requireLength(name, 'basis', basis, 9, '(9)');
  if (albedo) requireLength(name, 'albedo', albedo.data, 3 * albedo.width * albedo.height, '(H,W,3)');
  if (gloss) requireLength(name, 'gloss', gloss, count, '(P)');
  const picture = () => kernels.f32(3 * count, false);
  const out = {
    rgb: picture(),
    albedo: picture(),
    shading: picture(),
    shape: picture(),
    normals: picture(),
  };
  kernels.scope(() => {
    const none = whole(0);
    const { key, fill, colour, ambient } = clay;
    const job = jobOf(kernels, [
      [whole(count), faceIndex, surface],
      albedo ? [albedo.data, whole(albedo.width), whole(albedo.height)] : [none, none, none],
      [input.grey, takeLight(kernels, { light, basis }), gloss ?? none],
      [kernels.f32([...key, ...fill, ...colour, ambient])],
      [out.rgb, out.albedo, out.shading, out.shape, out.normals],
    ]);
    kernels.raw.headPixels(job);
  });
  return out;
}

/** What {@link blendPixels} lays over each other. */
export interface Blend {
  /** (P,3); white where absent. */
  readonly under: Float32Array | null;
  /** (P,3), multiplied by `gain` and brought into [0, 1]. */
  readonly over: Float32Array;
  /** (P) how much of `over` is seen; all of it where absent. */
  readonly mask: Float32Array | null;
  readonly gain?: number;
}

/**
 * `over` over `under` as bytes, (P,3).
 * @throws {InvalidArgumentError} on lengths that do not match
 */
export function blendPixels(kernels: Kernels, { under, over, mask, gain = 1 }: Blend): Uint8Array {
  const pixels = over.length / 3;
  if (under) requireLength('blendPixels', 'under', under, over.length, '(P,3)');
  if (mask) requireLength('blendPixels', 'mask', mask, pixels, '(P)');
  return kernels.scope(() => {
    // Whole vectors of four pixels.
    const room = (pixels + 3) & ~3;
    const take = (values: Float32Array, width: number): F32 => {
      const array = kernels.f32(width * room, false);
      array.view.set(values);
      return array;
    };
    const pointer = (array: WasmArray | null) => array?.ptr ?? 0;
    const out = kernels.u8(3 * room, false);
    const [below, above, seen] = [under && take(under, 3), take(over, 3), mask && take(mask, 1)];
    kernels.raw.blendPixels(pixels, pointer(below), above.ptr, pointer(seen), gain, out.ptr);
    return out.view.slice(0, 3 * pixels);
  });
}
