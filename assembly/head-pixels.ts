// Pictures of a head from what its pixels see (pixel-surface.ts): albedo, shading, colour, clay, normals; and pictures laid
// over each other as bytes. Plain TypeScript for reading is in src/kernels/reference/head-pixels.ts. Pictures have three
// floats a pixel: written as vectors in ascending order, the fourth lane is the next pixel's and overwritten by it.
import { f } from './memory';
import { shade } from './sample-rows';
import { dot3, madd } from './simd';

/** Fields in the order of src/kernels/head-pixels.ts; all 4 bytes. */
@unmanaged
class Pixels {
  count: i32;
  /** (count) i32; (count,8) f32 from `pixelSurface`. */
  faceIndex: usize;
  surface: usize;
  /** (height,width,3) f32, or 0: `grey` then. */
  albedo: usize;
  width: i32;
  height: i32;
  grey: f32;
  /** (9,4) f32 light RGB0 times the basis' constants. */
  light: usize;
  /** (count) f32 that is added to the colour, or 0. */
  gloss: usize;
  /** (12) f32: directions towards two lights with their strengths behind, the clay's colour and its light from everywhere. */
  clay: usize;
  /** (count,3) f32 each. */
  rgb: usize;
  outAlbedo: usize;
  shading: usize;
  shape: usize;
  normals: usize;
}

/** Bilinear sample at (u, v) in [0, 1], edges clamped; three floats, the fourth lane is something else. */
// @ts-ignore: decorator
@inline
function sample(job: Pixels, u: f32, v: f32): v128 {
  const width = job.width, height = job.height;
  const x = min(max(u * <f32>width - 0.5, 0), <f32>(width - 1));
  const y = min(max(v * <f32>height - 0.5, 0), <f32>(height - 1));
  const ix = min(<i32>x, max(width - 2, 0)), iy = min(<i32>y, max(height - 2, 0));
  const fx = f32x4.splat(x - <f32>ix), fy = f32x4.splat(y - <f32>iy);
  const at = job.albedo + <usize>(iy * width + ix) * 12;
  const right: usize = width > 1 ? 12 : 0, below = height > 1 ? <usize>width * 12 : 0;
  const v00 = v128.load(at), v10 = v128.load(at + right);
  const v01 = v128.load(at + below), v11 = v128.load(at + below + right);
  const upper = madd(fx, f32x4.sub(v10, v00), v00), lower = madd(fx, f32x4.sub(v11, v01), v01);
  return madd(fy, f32x4.sub(lower, upper), upper);
}

/** How far a light with its strength behind its direction falls on a normal. */
// @ts-ignore: decorator
@inline
function lit(light: usize, normal: v128): f32 {
  return load<f32>(light, 12) * max<f32>(0, dot3(v128.load(light), normal));
}

export function headPixels(job: Pixels): void {
  const grey = f32x4.splat(job.grey), clay = v128.load(job.clay, 32);
  const ambient = load<f32>(job.clay, 44);
  const none = f32x4.splat(0);
  for (let p = 0; p < job.count; p++) {
    const to = <usize>p * 12;
    let normal = none, albedo = none, shading = none, shape = none, rgb = none;
    if (load<i32>(job.faceIndex + (<usize>p << 2)) >= 0) {
      const surface = job.surface + (<usize>p << 5);
      normal = v128.load(surface);
      albedo = job.albedo ? sample(job, load<f32>(surface, 16), load<f32>(surface, 20)) : grey;
      shading = shade(
        job.light, f32x4.extract_lane(normal, 0), f32x4.extract_lane(normal, 1), f32x4.extract_lane(normal, 2),
      );
      rgb = f32x4.mul(albedo, shading);
      if (job.gloss) rgb = f32x4.add(rgb, f32x4.splat(f(job.gloss, p)));
      shape = f32x4.mul(clay, f32x4.splat(ambient + lit(job.clay, normal) + lit(job.clay + 16, normal)));
    }
    v128.store(job.rgb + to, rgb);
    v128.store(job.outAlbedo + to, albedo);
    v128.store(job.shading + to, shading);
    v128.store(job.shape + to, shape);
    v128.store(job.normals + to, normal);
  }
}

/** Four values in [0, 1], and outside, as bytes, to the nearest. */
// @ts-ignore: decorator
@inline
function bytes4(v: v128): v128 {
  return i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(v, f32x4.splat(255))));
}

/**
 * out (count,3) u8 = `over`·gain, within [0, 1], where `mask` (count) f32 says so (everywhere where 0), and `under` (count,3) f32
 * (white where 0) elsewhere. Arrays have room for whole vectors of four pixels.
 */
export function blendPixels(count: i32, under: usize, over: usize, mask: usize, gain: f32, out: usize): void {
  const zero = f32x4.splat(0), one = f32x4.splat(1), factor = f32x4.splat(gain);
  for (let p = 0; p < count; p += 4) {
    const at = <usize>p * 12;
    const m = mask ? v128.load(mask + (<usize>p << 2)) : one;
    const part0 = mixed(under, over, at, v128.shuffle<f32>(m, m, 0, 0, 0, 1), factor, zero, one);
    const part1 = mixed(under, over, at + 16, v128.shuffle<f32>(m, m, 1, 1, 2, 2), factor, zero, one);
    const part2 = mixed(under, over, at + 32, v128.shuffle<f32>(m, m, 2, 3, 3, 3), factor, zero, one);
    const low = i16x8.narrow_i32x4_s(part0, part1), high = i16x8.narrow_i32x4_s(part2, part2);
    const packed = i8x16.narrow_i16x8_u(low, high);
    const to = out + <usize>p * 3;
    v128.store64_lane(to, packed, 0);
    v128.store32_lane(to, packed, 2, 8);
  }
}

// @ts-ignore: decorator
@inline
function mixed(under: usize, over: usize, at: usize, alpha: v128, gain: v128, zero: v128, one: v128): v128 {
  const below = under ? v128.load(under + at) : one;
  // Clamped before blending, lest a highlight show through a soft edge.
  const above = f32x4.min(one, f32x4.max(zero, f32x4.mul(v128.load(over + at), gain)));
  return bytes4(f32x4.add(below, f32x4.mul(f32x4.sub(above, below), alpha)));
}
