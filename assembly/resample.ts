import { madd } from './simd';

// Cutting a crop out of an 8-bit photo by a separable tent filter; see src/render/resample.ts.

/** Fields in the order of src/kernels/resample.ts; all 4 bytes. */
@unmanaged
class Job {
  /** Rows `begin` ≤ y < `end` of the photo, RGBA bytes, each `rowBytes` long, from pixel `left` on. */
  rows: usize;
  rowBytes: i32;
  left: i32;
  begin: i32;
  end: i32;
  /** Pixels of the crop, a side. */
  size: i32;
  /** Taps across and down: (size) i32 first source pixel, (size) i32 how many, (size,room) f32 weights. */
  firstX: usize;
  countX: usize;
  weightsX: usize;
  roomX: i32;
  firstY: usize;
  countY: usize;
  weightsY: usize;
  roomY: i32;
  /** (size,4) f32: scratch. */
  row: usize;
  /** (size,size,4) f32, added to. */
  out: usize;
}

// @ts-ignore: decorator
@inline
function at(a: usize, i: i32): i32 {
  return load<i32>(a + (<usize>i << 2));
}

/** Adds what the given rows of the photo contribute to the crop. */
export function resampleRows(job: Job): void {
  const size = job.size, row = job.row;
  const scale = f32x4.splat(1 / <f32>255);
  let first = 0;
  for (let y = job.begin; y < job.end; y++) {
    // Windows begin and end in ascending order: those before `first` end above this row.
    while (first < size && at(job.firstY, first) + at(job.countY, first) <= y) first++;
    if (first == size) return;
    if (at(job.firstY, first) > y) continue;
    const source = job.rows + <usize>(y - job.begin) * <usize>job.rowBytes;
    for (let i = 0; i < size; i++) {
      let from = source + (<usize>(at(job.firstX, i) - job.left) << 2);
      let weight = job.weightsX + (<usize>(i * job.roomX) << 2);
      let sum = f32x4.splat(0);
      for (let k = at(job.countX, i); k > 0; k--, from += 4, weight += 4) {
        const pixel = f32x4.convert_i32x4_u(
          i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(from))),
        );
        sum = madd(v128.load32_splat(weight), pixel, sum);
      }
      v128.store(row + (<usize>i << 4), f32x4.mul(sum, scale));
    }
    for (let j = first; j < size && at(job.firstY, j) <= y; j++) {
      const weight = f32x4.splat(
        load<f32>(job.weightsY + (<usize>(j * job.roomY + y - at(job.firstY, j)) << 2)),
      );
      const to = job.out + (<usize>(j * size) << 4);
      for (let i: usize = 0, end = <usize>size << 4; i < end; i += 16)
        v128.store(to + i, madd(weight, v128.load(row + i), v128.load(to + i)));
    }
  }
}

/** Rows of four floats (count,4) without the last of each, (count,3) and a float; `to` may be `from`. */
export function packColours(count: i32, from: usize, to: usize): void {
  for (let i: usize = 0; i < <usize>count; i++) v128.store(to + i * 12, v128.load(from + (i << 4)));
}

/** The RGBA bytes at `a` as numbers. */
// @ts-ignore: decorator
@inline
function pixelAt(a: usize): v128 {
  return f32x4.convert_i32x4_u(i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(a))));
}

/**
 * Samples a square of an RGBA picture of which the pixels from (left, top) on are at `pixels`, rows `rowBytes` apart. Sample (i, j) is
 * taken at (x0 + ux·i + vx·j, y0 + uy·i + vy·j), array indices; what is outside of the picture is black.
 * @param inside 1: no sample has a tap outside
 * @param out (size,size,3) f32 and a float more: value·scale + bias
 */
export function sampleSquare(
  pixels: usize, rowBytes: i32, left: i32, top: i32, width: i32, height: i32,
  x0: f64, y0: f64, ux: f64, uy: f64, vx: f64, vy: f64,
  size: i32, inside: i32, scale: f32, bias: f32, out: usize,
): void {
  const vscale = f32x4.splat(scale), vbias = f32x4.splat(bias);
  const origin = pixels - (<usize>left << 2) - <usize>top * <usize>rowBytes;
  let to = out;
  for (let j: i32 = 0; j < size; j++) {
    const dx = vx * <f64>j, dy = vy * <f64>j;
    for (let i: i32 = 0; i < size; i++, to += 12) {
      const x = x0 + ux * <f64>i + dx, y = y0 + uy * <f64>i + dy;
      const xf = floor(x), yf = floor(y);
      const xi = <i32>xf, yi = <i32>yf;
      const wx = <f32>(x - xf), wy = <f32>(y - yf);
      let inLeft = <f32>1 - wx, inRight = wx, inTop = <f32>1 - wy, inBottom = wy;
      let above = origin + <usize>yi * <usize>rowBytes + (<usize>xi << 2);
      let below = above + <usize>rowBytes;
      let step: usize = 4;
      if (!inside) {
        if (!(xf >= -1 && yf >= -1 && xf < <f64>width && yf < <f64>height)) {
          v128.store(to, vbias);
          continue;
        }
        // Taps beyond the border count as black: weight 0 and a harmless address.
        if (xi < 0) {
          inLeft = 0;
          above += 4;
          below += 4;
          step = 0;
        } else if (xi + 1 >= width) {
          inRight = 0;
          step = 0;
        }
        if (yi < 0) {
          inTop = 0;
          above = below;
        } else if (yi + 1 >= height) {
          inBottom = 0;
          below = above;
        }
      }
      const upper = f32x4.add(
        f32x4.mul(f32x4.splat(inLeft), pixelAt(above)),
        f32x4.mul(f32x4.splat(inRight), pixelAt(above + step)),
      );
      const lower = f32x4.add(
        f32x4.mul(f32x4.splat(inLeft), pixelAt(below)),
        f32x4.mul(f32x4.splat(inRight), pixelAt(below + step)),
      );
      const value = f32x4.add(f32x4.mul(f32x4.splat(inTop), upper), f32x4.mul(f32x4.splat(inBottom), lower));
      // Four floats, of which the next sample overwrites the last.
      v128.store(to, f32x4.add(f32x4.mul(value, vscale), vbias));
    }
  }
}

/** Fields in the order of src/kernels/resample.ts; all 4 bytes. */
@unmanaged
class ShrinkJob {
  /** Rows of the picture from row `top` on, RGBA bytes, each `rowBytes` long, a multiple of 16. */
  rows: usize;
  rowBytes: i32;
  top: i32;
  /** Rows `begin` ≤ j < `end` of the result, `width` pixels each. */
  begin: i32;
  end: i32;
  width: i32;
  /** Taps across: (width) i32 first source pixel, (width,pairs,2) i16 weights in 2^-15, two taps at a time. */
  firstX: usize;
  weightsX: usize;
  pairs: i32;
  /** Taps down: (height) i32 first source row, (height) i32 how many, (height,room) i16 weights. */
  firstY: usize;
  countY: usize;
  weightsY: usize;
  room: i32;
  /** (rowBytes + 16·pairs) i16: scratch. */
  row: usize;
  /** (end − begin,width,4) bytes. */
  out: usize;
}

/** Bits of the fraction of a byte on its way. */
const FRACTION: i32 = 6;
/** Half of one. */
const HALF: i16 = 32;

/** Rows of a smaller picture, down and then across, in 16 bits: within a level of what floats give. */
export function shrinkRows(job: ShrinkJob): void {
  const rowBytes = <usize>job.rowBytes, row = job.row;
  const half = i16x8.splat(HALF);
  let to = job.out;
  for (let j = job.begin; j < job.end; j++) {
    const rows = job.rows + <usize>(at(job.firstY, j) - job.top) * rowBytes;
    const weights = job.weightsY + (<usize>(j * job.room) << 1);
    const count = at(job.countY, j);
    for (let i: usize = 0; i < rowBytes; i += 16) {
      let low = i16x8.splat(0), high = i16x8.splat(0);
      for (let k = 0, from = rows + i; k < count; k++, from += rowBytes) {
        const weight = v128.load16_splat(weights + (<usize>k << 1));
        const bytes = v128.load(from);
        const a = i16x8.shl(i16x8.extend_low_i8x16_u(bytes), FRACTION);
        const b = i16x8.shl(i16x8.extend_high_i8x16_u(bytes), FRACTION);
        low = i16x8.add(low, i16x8.q15mulr_sat_s(a, weight));
        high = i16x8.add(high, i16x8.q15mulr_sat_s(b, weight));
      }
      v128.store(row + (i << 1), low);
      v128.store(row + (i << 1), high, 16);
    }
    let weight = job.weightsX;
    for (let i = 0; i < job.width; i++, to += 4) {
      let sum = i16x8.splat(0);
      for (let k = job.pairs, from = row + (<usize>at(job.firstX, i) << 3); k > 0; k--, from += 16, weight += 4) {
        const two = v128.load32_splat(weight);
        const each = v128.shuffle<i16>(two, two, 0, 0, 0, 0, 1, 1, 1, 1);
        sum = i16x8.add(sum, i16x8.q15mulr_sat_s(v128.load(from), each));
      }
      sum = i16x8.add(sum, v128.shuffle<i64>(sum, sum, 1, 0));
      const pixel = i16x8.shr_s(i16x8.add(sum, half), FRACTION);
      v128.store32_lane(to, i8x16.narrow_i16x8_u(pixel, pixel), 0);
    }
  }
}
