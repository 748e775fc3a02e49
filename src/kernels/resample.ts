/**
 * Cutting a crop out of an 8-bit photo by a separable filter whose taps the caller gives. In plain TypeScript
 * (`render/resample.ts`) it took five times as long, and it is done five times a photo.
 */
import { type Kernels, requireLength } from './runtime.ts';

/** Taps of a filter along one side: of output pixel i, source pixels first[i] … first[i]+count[i]−1. */
export interface FilterTaps {
  /** (size), ascending. */
  readonly first: Int32Array;
  readonly count: Int32Array;
  /** (size,room) float32, sum 1 each. */
  readonly weights: Float32Array;
  readonly room: number;
}

/** Rows of the photo in kernel memory at a time: photos may be large. */
const STRIP = 32;

/**
 * (size,size,3) float32 in [0, 1]. @param source RGBA, rows of `width` pixels
 * @throws {InvalidArgumentError} on shapes that do not match
 */
export function resampleBytes(
  kernels: Kernels,
  source: Uint8ClampedArray,
  width: number,
  xs: FilterTaps,
  ys: FilterTaps,
): Float32Array {
  const size = xs.first.length;
  requireLength('resampleBytes', 'ys.first', ys.first, size, '(size)');
  for (const taps of [xs, ys])
    requireLength('resampleBytes', 'weights', taps.weights, size * taps.room, '(size,room)');
  const last = size - 1;
  const [left, right] = [xs.first[0], xs.first[last] + xs.count[last]];
  const [top, bottom] = [ys.first[0], ys.first[last] + ys.count[last]];
  const rowBytes = 4 * (right - left);
  return kernels.scope(() => {
    const out = kernels.f32(4 * size * size);
    const rows = kernels.u8(rowBytes * STRIP, false);
    const arrays = [xs, ys].map(({ first, count, weights, room }) => [
      kernels.i32(first).ptr,
      kernels.i32(count).ptr,
      kernels.f32(weights).ptr,
      room,
    ]);
    const job = kernels.u32(16);
    const row = kernels.f32(4 * size, false);
    const [strip, fields] = [rows.view, job.view];
    for (let y = top; y < bottom; y += STRIP) {
      const end = Math.min(y + STRIP, bottom);
      for (let k = y; k < end; k++) {
        const from = 4 * (k * width + left);
        strip.set(source.subarray(from, from + rowBytes), (k - y) * rowBytes);
      }
      fields.set([rows.ptr, rowBytes, left, y, end, size, ...arrays[0], ...arrays[1], row.ptr, out.ptr]);
      kernels.raw.resampleRows(job.ptr);
    }
    kernels.raw.packColours(size * size, out.ptr, out.ptr);
    return out.view.slice(0, 3 * size * size);
  });
}
