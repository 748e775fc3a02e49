// White gloss of a photo: found, evaluated, carried on beyond the skin's border, taken off. The method is in
// src/fit/gloss.ts, the basis in src/light/gloss.ts, plain TypeScript for reading in src/kernels/reference/gloss.ts. Two pixels
// at a time, one in each lane.
import { add, dotPair, Fields, mul, rowBytes, solveFields, sub, two } from './fields';
import { f } from './memory';

/** Basis functions. */
const COUNT: i32 = 25;
/** Bytes of a pair's basis values. */
const BASIS_BYTES: usize = 16 * 25;

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
function scale(k: f64, a: v128): v128 {
  return f64x2.mul(f64x2.splat(k), a);
}

/** k·a + c. */
// @ts-ignore: decorator
@inline
function line(k: f64, a: v128, c: f64): v128 {
  return f64x2.add(f64x2.mul(f64x2.splat(k), a), f64x2.splat(c));
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
    const both = dotPair(COUNT, coefficients, basis);
    store<f32>(out + (<usize>waiting << 2), <f32>f64x2.extract_lane(both, 0));
    store<f32>(out + (<usize>p << 2), <f32>f64x2.extract_lane(both, 1));
    waiting = -1;
  }
  if (waiting < 0) return;
  mirroredPair(view, waiting, waiting, basis);
  store<f32>(out + (<usize>waiting << 2), <f32>f64x2.extract_lane(dotPair(COUNT, coefficients, basis), 0));
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
  /** What the coefficients are found with. */
  fields: Fields;
}

/** The row of two pixels: one colour, white. */
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
  v128.store(row + BASIS_BYTES, squares);
  v128.store(row + BASIS_BYTES, mask, 16);
  v128.store(row + BASIS_BYTES, sum, 32);
  v128.store(row + BASIS_BYTES, f64x2.splat(3), 48);
}

/** Finds the coefficients; returns how many pixels counted, 0 where there are none, or −1 where there is no solution. */
export function solveGloss(job: Solve): i32 {
  const bytes = rowBytes(COUNT, 1);
  let row = job.fields.rows;
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
    row += bytes;
    waiting = -1;
  }
  if (waiting >= 0) {
    fillRow(job, waiting, waiting, two(<f64>f(job.mask, waiting), 0), row);
    row += bytes;
  }
  if (count == 0) return 0;
  return solveFields(job.fields, row, total) ? count : -1;
}

/**
 * Carries values (pixels,channels) f32 on beyond where they are known, so many pixels far, in place: the mean of the
 * neighbours that are known.
 * @param known (pixels) u8, 0 or 1; afterwards one more than the round in which a pixel became known
 */
export function growPlane(values: usize, known: usize, width: i32, height: i32, channels: i32, rounds: i32): void {
  const bytes = <usize>channels << 2;
  for (let round: i32 = 1; round <= rounds; round++) {
    // What becomes known in this round is marked so, and not gone on from before the next.
    const mark = <u8>(round + 1);
    for (let y: i32 = 0; y < height; y++)
      for (let x: i32 = 0; x < width; x++) {
        const p = y * width + x;
        if (load<u8>(known + <usize>p)) continue;
        const above = y > 0 && knownBefore(known, p - width, mark);
        const below = y + 1 < height && knownBefore(known, p + width, mark);
        const left = x > 0 && knownBefore(known, p - 1, mark);
        const right = x + 1 < width && knownBefore(known, p + 1, mark);
        const count = <i32>above + <i32>below + <i32>left + <i32>right;
        if (count == 0) continue;
        const at = values + <usize>p * bytes;
        const row = <usize>width * bytes;
        for (let c: usize = 0; c < bytes; c += 4) {
          let sum: f64 = 0;
          if (above) sum += <f64>load<f32>(at - row + c);
          if (below) sum += <f64>load<f32>(at + row + c);
          if (left) sum += <f64>load<f32>(at - bytes + c);
          if (right) sum += <f64>load<f32>(at + bytes + c);
          store<f32>(at + c, <f32>(sum / <f64>count));
        }
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
