// Samples of albedo·shading − photo: their robust energy, and their rows of the Jacobian; the mathematics are in
// src/kernels/photometric.ts.
import { addRows, albedoAt, CHUNK, SampleJob, shade, storeBasis, writeRows } from './sample-rows';
import { madd } from './simd';

/** Fields after those of all samples in the order of src/kernels/photometric.ts; all 4 bytes. */
@unmanaged
class Job extends SampleJob {
  /** (N, 4 + 12·vectors) f32: mean RGB0, then 4·vectors components of each channel. */
  appearance: usize;
  /** (height+2, width+2, 4) f32, the picture with its border pixels repeated around it. */
  photo: usize;
  width: i32;
  height: i32;
  /** 1/σ², 1/k², weight/(σ²·Σ mask). */
  inverseSigma2: f32;
  inverseK2: f32;
  scale: f32;
}

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
/** Nine basis values, each three times over. */
const REPEATED: usize = 96;

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

  const shading = shade(job.light, x, y, z);
  const vectorBytes = <usize>job.vectors << 4;
  const albedo = albedoAt(job.appearance + <usize>p * (16 + 3 * vectorBytes), job.texture, vectorBytes);

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
  storeBasis(job.constants, x, y, z, s + REPEATED);
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

/**
 * Writes the rows of the samples begin ≤ p < end, times the square roots of their weights, from row 0 on; returns
 * Σ mask·ρ.
 */
function photometricRows(job: Job, begin: i32, end: i32): f64 {
  const s = job.scratch;
  const channelBytes = <usize>job.vectors << 4;
  const rowBytes = <usize>job.stride << 2;
  const light = job.light;
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
    writeRows(
      row, rowBytes, s + REPEATED, ra, f32x4.mul(root, r), f32x4.mul(root, v128.load(s, SHADING)),
      job.appearance + <usize>p * (16 + 3 * channelBytes) + 16, channelBytes, k0, k1, k2, k3, k4,
    );
    row += 3 * rowBytes;
  }
  return sum;
}

/** Adds the samples begin ≤ p < end to what the job asks for. */
export function photometricPart(address: usize, begin: i32, end: i32): void {
  const job = changetype<Job>(address);
  let sum: f64 = 0;
  for (let at = begin; at < end; at += CHUNK) {
    const count = min(CHUNK, end - at);
    sum += photometricRows(job, at, at + count);
    addRows(job, at, count);
  }
  if (job.result) store<f64>(job.result, sum);
}

/**
 * The gradient alone, of the samples begin ≤ p < end: adds Σ β_i Kᵀr to f64 `vertices` (A,8) of u v n_x n_y n_z and three
 * unused, and Σ Rᵀr to f64 `shared` (28 + 4·vectors). Returns Σ mask·ρ.
 */
export function photometricGradient(address: usize, begin: i32, end: i32, vertices: usize, shared: usize): f64 {
  const job = changetype<Job>(address);
  const bytes = <usize>(28 + (job.vectors << 2)) << 2;
  const rowBytes = <usize>job.stride << 2;
  let sum: f64 = 0;
  for (let at = begin; at < end; at += CHUNK) {
    const stop = min(at + CHUNK, end);
    sum += photometricRows(job, at, stop);
    let row = job.rows;
    for (let p = at; p < stop; p++) {
      let g = f32x4.splat(0);
      let g4: f32 = 0;
      for (let c = 0; c < 3; c++, row += rowBytes) {
        const r = load<f32>(row, 108);
        const r4 = f32x4.splat(r);
        g = madd(r4, v128.load(row + bytes), g);
        g4 += r * load<f32>(row + bytes, 16);
        for (let x: usize = 0; x < bytes; x += 16) {
          const product = f32x4.mul(r4, v128.load(row + x));
          const to = shared + (x << 1);
          v128.store(to, f64x2.add(v128.load(to), f64x2.promote_low_f32x4(product)));
          const high = v128.shuffle<f32>(product, product, 2, 3, 2, 3);
          v128.store(to, f64x2.add(v128.load(to, 16), f64x2.promote_low_f32x4(high)), 16);
        }
      }
      for (let i: usize = 0; i < 12; i += 4) {
        const b = load<f32>(job.barycentrics + <usize>p * 12 + i);
        const to = vertices + (<usize>load<u32>(job.corners + <usize>p * 12 + i) << 6);
        const weighted = f32x4.mul(f32x4.splat(b), g);
        v128.store(to, f64x2.add(v128.load(to), f64x2.promote_low_f32x4(weighted)));
        const high = v128.shuffle<f32>(weighted, weighted, 2, 3, 2, 3);
        v128.store(to, f64x2.add(v128.load(to, 16), f64x2.promote_low_f32x4(high)), 16);
        store<f64>(to, load<f64>(to, 32) + <f64>(b * g4), 32);
      }
    }
  }
  return sum;
}
