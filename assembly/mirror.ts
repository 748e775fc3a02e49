import { put, s, u, wide as f } from './memory';

// The other side of a head: mirror images of vertices, faces that mirror each other, mirror points of texels. Sums are
// float64.

/** Metres; cells of a grid in which vertices are looked for. */
const CELL: f64 = 0.006;

// @ts-ignore: decorator
@inline
function cellOf(x: f64): i32 {
  return <i32>Math.floor(x / CELL);
}

// @ts-ignore: decorator
@inline
function bucketOf(x: i32, y: i32, z: i32, buckets: i32): i32 {
  return ((x * 73856093) ^ (y * 19349663) ^ (z * 83492791)) & (buckets - 1);
}

let best: i32 = 0;
let least: f64 = 0;

function look(vertices: usize, w: i32, x: f64, y: f64, z: f64): void {
  const dx = f(vertices, 3 * w) - x, dy = f(vertices, 3 * w + 1) - y, dz = f(vertices, 3 * w + 2) - z;
  const d = dx * dx + dy * dy + dz * dz;
  if (d > least || (d == least && w > best)) return;
  least = d;
  best = w;
}

/**
 * images (V) u32 = nearest vertex to each vertex' mirror image, the first of those equally near.
 * @param buckets a power of two; first (buckets) i32 and next (V) i32: scratch
 */
export function mirrorImages(V: i32, vertices: usize, buckets: i32, first: usize, next: usize, images: usize): void {
  // Cells are hashed; the vertices of a bucket are chained, ascending.
  memory.fill(first, 0xff, <usize>buckets << 2);
  for (let v = V - 1; v >= 0; v--) {
    const bucket = bucketOf(cellOf(f(vertices, 3 * v)), cellOf(f(vertices, 3 * v + 1)), cellOf(f(vertices, 3 * v + 2)), buckets);
    put(next, v, u(first, bucket));
    put(first, bucket, v);
  }
  for (let v = 0; v < V; v++) {
    const x = -f(vertices, 3 * v), y = f(vertices, 3 * v + 1), z = f(vertices, 3 * v + 2);
    const cx = cellOf(x), cy = cellOf(y), cz = cellOf(z);
    best = V;
    least = Infinity;
    // Most heads have a vertex exactly there. What shares a bucket by chance is looked at too: it does no harm.
    for (let w = s(first, bucketOf(cx, cy, cz, buckets)); w >= 0; w = s(next, w)) look(vertices, w, x, y, z);
    if (least > 0) {
      for (let k = 0; k < 27; k++) {
        const bucket = bucketOf(cx + k / 9 - 1, cy + k / 3 % 3 - 1, cz + k % 3 - 1, buckets);
        for (let w = s(first, bucket); w >= 0; w = s(next, w)) look(vertices, w, x, y, z);
      }
    }
    // What lies within a cell's length is the nearest of all; else everything is looked at.
    if (least > CELL * CELL) for (let w = 0; w < V; w++) look(vertices, w, x, y, z);
    put(images, v, best);
  }
}

/** Faces around vertex v, ascending: list[starts[v] … starts[v+1]−1]. @param starts (V+1) u32, list (3F) u32, at (V) u32 scratch */
export function facesAround(V: i32, F: i32, faces: usize, starts: usize, list: usize, at: usize): void {
  memory.fill(starts, 0, (<usize>V + 1) << 2);
  for (let i = 0; i < 3 * F; i++) put(starts, u(faces, i) + 1, u(starts, u(faces, i) + 1) + 1);
  for (let v = 0; v < V; v++) put(starts, v + 1, u(starts, v + 1) + u(starts, v));
  memory.copy(at, starts, <usize>V << 2);
  for (let i = 0; i < 3 * F; i++) {
    const v = u(faces, i);
    put(list, u(at, v), i / 3);
    put(at, v, u(at, v) + 1);
  }
}

/**
 * twins (F) i32 = the face that joins the images of each face's corners (the last of several), −1 for none; order (F,3) u8 =
 * which corner of the face each corner of its twin mirrors.
 */
export function twinFaces(F: i32, faces: usize, images: usize, starts: usize, list: usize, twins: usize, order: usize): void {
  for (let face = 0; face < F; face++) {
    const a = u(images, u(faces, 3 * face)), b = u(images, u(faces, 3 * face + 1)), c = u(images, u(faces, 3 * face + 2));
    let twin = -1;
    if (a != b && b != c && c != a) {
      for (let k = u(starts, a); k < u(starts, a + 1); k++) {
        const other = u(list, k);
        let met = 0;
        for (let i: u32 = 0; i < 3; i++) {
          const corner = u(faces, 3 * other + i);
          if (corner == b || corner == c) met++;
        }
        if (met == 2) twin = other;
      }
    }
    put(twins, face, twin);
    if (twin < 0) continue;
    for (let i = 0; i < 3; i++) {
      const corner = u(faces, 3 * twin + i);
      store<u8>(order + <usize>(3 * face + i), corner == a ? 0 : corner == b ? 1 : 2);
    }
  }
}

/** Fields in the order of src/kernels/mirror.ts; all 4 bytes. */
@unmanaged
class Mirrored {
  count: i32;
  /** (n) u32, (n,3) f32. */
  nodeFaces: usize;
  beta: usize;
  /** (F,3) u32, (V,3) f32, (F,3) u32, (U,2) f32. */
  faces: usize;
  vertices: usize;
  faceUvs: usize;
  uvs: usize;
  /** (V) u32, (V+1) u32, (3F) u32, (F) i32, (F,3) u8. */
  images: usize;
  starts: usize;
  list: usize;
  twins: usize;
  order: usize;
  /** (H·W) i32. */
  nodes: usize;
  width: i32;
  height: i32;
  reach: f32;
  /** (n,4) u32 and f32. */
  taps: usize;
  weights: usize;
}

// What `closest` found: barycentrics and squared distance.
let b0: f64 = 0;
let b1: f64 = 0;
let b2: f64 = 0;
let square: f64 = 0;

// @ts-ignore: decorator
@inline
function clamp01(k: f64): f64 {
  return k < 0 ? 0 : k > 1 ? 1 : k;
}

/** Closest point of a triangle to (x, y, z) (Ericson 2005, 5.1.5). */
function closest(p: usize, corners: usize, x: f64, y: f64, z: f64): void {
  const a = 3 * u(corners, 0), b = 3 * u(corners, 1), c = 3 * u(corners, 2);
  const ux = f(p, b) - f(p, a), uy = f(p, b + 1) - f(p, a + 1), uz = f(p, b + 2) - f(p, a + 2);
  const vx = f(p, c) - f(p, a), vy = f(p, c + 1) - f(p, a + 1), vz = f(p, c + 2) - f(p, a + 2);
  const wx = x - f(p, a), wy = y - f(p, a + 1), wz = z - f(p, a + 2);
  const uu = ux * ux + uy * uy + uz * uz, uv = ux * vx + uy * vy + uz * vz, vv = vx * vx + vy * vy + vz * vz;
  const uw = ux * wx + uy * wy + uz * wz, vw = vx * wx + vy * wy + vz * wz;
  const det = uu * vv - uv * uv;
  let s = det > 1e-20 ? (vv * uw - uv * vw) / det : 0;
  let t = det > 1e-20 ? (uu * vw - uv * uw) / det : 0;
  if (s < 0 || t < 0 || s + t > 1) {
    // Outside: the nearest of the three edges' nearest points.
    let nearest: f64 = Infinity;
    const alongU = clamp01(uw / max<f64>(uu, 1e-20)), alongV = clamp01(vw / max<f64>(vv, 1e-20));
    const alongW = clamp01((vw - uw - uv + uu) / max<f64>(uu - 2 * uv + vv, 1e-20));
    for (let edge = 0; edge < 3; edge++) {
      const i: f64 = edge == 0 ? alongU : edge == 1 ? 0 : 1 - alongW;
      const j: f64 = edge == 0 ? 0 : edge == 1 ? alongV : alongW;
      const dx = wx - i * ux - j * vx, dy = wy - i * uy - j * vy, dz = wz - i * uz - j * vz;
      const d = dx * dx + dy * dy + dz * dz;
      if (d < nearest) {
        nearest = d;
        s = i;
        t = j;
      }
    }
  }
  const dx = wx - s * ux - t * vx, dy = wy - s * uy - t * vy, dz = wz - s * uz - t * vz;
  b0 = 1 - s - t;
  b1 = s;
  b2 = t;
  square = dx * dx + dy * dy + dz * dz;
}

/** Mirror point of node i: face, barycentrics in b0…b2; −1 for none within reach. */
function mirrorPoint(job: Mirrored, i: i32): i32 {
  const face = u(job.nodeFaces, i);
  const beta = job.beta + <usize>i * 12;
  const twin = s(job.twins, face);
  if (twin >= 0) {
    const order = job.order + <usize>face * 3;
    b0 = f(beta, load<u8>(order));
    b1 = f(beta, load<u8>(order, 1));
    b2 = f(beta, load<u8>(order, 2));
    return twin;
  }
  const corners = job.faces + <usize>face * 12;
  let x: f64 = 0, y: f64 = 0, z: f64 = 0;
  for (let a = 0; a < 3; a++) {
    const v = 3 * u(corners, a);
    x -= f(beta, a) * f(job.vertices, v);
    y += f(beta, a) * f(job.vertices, v + 1);
    z += f(beta, a) * f(job.vertices, v + 2);
  }
  let found = -1;
  let least = <f64>job.reach * <f64>job.reach;
  let k0: f64 = 0, k1: f64 = 0, k2: f64 = 0;
  // All faces around the images of the face's corners.
  for (let a = 0; a < 3; a++) {
    const image = u(job.images, u(corners, a));
    for (let k = u(job.starts, image), end = u(job.starts, image + 1); k < end; k++) {
      const other = u(job.list, k);
      closest(job.vertices, job.faces + <usize>other * 12, x, y, z);
      if (square >= least) continue;
      least = square;
      found = other;
      k0 = b0;
      k1 = b1;
      k2 = b2;
    }
  }
  b0 = k0;
  b1 = k1;
  b2 = k2;
  return found;
}

/** Nodes around each node's mirror point and their bilinear weights; nodes without one keep theirs. */
export function mirrorTaps(job: Mirrored): void {
  const width = job.width, height = job.height;
  const right = width > 1 ? 1 : 0, below = height > 1 ? width : 0;
  for (let i = 0; i < job.count; i++) {
    const face = mirrorPoint(job, i);
    if (face < 0) continue;
    const corners = job.faceUvs + <usize>face * 12;
    const p = 2 * u(corners, 0), q = 2 * u(corners, 1), r = 2 * u(corners, 2);
    let x = b0 * f(job.uvs, p) + b1 * f(job.uvs, q) + b2 * f(job.uvs, r);
    let y = b0 * f(job.uvs, p + 1) + b1 * f(job.uvs, q + 1) + b2 * f(job.uvs, r + 1);
    x = min(max(x * <f64>width - 0.5, 0), <f64>(width - 1));
    y = min(max(y * <f64>height - 0.5, 0), <f64>(height - 1));
    const ix = min(<i32>x, max(width - 2, 0)), iy = min(<i32>y, max(height - 2, 0));
    const t = iy * width + ix;
    const a = s(job.nodes, t), b = s(job.nodes, t + right), c = s(job.nodes, t + below), d = s(job.nodes, t + below + right);
    if ((a | b | c | d) < 0) continue;
    const fx = x - <f64>ix, fy = y - <f64>iy;
    const taps = job.taps + (<usize>i << 4), weights = job.weights + (<usize>i << 4);
    put(taps, 0, a);
    put(taps, 1, b);
    put(taps, 2, c);
    put(taps, 3, d);
    store<f32>(weights, <f32>((1 - fx) * (1 - fy)));
    store<f32>(weights, <f32>(fx * (1 - fy)), 4);
    store<f32>(weights, <f32>((1 - fx) * fy), 8);
    store<f32>(weights, <f32>(fx * fy), 12);
  }
}
