import { f, u, wide } from './memory';
import { madd } from './simd';

// Maps of three colours, (H,W,3) f32: three floats are read and written as vectors, whose fourth lane belongs to the next
// texel. Plain TypeScript for reading is in src/kernels/reference/texture-map.ts.

/** a·(1 − k) + b·k */
// @ts-ignore: decorator
@inline
function lerp(a: v128, b: v128, k: f32): v128 {
  return madd(f32x4.splat(k), f32x4.sub(b, a), a);
}

/** The place between two texels of `count` that output texel `i` of `size` takes its colour from. */
// @ts-ignore: decorator
@inline
function place(i: i32, size: i32, count: i32): f32 {
  return min<f32>(max<f32>((<f32>i + 0.5) * (<f32>count / <f32>size) - 0.5, 0), <f32>(count - 1));
}

/** Bilinear resize, texel centres at half-integers, edges clamped. @param row scratch: 3·width floats and a vector */
export function resizeMap(
  map: usize, width: i32, height: i32, out: usize, outWidth: i32, outHeight: i32, row: usize,
): void {
  const bytes = <usize>width * 12;
  let to = out;
  for (let y = 0; y < outHeight; y++) {
    const py = place(y, outHeight, height);
    const iy = min(<i32>py, max(height - 2, 0));
    const above = map + <usize>iy * bytes;
    const below = height > 1 ? above + bytes : above;
    for (let o: usize = 0; o < bytes; o += 16) {
      v128.store(row + o, lerp(v128.load(above + o), v128.load(below + o), py - <f32>iy));
    }
    for (let x = 0; x < outWidth; x++, to += 12) {
      const px = place(x, outWidth, width);
      const ix = min(<i32>px, max(width - 2, 0));
      const left = row + <usize>ix * 12;
      // The fourth lane is overwritten by the next texel, or lies behind the map.
      v128.store(to, lerp(v128.load(left), v128.load(width > 1 ? left + 12 : left), px - <f32>ix));
    }
  }
}

/** out (n,4) = the map's colours at `texels` (n), and a zero. */
export function gatherTexels(n: i32, texels: usize, map: usize, out: usize): void {
  const colour = i32x4(-1, -1, -1, 0);
  for (let i = 0; i < n; i++) {
    v128.store(out + (<usize>i << 4), v128.and(v128.load(map + <usize>u(texels, i) * 12), colour));
  }
}

// @ts-ignore: decorator
@inline
function clamp01(v: v128): v128 {
  return f32x4.min(f32x4.max(v, f32x4.splat(0)), f32x4.splat(1));
}

/** Stores the first three lanes. */
// @ts-ignore: decorator
@inline
function storeColour(to: usize, v: v128): void {
  v128.store(to, v128.bitselect(v, v128.load(to), i32x4(-1, -1, -1, 0)));
}

/**
 * What is added to `base` (length floats) at nodes and the texels around them, cut so that the sum stays in [0, 1], and
 * that sum.
 *
 * @param texels (n) u32, @param mean (n,4) base at the nodes, @param offset (n,4)
 * @param around (k) u32 texels that take the change of `nodes` (k) u32
 * @param change (length) f32 zeros
 */
export function composeMap(
  n: i32, texels: usize, mean: usize, offset: usize, k: i32, around: usize, nodes: usize, length: i32, base: usize,
  change: usize, albedo: usize,
): void {
  for (let i = 0; i < n; i++) {
    const own = v128.load(mean + (<usize>i << 4));
    const sum = clamp01(f32x4.add(own, v128.load(offset + (<usize>i << 4))));
    storeColour(change + <usize>u(texels, i) * 12, f32x4.sub(sum, own));
  }
  for (let i = 0; i < k; i++) {
    const from = change + <usize>u(texels, u(nodes, i)) * 12;
    storeColour(change + <usize>u(around, i) * 12, v128.load(from));
  }
  for (let i = 0; i < length; i += 4) {
    const at = <usize>i << 2;
    v128.store(albedo + at, clamp01(f32x4.add(v128.load(base + at), v128.load(change + at))));
  }
}

/** out (length) u8 = round(255·values), values cut to [0, 1]. */
export function mapBytes(length: i32, values: usize, out: usize): void {
  for (let i = 0; i < length; i++) store<u8>(out + i, <u8>nearest(255 * min<f64>(max<f64>(wide(values, i), 0), 1)));
}

/**
 * Differences between render and photo over the pixels with a flag.
 *
 * @param albedo (P,4) as sampled, @param shading (P,4), @param colours (P,4)
 * @param sums (5) f64 out: of |d|, of d², of the albedo's three colours
 * @returns pixels with the flag
 */
export function matchSums(
  count: i32, flags: usize, flag: i32, albedo: usize, shading: usize, colours: usize, sums: usize,
): i32 {
  let l1: f64 = 0, l2: f64 = 0, r: f64 = 0, g: f64 = 0, b: f64 = 0;
  let pixels = 0;
  for (let p = 0; p < count; p++) {
    if (!(<i32>load<u8>(flags + p) & flag)) continue;
    pixels++;
    for (let c = 4 * p; c < 4 * p + 3; c++) {
      const d = wide(albedo, c) * wide(shading, c) - wide(colours, c);
      l1 += abs(d);
      l2 += d * d;
    }
    r += wide(albedo, 4 * p);
    g += wide(albedo, 4 * p + 1);
    b += wide(albedo, 4 * p + 2);
  }
  store<f64>(sums, l1);
  store<f64>(sums, l2, 8);
  store<f64>(sums, r, 16);
  store<f64>(sums, g, 24);
  store<f64>(sums, b, 32);
  return pixels;
}

/**
 * Adds up brightness over square cells of a picture, over the pixels with a flag: their number, light on the colour
 * (r, g, b), and mean of the light on what albedo `after` has over `before`.
 *
 * @param pixels (P) u32 place of each in a picture of `size` a side
 * @param cells (cells,3) f64 zeros
 */
export function cellBrightness(
  count: i32, flags: usize, flag: i32, pixels: usize, size: i32, cell: i32, before: usize, after: usize,
  shading: usize, r: f32, g: f32, b: f32, cells: usize,
): void {
  const across = (size + cell - 1) / cell;
  for (let p = 0; p < count; p++) {
    if (!(<i32>load<u8>(flags + p) & flag)) continue;
    const at = u(pixels, p);
    const to = cells + <usize>((at / size / cell) * across + (at % size) / cell) * 24;
    const c = 4 * p;
    const s0 = f(shading, c), s1 = f(shading, c + 1), s2 = f(shading, c + 2);
    const baked =
      s0 * (f(after, c) - f(before, c)) +
      s1 * (f(after, c + 1) - f(before, c + 1)) +
      s2 * (f(after, c + 2) - f(before, c + 2));
    store<f64>(to, load<f64>(to) + 1);
    store<f64>(to, load<f64>(to, 8) + <f64>(s0 * r + s1 * g + s2 * b), 8);
    store<f64>(to, load<f64>(to, 16) + <f64>(baked / 3), 16);
  }
}
