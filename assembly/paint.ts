// Bytes of a head's pixels from what was rasterised; see src/kernels/paint.ts.
import { mix } from './simd';

/** Opaque. */
const ALPHA = 0xff000000;

/** Numbers as a pixel of bytes, cut. */
// @ts-ignore: decorator
@inline
function pixel(colour: v128): u32 {
  const words = i16x8.narrow_i32x4_s(i32x4.trunc_sat_f32x4_s(colour), i32x4.splat(0));
  return <u32>i32x4.extract_lane(i8x16.narrow_i16x8_u(words, words), 0) | ALPHA;
}

/**
 * Draws the pixels of columns left…right and rows top…bottom whose face is ≥ 0: colours to `over`, the shape to `clay`.
 * @param face (H,W) int32. @param barycentrics (H,W,3) float32.
 * @param faces, faceUvs (F,3) uint32. @param hidden (F) 1 for faces that are drawn to `clay` alone. @param uvs (U,2) float32. @param shades (V,4) float32 light RGB and grey.
 * @param map (mapHeight,mapWidth,3) float32 colours, or 0.
 * @param tones (8) float32: of the shape at grey 1, and of skin without a map.
 * @param over, clay RGBA of the pixels (0, 0), rows of `stride` bytes.
 */
export function paintHead(
  face: usize, barycentrics: usize, width: i32, left: i32, top: i32, right: i32, bottom: i32,
  faces: usize, faceUvs: usize, hidden: usize, uvs: usize, shades: usize, map: usize, mapWidth: i32, mapHeight: i32,
  tones: usize, over: usize, clay: usize, stride: usize,
): void {
  const shape = v128.load(tones), plain = v128.load(tones, 16);
  const size = f32x4(<f32>mapWidth, <f32>mapHeight, 0, 0);
  const last = f32x4(<f32>(mapWidth - 1), <f32>(mapHeight - 1), 0, 0);
  const zero = f32x4.splat(0);
  const half = f32x4.splat(0.5);
  const bytes = f32x4.splat(255);
  for (let y = top; y < bottom; y++) {
    const row = <usize>y * stride;
    for (let x = left; x < right; x++) {
      const p = <usize>(y * width + x);
      const f = load<i32>(face + (p << 2));
      if (f < 0) continue;
      const b = barycentrics + 12 * p;
      const b0 = load<f32>(b), b1 = load<f32>(b, 4), b2 = load<f32>(b, 8);
      const corner = faces + 12 * <usize>f;
      const light = mix(
        b0, b1, b2,
        v128.load(shades + (<usize>load<u32>(corner) << 4)),
        v128.load(shades + (<usize>load<u32>(corner, 4) << 4)),
        v128.load(shades + (<usize>load<u32>(corner, 8) << 4)),
      );
      const at = row + (<usize>x << 2);
      store<u32>(clay + at, pixel(f32x4.mul(shape, f32x4.splat(f32x4.extract_lane(light, 3)))));
      if (load<u8>(hidden + f)) continue;
      if (map == 0) {
        store<u32>(over + at, pixel(f32x4.mul(plain, light)));
        continue;
      }
      const t = faceUvs + 12 * <usize>f;
      const uv = mix(
        b0, b1, b2,
        v128.load64_zero(uvs + (<usize>load<u32>(t) << 3)),
        v128.load64_zero(uvs + (<usize>load<u32>(t, 4) << 3)),
        v128.load64_zero(uvs + (<usize>load<u32>(t, 8) << 3)),
      );
      const place = f32x4.max(zero, f32x4.min(last, f32x4.sub(f32x4.mul(uv, size), half)));
      const whole = f32x4.floor(place);
      const rest = f32x4.sub(place, whole);
      const ix = <i32>f32x4.extract_lane(whole, 0), iy = <i32>f32x4.extract_lane(whole, 1);
      const fx = f32x4.extract_lane(rest, 0), fy = f32x4.extract_lane(rest, 1);
      const a = map + 12 * <usize>(iy * mapWidth + ix);
      const next: usize = ix < mapWidth - 1 ? 12 : 0;
      const c = a + (iy < mapHeight - 1 ? 12 * <usize>mapWidth : 0);
      const colour = f32x4.add(
        f32x4.mul(f32x4.splat(1 - fy), f32x4.add(
          f32x4.mul(f32x4.splat(1 - fx), v128.load(a)), f32x4.mul(f32x4.splat(fx), v128.load(a + next)),
        )),
        f32x4.mul(f32x4.splat(fy), f32x4.add(
          f32x4.mul(f32x4.splat(1 - fx), v128.load(c)), f32x4.mul(f32x4.splat(fx), v128.load(c + next)),
        )),
      );
      store<u32>(over + at, pixel(f32x4.mul(bytes, f32x4.mul(light, colour))));
    }
  }
}
