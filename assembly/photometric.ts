// Samples of albedo·shading − photo: their robust energy, and their rows of the Jacobian; the mathematics are in
// src/kernels/photometric.ts.
//
// Vectors run over the three colour channels (lane 3 is zero) wherever a sample is evaluated, and over light and
// texture columns where rows are written. Addresses and sizes come in one structure, filled by the wrapper.
import { gemmChunk } from './gemm';
import { madd } from './simd';
import { accumulateVertexBlocks } from './vertex-blocks';

/** Fields in the order of src/kernels/photometric.ts; all 4 bytes. */
@unmanaged
class Job {
  /** (A,8) f32 u, v, n_x, n_y, n_z and three unused. */
  q: usize;
  /** (N,3) u32 positions in q, (N,3) f32, (N) f32. */
  corners: usize;
  barycentrics: usize;
  mask: usize;
  /** (N, 4 + 12·vectors) f32: mean RGB0, then 4·vectors components of each channel. */
  appearance: usize;
  /** Components per channel in vectors of 4. */
  vectors: i32;
  /** (height+2, width+2, 4) f32, the picture with its border pixels repeated around it. */
  photo: usize;
  width: i32;
  height: i32;
  /** (9,4) f32 light RGB0 times the basis' constants; (12) f32 constants, zeros at the end. */
  light: usize;
  constants: usize;
  /** (4·vectors) f32. */
  texture: usize;
  /** 1/σ², 1/k², weight/(σ²·Σ mask). */
  inverseSigma2: f32;
  inverseK2: f32;
  scale: f32;
  /** (3·CHUNK, stride) f32: light columns (27), residual, texture columns, u v n_x n_y n_z 0 0 0. */
  rows: usize;
  /** Floats, at least 36 + 4·vectors. */
  stride: i32;
  /** 256 bytes. */
  scratch: usize;
  /** (N,3) u32. */
  edges: usize;
  /** What the samples are added to, as in `accumulateVertexBlocks`, or 0. */
  blocks: usize;
  vertexCount: i32;
  mixed: usize;
  mixedStride: i32;
  /** (28 + 4·vectors)² f64, or 0. */
  gram: usize;
  /** f64 that receives Σ mask·ρ, or 0. */
  result: usize;
}

/** Samples whose rows are made at a time: they stay in the second-level cache. */
const CHUNK: i32 = 128;

/** Weight of tap −1, 0, 1, 2 of the Catmull-Rom interpolant at t, and its slope. */
// @ts-ignore: decorator
@inline
function w0(t: f32): f32 { return ((-0.5 * t + 1) * t - 0.5) * t; }
// @ts-ignore: decorator
@inline
function w1(t: f32): f32 { return (1.5 * t - 2.5) * t * t + 1; }
// @ts-ignore: decorator
@inline
function w2(t: f32): f32 { return ((-1.5 * t + 2) * t + 0.5) * t; }
// @ts-ignore: decorator
@inline
function w3(t: f32): f32 { return (0.5 * t - 0.5) * t * t; }
// @ts-ignore: decorator
@inline
function d0(t: f32): f32 { return (-1.5 * t + 2) * t - 0.5; }
// @ts-ignore: decorator
@inline
function d1(t: f32): f32 { return (4.5 * t - 5) * t; }
// @ts-ignore: decorator
@inline
function d2(t: f32): f32 { return (-4.5 * t + 4) * t + 0.5; }
// @ts-ignore: decorator
@inline
function d3(t: f32): f32 { return (1.5 * t - 1) * t; }

/** a·p₀ + b·p₁ + c·p₂ + d·p₃ of four neighbouring pixels. */
// @ts-ignore: decorator
@inline
function taps(at: usize, a: v128, b: v128, c: v128, d: v128): v128 {
  return madd(a, v128.load(at), madd(b, v128.load(at, 16), madd(c, v128.load(at, 32), f32x4.mul(d, v128.load(at, 48)))));
}

/** Sum of the first three lanes of a·b. */
// @ts-ignore: decorator
@inline
function dot3(a: v128, b: v128): f32 {
  const p = f32x4.mul(a, b);
  return f32x4.extract_lane(p, 0) + f32x4.extract_lane(p, 1) + f32x4.extract_lane(p, 2);
}

// What `evaluate` leaves in the scratch memory.
const PHOTO_DX: usize = 0, PHOTO_DY: usize = 16, ALBEDO: usize = 32, SHADING: usize = 48, RESIDUAL: usize = 64;
/** Unit normal and 1/length of the interpolated one. */
const NORMAL: usize = 80;
/** Nine basis values, and each three times over. */
const BASIS: usize = 96, REPEATED: usize = 144;

/** Evaluates sample p; without derivatives only RESIDUAL is left. */
// @ts-ignore: decorator
@inline
function evaluate(job: Job, p: i32, derivatives: bool): void {
  const s = job.scratch;
  const triangle = job.corners + <usize>p * 12;
  const beta = job.barycentrics + <usize>p * 12;
  const q0 = job.q + (<usize>load<u32>(triangle) << 5);
  const q1 = job.q + (<usize>load<u32>(triangle, 4) << 5);
  const q2 = job.q + (<usize>load<u32>(triangle, 8) << 5);
  const b0 = load<f32>(beta), b1 = load<f32>(beta, 4), b2 = load<f32>(beta, 8);
  const uvxy = madd(
    f32x4.splat(b0), v128.load(q0),
    madd(f32x4.splat(b1), v128.load(q1), f32x4.mul(f32x4.splat(b2), v128.load(q2))),
  );
  let z = b0 * load<f32>(q0, 16) + b1 * load<f32>(q1, 16) + b2 * load<f32>(q2, 16);
  let x = f32x4.extract_lane(uvxy, 2), y = f32x4.extract_lane(uvxy, 3);
  const inverse = <f32>1 / max(sqrt<f32>(x * x + y * y + z * z), <f32>1e-12);
  x *= inverse;
  y *= inverse;
  z *= inverse;

  // Shading: basis 1, x, y, z, xy, xz, yz, x²−y², 3z²−1.
  const light = job.light;
  const xy = x * y, xz = x * z, yz = y * z, xx = x * x - y * y, zz = <f32>3 * z * z - 1;
  let shading = v128.load(light);
  shading = madd(f32x4.splat(x), v128.load(light, 16), shading);
  shading = madd(f32x4.splat(y), v128.load(light, 32), shading);
  shading = madd(f32x4.splat(z), v128.load(light, 48), shading);
  shading = madd(f32x4.splat(xy), v128.load(light, 64), shading);
  shading = madd(f32x4.splat(xz), v128.load(light, 80), shading);
  shading = madd(f32x4.splat(yz), v128.load(light, 96), shading);
  shading = madd(f32x4.splat(xx), v128.load(light, 112), shading);
  shading = madd(f32x4.splat(zz), v128.load(light, 128), shading);

  // Albedo: mean + basis·τ, one dot product per channel.
  const vectorBytes = <usize>job.vectors << 4;
  const appearance = job.appearance + <usize>p * (16 + 3 * vectorBytes);
  let albedo = v128.load(appearance);
  if (vectorBytes) {
    let a0 = f32x4.splat(0), a1 = a0, a2 = a0;
    let at = appearance + 16;
    for (let t = job.texture, end = t + vectorBytes; t < end; t += 16) {
      const tau = v128.load(t);
      a0 = madd(tau, v128.load(at), a0);
      a1 = madd(tau, v128.load(at + vectorBytes), a1);
      a2 = madd(tau, v128.load(at + 2 * vectorBytes), a2);
      at += 16;
    }
    // Transposed, so that the four partial sums of all channels are added at once.
    const zero = f32x4.splat(0);
    const l01 = v128.shuffle<f32>(a0, a1, 0, 4, 1, 5), h01 = v128.shuffle<f32>(a0, a1, 2, 6, 3, 7);
    const l2 = v128.shuffle<f32>(a2, zero, 0, 4, 1, 4), h2 = v128.shuffle<f32>(a2, zero, 2, 4, 3, 4);
    const c0 = v128.shuffle<f32>(l01, l2, 0, 1, 4, 5), c1 = v128.shuffle<f32>(l01, l2, 2, 3, 6, 7);
    const c2 = v128.shuffle<f32>(h01, h2, 0, 1, 4, 5), c3 = v128.shuffle<f32>(h01, h2, 2, 3, 6, 7);
    albedo = f32x4.add(albedo, f32x4.add(f32x4.add(c0, c1), f32x4.add(c2, c3)));
  }

  // The photo at (u, v): 4×4 taps around the cell of pixel centres.
  const px = min(max(f32x4.extract_lane(uvxy, 0) - <f32>0.5, 0), <f32>(job.width - 1));
  const py = min(max(f32x4.extract_lane(uvxy, 1) - <f32>0.5, 0), <f32>(job.height - 1));
  const ix = max(min(<i32>px, job.width - 2), 0), iy = max(min(<i32>py, job.height - 2), 0);
  const fx = px - <f32>ix, fy = py - <f32>iy;
  const rowBytes = <usize>(job.width + 2) << 4;
  const r0 = job.photo + <usize>iy * rowBytes + (<usize>ix << 4);
  const r1 = r0 + rowBytes, r2 = r1 + rowBytes, r3 = r2 + rowBytes;
  const wx0 = f32x4.splat(w0(fx)), wx1 = f32x4.splat(w1(fx)), wx2 = f32x4.splat(w2(fx)), wx3 = f32x4.splat(w3(fx));
  const wy0 = f32x4.splat(w0(fy)), wy1 = f32x4.splat(w1(fy)), wy2 = f32x4.splat(w2(fy)), wy3 = f32x4.splat(w3(fy));
  const v0 = taps(r0, wx0, wx1, wx2, wx3), v1 = taps(r1, wx0, wx1, wx2, wx3);
  const v2 = taps(r2, wx0, wx1, wx2, wx3), v3 = taps(r3, wx0, wx1, wx2, wx3);
  const value = madd(wy0, v0, madd(wy1, v1, madd(wy2, v2, f32x4.mul(wy3, v3))));
  v128.store(s, f32x4.sub(f32x4.mul(albedo, shading), value), RESIDUAL);
  if (!derivatives) return;

  const dy0 = f32x4.splat(d0(fy)), dy1 = f32x4.splat(d1(fy)), dy2 = f32x4.splat(d2(fy)), dy3 = f32x4.splat(d3(fy));
  v128.store(s, madd(dy0, v0, madd(dy1, v1, madd(dy2, v2, f32x4.mul(dy3, v3)))), PHOTO_DY);
  const dx0 = f32x4.splat(d0(fx)), dx1 = f32x4.splat(d1(fx)), dx2 = f32x4.splat(d2(fx)), dx3 = f32x4.splat(d3(fx));
  const g0 = taps(r0, dx0, dx1, dx2, dx3), g1 = taps(r1, dx0, dx1, dx2, dx3);
  const g2 = taps(r2, dx0, dx1, dx2, dx3), g3 = taps(r3, dx0, dx1, dx2, dx3);
  v128.store(s, madd(wy0, g0, madd(wy1, g1, madd(wy2, g2, f32x4.mul(wy3, g3)))), PHOTO_DX);
  v128.store(s, albedo, ALBEDO);
  v128.store(s, shading, SHADING);
  const c = job.constants;
  v128.store(s, f32x4.mul(v128.load(c), f32x4(1, x, y, z)), BASIS);
  v128.store(s, f32x4.mul(v128.load(c, 16), f32x4(xy, xz, yz, xx)), BASIS + 16);
  v128.store(s, f32x4.mul(v128.load(c, 32), f32x4(zz, 0, 0, 0)), BASIS + 32);
  v128.store(s, f32x4(x, y, z, inverse), NORMAL);
}

/** Σ mask·ρ over the samples begin ≤ p < end, to f64 `out`. */
export function photometricCost(address: usize, begin: i32, end: i32, out: usize): void {
  const job = changetype<Job>(address);
  let sum: f64 = 0;
  for (let p = begin; p < end; p++) {
    evaluate(job, p, false);
    const r = v128.load(job.scratch, RESIDUAL);
    const e = dot3(r, r) * job.inverseSigma2;
    sum += <f64>(load<f32>(job.mask + (<usize>p << 2)) * e / (<f32>1 + e * job.inverseK2));
  }
  store<f64>(out, sum);
}

/** out[p] = residual RGB0 of sample p, (N,4) f32, begin ≤ p < end. */
export function photometricResiduals(address: usize, begin: i32, end: i32, out: usize): void {
  const job = changetype<Job>(address);
  for (let p = begin; p < end; p++) {
    evaluate(job, p, false);
    v128.store(out + (<usize>p << 4), v128.load(job.scratch, RESIDUAL));
  }
}

/** One channel's row; `light` are the basis values repeated for the channels, `mask0…2` the channel's albedo in its lanes. */
// @ts-ignore: decorator
@inline
export function writeRow(
  to: usize, light: usize, mask0: v128, mask1: v128, mask2: v128, r: f32, shading: f32, basis: usize, bytes: usize,
  k: v128, k4: f32,
): void {
  v128.store(to, f32x4.mul(mask0, v128.load(light)));
  v128.store(to, f32x4.mul(mask1, v128.load(light, 16)), 16);
  v128.store(to, f32x4.mul(mask2, v128.load(light, 32)), 32);
  v128.store(to, f32x4.mul(mask0, v128.load(light, 48)), 48);
  v128.store(to, f32x4.mul(mask1, v128.load(light, 64)), 64);
  v128.store(to, f32x4.mul(mask2, v128.load(light, 80)), 80);
  v128.store(to, f32x4.replace_lane(f32x4.mul(mask0, v128.load(light, 96)), 3, r), 96);
  const s = f32x4.splat(shading);
  for (let v: usize = 0; v < bytes; v += 16) v128.store(to + v, f32x4.mul(s, v128.load(basis + v)), 112);
  to += bytes;
  v128.store(to, k, 112);
  v128.store(to, f32x4.replace_lane(f32x4.splat(0), 0, k4), 128);
}

/**
 * Writes the rows of the samples begin ≤ p < end, times the square roots of their weights, from row 0 on; returns
 * Σ mask·ρ.
 */
function photometricRows(job: Job, begin: i32, end: i32): f64 {
  const s = job.scratch;
  const channelBytes = <usize>job.vectors << 4;
  const rowBytes = <usize>job.stride << 2;
  const light = job.light;
  // Lanes of light column 4j + i that belong to channel c are those with i ≡ c − j (mod 3).
  const lanes0 = i32x4(-1, 0, 0, -1), lanes1 = i32x4(0, -1, 0, 0), lanes2 = i32x4(0, 0, -1, 0);
  let sum: f64 = 0;
  let row = job.rows;
  for (let p = begin; p < end; p++) {
    evaluate(job, p, true);
    const r = v128.load(s, RESIDUAL);
    const m = load<f32>(job.mask + (<usize>p << 2));
    const e = dot3(r, r) * job.inverseSigma2;
    const d = <f32>1 + e * job.inverseK2;
    sum += <f64>(m * e / d);
    const root = f32x4.splat(sqrt<f32>(job.scale * m) / d);

    // K, one vector over channels per column u, v, n_x, n_y, n_z.
    const n = v128.load(s, NORMAL);
    const x = v128.shuffle<f32>(n, n, 0, 0, 0, 0), y = v128.shuffle<f32>(n, n, 1, 1, 1, 1);
    const z = v128.shuffle<f32>(n, n, 2, 2, 2, 2);
    const l4 = v128.load(light, 64), l5 = v128.load(light, 80), l6 = v128.load(light, 96);
    const l7 = f32x4.mul(f32x4.splat(2), v128.load(light, 112));
    const gx = madd(l4, y, madd(l5, z, madd(l7, x, v128.load(light, 16))));
    const gy = madd(l4, x, f32x4.sub(madd(l6, z, v128.load(light, 32)), f32x4.mul(l7, y)));
    const l8 = f32x4.mul(f32x4.splat(6), v128.load(light, 128));
    const gz = madd(l5, x, madd(l6, y, madd(l8, z, v128.load(light, 48))));
    const dot = madd(gx, x, madd(gy, y, f32x4.mul(gz, z)));
    const ra = f32x4.mul(root, v128.load(s, ALBEDO));
    const stretch = f32x4.mul(ra, v128.shuffle<f32>(n, n, 3, 3, 3, 3));
    const minus = f32x4.neg(root);
    const k0 = f32x4.mul(minus, v128.load(s, PHOTO_DX)), k1 = f32x4.mul(minus, v128.load(s, PHOTO_DY));
    const k2 = f32x4.mul(stretch, f32x4.sub(gx, f32x4.mul(dot, x)));
    const k3 = f32x4.mul(stretch, f32x4.sub(gy, f32x4.mul(dot, y)));
    const k4 = f32x4.mul(stretch, f32x4.sub(gz, f32x4.mul(dot, z)));
    const t0 = v128.shuffle<f32>(k0, k1, 0, 4, 1, 5), t1 = v128.shuffle<f32>(k2, k3, 0, 4, 1, 5);
    const t2 = v128.shuffle<f32>(k0, k1, 2, 6, 2, 6), t3 = v128.shuffle<f32>(k2, k3, 2, 6, 2, 6);

    // Basis values three times each: column 3k + c.
    const b0 = v128.load(s, BASIS), b1 = v128.load(s, BASIS + 16), b2 = v128.load(s, BASIS + 32);
    const repeated = s + REPEATED;
    v128.store(repeated, v128.shuffle<f32>(b0, b0, 0, 0, 0, 1));
    v128.store(repeated, v128.shuffle<f32>(b0, b0, 1, 1, 2, 2), 16);
    v128.store(repeated, v128.shuffle<f32>(b0, b0, 2, 3, 3, 3), 32);
    v128.store(repeated, v128.shuffle<f32>(b1, b1, 0, 0, 0, 1), 48);
    v128.store(repeated, v128.shuffle<f32>(b1, b1, 1, 1, 2, 2), 64);
    v128.store(repeated, v128.shuffle<f32>(b1, b1, 2, 3, 3, 3), 80);
    v128.store(repeated, v128.shuffle<f32>(b2, b2, 0, 0, 0, 0), 96);

    const rr = f32x4.mul(root, r), rs = f32x4.mul(root, v128.load(s, SHADING));
    const basis = job.appearance + <usize>p * (16 + 3 * channelBytes) + 16;
    const a0 = v128.shuffle<f32>(ra, ra, 0, 0, 0, 0);
    writeRow(
      row, repeated, v128.and(a0, lanes0), v128.and(a0, lanes2), v128.and(a0, lanes1),
      f32x4.extract_lane(rr, 0), f32x4.extract_lane(rs, 0), basis, channelBytes,
      v128.shuffle<f32>(t0, t1, 0, 1, 4, 5), f32x4.extract_lane(k4, 0),
    );
    row += rowBytes;
    const a1 = v128.shuffle<f32>(ra, ra, 1, 1, 1, 1);
    writeRow(
      row, repeated, v128.and(a1, lanes1), v128.and(a1, lanes0), v128.and(a1, lanes2),
      f32x4.extract_lane(rr, 1), f32x4.extract_lane(rs, 1), basis + channelBytes, channelBytes,
      v128.shuffle<f32>(t0, t1, 2, 3, 6, 7), f32x4.extract_lane(k4, 1),
    );
    row += rowBytes;
    const a2 = v128.shuffle<f32>(ra, ra, 2, 2, 2, 2);
    writeRow(
      row, repeated, v128.and(a2, lanes2), v128.and(a2, lanes1), v128.and(a2, lanes0),
      f32x4.extract_lane(rr, 2), f32x4.extract_lane(rs, 2), basis + 2 * channelBytes, channelBytes,
      v128.shuffle<f32>(t2, t3, 0, 1, 4, 5), f32x4.extract_lane(k4, 2),
    );
    row += rowBytes;
  }
  return sum;
}

/** Adds the samples begin ≤ p < end to what the job asks for. */
export function photometricPart(address: usize, begin: i32, end: i32): void {
  const job = changetype<Job>(address);
  const columns = 28 + (job.vectors << 2);
  const rowBytes = <usize>job.stride << 2;
  let sum: f64 = 0;
  for (let at = begin; at < end; at += CHUNK) {
    const count = min(CHUNK, end - at);
    sum += photometricRows(job, at, at + count);
    if (job.blocks) {
      const offset = <usize>at * 12;
      accumulateVertexBlocks(
        job.rows, job.stride, columns, job.corners + offset, job.edges + offset, job.barycentrics + offset, 0, count,
        job.blocks, job.vertexCount, job.mixed, job.mixedStride,
      );
    }
    if (!job.gram) continue;
    gemmChunk(
      job.rows, rowBytes, 32, job.rows, rowBytes, 32, 3 * count, columns, columns, job.gram, columns, 1, job.scratch,
    );
  }
  if (job.result) store<f64>(job.result, sum);
}
