// Residuals albedo·shading − photo at surface samples, their robust energy, and the blocks of their normal equations
// in vertex space; the mathematics are in src/kernels/photometric.ts.
//
// Vectors run over the three colour channels (lane 3 is zero) wherever a sample is evaluated, and over light and
// texture columns where blocks are added up. Addresses and sizes come in one structure, filled by the wrapper.
import { madd } from './simd';

/** Fields in the order of src/kernels/photometric.ts; all 4 bytes. */
@unmanaged
class Job {
  /** (G,3) u32 corners, and block numbers of the edges (0,1), (1,2), (2,0). */
  corners: usize;
  edges: usize;
  /** (A,8) f32 u, v, n_x, n_y, n_z and three unused. */
  q: usize;
  /** (N) u32, (N,3) f32, (N) f32. */
  triangles: usize;
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
  /** (A+D,16) f32 packed upper triangles of 5×5, the vertices' blocks first. */
  blocks: usize;
  /** (A,5, 28 + 4·vectors) f32. */
  mixed: usize;
  /** (3, ROWS, 12 + 4·vectors) f32: √w times light columns (9), residual, texture columns. */
  rows: usize;
  /** Bytes from one channel's rows to the next. */
  rowsChannel: usize;
  /** 160 + 4·5·(28 + 4·vectors) bytes. */
  scratch: usize;
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
/** Nine basis values. */
const BASIS: usize = 96;
/** (5, 28 + 4·vectors). */
const MIXED: usize = 160;

/** Evaluates sample p; without derivatives only RESIDUAL is left. */
// @ts-ignore: decorator
@inline
function evaluate(job: Job, p: i32, derivatives: bool): void {
  const s = job.scratch;
  const triangle = job.corners + <usize>load<u32>(job.triangles + (<usize>p << 2)) * 12;
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
  const xy = x * y, xz = x * z, yz = y * z, xx = x * x - y * y, zz = 3 * z * z - 1;
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

/** Σ mask·ρ over the samples begin ≤ p < end. */
export function photometricCost(address: usize, begin: i32, end: i32): f64 {
  const job = changetype<Job>(address);
  let sum: f64 = 0;
  for (let p = begin; p < end; p++) {
    evaluate(job, p, false);
    const r = v128.load(job.scratch, RESIDUAL);
    const e = dot3(r, r) * job.inverseSigma2;
    sum += <f64>(load<f32>(job.mask + (<usize>p << 2)) * e / (1 + e * job.inverseK2));
  }
  return sum;
}

/** at[0…15] += c·(m0, m1, m2, m3). */
// @ts-ignore: decorator
@inline
function addBlock(at: usize, c: f32, m0: v128, m1: v128, m2: v128, m3: v128): void {
  const k = f32x4.splat(c);
  v128.store(at, madd(k, m0, v128.load(at)));
  v128.store(at, madd(k, m1, v128.load(at, 16)), 16);
  v128.store(at, madd(k, m2, v128.load(at, 32)), 32);
  v128.store(at, madd(k, m3, v128.load(at, 48)), 48);
}

/** Light columns 0…26, the residual in column 27 and texture columns of one row of the mixed block. */
// @ts-ignore: decorator
@inline
function mixedRow(to: usize, k: v128, albedo: v128, shading: v128, r: v128, s: usize, basis: usize, vectors: i32): void {
  const ka = f32x4.mul(k, albedo);
  const p0 = v128.shuffle<f32>(ka, ka, 0, 1, 2, 0);
  const p1 = v128.shuffle<f32>(ka, ka, 1, 2, 0, 1);
  const p2 = v128.shuffle<f32>(ka, ka, 2, 0, 1, 2);
  const l = v128.load(s, BASIS), h = v128.load(s, BASIS + 16), t = v128.load(s, BASIS + 32);
  v128.store(to, f32x4.mul(p0, v128.shuffle<f32>(l, l, 0, 0, 0, 1)));
  v128.store(to, f32x4.mul(p1, v128.shuffle<f32>(l, l, 1, 1, 2, 2)), 16);
  v128.store(to, f32x4.mul(p2, v128.shuffle<f32>(l, l, 2, 3, 3, 3)), 32);
  v128.store(to, f32x4.mul(p0, v128.shuffle<f32>(h, h, 0, 0, 0, 1)), 48);
  v128.store(to, f32x4.mul(p1, v128.shuffle<f32>(h, h, 1, 1, 2, 2)), 64);
  v128.store(to, f32x4.mul(p2, v128.shuffle<f32>(h, h, 2, 3, 3, 3)), 80);
  v128.store(to, f32x4.replace_lane(f32x4.mul(p0, v128.shuffle<f32>(t, t, 0, 0, 0, 0)), 3, dot3(k, r)), 96);
  const ks = f32x4.mul(k, shading);
  const k0 = v128.shuffle<f32>(ks, ks, 0, 0, 0, 0);
  const k1 = v128.shuffle<f32>(ks, ks, 1, 1, 1, 1);
  const k2 = v128.shuffle<f32>(ks, ks, 2, 2, 2, 2);
  const channel = <usize>vectors << 4;
  for (let v: usize = 0; v < channel; v += 16) {
    const sum = f32x4.mul(k0, v128.load(basis + v));
    v128.store(
      to + v,
      madd(k2, v128.load(basis + 2 * channel + v), madd(k1, v128.load(basis + channel + v), sum)),
      112,
    );
  }
}

/** Light columns, residual and texture columns of one channel's row, times √w. */
// @ts-ignore: decorator
@inline
function appearanceRow(to: usize, albedo: f32, shading: f32, r: f32, s: usize, basis: usize, vectors: i32): void {
  const a = f32x4.splat(albedo);
  v128.store(to, f32x4.mul(a, v128.load(s, BASIS)));
  v128.store(to, f32x4.mul(a, v128.load(s, BASIS + 16)), 16);
  store<f32>(to, albedo * load<f32>(s, BASIS + 32), 32);
  store<f32>(to, r, 36);
  const k = f32x4.splat(shading);
  for (let v: usize = 0, end = <usize>vectors << 4; v < end; v += 16) {
    v128.store(to + v, f32x4.mul(k, v128.load(basis + v)), 40);
  }
}

/**
 * Adds the samples begin ≤ p < end to `blocks` and `mixed` (left alone unless `geometry`) and writes their rows, from
 * row 0 on; returns Σ mask·ρ.
 */
export function photometricBlocks(address: usize, begin: i32, end: i32, geometry: i32): f64 {
  const job = changetype<Job>(address);
  const s = job.scratch;
  const vectors = job.vectors;
  const channelBytes = <usize>vectors << 4;
  const mixedBytes = 112 + channelBytes;
  const rowBytes = 48 + channelBytes;
  let sum: f64 = 0;
  for (let p = begin; p < end; p++) {
    evaluate(job, p, true);
    const r = v128.load(s, RESIDUAL);
    const albedo = v128.load(s, ALBEDO), shading = v128.load(s, SHADING);
    const m = load<f32>(job.mask + (<usize>p << 2));
    const e = dot3(r, r) * job.inverseSigma2;
    const d = 1 + e * job.inverseK2;
    sum += <f64>(m * e / d);
    const w = job.scale * m / (d * d);
    const basis = job.appearance + <usize>p * (16 + 3 * channelBytes) + 16;

    const root = f32x4.splat(sqrt<f32>(w));
    const ra = f32x4.mul(root, albedo), rs = f32x4.mul(root, shading), rr = f32x4.mul(root, r);
    let row = job.rows + <usize>(p - begin) * rowBytes;
    appearanceRow(row, f32x4.extract_lane(ra, 0), f32x4.extract_lane(rs, 0), f32x4.extract_lane(rr, 0), s, basis, vectors);
    row += job.rowsChannel;
    appearanceRow(
      row, f32x4.extract_lane(ra, 1), f32x4.extract_lane(rs, 1), f32x4.extract_lane(rr, 1), s, basis + channelBytes, vectors,
    );
    row += job.rowsChannel;
    appearanceRow(
      row, f32x4.extract_lane(ra, 2), f32x4.extract_lane(rs, 2), f32x4.extract_lane(rr, 2), s, basis + 2 * channelBytes, vectors,
    );
    if (!geometry) continue;

    // K, one vector over channels per column u, v, n_x, n_y, n_z.
    const light = job.light;
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
    const stretch = f32x4.mul(albedo, v128.shuffle<f32>(n, n, 3, 3, 3, 3));
    const k0 = f32x4.neg(v128.load(s, PHOTO_DX)), k1 = f32x4.neg(v128.load(s, PHOTO_DY));
    const k2 = f32x4.mul(stretch, f32x4.sub(gx, f32x4.mul(dot, x)));
    const k3 = f32x4.mul(stretch, f32x4.sub(gy, f32x4.mul(dot, y)));
    const k4 = f32x4.mul(stretch, f32x4.sub(gz, f32x4.mul(dot, z)));

    // M = w·KᵀK, packed: (00 01 02 03) (04 11 12 13) (14 22 23 24) (33 34 44 –); summed over channels.
    const wv = f32x4.splat(w);
    const t0 = v128.shuffle<f32>(k0, k1, 0, 4, 1, 5), t1 = v128.shuffle<f32>(k2, k3, 0, 4, 1, 5);
    const t2 = v128.shuffle<f32>(k0, k1, 2, 6, 2, 6), t3 = v128.shuffle<f32>(k2, k3, 2, 6, 2, 6);
    let lo = v128.shuffle<f32>(t0, t1, 0, 1, 4, 5);
    let hi = v128.shuffle<f32>(k4, k4, 0, 0, 0, 0);
    let a = f32x4.mul(wv, lo), b = f32x4.mul(wv, hi);
    let m0 = f32x4.mul(v128.shuffle<f32>(a, a, 0, 0, 0, 0), lo);
    let m1 = f32x4.mul(v128.shuffle<f32>(a, a, 0, 1, 1, 1), v128.shuffle<f32>(hi, lo, 0, 5, 6, 7));
    let m2 = f32x4.mul(v128.shuffle<f32>(a, a, 1, 2, 2, 2), v128.shuffle<f32>(hi, lo, 0, 6, 7, 0));
    let m3 = f32x4.mul(v128.shuffle<f32>(a, b, 3, 3, 4, 4), v128.shuffle<f32>(hi, lo, 7, 0, 0, 0));
    lo = v128.shuffle<f32>(t0, t1, 2, 3, 6, 7);
    hi = v128.shuffle<f32>(k4, k4, 1, 1, 1, 1);
    a = f32x4.mul(wv, lo);
    b = f32x4.mul(wv, hi);
    m0 = madd(v128.shuffle<f32>(a, a, 0, 0, 0, 0), lo, m0);
    m1 = madd(v128.shuffle<f32>(a, a, 0, 1, 1, 1), v128.shuffle<f32>(hi, lo, 0, 5, 6, 7), m1);
    m2 = madd(v128.shuffle<f32>(a, a, 1, 2, 2, 2), v128.shuffle<f32>(hi, lo, 0, 6, 7, 0), m2);
    m3 = madd(v128.shuffle<f32>(a, b, 3, 3, 4, 4), v128.shuffle<f32>(hi, lo, 7, 0, 0, 0), m3);
    lo = v128.shuffle<f32>(t2, t3, 0, 1, 4, 5);
    hi = v128.shuffle<f32>(k4, k4, 2, 2, 2, 2);
    a = f32x4.mul(wv, lo);
    b = f32x4.mul(wv, hi);
    m0 = madd(v128.shuffle<f32>(a, a, 0, 0, 0, 0), lo, m0);
    m1 = madd(v128.shuffle<f32>(a, a, 0, 1, 1, 1), v128.shuffle<f32>(hi, lo, 0, 5, 6, 7), m1);
    m2 = madd(v128.shuffle<f32>(a, a, 1, 2, 2, 2), v128.shuffle<f32>(hi, lo, 0, 6, 7, 0), m2);
    m3 = madd(v128.shuffle<f32>(a, b, 3, 3, 4, 4), v128.shuffle<f32>(hi, lo, 7, 0, 0, 0), m3);

    const tri = load<u32>(job.triangles + (<usize>p << 2));
    const corner = job.corners + <usize>tri * 12, edge = job.edges + <usize>tri * 12;
    const v0 = <usize>load<u32>(corner), v1 = <usize>load<u32>(corner, 4), v2 = <usize>load<u32>(corner, 8);
    const beta = job.barycentrics + <usize>p * 12;
    const b0 = load<f32>(beta), b1 = load<f32>(beta, 4), b2 = load<f32>(beta, 8);
    const blocks = job.blocks;
    addBlock(blocks + (v0 << 6), b0 * b0, m0, m1, m2, m3);
    addBlock(blocks + (v1 << 6), b1 * b1, m0, m1, m2, m3);
    addBlock(blocks + (v2 << 6), b2 * b2, m0, m1, m2, m3);
    addBlock(blocks + (<usize>load<u32>(edge) << 6), b0 * b1, m0, m1, m2, m3);
    addBlock(blocks + (<usize>load<u32>(edge, 4) << 6), b1 * b2, m0, m1, m2, m3);
    addBlock(blocks + (<usize>load<u32>(edge, 8) << 6), b2 * b0, m0, m1, m2, m3);

    const from = s + MIXED;
    mixedRow(from, f32x4.mul(wv, k0), albedo, shading, r, s, basis, vectors);
    mixedRow(from + mixedBytes, f32x4.mul(wv, k1), albedo, shading, r, s, basis, vectors);
    mixedRow(from + 2 * mixedBytes, f32x4.mul(wv, k2), albedo, shading, r, s, basis, vectors);
    mixedRow(from + 3 * mixedBytes, f32x4.mul(wv, k3), albedo, shading, r, s, basis, vectors);
    mixedRow(from + 4 * mixedBytes, f32x4.mul(wv, k4), albedo, shading, r, s, basis, vectors);
    const bytes = 5 * mixedBytes;
    let to0 = job.mixed + v0 * bytes, to1 = job.mixed + v1 * bytes, to2 = job.mixed + v2 * bytes;
    const c0 = f32x4.splat(b0), c1 = f32x4.splat(b1), c2 = f32x4.splat(b2);
    for (let at = from, stop = from + bytes; at < stop; at += 16) {
      const g = v128.load(at);
      v128.store(to0, madd(c0, g, v128.load(to0)));
      v128.store(to1, madd(c1, g, v128.load(to1)));
      v128.store(to2, madd(c2, g, v128.load(to2)));
      to0 += 16;
      to1 += 16;
      to2 += 16;
    }
  }
  return sum;
}
