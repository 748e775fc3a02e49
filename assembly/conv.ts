import { madd } from './simd';

// Convolutions over pixels with channels last, as products without a gathered copy (no im2col). A convolution is a list
// of taps: byte offsets from a pixel's source address at which `run` channels in a row are multiplied. Forward passes,
// strides, dilations and the gradient to the source (per phase of the stride) all are such lists over a padded source.
//
// Tiles of 4 pixels × 8 output channels keep 8 accumulators in registers, as in gemm.ts. Accumulators start from what
// stands in the output (a bias, zeros, or a gradient that is added to).

/**
 * out[y, x, o] += Σ_t Σ_i source[y·sourceRow + x·sourcePixel + tap_t + i] · weights[o/8][t][i][o%8].
 *
 * @param taps (tapCount) i32 byte offsets
 * @param run floats per tap
 * @param weights blocks of (allTaps, run, 8); `weightBlock` bytes from one block to the next
 * @param blocks output channels / 8
 * @param width, rows output pixels; strides are bytes
 */
export function convTaps(
  source: usize, sourceRow: usize, sourcePixel: usize,
  taps: usize, tapCount: i32, run: i32,
  weights: usize, weightBlock: usize,
  out: usize, outRow: usize, outPixel: usize,
  width: i32, rows: i32, blocks: i32,
): void {
  const runBytes = <usize>run << 5;
  const tapsEnd = taps + (<usize>tapCount << 2);
  const full = width & ~3;
  for (let block: i32 = 0; block < blocks; block++) {
    const w0 = weights + <usize>block * weightBlock;
    for (let y: i32 = 0; y < rows; y++) {
      let from = source + <usize>y * sourceRow;
      let to = out + <usize>y * outRow + (<usize>block << 5);
      for (let x: i32 = 0; x < full; x += 4) {
        const to1 = to + outPixel, to2 = to1 + outPixel, to3 = to2 + outPixel;
        let s00 = v128.load(to), s01 = v128.load(to, 16);
        let s10 = v128.load(to1), s11 = v128.load(to1, 16);
        let s20 = v128.load(to2), s21 = v128.load(to2, 16);
        let s30 = v128.load(to3), s31 = v128.load(to3, 16);
        let w = w0;
        for (let t = taps; t < tapsEnd; t += 4) {
          let p0 = from + <usize>load<i32>(t);
          let p1 = p0 + sourcePixel;
          let p2 = p1 + sourcePixel;
          let p3 = p2 + sourcePixel;
          const end = w + runBytes;
          while (w < end) {
            const b0 = v128.load(w), b1 = v128.load(w, 16);
            const a0 = v128.load32_splat(p0);
            s00 = madd(a0, b0, s00);
            s01 = madd(a0, b1, s01);
            const a1 = v128.load32_splat(p1);
            s10 = madd(a1, b0, s10);
            s11 = madd(a1, b1, s11);
            const a2 = v128.load32_splat(p2);
            s20 = madd(a2, b0, s20);
            s21 = madd(a2, b1, s21);
            const a3 = v128.load32_splat(p3);
            s30 = madd(a3, b0, s30);
            s31 = madd(a3, b1, s31);
            p0 += 4;
            p1 += 4;
            p2 += 4;
            p3 += 4;
            w += 32;
          }
        }
        v128.store(to, s00);
        v128.store(to, s01, 16);
        v128.store(to1, s10);
        v128.store(to1, s11, 16);
        v128.store(to2, s20);
        v128.store(to2, s21, 16);
        v128.store(to3, s30);
        v128.store(to3, s31, 16);
        from += sourcePixel << 2;
        to += outPixel << 2;
      }
      for (let x = full; x < width; x++) {
        let s0 = v128.load(to), s1 = v128.load(to, 16);
        let w = w0;
        for (let t = taps; t < tapsEnd; t += 4) {
          let p = from + <usize>load<i32>(t);
          const end = w + runBytes;
          while (w < end) {
            const a = v128.load32_splat(p);
            s0 = madd(a, v128.load(w), s0);
            s1 = madd(a, v128.load(w, 16), s1);
            p += 4;
            w += 32;
          }
        }
        v128.store(to, s0);
        v128.store(to, s1, 16);
        from += sourcePixel;
        to += outPixel;
      }
    }
  }
}

/**
 * One output row's part of the gradient of the weights: for every tap t,
 * grad[t, i, o] += Σ_x source[x·sourcePixel + tap_t + i] · outGrad[x·outPixel + o].
 *
 * @param channels source channels i, a multiple of 4
 * @param outs output channels o, a multiple of 8
 * @param grad (tapCount, channels, outs) f32
 */
export function convWeightsRow(
  source: usize, sourcePixel: usize, taps: usize, tapCount: i32, channels: i32,
  outGrad: usize, outPixel: usize, outs: i32, width: i32, grad: usize,
): void {
  const rowBytes = <usize>outs << 2;
  const blockBytes = rowBytes << 2;
  const sourceEnd = <usize>width * outPixel;
  let to0 = grad;
  for (let t: i32 = 0; t < tapCount; t++) {
    const tap = source + <usize>load<i32>(taps + (<usize>t << 2));
    for (let i: i32 = 0; i < channels; i += 4, to0 += blockBytes) {
      const from = tap + (<usize>i << 2);
      for (let o: i32 = 0; o < outs; o += 8) {
        const to = to0 + (<usize>o << 2);
        const to1 = to + rowBytes, to2 = to1 + rowBytes, to3 = to2 + rowBytes;
        let s00 = v128.load(to), s01 = v128.load(to, 16);
        let s10 = v128.load(to1), s11 = v128.load(to1, 16);
        let s20 = v128.load(to2), s21 = v128.load(to2, 16);
        let s30 = v128.load(to3), s31 = v128.load(to3, 16);
        let p = from;
        let g = outGrad + (<usize>o << 2);
        const end = g + sourceEnd;
        while (g < end) {
          const b0 = v128.load(g), b1 = v128.load(g, 16);
          const a0 = v128.load32_splat(p);
          s00 = madd(a0, b0, s00);
          s01 = madd(a0, b1, s01);
          const a1 = v128.load32_splat(p, 4);
          s10 = madd(a1, b0, s10);
          s11 = madd(a1, b1, s11);
          const a2 = v128.load32_splat(p, 8);
          s20 = madd(a2, b0, s20);
          s21 = madd(a2, b1, s21);
          const a3 = v128.load32_splat(p, 12);
          s30 = madd(a3, b0, s30);
          s31 = madd(a3, b1, s31);
          p += sourcePixel;
          g += outPixel;
        }
        v128.store(to, s00);
        v128.store(to, s01, 16);
        v128.store(to1, s10);
        v128.store(to1, s11, 16);
        v128.store(to2, s20);
        v128.store(to2, s21, 16);
        v128.store(to3, s30);
        v128.store(to3, s31, 16);
      }
    }
  }
}

/** eˣ for x ≤ 0, to about 2 units in the last place (Cephes' expf: range reduction, polynomial of degree 5). */
// @ts-ignore: decorator
@inline
function expNegative(x: v128): v128 {
  const t = f32x4.max(x, f32x4.splat(-87));
  const n = f32x4.nearest(f32x4.mul(t, f32x4.splat(1.44269504)));
  let r = madd(n, f32x4.splat(-0.693359375), t);
  r = madd(n, f32x4.splat(2.12194440e-4), r);
  let p = f32x4.splat(1.9875691500e-4);
  p = madd(p, r, f32x4.splat(1.3981999507e-3));
  p = madd(p, r, f32x4.splat(8.3334519073e-3));
  p = madd(p, r, f32x4.splat(4.1665795894e-2));
  p = madd(p, r, f32x4.splat(1.6666665459e-1));
  p = madd(p, r, f32x4.splat(5.0000001201e-1));
  p = madd(p, f32x4.mul(r, r), f32x4.add(r, f32x4.splat(1)));
  const power = i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(n), i32x4.splat(127)), 23);
  return f32x4.mul(p, power);
}

/** values = x > 0 ? x : eˣ − 1, in place; `count` is a multiple of 4. */
export function elu(values: usize, count: i32): void {
  const end = values + (<usize>count << 2);
  const zero = f32x4.splat(0);
  for (let at = values; at < end; at += 16) {
    const x = v128.load(at);
    const below = f32x4.sub(expNegative(f32x4.min(x, zero)), f32x4.splat(1));
    v128.store(at, v128.bitselect(x, below, f32x4.gt(x, zero)));
  }
}

/** grad *= y > 0 ? 1 : y + 1, with y what {@link elu} gave; `count` is a multiple of 4. */
export function eluBackward(y: usize, grad: usize, count: i32): void {
  const end = grad + (<usize>count << 2);
  const zero = f32x4.splat(0);
  for (let g = grad, at = y; g < end; g += 16, at += 16)
    v128.store(g, f32x4.mul(v128.load(g), f32x4.add(f32x4.min(v128.load(at), zero), f32x4.splat(1))));
}

/**
 * to[a·x + b·y …]: rows of `channels` floats (a multiple of 4) are weighted sums of two rows of `from`, a step of
 * bilinear upsampling along one axis: to[i] += w0[i]·from[i0[i]] + w1[i]·from[i1[i]] for i < count.
 *
 * @param plan (count) records of 16 bytes: i32 byte offsets into `from`, f32 weights
 */
export function blendRows(from: usize, plan: usize, to: usize, toStride: usize, count: i32, channels: i32): void {
  const bytes = <usize>channels << 2;
  for (let i: i32 = 0; i < count; i++, plan += 16, to += toStride) {
    const p = from + <usize>load<i32>(plan), q = from + <usize>load<i32>(plan, 4);
    const a = v128.load32_splat(plan, 8), b = v128.load32_splat(plan, 12);
    for (let c: usize = 0; c < bytes; c += 16)
      v128.store(to + c, madd(a, v128.load(p + c), madd(b, v128.load(q + c), v128.load(to + c))));
  }
}

/** The transpose of {@link blendRows}: from[i0[i]] += w0[i]·to[i], from[i1[i]] += w1[i]·to[i]. */
export function spreadRows(to: usize, toStride: usize, plan: usize, from: usize, count: i32, channels: i32): void {
  const bytes = <usize>channels << 2;
  for (let i: i32 = 0; i < count; i++, plan += 16, to += toStride) {
    const p = from + <usize>load<i32>(plan), q = from + <usize>load<i32>(plan, 4);
    const a = v128.load32_splat(plan, 8), b = v128.load32_splat(plan, 12);
    for (let c: usize = 0; c < bytes; c += 16) {
      const g = v128.load(to + c);
      v128.store(p + c, madd(a, g, v128.load(p + c)));
      v128.store(q + c, madd(b, g, v128.load(q + c)));
    }
  }
}

/** Adds `count` rows of `channels` floats (a multiple of 4) to rows of another stride: joins and splits channels. */
export function addStrided(
  from: usize, fromStride: usize, to: usize, toStride: usize, count: i32, channels: i32,
): void {
  const bytes = <usize>channels << 2;
  for (let i: i32 = 0; i < count; i++, from += fromStride, to += toStride)
    for (let c: usize = 0; c < bytes; c += 16)
      v128.store(to + c, f32x4.add(v128.load(to + c), v128.load(from + c)));
}
