import { shade } from './sample-rows';
import { madd } from './simd';

// What the pixels of a face crop say about texels; the method is in src/texture/observe.ts and its neighbours, plain
// TypeScript for reading in src/kernels/reference/evidence.ts.

// @ts-ignore: decorator
@inline
function u(a: usize, i: u32): u32 {
  return load<u32>(a + (<usize>i << 2));
}

// @ts-ignore: decorator
@inline
function f(a: usize, i: u32): f32 {
  return load<f32>(a + (<usize>i << 2));
}

// @ts-ignore: decorator
@inline
function dot3(a: v128, b: v128): f32 {
  const p = f32x4.mul(a, b);
  return f32x4.extract_lane(p, 0) + f32x4.extract_lane(p, 1) + f32x4.extract_lane(p, 2);
}

// @ts-ignore: decorator
@inline
function mix(b0: f32, b1: f32, b2: f32, v0: v128, v1: v128, v2: v128): v128 {
  return madd(f32x4.splat(b2), v2, madd(f32x4.splat(b1), v1, f32x4.mul(f32x4.splat(b0), v0)));
}

// @ts-ignore: decorator
@inline
function smooth(low: f32, high: f32, x: f32): f32 {
  const t = min<f32>(1, max<f32>(0, (x - low) / (high - low)));
  return t * t * (3 - 2 * t);
}

/** Fields in the order of src/kernels/evidence.ts; all 4 bytes. */
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

/** Fields in the order of src/kernels/evidence.ts; all 4 bytes. */
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

/** Fields in the order of src/kernels/evidence.ts; all 4 bytes. */
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

/** Fields in the order of src/kernels/evidence.ts; all 4 bytes. */
@unmanaged
class Evidence {
  pixels: i32;
  /** (pixels,8) from `pixelSurface`. */
  surface: usize;
  /** (pixels) f32 distance to the nearest outline, pixels. */
  outline: usize;
  /** (pixels) u8 flags: 1 skin region, 2 measured, 4 inner, 8 aperture. */
  flags: usize;
  /** (pixels) f32, multiplied. */
  trust: usize;
  /** (pixels,3) f32. */
  photo: usize;
  /** (9,4) f32 light RGB0 times the basis' constants. */
  light: usize;
  /** Two each: where trust begins and where it is full. */
  edge0: f32;
  edge1: f32;
  angle0: f32;
  angle1: f32;
  aperture0: f32;
  aperture1: f32;
  lit0: f32;
  lit1: f32;
  least: f32;
  /** (mapHeight, mapWidth) i32. */
  nodes: usize;
  mapWidth: i32;
  mapHeight: i32;
  /** Results, room for all pixels: u32, (·,4) u32, (·,4) f32, f32, (·,4) f32, (·,4) f32, u8. */
  outPixels: usize;
  taps: usize;
  weights: usize;
  kept: usize;
  shading: usize;
  colours: usize;
  outFlags: usize;
}

/** Weighs and lists the pixels that are trusted or measured; `trust` becomes what they are trusted by. Returns their number. */
export function takeEvidence(job: Evidence): i32 {
  let count = 0;
  const width = job.mapWidth, height = job.mapHeight;
  const right = width > 1 ? 1 : 0, below = height > 1 ? width : 0;
  const lanes = i32x4(-1, -1, -1, 0);
  for (let p = 0; p < job.pixels; p++) {
    const at = <usize>p;
    let trust = f(job.trust, p);
    const flags = load<u8>(job.flags + at);
    const surface = job.surface + (at << 5);
    if (trust == 0 && !(flags & 2)) continue;
    const shading = shade(job.light, load<f32>(surface), load<f32>(surface, 4), load<f32>(surface, 8));
    if (trust > 0) {
      const facing = load<f32>(surface, 24);
      const mean = (f32x4.extract_lane(shading, 0) + f32x4.extract_lane(shading, 1) + f32x4.extract_lane(shading, 2)) / 3;
      trust *= smooth(job.edge0, job.edge1, f(job.outline, p)) *
        (flags & 8 ? smooth(job.aperture0, job.aperture1, facing) : smooth(job.angle0, job.angle1, facing)) *
        smooth(job.lit0, job.lit1, mean);
      if (trust < 0.01) trust = 0;
    }
    if (trust > 0 || flags & 2) {
      const x = min(max(load<f32>(surface, 16) * <f32>width - 0.5, 0), <f32>(width - 1));
      const y = min(max(load<f32>(surface, 20) * <f32>height - 0.5, 0), <f32>(height - 1));
      const ix = min(<i32>x, max(width - 2, 0)), iy = min(<i32>y, max(height - 2, 0));
      const t = iy * width + ix;
      const a = u(job.nodes, t), b = u(job.nodes, t + right), c = u(job.nodes, t + below), d = u(job.nodes, t + below + right);
      if (<i32>(a | b | c | d) < 0) trust = 0;
      else {
        const fx = x - <f32>ix, fy = y - <f32>iy;
        const to = <usize>count << 4;
        v128.store(job.taps + to, i32x4.replace_lane(i32x4.replace_lane(i32x4.replace_lane(i32x4.splat(a), 1, b), 2, c), 3, d));
        const w = f32x4.replace_lane(
          f32x4.replace_lane(f32x4.replace_lane(f32x4.splat((1 - fx) * (1 - fy)), 1, fx * (1 - fy)), 2, (1 - fx) * fy),
          3, fx * fy,
        );
        v128.store(job.weights + to, w);
        v128.store(job.shading + to, v128.and(f32x4.max(shading, f32x4.splat(job.least)), lanes));
        v128.store(job.colours + to, v128.and(v128.load(job.photo + at * 12), lanes));
        store<u32>(job.outPixels + (<usize>count << 2), p);
        store<f32>(job.kept + (<usize>count << 2), trust);
        store<u8>(job.outFlags + <usize>count, flags);
        count++;
      }
    }
    store<f32>(job.trust + (at << 2), trust);
  }
  return count;
}

/** Fields in the order of src/kernels/evidence.ts; all 4 bytes. */
@unmanaged
class Visibility {
  /** Nodes; (n) u32 faces, (n,3) f32. */
  count: i32;
  nodeFaces: usize;
  barycentrics: usize;
  /** (F,3) u32; (V,3) f32. */
  faces: usize;
  vertices: usize;
  x: f32;
  y: f32;
  z: f32;
  principalX: f32;
  principalY: f32;
  /** Focal length in pixels, or the scale of an orthographic camera. */
  factor: f32;
  orthographic: i32;
  /** Pixels a side. */
  size: i32;
  slack: f32;
  /** (size²) i32, (size²,8) f32, (size²) f32. */
  faceIndex: usize;
  surface: usize;
  trust: usize;
  /** Samples: (P,4) u32 and f32, (P) f32. */
  samples: i32;
  taps: usize;
  weights: usize;
  kept: usize;
  /** (n) f32 twice: scratch. */
  total: usize;
  sum: usize;
  /** (n) f32. */
  out: usize;
}

/** How well each node was seen: in the pixel where its own point is, or on average by those that sample it. */
export function nodeVisibility(job: Visibility): void {
  const origin = f32x4(job.x, job.y, job.z, 0);
  const size = <f32>job.size;
  for (let i = 0; i < job.count; i++) {
    const c = job.faces + <usize>u(job.nodeFaces, i) * 12;
    const beta = job.barycentrics + <usize>i * 12;
    const v = job.vertices;
    const position = f32x4.add(
      mix(
        load<f32>(beta), load<f32>(beta, 4), load<f32>(beta, 8),
        v128.load(v + <usize>load<u32>(c) * 12), v128.load(v + <usize>load<u32>(c, 4) * 12),
        v128.load(v + <usize>load<u32>(c, 8) * 12),
      ),
      origin,
    );
    const z = f32x4.extract_lane(position, 2);
    const k = job.orthographic ? job.factor : job.factor / -z;
    const x = job.principalX + k * f32x4.extract_lane(position, 0);
    const y = job.principalY - k * f32x4.extract_lane(position, 1);
    let seen: f32 = 0;
    if (x >= 0 && y >= 0 && x < size && y < size) {
      const p = <i32>y * job.size + <i32>x;
      const depth = load<f32>(job.surface + (<usize>p << 5), 12);
      if (load<i32>(job.faceIndex + (<usize>p << 2)) >= 0 && depth - z <= job.slack) seen = f(job.trust, p);
    }
    store<f32>(job.out + (<usize>i << 2), seen);
  }
  memory.fill(job.total, 0, <usize>job.count << 2);
  memory.fill(job.sum, 0, <usize>job.count << 2);
  for (let k = 0; k < 4 * job.samples; k++) {
    const t = <usize>u(job.taps, k) << 2;
    const w = f(job.weights, k);
    store<f32>(job.total + t, load<f32>(job.total + t) + w);
    store<f32>(job.sum + t, load<f32>(job.sum + t) + w * f(job.kept, k >> 2));
  }
  for (let i = 0; i < job.count; i++) {
    const total = f(job.total, i);
    if (total > 0.25) store<f32>(job.out + (<usize>i << 2), max(f(job.out, i), f(job.sum, i) / total));
  }
}

/** Residuals in albedo (P,4) and weights (P) of sampled pixels, see src/texture/solve-offset.ts. @param rendered (P,4) A·mean, overwritten by the residual */
export function albedoResiduals(
  count: i32, rendered: usize, shading: usize, colours: usize, trust: usize, saturated: f32, weight: usize,
): void {
  for (let p = 0; p < count; p++) {
    const at = <usize>p << 4;
    const s = v128.load(shading + at), value = v128.load(colours + at), mean = v128.load(rendered + at);
    const sum = dot3(s, f32x4.splat(1));
    const brighter = dot3(value, f32x4.splat(1)) / max<f32>(dot3(s, mean), 1e-3) - 1;
    let r = f32x4.sub(f32x4.div(value, s), mean);
    // White is where the photo's range ends: the skin may be brighter than that, but not darker.
    const cut = v128.and(f32x4.gt(value, f32x4.splat(saturated)), f32x4.lt(r, f32x4.splat(0)));
    r = v128.andnot(r, cut);
    // A channel with much less light than the others says little about hue: it follows them in brightness.
    let sure = f32x4.min(f32x4.splat(1), f32x4.mul(s, f32x4.splat(6 / sum)));
    sure = f32x4.mul(sure, sure);
    const follow = f32x4.mul(f32x4.splat(brighter), mean);
    r = f32x4.add(follow, f32x4.mul(sure, f32x4.sub(r, follow)));
    v128.store(rendered + at, v128.and(r, i32x4(-1, -1, -1, 0)));
    const m = sum / 3;
    store<f32>(weight + (<usize>p << 2), f(trust, p) * m * m);
  }
}

/** pull (cells) += weight·factor and right (cells,4) += weight·factor·residual of each pixel's cell. */
export function sumCells(
  count: i32, cells: usize, weight: usize, factor: usize, residual: usize, pull: usize, right: usize,
): void {
  for (let p = 0; p < count; p++) {
    const w = f(weight, p) * f(factor, p);
    const cell = u(cells, p);
    const to = right + (<usize>cell << 4);
    store<f32>(pull + (<usize>cell << 2), f(pull, cell) + w);
    v128.store(to, madd(f32x4.splat(w), v128.load(residual + (<usize>p << 4)), v128.load(to)));
  }
}

/** Robust factors (P) of pixels against their cells' surroundings (cells,4), and how foreign (P) each is; see src/texture/robust-pixels.ts. */
export function robustFactors(
  count: i32, cells: usize, weight: usize, flags: usize, residual: usize, shading: usize, around: usize, free: f32,
  width: f32, outside: f32, factor: usize, foreign: usize,
): void {
  for (let p = 0; p < count; p++) {
    const at = <usize>p << 4;
    const own = load<u8>(flags + <usize>p);
    if (!(own & 1) || f(weight, p) == 0) continue;
    const x = v128.load(around + (<usize>u(cells, p) << 4));
    const d = f32x4.mul(f32x4.sub(v128.load(residual + at), x), v128.load(shading + at));
    const r = f32x4.extract_lane(d, 0), g = f32x4.extract_lane(d, 1), b = f32x4.extract_lane(d, 2);
    const e = max<f32>(0, min(r, min(g, b)) - free) / width;
    const h = own & 4 ? <f32>0 : max(abs(r), max(abs(g), abs(b))) / outside;
    const both = <f32>1 / (<f32>1 + e * e + h * h), alone = <f32>1 / (<f32>1 + h * h);
    store<f32>(factor + (<usize>p << 2), both * both);
    store<f32>(foreign + (<usize>p << 2), 1 - alone * alone);
  }
}

/** out (P) = cell (n) of each pixel's heaviest tap. */
export function heaviestCells(count: i32, taps: usize, weights: usize, cells: usize, out: usize): void {
  for (let p = 0; p < count; p++) {
    let best = 4 * p;
    for (let k = best + 1; k < 4 * p + 4; k++) if (f(weights, k) > f(weights, best)) best = k;
    store<u32>(out + (<usize>p << 2), u(cells, u(taps, best)));
  }
}

/** out (n) = mean of `value` (P) over the trusted pixels that sample each node; 0 without any. */
export function nodeMeans(
  count: i32, taps: usize, weights: usize, trust: usize, value: usize, n: i32, total: usize, out: usize,
): void {
  memory.fill(total, 0, <usize>n << 2);
  memory.fill(out, 0, <usize>n << 2);
  for (let k = 0; k < 4 * count; k++) {
    if (f(trust, k >> 2) == 0) continue;
    const t = <usize>u(taps, k) << 2;
    const w = f(weights, k);
    store<f32>(total + t, load<f32>(total + t) + w);
    store<f32>(out + t, load<f32>(out + t) + w * f(value, k >> 2));
  }
  for (let i = 0; i < n; i++) {
    const sum = f(total, i);
    if (sum > 0) store<f32>(out + (<usize>i << 2), f(out, i) / sum);
  }
}
