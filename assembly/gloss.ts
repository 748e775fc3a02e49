// White gloss of a photo: found, evaluated, carried on beyond the skin's border, taken off. The method is in
// src/fit/gloss.ts, the basis in src/light/gloss.ts, plain TypeScript for reading in src/kernels/reference/gloss.ts. Two pixels
// at a time, one in each lane.
import { choleskySolve } from './cholesky';
import { f } from './memory';

/** Basis functions, and the least multiple of 4 that holds them: what `choleskySolve` takes. */
const COUNT: i32 = 25;
const PADDED: i32 = 28;
/** Bytes of a pair's basis values; of its row: these, sum and sum of squares of its residuals, mask. */
const BASIS_BYTES: usize = 16 * 25;
const ROW_BYTES: usize = BASIS_BYTES + 48;
/** Bytes of the lower triangle of pairs that pixels are added up in; the right hand side lies behind it. */
const TRIANGLE_BYTES: usize = 16 * 25 * 13;

/** Fields in the order of src/kernels/gloss.ts; all 4 bytes. */
@unmanaged
class View {
  /** Pixels of a row. */
  width: i32;
  /** Focal length, infinite where rays are parallel, and principal point: f64. */
  camera: usize;
  /** Unit normals, f32, so many floats from one to the next. */
  normals: usize;
  stride: i32;
  /** (pixels) u8 where there is something to see; 0: wherever a normal is not zero. */
  region: usize;
  pixels: i32;
}

// @ts-ignore: decorator
@inline
function add(a: v128, b: v128): v128 {
  return f64x2.add(a, b);
}

// @ts-ignore: decorator
@inline
function sub(a: v128, b: v128): v128 {
  return f64x2.sub(a, b);
}

// @ts-ignore: decorator
@inline
function mul(a: v128, b: v128): v128 {
  return f64x2.mul(a, b);
}

// @ts-ignore: decorator
@inline
function scale(k: f64, a: v128): v128 {
  return f64x2.mul(f64x2.splat(k), a);
}

/** k·a + c. */
// @ts-ignore: decorator
@inline
function line(k: f64, a: v128, c: f64): v128 {
  return f64x2.add(f64x2.mul(f64x2.splat(k), a), f64x2.splat(c));
}

// @ts-ignore: decorator
@inline
function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f64x2.relaxed_madd(a, b, c);
  return f64x2.add(f64x2.mul(a, b), c);
}

// @ts-ignore: decorator
@inline
function two(a: f64, b: f64): v128 {
  return f64x2.replace_lane(f64x2.splat(a), 1, b);
}

/** The 25 basis values at two unit directions. */
function basisPair(x: v128, y: v128, z: v128, to: usize): void {
  const A1 = sqrt<f64>(3), A2 = sqrt<f64>(15), B2 = sqrt<f64>(5) / 2;
  const A3 = sqrt<f64>(35.0 / 8), B3 = sqrt<f64>(105), C3 = sqrt<f64>(21.0 / 8), D3 = sqrt<f64>(7) / 2;
  const A4 = 1.5 * sqrt<f64>(35), B4 = 1.5 * sqrt<f64>(35.0 / 2), C4 = 1.5 * sqrt<f64>(5), D4 = 1.5 * sqrt<f64>(5.0 / 2);
  const xx = mul(x, x), yy = mul(y, y), zz = mul(z, z);
  const xy = mul(x, y), xz = mul(x, z), yz = mul(y, z);
  const across = sub(xx, yy);
  // x·(x² − 3y²) and y·(3x² − y²).
  const p = sub(xx, scale(3, yy)), q = sub(scale(3, xx), yy);
  const z5 = line(5, zz, -1), z7 = line(7, zz, -1), w7 = line(7, zz, -3);
  v128.store(to, f64x2.splat(1));
  v128.store(to, scale(A1, x), 16);
  v128.store(to, scale(A1, y), 32);
  v128.store(to, scale(A1, z), 48);
  v128.store(to, scale(A2, xy), 64);
  v128.store(to, scale(A2, xz), 80);
  v128.store(to, scale(A2, yz), 96);
  v128.store(to, scale(0.5 * A2, across), 112);
  v128.store(to, scale(B2, line(3, zz, -1)), 128);
  v128.store(to, scale(A3, mul(y, q)), 144);
  v128.store(to, scale(B3, mul(xy, z)), 160);
  v128.store(to, scale(C3, mul(y, z5)), 176);
  v128.store(to, scale(D3, mul(z, line(5, zz, -3))), 192);
  v128.store(to, scale(C3, mul(x, z5)), 208);
  v128.store(to, scale(0.5 * B3, mul(z, across)), 224);
  v128.store(to, scale(A3, mul(x, p)), 240);
  v128.store(to, scale(A4, mul(xy, across)), 256);
  v128.store(to, scale(B4, mul(yz, q)), 272);
  v128.store(to, scale(C4, mul(xy, z7)), 288);
  v128.store(to, scale(D4, mul(yz, w7)), 304);
  v128.store(to, scale(0.375, add(mul(zz, line(35, zz, -30)), f64x2.splat(3))), 320);
  v128.store(to, scale(D4, mul(xz, w7)), 336);
  v128.store(to, scale(0.5 * C4, mul(across, z7)), 352);
  v128.store(to, scale(B4, mul(xz, p)), 368);
  v128.store(to, scale(0.25 * A4, sub(mul(xx, p), mul(yy, q))), 384);
}

/** The 25 basis values in the mirrored directions of view at two pixels. */
function mirroredPair(view: View, p: i32, q: i32, to: usize): void {
  const width = view.width;
  const py = p / width, qy = q / width;
  const a = view.normals + (<usize>(p * view.stride) << 2), b = view.normals + (<usize>(q * view.stride) << 2);
  const x = two(<f64>load<f32>(a), <f64>load<f32>(b));
  const y = two(<f64>load<f32>(a, 4), <f64>load<f32>(b, 4));
  const z = two(<f64>load<f32>(a, 8), <f64>load<f32>(b, 8));
  const focal = f64x2.splat(load<f64>(view.camera));
  const px = two(<f64>(p - py * width) + 0.5, <f64>(q - qy * width) + 0.5);
  const pixelY = two(<f64>py + 0.5, <f64>qy + 0.5);
  let vx = f64x2.div(sub(v128.load64_splat(view.camera, 8), px), focal);
  let vy = f64x2.div(sub(pixelY, v128.load64_splat(view.camera, 16)), focal);
  const one = f64x2.splat(1);
  const vz = f64x2.div(one, f64x2.sqrt(add(add(mul(vx, vx), mul(vy, vy)), one)));
  vx = mul(vx, vz);
  vy = mul(vy, vz);
  const twice = scale(2, add(add(mul(x, vx), mul(y, vy)), mul(z, vz)));
  basisPair(sub(mul(twice, x), vx), sub(mul(twice, y), vy), sub(mul(twice, z), vz), to);
}

/** Σ coefficients·basis at two pixels. */
// @ts-ignore: decorator
@inline
function dotPair(coefficients: usize, basis: usize): v128 {
  let even = f64x2.splat(0), odd = f64x2.splat(0);
  for (let k = 0; k < COUNT - 1; k += 2) {
    const at = <usize>k;
    even = madd(v128.load64_splat(coefficients + (at << 3)), v128.load(basis + (at << 4)), even);
    odd = madd(v128.load64_splat(coefficients + (at << 3), 8), v128.load(basis + (at << 4), 16), odd);
  }
  const last = <usize>(COUNT - 1);
  return add(madd(v128.load64_splat(coefficients + (last << 3)), v128.load(basis + (last << 4)), even), odd);
}

// @ts-ignore: decorator
@inline
function seen(view: View, p: i32): bool {
  if (view.region) return load<u8>(view.region + <usize>p) != 0;
  const n = view.normals + (<usize>(p * view.stride) << 2);
  return load<f32>(n) != 0 || load<f32>(n, 4) != 0 || load<f32>(n, 8) != 0;
}

/**
 * out (pixels) f32 = the gloss that a pixel shows, 0 where there is nothing to see.
 * @param coefficients (25) f64; @param basis room for 25 pairs of f64
 */
export function glossPlane(view: View, coefficients: usize, basis: usize, out: usize): void {
  memory.fill(out, 0, <usize>view.pixels << 2);
  let waiting: i32 = -1;
  for (let p: i32 = 0; p < view.pixels; p++) {
    if (!seen(view, p)) continue;
    if (waiting < 0) {
      waiting = p;
      continue;
    }
    mirroredPair(view, waiting, p, basis);
    const both = dotPair(coefficients, basis);
    store<f32>(out + (<usize>waiting << 2), <f32>f64x2.extract_lane(both, 0));
    store<f32>(out + (<usize>p << 2), <f32>f64x2.extract_lane(both, 1));
    waiting = -1;
  }
  if (waiting < 0) return;
  mirroredPair(view, waiting, waiting, basis);
  store<f32>(out + (<usize>waiting << 2), <f32>f64x2.extract_lane(dotPair(coefficients, basis), 0));
}

/** Fields in the order of src/kernels/gloss.ts; all 4 bytes. */
@unmanaged
class Solve extends View {
  /** (pixels,3) f32. */
  photo: usize;
  render: usize;
  /** (pixels) f32. */
  mask: usize;
  /** Of the pixels that count, one in so many is looked at. */
  every: i32;
  rounds: i32;
  /** σ, k and weight of the loss, deviation of the coefficients: f64. */
  numbers: usize;
  /** Room for a row for each two pixels that are looked at. */
  rows: usize;
  /** Room for 350 pairs of f64; (28,28) f64. */
  sums: usize;
  matrix: usize;
  /** Result: (25) f64, and three more. */
  out: usize;
}

/** Residuals of two pixels, their sums and sums of squares, and masks, behind their basis values. */
function fillRow(job: Solve, p: i32, q: i32, mask: v128, row: usize): void {
  mirroredPair(job, p, q, row);
  let sum = f64x2.splat(0), squares = f64x2.splat(0);
  const a = <usize>p * 12, b = <usize>q * 12;
  for (let c: usize = 0; c < 12; c += 4) {
    const r = sub(
      two(<f64>load<f32>(job.photo + a + c), <f64>load<f32>(job.photo + b + c)),
      two(<f64>load<f32>(job.render + a + c), <f64>load<f32>(job.render + b + c)),
    );
    sum = add(sum, r);
    squares = add(squares, mul(r, r));
  }
  v128.store(row + BASIS_BYTES, sum);
  v128.store(row + BASIS_BYTES, squares, 16);
  v128.store(row + BASIS_BYTES, mask, 32);
}

/** Adds a pair of pixels, weighted, to the lower triangle by rows and the right hand side behind it. */
function addRow(row: usize, weight: v128, sums: usize): void {
  const sum = v128.load(row + BASIS_BYTES);
  let to = sums;
  for (let a: usize = 0; a < BASIS_BYTES; a += 16) {
    const x = mul(weight, v128.load(row + a));
    const right = sums + TRIANGLE_BYTES + a;
    v128.store(right, madd(x, sum, v128.load(right)));
    const thrice = scale(3, x);
    for (let b: usize = 0; b <= a; b += 16, to += 16) v128.store(to, madd(thrice, v128.load(row + b), v128.load(to)));
  }
}

// @ts-ignore: decorator
@inline
function lanes(at: usize): f64 {
  return load<f64>(at) + load<f64>(at, 8);
}

/** Adds up the lanes of `sums`, with the prior, into the padded system. */
function foldSums(job: Solve, prior: f64): void {
  memory.fill(job.matrix, 0, 8 * PADDED * PADDED);
  memory.fill(job.out, 0, 8 * PADDED);
  let from = job.sums;
  for (let a: i32 = 0; a < PADDED; a++) {
    const row = job.matrix + <usize>(8 * PADDED * a);
    const diagonal = row + <usize>(8 * a);
    if (a >= COUNT) {
      store<f64>(diagonal, 1);
      continue;
    }
    for (let b: i32 = 0; b <= a; b++, from += 16) store<f64>(row + <usize>(8 * b), lanes(from));
    store<f64>(diagonal, load<f64>(diagonal) + prior);
    store<f64>(job.out + <usize>(8 * a), lanes(job.sums + TRIANGLE_BYTES + <usize>(16 * a)));
  }
}

/** Finds the coefficients; returns how many pixels counted, 0 where there are none, or −1 where there is no solution. */
export function solveGloss(job: Solve): i32 {
  const sigma = load<f64>(job.numbers), k = load<f64>(job.numbers, 8);
  const weight = load<f64>(job.numbers, 16), deviation = load<f64>(job.numbers, 24);
  memory.fill(job.out, 0, 8 * PADDED);
  let row = job.rows;
  let total: f64 = 0;
  let met: i32 = 0, count: i32 = 0, waiting: i32 = -1;
  for (let p: i32 = 0; p < job.pixels; p++) {
    if (!seen(job, p) || !(f(job.mask, p) > 0) || met++ % job.every != 0) continue;
    total += <f64>f(job.mask, p);
    count++;
    if (waiting < 0) {
      waiting = p;
      continue;
    }
    fillRow(job, waiting, p, two(<f64>f(job.mask, waiting), <f64>f(job.mask, p)), row);
    row += ROW_BYTES;
    waiting = -1;
  }
  if (waiting >= 0) {
    fillRow(job, waiting, waiting, two(<f64>f(job.mask, waiting), 0), row);
    row += ROW_BYTES;
  }
  if (count == 0) return 0;
  const sharp = f64x2.splat(1 / (sigma * sigma)), one = f64x2.splat(1);
  const soft = f64x2.splat(1 / (k * k)), whole = f64x2.splat(weight / (total * sigma * sigma));
  for (let round = 0; round < job.rounds; round++) {
    memory.fill(job.sums, 0, TRIANGLE_BYTES + BASIS_BYTES);
    for (let at = job.rows; at < row; at += ROW_BYTES) {
      const g = dotPair(job.out, at);
      const sum = v128.load(at + BASIS_BYTES), squares = v128.load(at + BASIS_BYTES, 16);
      const e = mul(add(sub(squares, scale(2, mul(g, sum))), scale(3, mul(g, g))), sharp);
      const width = add(one, mul(e, soft));
      addRow(at, f64x2.div(mul(whole, v128.load(at + BASIS_BYTES, 32)), mul(width, width)), job.sums);
    }
    foldSums(job, 1 / (deviation * deviation));
    if (!choleskySolve(job.matrix, PADDED, job.out)) return -1;
  }
  return count;
}

/**
 * Carries values (pixels) f32 on beyond where they are known, so many pixels far, in place: the mean of the neighbours that
 * are known.
 * @param known (pixels) u8, 0 or 1; afterwards one more than the round in which a pixel became known
 */
export function growPlane(values: usize, known: usize, width: i32, height: i32, rounds: i32): void {
  for (let round: i32 = 1; round <= rounds; round++) {
    // What becomes known in this round is marked so, and not gone on from before the next.
    const mark = <u8>(round + 1);
    for (let y: i32 = 0; y < height; y++)
      for (let x: i32 = 0; x < width; x++) {
        const p = y * width + x;
        if (load<u8>(known + <usize>p)) continue;
        let sum: f64 = 0;
        let count: i32 = 0;
        if (y > 0 && knownBefore(known, p - width, mark)) {
          sum += <f64>f(values, p - width);
          count++;
        }
        if (y + 1 < height && knownBefore(known, p + width, mark)) {
          sum += <f64>f(values, p + width);
          count++;
        }
        if (x > 0 && knownBefore(known, p - 1, mark)) {
          sum += <f64>f(values, p - 1);
          count++;
        }
        if (x + 1 < width && knownBefore(known, p + 1, mark)) {
          sum += <f64>f(values, p + 1);
          count++;
        }
        if (count == 0) continue;
        store<f32>(values + (<usize>p << 2), <f32>(sum / <f64>count));
        store<u8>(known + <usize>p, mark);
      }
  }
}

// @ts-ignore: decorator
@inline
function knownBefore(known: usize, p: i32, mark: u8): bool {
  const k = load<u8>(known + <usize>p);
  return k != 0 && k != mark;
}

/** Takes gloss (pixels) f32 from colours (pixels,3) f32, in place; down to `least`. */
export function takeGloss(colours: usize, gloss: usize, pixels: i32, least: f32): void {
  const four = pixels & ~3;
  const low = f32x4.splat(least);
  for (let p: i32 = 0; p < four; p += 4) {
    const g = v128.load(gloss + (<usize>p << 2));
    const to = colours + <usize>p * 12;
    v128.store(to, f32x4.max(f32x4.sub(v128.load(to), v128.shuffle<f32>(g, g, 0, 0, 0, 1)), low));
    v128.store(to, f32x4.max(f32x4.sub(v128.load(to, 16), v128.shuffle<f32>(g, g, 1, 1, 2, 2)), low), 16);
    v128.store(to, f32x4.max(f32x4.sub(v128.load(to, 32), v128.shuffle<f32>(g, g, 2, 3, 3, 3)), low), 32);
  }
  for (let c = 3 * four; c < 3 * pixels; c++) {
    const to = colours + (<usize>c << 2);
    store<f32>(to, max(load<f32>(to) - f(gloss, c / 3), least));
  }
}
