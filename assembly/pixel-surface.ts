import { u } from './memory';
import { dot3, madd, mix } from './simd';

// What the pixels of a face crop see: surface, skin, outlines. Plain TypeScript for reading is in
// src/kernels/reference/evidence.ts.

/** Fields in the order of src/kernels/pixel-surface.ts; all 4 bytes. */
@unmanaged
class Surface {
  /** (pixels) i32 and (pixels,3) f32. */
  faceIndex: usize;
  barycentrics: usize;
  /** (F,3) u32 twice. */
  faces: usize;
  faceUvs: usize;
  /** (V,3), (V,3), (U,2) f32. */
  vertices: usize;
  normals: usize;
  uvs: usize;
  /** Translation of the camera. */
  x: f32;
  y: f32;
  z: f32;
  orthographic: i32;
  /** (pixels,8) f32: unit normal, depth, u, v, cosine between normal and view, 0; zeros where there is no face. */
  out: usize;
}

export function pixelSurface(job: Surface, begin: i32, end: i32): void {
  const origin = f32x4(job.x, job.y, job.z, 0);
  for (let p = begin; p < end; p++) {
    const to = job.out + (<usize>p << 5);
    const face = load<i32>(job.faceIndex + (<usize>p << 2));
    if (face < 0) {
      v128.store(to, f32x4.splat(0));
      v128.store(to, f32x4.splat(0), 16);
      continue;
    }
    const beta = job.barycentrics + <usize>p * 12;
    const b0 = load<f32>(beta), b1 = load<f32>(beta, 4), b2 = load<f32>(beta, 8);
    const c = job.faces + <usize>face * 12, t = job.faceUvs + <usize>face * 12;
    const v0 = <usize>load<u32>(c) * 12, v1 = <usize>load<u32>(c, 4) * 12, v2 = <usize>load<u32>(c, 8) * 12;
    const position = f32x4.add(
      mix(b0, b1, b2, v128.load(job.vertices + v0), v128.load(job.vertices + v1), v128.load(job.vertices + v2)),
      origin,
    );
    let n = mix(b0, b1, b2, v128.load(job.normals + v0), v128.load(job.normals + v1), v128.load(job.normals + v2));
    n = f32x4.div(n, f32x4.splat(max<f32>(sqrt<f32>(dot3(n, n)), 1e-12)));
    const uv = mix(
      b0, b1, b2,
      v128.load64_zero(job.uvs + (<usize>load<u32>(t) << 3)),
      v128.load64_zero(job.uvs + (<usize>load<u32>(t, 4) << 3)),
      v128.load64_zero(job.uvs + (<usize>load<u32>(t, 8) << 3)),
    );
    const facing = job.orthographic
      ? f32x4.extract_lane(n, 2)
      : -dot3(n, position) / sqrt<f32>(dot3(position, position));
    v128.store(to, f32x4.replace_lane(n, 3, f32x4.extract_lane(position, 2)));
    v128.store(to, f32x4.replace_lane(uv, 2, facing), 16);
  }
}

// @ts-ignore: decorator
@inline
function nearer(at: usize, from: isize, step: f32): void {
  const d = load<f32>(at + from) + step;
  if (d < load<f32>(at)) store<f32>(at, d);
}

/**
 * Distance of every pixel to the nearest one at 0, in two passes with steps 1 and √2 (Borgefors 1986); `out` is 0 there
 * and infinite elsewhere.
 */
export function chamferDistances(width: i32, height: i32, out: usize): void {
  const D = <f32>Math.SQRT2;
  const up = -(<isize>width << 2), down = <isize>width << 2;
  for (let y = 0; y < height; y++) {
    let at = out + (<usize>(y * width) << 2);
    for (let x = 0; x < width; x++, at += 4) {
      if (x > 0) nearer(at, -4, 1);
      if (y == 0) continue;
      nearer(at, up, 1);
      if (x > 0) nearer(at, up - 4, D);
      if (x < width - 1) nearer(at, up + 4, D);
    }
  }
  for (let y = height - 1; y >= 0; y--) {
    let at = out + (<usize>(y * width + width - 1) << 2);
    for (let x = width - 1; x >= 0; x--, at -= 4) {
      if (x < width - 1) nearer(at, 4, 1);
      if (y == height - 1) continue;
      nearer(at, down, 1);
      if (x < width - 1) nearer(at, down + 4, D);
      if (x > 0) nearer(at, down - 4, D);
    }
  }
}

/** Fields in the order of src/kernels/pixel-surface.ts; all 4 bytes. */
@unmanaged
class Outline {
  /** Pixels a side. */
  size: i32;
  /** (size²) i32, (size²,8) f32, (size²) u8 as in `Evidence`. */
  faceIndex: usize;
  surface: usize;
  flags: usize;
  /** First and last pixel that the photo covers, across and down. */
  left: i32;
  right: i32;
  top: i32;
  bottom: i32;
  /** Metres between neighbours that make a jump in depth. */
  jump: f32;
  /** (size²) f32. */
  out: usize;
}

// @ts-ignore: decorator
@inline
function jumps(job: Outline, p: i32, q: i32): bool {
  const f = u(job.faceIndex, p), g = u(job.faceIndex, q);
  if (<i32>f < 0 || <i32>g < 0) return <i32>f < 0 != <i32>g < 0;
  if (load<u8>(job.flags + <usize>p) & load<u8>(job.flags + <usize>q) & 8) return false;
  const a = load<f32>(job.surface + (<usize>p << 5), 12), b = load<f32>(job.surface + (<usize>q << 5), 12);
  return abs<f32>(a - b) > job.jump;
}

/** Distance to the nearest outline: silhouette, depth jump, border of photo or crop. */
export function outlineDistances(job: Outline): void {
  const size = job.size, out = job.out, last = size - 1;
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++) {
      const p = y * size + x;
      const border = x == 0 || y == 0 || x == last || y == last;
      const outside = x < job.left || x > job.right || y < job.top || y > job.bottom;
      store<f32>(out + (<usize>p << 2), border || outside ? <f32>0 : <f32>Infinity);
    }
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++) {
      const p = y * size + x;
      if (x > 0 && jumps(job, p, p - 1)) {
        store<f32>(out + (<usize>p << 2), 0);
        store<f32>(out + (<usize>(p - 1) << 2), 0);
      }
      if (y > 0 && jumps(job, p, p - size)) {
        store<f32>(out + (<usize>p << 2), 0);
        store<f32>(out + (<usize>(p - size) << 2), 0);
      }
    }
  chamferDistances(size, size, out);
}

/** Fields in the order of src/kernels/pixel-surface.ts; all 4 bytes. */
@unmanaged
class SkinPixels {
  /** Pixels a side, and of the planes. */
  size: i32;
  side: i32;
  /** (size²) i32; (F) u8. */
  faceIndex: usize;
  skinFaces: usize;
  /** (side²,4) f32: closed mask, mask over apertures, mask as it is; (side²) u8 flags. */
  planes: usize;
  marks: usize;
  /** (size²) f32 and u8. */
  trust: usize;
  flags: usize;
}

/** Trust by skin, and flags, of each pixel from planes at another resolution. */
export function skinPixels(job: SkinPixels): void {
  const size = job.size, side = job.side;
  const k = <f32>side / <f32>size, most = <f32>side - <f32>1.001;
  const row = <usize>side << 4;
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++) {
      const p = <usize>(y * size + x);
      const face = load<i32>(job.faceIndex + (p << 2));
      let trust: f32 = 0;
      let flags: u8 = 0;
      if (face >= 0) {
        const skin = load<u8>(job.skinFaces + <usize>face) != 0;
        const px = (<f32>x + 0.5) * k, py = (<f32>y + 0.5) * k;
        const marks = load<u8>(job.marks + <usize>(<i32>py * side + <i32>px));
        flags = skin ? marks | 1 : marks & 12;
        const fx = min(max(px - 0.5, 0), most), fy = min(max(py - 0.5, 0), most);
        const ix = <i32>fx, iy = <i32>fy;
        const at = job.planes + <usize>iy * row + (<usize>ix << 4);
        const a = f32x4.splat(fx - <f32>ix), b = f32x4.splat(fy - <f32>iy);
        const v00 = v128.load(at), v10 = v128.load(at, 16);
        const v01 = v128.load(at + row), v11 = v128.load(at + row, 16);
        const upper = madd(a, f32x4.sub(v10, v00), v00), lower = madd(a, f32x4.sub(v11, v01), v01);
        const v = madd(b, f32x4.sub(lower, upper), upper);
        trust = skin ? max(f32x4.extract_lane(v, 0), f32x4.extract_lane(v, 2)) : f32x4.extract_lane(v, 1);
      }
      store<f32>(job.trust + (p << 2), trust);
      store<u8>(job.flags + p, flags);
    }
}
