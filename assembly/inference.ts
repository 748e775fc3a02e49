import { convRow } from './conv';
import { madd } from './simd';

// Layers of networks that only run forwards, channels last: convolution, bias, residual and activation in one pass over
// the output, a depthwise convolution before it row by row in scratch memory, so that it never leaves the first-level
// cache. Sources stand in a border of zeros as wide as their readers reach; nothing here looks at bounds.

/**
 * out[y, x, o] = act(bias[o] + add[y, x, o] + Σ_t Σ_i source[y·sourceRow + x·sourcePixel + tap_t + i] · weights[o/8][t][i][o%8]),
 * see `convRow`.
 *
 * @param weights (blocks, tapCount, run, 8)
 * @param slope 0 where there is no activation
 * @param addBlocks blocks of 8 channels that `add` has: the first ones
 * @param width, rows output pixels; strides are bytes
 */
export function inferConv(
  source: usize, sourceRow: usize, sourcePixel: usize, taps: usize, tapCount: i32, run: i32,
  weights: usize, bias: usize, slope: usize,
  add: usize, addRow: usize, addPixel: usize, addBlocks: i32,
  out: usize, outRow: usize, outPixel: usize, width: i32, rows: i32, blocks: i32,
): void {
  const weightBlock = (<usize>tapCount * <usize>run) << 5;
  for (let y: i32 = 0; y < rows; y++) {
    for (let block: i32 = 0; block < blocks; block++) {
      const o = <usize>block << 5;
      convRow(
        source, sourcePixel, taps, tapCount, run, weights + <usize>block * weightBlock,
        block < addBlocks ? add + o : 0, addPixel, bias + o, slope ? slope + o : 0, out + o, outPixel, width,
      );
    }
    source += sourceRow;
    add += addRow;
    out += outRow;
  }
}

/**
 * `inferConv` of 1 × 1 over a 3 × 3 convolution of every channel by itself.
 *
 * @param source first tap of the first pixel; `line` bytes from row to row
 * @param channels a multiple of 4
 * @param stride of the 3 × 3 convolution, 1 or 2
 * @param filters (9, channels)
 * @param scratch (width, channels)
 * @param noTap (1) i32 zero
 */
export function inferSeparable(
  source: usize, line: usize, channels: i32, stride: i32, filters: usize, scratch: usize, noTap: usize,
  weights: usize, bias: usize, slope: usize,
  add: usize, addRow: usize, addPixel: usize, addBlocks: i32,
  out: usize, outRow: usize, outPixel: usize, width: i32, rows: i32, blocks: i32,
): void {
  const pixel = <usize>channels << 2;
  for (let y: i32 = 0; y < rows; y++) {
    for (let c: usize = 0; c < pixel; c += 16) {
      if (stride == 1) depthwise(source + c, line, pixel, filters + c, scratch + c, width);
      else depthwiseStrided(source + c, line, pixel, <usize>stride * pixel, filters + c, scratch + c, width);
    }
    inferConv(
      scratch, 0, pixel, noTap, 1, channels, weights, bias, slope,
      add, addRow, addPixel, addBlocks, out, outRow, outPixel, width, 1, blocks,
    );
    source += <usize>stride * line;
    add += addRow;
    out += outRow;
  }
}

/** A row of 4 channels: every column is read once and goes into the three pixels it belongs to. */
function depthwise(source: usize, line: usize, pixel: usize, filters: usize, out: usize, width: i32): void {
  let f = filters;
  const w00 = v128.load(f), w01 = v128.load(f + pixel), w02 = v128.load(f + 2 * pixel);
  f += 3 * pixel;
  const w10 = v128.load(f), w11 = v128.load(f + pixel), w12 = v128.load(f + 2 * pixel);
  f += 3 * pixel;
  const w20 = v128.load(f), w21 = v128.load(f + pixel), w22 = v128.load(f + 2 * pixel);
  let p0 = source, p1 = source + line, p2 = source + 2 * line;
  let a = v128.load(p0), b = v128.load(p1), c = v128.load(p2);
  let now = madd(c, w20, madd(b, w10, f32x4.mul(a, w00)));
  p0 += pixel;
  p1 += pixel;
  p2 += pixel;
  a = v128.load(p0);
  b = v128.load(p1);
  c = v128.load(p2);
  now = f32x4.add(now, madd(c, w21, madd(b, w11, f32x4.mul(a, w01))));
  let next = madd(c, w20, madd(b, w10, f32x4.mul(a, w00)));
  for (let x: i32 = 0; x < width; x++) {
    p0 += pixel;
    p1 += pixel;
    p2 += pixel;
    a = v128.load(p0);
    b = v128.load(p1);
    c = v128.load(p2);
    v128.store(out, f32x4.add(now, madd(c, w22, madd(b, w12, f32x4.mul(a, w02)))));
    now = f32x4.add(next, madd(c, w21, madd(b, w11, f32x4.mul(a, w01))));
    next = madd(c, w20, madd(b, w10, f32x4.mul(a, w00)));
    out += pixel;
  }
}

/** As `depthwise`; `step` bytes from pixel to pixel of the result. */
function depthwiseStrided(
  source: usize, line: usize, pixel: usize, step: usize, filters: usize, out: usize, width: i32,
): void {
  let f = filters;
  const w00 = v128.load(f), w01 = v128.load(f + pixel), w02 = v128.load(f + 2 * pixel);
  f += 3 * pixel;
  const w10 = v128.load(f), w11 = v128.load(f + pixel), w12 = v128.load(f + 2 * pixel);
  f += 3 * pixel;
  const w20 = v128.load(f), w21 = v128.load(f + pixel), w22 = v128.load(f + 2 * pixel);
  for (let x: i32 = 0; x < width; x++) {
    const p1 = source + line, p2 = p1 + line;
    const top = madd(
      v128.load(source + 2 * pixel), w02,
      madd(v128.load(source + pixel), w01, f32x4.mul(v128.load(source), w00)),
    );
    const middle = madd(
      v128.load(p1 + 2 * pixel), w12,
      madd(v128.load(p1 + pixel), w11, f32x4.mul(v128.load(p1), w10)),
    );
    const bottom = madd(
      v128.load(p2 + 2 * pixel), w22,
      madd(v128.load(p2 + pixel), w21, f32x4.mul(v128.load(p2), w20)),
    );
    v128.store(out, f32x4.add(top, f32x4.add(middle, bottom)));
    source += step;
    out += pixel;
  }
}

/**
 * Largest of every 2 × 2 pixels.
 *
 * @param line bytes from row to row of the source
 * @param channels a multiple of 4
 * @param width, rows pixels of the result
 */
export function maxPool(
  source: usize, line: usize, channels: i32, out: usize, outRow: usize, width: i32, rows: i32,
): void {
  const pixel = <usize>channels << 2;
  for (let y: i32 = 0; y < rows; y++) {
    let p = source, q = source + line, to = out;
    for (let x: i32 = 0; x < width; x++) {
      for (let c: usize = 0; c < pixel; c += 16) {
        const a = f32x4.pmax(v128.load(p + c), v128.load(p + pixel + c));
        const b = f32x4.pmax(v128.load(q + c), v128.load(q + pixel + c));
        v128.store(to + c, f32x4.pmax(a, b));
      }
      p += 2 * pixel;
      q += 2 * pixel;
      to += pixel;
    }
    source += 2 * line;
    out += outRow;
  }
}
