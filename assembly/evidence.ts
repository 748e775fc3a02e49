import { f, put, s, u } from './memory';
import { shade } from './sample-rows';
import { mix } from './simd';

// What the pixels of a face crop say about texels; the method is in src/texture/observe.ts, plain TypeScript for reading
// in src/kernels/reference/evidence.ts.

// @ts-ignore: decorator
@inline
function smooth(low: f32, high: f32, x: f32): f32 {
  const t = min<f32>(1, max<f32>(0, (x - low) / (high - low)));
  return t * t * (3 - 2 * t);
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
  /** (pixels) f32 that is taken off the photo, or 0. */
  gloss: usize;
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

/** Pixels that have trust, or the flag. */
export function countTrusted(count: i32, trust: usize, flags: usize, flag: i32): i32 {
  let n = 0;
  for (let p = 0; p < count; p++) n += i32(f(trust, p) > 0 || (<i32>load<u8>(flags + p) & flag) != 0);
  return n;
}

/** Pixels that show a face. */
export function countSeen(count: i32, faceIndex: usize): i32 {
  let n = 0;
  for (let p = 0; p < count; p++) n += i32(s(faceIndex, p) >= 0);
  return n;
}

/** out (length) = numbers[items], 0 where that is negative. */
export function renumber(length: i32, items: usize, numbers: usize, out: usize): void {
  for (let i = 0; i < length; i++) put(out, i, max(s(numbers, u(items, i)), 0));
}

/** Sets numbers (n) to 0 where a node was seen or a trusted pixel samples it, −1 elsewhere. */
export function markSeen(
  n: i32, visibility: usize, count: i32, taps: usize, trust: usize, numbers: usize,
): void {
  for (let i = 0; i < n; i++) put(numbers, i, f(visibility, i) > 0 ? 0 : <u32>-1);
  for (let p = 0; p < count; p++) {
    if (f(trust, p) > 0) for (let k = 4 * p; k < 4 * p + 4; k++) put(numbers, u(taps, k), 0);
  }
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
        let colour = v128.load(job.photo + at * 12);
        let gloss: f32 = 0;
        if (job.gloss) {
          gloss = f(job.gloss, p);
          colour = f32x4.max(f32x4.sub(colour, f32x4.splat(gloss)), f32x4.splat(0));
        }
        v128.store(job.colours + to, f32x4.replace_lane(colour, 3, gloss));
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
  /** (F,3) u32; (V,3) f32; (F) u8. */
  faces: usize;
  vertices: usize;
  pieces: usize;
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
      const face = load<i32>(job.faceIndex + (<usize>p << 2));
      if (face >= 0 && depth - z <= job.slack) {
        const same = load<u8>(job.pieces + <usize>face) == load<u8>(job.pieces + <usize>u(job.nodeFaces, i));
        if (same) seen = f(job.trust, p);
      }
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
