// What kinds of surface samples share: how a sample is shaded, how its three rows of the Jacobian are laid out
// (src/kernels/photometric.ts has the columns), and how rows are added up. Vectors run over the three colour channels,
// lane 3 is zero, wherever a sample is evaluated, and over light and texture columns where rows are written.
import { gemmChunk } from './gemm';
import { madd } from './simd';
import { accumulateVertexBlocks } from './vertex-blocks';

/** Fields in the order of src/kernels/sample-sums.ts; all 4 bytes. Kinds of samples add their own. */
@unmanaged
export class SampleJob {
  /** (A,8) f32: two numbers of the projection, n_x, n_y, n_z and three unused. */
  q: usize;
  /** (N,3) u32 positions in q, (N,3) u32 edges, (N,3) f32, (N) f32. */
  corners: usize;
  edges: usize;
  barycentrics: usize;
  mask: usize;
  /** (9,4) f32 light RGB0 times the basis' constants; (12) f32 constants, zeros at the end. */
  light: usize;
  constants: usize;
  /** (4·vectors) f32. */
  texture: usize;
  /** Components per channel in vectors of 4. */
  vectors: i32;
  /** (3·CHUNK, stride) f32: light columns (27), residual, texture columns, five of q 0 0 0. */
  rows: usize;
  /** Floats, at least 36 + 4·vectors. */
  stride: i32;
  /** As much as the kind of samples needs. */
  scratch: usize;
  /** What the samples are added to, as in `accumulateVertexBlocks`, or 0. */
  blocks: usize;
  vertexCount: i32;
  mixed: usize;
  mixedStride: i32;
  /** (28 + 4·vectors)² f64, or 0. */
  gram: usize;
  /** f64 that receives the energy, or 0. */
  result: usize;
}

/** Samples whose rows are made at a time: they stay in the second-level cache. */
export const CHUNK: i32 = 128;

/** Light at a normal: basis 1, x, y, z, xy, xz, yz, x²−y², 3z²−1. */
// @ts-ignore: decorator
@inline
export function shade(light: usize, x: f32, y: f32, z: f32): v128 {
  let shading = v128.load(light);
  shading = madd(f32x4.splat(x), v128.load(light, 16), shading);
  shading = madd(f32x4.splat(y), v128.load(light, 32), shading);
  shading = madd(f32x4.splat(z), v128.load(light, 48), shading);
  shading = madd(f32x4.splat(x * y), v128.load(light, 64), shading);
  shading = madd(f32x4.splat(x * z), v128.load(light, 80), shading);
  shading = madd(f32x4.splat(y * z), v128.load(light, 96), shading);
  shading = madd(f32x4.splat(x * x - y * y), v128.load(light, 112), shading);
  return madd(f32x4.splat(<f32>3 * z * z - 1), v128.load(light, 128), shading);
}

/** Mean RGB0 at `at` plus Σ τ·component of each channel; the components lie behind it. */
// @ts-ignore: decorator
@inline
export function albedoAt(at: usize, texture: usize, bytes: usize): v128 {
  let a0 = f32x4.splat(0), a1 = a0, a2 = a0;
  for (let k: usize = 0; k < bytes; k += 16) {
    const tau = v128.load(texture + k);
    const from = at + k;
    a0 = madd(tau, v128.load(from, 16), a0);
    a1 = madd(tau, v128.load(from + bytes, 16), a1);
    a2 = madd(tau, v128.load(from + 2 * bytes, 16), a2);
  }
  // Transposed, so that the four partial sums of all channels are added at once.
  const zero = f32x4.splat(0);
  const l01 = v128.shuffle<f32>(a0, a1, 0, 4, 1, 5), h01 = v128.shuffle<f32>(a0, a1, 2, 6, 3, 7);
  const l2 = v128.shuffle<f32>(a2, zero, 0, 4, 1, 4), h2 = v128.shuffle<f32>(a2, zero, 2, 4, 3, 4);
  const c0 = v128.shuffle<f32>(l01, l2, 0, 1, 4, 5), c1 = v128.shuffle<f32>(l01, l2, 2, 3, 6, 7);
  const c2 = v128.shuffle<f32>(h01, h2, 0, 1, 4, 5), c3 = v128.shuffle<f32>(h01, h2, 2, 3, 6, 7);
  return f32x4.add(v128.load(at), f32x4.add(f32x4.add(c0, c1), f32x4.add(c2, c3)));
}

/** Stores the nine basis values of a normal, three times each: column 3k + c of a row. */
// @ts-ignore: decorator
@inline
export function storeBasis(constants: usize, x: f32, y: f32, z: f32, to: usize): void {
  const b0 = f32x4.mul(v128.load(constants), f32x4(1, x, y, z));
  const b1 = f32x4.mul(v128.load(constants, 16), f32x4(x * y, x * z, y * z, x * x - y * y));
  const b2 = f32x4.mul(v128.load(constants, 32), f32x4(<f32>3 * z * z - 1, 0, 0, 0));
  v128.store(to, v128.shuffle<f32>(b0, b0, 0, 0, 0, 1));
  v128.store(to, v128.shuffle<f32>(b0, b0, 1, 1, 2, 2), 16);
  v128.store(to, v128.shuffle<f32>(b0, b0, 2, 3, 3, 3), 32);
  v128.store(to, v128.shuffle<f32>(b1, b1, 0, 0, 0, 1), 48);
  v128.store(to, v128.shuffle<f32>(b1, b1, 1, 1, 2, 2), 64);
  v128.store(to, v128.shuffle<f32>(b1, b1, 2, 3, 3, 3), 80);
  v128.store(to, v128.shuffle<f32>(b2, b2, 0, 0, 0, 0), 96);
}

/**
 * Writes the three rows of a sample. `repeated` is what `storeBasis` left; `albedo`, `residual` and `shading` are already
 * times the root of the weight; `basis` are the texture's components by channel, `bytes` each; k0…k4 the derivatives by
 * the five numbers of q.
 */
// @ts-ignore: decorator
@inline
export function writeRows(
  row: usize, rowBytes: usize, repeated: usize, albedo: v128, residual: v128, shading: v128, basis: usize, bytes: usize,
  k0: v128, k1: v128, k2: v128, k3: v128, k4: v128,
): void {
  // Lanes of light column 4j + i that belong to channel c are those with i ≡ c − j (mod 3).
  const lanes0 = i32x4(-1, 0, 0, -1), lanes1 = i32x4(0, -1, 0, 0), lanes2 = i32x4(0, 0, -1, 0);
  const t0 = v128.shuffle<f32>(k0, k1, 0, 4, 1, 5), t1 = v128.shuffle<f32>(k2, k3, 0, 4, 1, 5);
  const t2 = v128.shuffle<f32>(k0, k1, 2, 6, 2, 6), t3 = v128.shuffle<f32>(k2, k3, 2, 6, 2, 6);
  const a0 = v128.shuffle<f32>(albedo, albedo, 0, 0, 0, 0);
  writeRow(
    row, repeated, v128.and(a0, lanes0), v128.and(a0, lanes2), v128.and(a0, lanes1),
    f32x4.extract_lane(residual, 0), f32x4.extract_lane(shading, 0), basis, bytes,
    v128.shuffle<f32>(t0, t1, 0, 1, 4, 5), f32x4.extract_lane(k4, 0),
  );
  row += rowBytes;
  const a1 = v128.shuffle<f32>(albedo, albedo, 1, 1, 1, 1);
  writeRow(
    row, repeated, v128.and(a1, lanes1), v128.and(a1, lanes0), v128.and(a1, lanes2),
    f32x4.extract_lane(residual, 1), f32x4.extract_lane(shading, 1), basis + bytes, bytes,
    v128.shuffle<f32>(t0, t1, 2, 3, 6, 7), f32x4.extract_lane(k4, 1),
  );
  row += rowBytes;
  const a2 = v128.shuffle<f32>(albedo, albedo, 2, 2, 2, 2);
  writeRow(
    row, repeated, v128.and(a2, lanes2), v128.and(a2, lanes1), v128.and(a2, lanes0),
    f32x4.extract_lane(residual, 2), f32x4.extract_lane(shading, 2), basis + 2 * bytes, bytes,
    v128.shuffle<f32>(t2, t3, 0, 1, 4, 5), f32x4.extract_lane(k4, 2),
  );
}

/** One channel's row; `light` are the basis values repeated for the channels, `mask0…2` the channel's albedo in its lanes. */
// @ts-ignore: decorator
@inline
function writeRow(
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

/** Adds `count` samples from `at` on, whose rows were made, to what the job asks for. */
export function addRows(job: SampleJob, at: i32, count: i32): void {
  const columns = 28 + (job.vectors << 2);
  const rowBytes = <usize>job.stride << 2;
  if (job.blocks) {
    const offset = <usize>at * 12;
    accumulateVertexBlocks(
      job.rows, job.stride, columns, job.corners + offset, job.edges + offset, job.barycentrics + offset, 0, count,
      job.blocks, job.vertexCount, job.mixed, job.mixedStride,
    );
  }
  if (job.gram)
    gemmChunk(
      job.rows, rowBytes, 32, job.rows, rowBytes, 32, 3 * count, columns, columns, job.gram, columns, 1, job.scratch,
    );
}
