// Pictures as films keep them: brightness of every pixel, two colour differences of every four; see src/kernels/film.ts.

/** Bits of the factors' fractions. */
const BITS = 15;
/** Chroma is made from sums of four pixels. */
const CHROMA_BITS = BITS + 2;

/** Sums of neighbouring pairs of `a` and `b`: four lanes. */
// @ts-ignore: decorator
@inline
function pairs(a: v128, b: v128): v128 {
  return i32x4.add(v128.shuffle<i32>(a, b, 0, 2, 4, 6), v128.shuffle<i32>(a, b, 1, 3, 5, 7));
}

/** Four RGBA pixels, weighted. */
// @ts-ignore: decorator
@inline
function weigh(pixels: v128, factors: v128): v128 {
  return pairs(
    i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_u(pixels), factors),
    i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_u(pixels), factors),
  );
}

/** Red, green and blue of 2×2 pixels each, summed: two sums from four pixels of each of two rows. */
// @ts-ignore: decorator
@inline
function squares(above: v128, below: v128): v128 {
  const low = i16x8.add(i16x8.extend_low_i8x16_u(above), i16x8.extend_low_i8x16_u(below));
  const high = i16x8.add(i16x8.extend_high_i8x16_u(above), i16x8.extend_high_i8x16_u(below));
  return i16x8.add(v128.shuffle<i64>(low, high, 0, 2), v128.shuffle<i64>(low, high, 1, 3));
}

/** Red, green, blue and nothing, twice. */
// @ts-ignore: decorator
@inline
function factorsOf(a: usize): v128 {
  return v128.load64_splat(a);
}

/**
 * RGBA (height,width,4) to planes of Y (height,width), U and V (height/2,width/2) behind each other.
 * @param factors (3,4) int16: of red, green and blue in Y, U and V, times 2^BITS.
 * @param width, height even.
 */
export function yuvPlanes(rgba: usize, width: i32, height: i32, factors: usize, out: usize): void {
  const y = factorsOf(factors), u = factorsOf(factors + 8), v = factorsOf(factors + 16);
  const dark = i32x4.splat((16 << BITS) + (1 << (BITS - 1)));
  const grey = i32x4.splat((128 << CHROMA_BITS) + (1 << (CHROMA_BITS - 1)));
  const pixels = <usize>width * <usize>height;
  let uTo = out + pixels, vTo = uTo + (pixels >> 2);
  const stride = <usize>width << 2;
  for (let row = 0; row < height; row += 2) {
    let above = rgba + <usize>row * stride, below = above + stride;
    let to = out + <usize>row * <usize>width;
    let left = width;
    for (; left >= 8; left -= 8, above += 32, below += 32, to += 8, uTo += 4, vTo += 4) {
      const a = v128.load(above), b = v128.load(above, 16);
      const c = v128.load(below), d = v128.load(below, 16);
      const first = i16x8.narrow_i32x4_s(
        i32x4.shr_u(i32x4.add(weigh(a, y), dark), BITS),
        i32x4.shr_u(i32x4.add(weigh(b, y), dark), BITS),
      );
      const second = i16x8.narrow_i32x4_s(
        i32x4.shr_u(i32x4.add(weigh(c, y), dark), BITS),
        i32x4.shr_u(i32x4.add(weigh(d, y), dark), BITS),
      );
      const bytes = i8x16.narrow_i16x8_u(first, second);
      v128.store64_lane(to, bytes, 0);
      v128.store64_lane(to + <usize>width, bytes, 1);
      const l = squares(a, c), r = squares(b, d);
      const us = pairs(i32x4.dot_i16x8_s(l, u), i32x4.dot_i16x8_s(r, u));
      const vs = pairs(i32x4.dot_i16x8_s(l, v), i32x4.dot_i16x8_s(r, v));
      const chroma = i8x16.narrow_i16x8_u(
        i16x8.narrow_i32x4_s(
          i32x4.shr_u(i32x4.add(us, grey), CHROMA_BITS),
          i32x4.shr_u(i32x4.add(vs, grey), CHROMA_BITS),
        ),
        i16x8.splat(0),
      );
      v128.store32_lane(uTo, chroma, 0);
      v128.store32_lane(vTo, chroma, 1);
    }
    for (; left > 0; left -= 2, above += 8, below += 8, to += 2, uTo++, vTo++) {
      const a = v128.load64_zero(above), c = v128.load64_zero(below);
      const top = i32x4.shr_u(i32x4.add(weigh(a, y), dark), BITS);
      const bottom = i32x4.shr_u(i32x4.add(weigh(c, y), dark), BITS);
      store<u8>(to, i32x4.extract_lane(top, 0));
      store<u8>(to, i32x4.extract_lane(top, 1), 1);
      store<u8>(to + <usize>width, i32x4.extract_lane(bottom, 0));
      store<u8>(to + <usize>width, i32x4.extract_lane(bottom, 1), 1);
      const sum = squares(a, c);
      const du = i32x4.dot_i16x8_s(sum, u), dv = i32x4.dot_i16x8_s(sum, v);
      const half = 1 << (CHROMA_BITS - 1);
      store<u8>(
        uTo,
        (i32x4.extract_lane(du, 0) + i32x4.extract_lane(du, 1) + (128 << CHROMA_BITS) + half) >> CHROMA_BITS,
      );
      store<u8>(
        vTo,
        (i32x4.extract_lane(dv, 0) + i32x4.extract_lane(dv, 1) + (128 << CHROMA_BITS) + half) >> CHROMA_BITS,
      );
    }
  }
}
