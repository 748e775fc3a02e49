/**
 * Cutting crops out of an 8-bit photo: by a separable filter whose taps the caller gives, and, in any direction, by bilinear
 * samples. In plain TypeScript the first took five times as long, and is done five times a photo; the second is done three times a
 * frame.
 */
import { jobOf, whole } from './job.ts';
import { type Kernels, requireLength, type U8 } from './runtime.ts';

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
 * @param out where it goes
 * @throws {InvalidArgumentError} on shapes that do not match
 */
export function resampleBytes(
  kernels: Kernels,
  source: Uint8ClampedArray,
  width: number,
  xs: FilterTaps,
  ys: FilterTaps,
  out: Float32Array = new Float32Array(3 * xs.first.length ** 2),
): Float32Array {
  const size = xs.first.length;
  requireLength('resampleBytes', 'ys.first', ys.first, size, '(size)');
  requireLength('resampleBytes', 'out', out, 3 * size * size, '(size,size,3)');
  for (const taps of [xs, ys])
    requireLength('resampleBytes', 'weights', taps.weights, size * taps.room, '(size,room)');
  kernels.scope(filter, kernels, source, width, xs, ys, out);
  return out;
}

function filter(
  kernels: Kernels,
  source: Uint8ClampedArray,
  width: number,
  xs: FilterTaps,
  ys: FilterTaps,
  out: Float32Array,
): void {
  const size = xs.first.length;
  const last = size - 1;
  const [left, right] = [xs.first[0], xs.first[last] + xs.count[last]];
  const [top, bottom] = [ys.first[0], ys.first[last] + ys.count[last]];
  const rowBytes = 4 * (right - left);
  const sums = kernels.f32(4 * size * size);
  const rows = kernels.u8(rowBytes * STRIP, false);
  const across = takeTaps(kernels, xs);
  const down = takeTaps(kernels, ys);
  const job = kernels.u32(16);
  const row = kernels.f32(4 * size, false);
  const [strip, fields] = [rows.view, job.view];
  for (let y = top; y < bottom; y += STRIP) {
    const end = Math.min(y + STRIP, bottom);
    for (let k = y; k < end; k++) {
      const from = 4 * (k * width + left);
      strip.set(source.subarray(from, from + rowBytes), (k - y) * rowBytes);
    }
    fields.set([rows.ptr, rowBytes, left, y, end, size, ...across, ...down, row.ptr, sums.ptr]);
    kernels.raw.resampleRows(job.ptr);
  }
  kernels.raw.packColours(size * size, sums.ptr, sums.ptr);
  out.set(sums.view.subarray(0, out.length));
}

/** Addresses of taps in kernel memory, and their room. */
function takeTaps(kernels: Kernels, { first, count, weights, room }: FilterTaps): readonly number[] {
  return [kernels.i32(first).ptr, kernels.i32(count).ptr, kernels.f32(weights).ptr, room];
}

/** 1 as a weight of the kernel: 15 bits of fraction. */
const ONE = 32768;

/**
 * A smaller picture, RGBA bytes into `out`, (ys, xs, 4): within a level of what floats give. Its taps are not negative.
 * @param source RGBA, rows of `width` pixels
 * @throws {InvalidArgumentError} on shapes that do not match
 */
export function shrinkBytes(
  kernels: Kernels,
  source: Uint8ClampedArray,
  width: number,
  xs: FilterTaps,
  ys: FilterTaps,
  out: Uint8ClampedArray,
): void {
  const columns = xs.first.length;
  const rows = ys.first.length;
  requireLength('shrinkBytes', 'out', out, 4 * columns * rows, '(ys,xs,4)');
  for (const { weights, room, first } of [xs, ys])
    requireLength('shrinkBytes', 'weights', weights, first.length * room, '(taps,room)');
  const pairs = Math.ceil(Math.max(...xs.count) / 2);
  // Whole vectors; what lies behind a row is read with weights of 0.
  const rowBytes = Math.ceil(width / 4) * 16;
  const bottomOf = (end: number) => ys.first[end - 1] + ys.count[end - 1];
  const most = Math.max(...ys.first.map((top, j) => bottomOf(Math.min(j + STRIP, rows)) - top));
  kernels.scope(() => {
    const strip = kernels.u8(rowBytes * most, false);
    const shrunk = kernels.u8(4 * columns * STRIP, false);
    const row = kernels.u8(2 * rowBytes + 32 * pairs);
    const across = [kernels.i32(xs.first), fixedTaps(kernels, xs, 2 * pairs), whole(pairs)];
    const down = [
      kernels.i32(ys.first),
      kernels.i32(ys.count),
      fixedTaps(kernels, ys, ys.room),
      whole(ys.room),
    ];
    for (let begin = 0; begin < rows; begin += STRIP) {
      const end = Math.min(begin + STRIP, rows);
      const top = ys.first[begin];
      for (let y = top; y < bottomOf(end); y++)
        strip.view.set(source.subarray(4 * y * width, 4 * (y + 1) * width), (y - top) * rowBytes);
      const place = [strip, ...[rowBytes, top, begin, end, columns].map(whole)];
      kernels.scope(() => kernels.raw.shrinkRows(jobOf(kernels, [place, across, down, [row, shrunk]])));
      out.set(shrunk.view.subarray(0, 4 * columns * (end - begin)), 4 * columns * begin);
    }
  });
}

/** Weights in 16 bits, (taps,room), of which those not in use are 0; they sum to what they summed to. */
function fixedTaps(kernels: Kernels, { count, weights, room }: FilterTaps, wanted: number): U8 {
  const taken = kernels.u8(2 * count.length * wanted);
  const fixed = new Int16Array(taken.view.buffer, taken.ptr, count.length * wanted);
  for (let i = 0; i < count.length; i++) {
    // What is rounded off one goes to the next.
    let over = 0;
    for (let k = 0; k < count[i]; k++) {
      const weight = ONE * weights[i * room + k] + over;
      fixed[i * wanted + k] = Math.min(Math.round(weight), ONE - 1);
      over = weight - Math.round(weight);
    }
  }
  return taken;
}

/** A picture, as it lies in the caller's memory. */
export interface BytePicture {
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  /** (height,width,4) RGBA. */
  readonly data: Uint8ClampedArray;
}

/** Where samples are taken: sample (i, j) at (x0 + ux·i + vx·j, y0 + uy·i + vy·j), array indices of pixels. */
export interface SquareGrid {
  readonly x0: number;
  readonly y0: number;
  readonly ux: number;
  readonly uy: number;
  readonly vx: number;
  readonly vy: number;
  /** Samples a side. */
  readonly size: number;
}

/**
 * Samples a square of `picture` bilinearly into `out`, (size,size,3) RGB, as value·scale + bias with value in 0…255. What is
 * outside of the picture is black, and so is a square that is nowhere (NaN).
 * @throws {InvalidArgumentError} on shapes that do not match
 */
export function sampleSquare(
  kernels: Kernels,
  picture: BytePicture,
  grid: SquareGrid,
  scale: number,
  bias: number,
  out: Float32Array,
): void {
  const { width, height, data } = picture;
  const { x0, y0, ux, uy, vx, vy, size } = grid;
  requireLength('sampleSquare', 'picture', data, 4 * width * height, '(height,width,4)');
  requireLength('sampleSquare', 'out', out, 3 * size * size, '(size,size,3)');
  if (!Number.isFinite(x0 + y0 + ux + uy + vx + vy)) {
    out.fill(bias);
    return;
  }
  kernels.scope(sample, kernels, picture, grid, scale, bias, out);
}

function sample(
  kernels: Kernels,
  { width, height, data }: BytePicture,
  { x0, y0, ux, uy, vx, vy, size }: SquareGrid,
  scale: number,
  bias: number,
  out: Float32Array,
): void {
  const across = spanOf(x0, (size - 1) * ux, (size - 1) * vx, width);
  const down = spanOf(y0, (size - 1) * uy, (size - 1) * vy, height);
  const rowBytes = 4 * (across.end - across.first);
  const pixels = kernels.u8(rowBytes * (down.end - down.first), false);
  const samples = kernels.f32(3 * size * size + 1, false);
  for (let y = down.first, to = 0; y < down.end; y++, to += rowBytes) {
    const from = 4 * (y * width + across.first);
    pixels.view.set(data.subarray(from, from + rowBytes), to);
  }
  kernels.raw.sampleSquare(
    ...([pixels.ptr, rowBytes, across.first, down.first, width, height] as const),
    ...([x0, y0, ux, uy, vx, vy] as const),
    ...([size, across.inside && down.inside ? 1 : 0, scale, bias, samples.ptr] as const),
  );
  out.set(samples.view.subarray(0, out.length));
}

/** Pixels of `most` that samples from `from` on touch, along sides that long. */
function spanOf(from: number, along: number, across: number, most: number) {
  // A whole pixel of room: corners are rounded otherwise than what lies between them.
  const least = from + Math.min(0, along) + Math.min(0, across);
  const largest = from + Math.max(0, along) + Math.max(0, across);
  const inside = least >= 1 && largest < most - 2;
  const first = Math.min(Math.max(Math.floor(least) - 1, 0), most - 1);
  return { inside, first, end: Math.min(Math.max(Math.floor(largest) + 3, first + 1), most) };
}
