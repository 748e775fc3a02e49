import { madd } from './simd';

// Linear blend skinning of points and of their derivatives. A transform is four vectors (x, y, z, 0): the columns of
// its 3×3 matrix and its translation. Weights are (points, joints) f32.

/** Blended transform of a point's weights in scratch[0…3]. */
// @ts-ignore: decorator
@inline
function blend(weights: usize, transforms: usize, joints: i32, scratch: usize): void {
  let c0 = f32x4.splat(0), c1 = c0, c2 = c0, t = c0;
  for (let j: i32 = 0; j < joints; j++) {
    const w = load<f32>(weights + (<usize>j << 2));
    if (w == 0) continue;
    const k = f32x4.splat(w);
    const at = transforms + (<usize>j << 6);
    c0 = madd(k, v128.load(at), c0);
    c1 = madd(k, v128.load(at, 16), c1);
    c2 = madd(k, v128.load(at, 32), c2);
    t = madd(k, v128.load(at, 48), t);
  }
  v128.store(scratch, c0);
  v128.store(scratch, c1, 16);
  v128.store(scratch, c2, 32);
  v128.store(scratch, t, 48);
}

/** The point (x, y, z) moved by the transform in scratch. */
// @ts-ignore: decorator
@inline
function move(point: usize, scratch: usize): v128 {
  const x = v128.load32_splat(point), y = v128.load32_splat(point, 4), z = v128.load32_splat(point, 8);
  return madd(
    x, v128.load(scratch),
    madd(y, v128.load(scratch, 16), madd(z, v128.load(scratch, 32), v128.load(scratch, 48))),
  );
}

/**
 * out[v] = Σ_j w_vj·transform_j(points[v]) for begin ≤ v < end; (V,3) f32 each.
 *
 * @param scratch 64 bytes
 */
export function skinPoints(
  points: usize, weights: usize, transforms: usize, joints: i32, begin: i32, end: i32, out: usize, scratch: usize,
): void {
  for (let v = begin; v < end; v++) {
    blend(weights + (<usize>(v * joints) << 2), transforms, joints, scratch);
    const moved = move(points + <usize>v * 12, scratch);
    const to = out + <usize>v * 12;
    v128.store64_lane(to, moved, 0);
    store<f32>(to, f32x4.extract_lane(moved, 2), 8);
  }
}

/**
 * Columns of linear components in derivative rows: for each r in `rows`
 *   out[3r + a, column + k] = Σ_b M[a,b]·basis[3r + b, k] + Σ_j w_j·shift[3j + a, k],  M the point's blended matrix.
 *
 * @param rows (count) u32; `ids` (R) u32 point of each row, whose weights count
 * @param basis (3R, K) f32
 * @param shift (3·joints, K) f32, or 0
 * @param out (3R, stride) f32
 * @param scratch 64 bytes
 */
export function skinRows(
  rows: usize, count: i32, ids: usize, basis: usize, K: i32, columns: i32, weights: usize, transforms: usize,
  joints: i32, shift: usize, out: usize, stride: i32, column: i32, scratch: usize,
): void {
  const basisBytes = <usize>K << 2;
  const strideBytes = <usize>stride << 2;
  const wide = <usize>(columns & ~3) << 2;
  const bytes = <usize>columns << 2;
  for (let i: i32 = 0; i < count; i++) {
    const r = <usize>load<u32>(rows + (<usize>i << 2));
    const w = weights + <usize>load<u32>(ids + (r << 2)) * (<usize>joints << 2);
    blend(w, transforms, joints, scratch);
    const b0 = basis + 3 * r * basisBytes, b1 = b0 + basisBytes, b2 = b1 + basisBytes;
    const o0 = out + 3 * r * strideBytes + (<usize>column << 2), o1 = o0 + strideBytes, o2 = o1 + strideBytes;
    const m00 = v128.load32_splat(scratch), m10 = v128.load32_splat(scratch, 4), m20 = v128.load32_splat(scratch, 8);
    const m01 = v128.load32_splat(scratch, 16), m11 = v128.load32_splat(scratch, 20), m21 = v128.load32_splat(scratch, 24);
    const m02 = v128.load32_splat(scratch, 32), m12 = v128.load32_splat(scratch, 36), m22 = v128.load32_splat(scratch, 40);
    for (let k: usize = 0; k < wide; k += 16) {
      const x = v128.load(b0 + k), y = v128.load(b1 + k), z = v128.load(b2 + k);
      v128.store(o0 + k, madd(m02, z, madd(m01, y, f32x4.mul(m00, x))));
      v128.store(o1 + k, madd(m12, z, madd(m11, y, f32x4.mul(m10, x))));
      v128.store(o2 + k, madd(m22, z, madd(m21, y, f32x4.mul(m20, x))));
    }
    for (let k = wide; k < bytes; k += 4) {
      const x = load<f32>(b0 + k), y = load<f32>(b1 + k), z = load<f32>(b2 + k);
      store<f32>(o0 + k, load<f32>(scratch) * x + load<f32>(scratch, 16) * y + load<f32>(scratch, 32) * z);
      store<f32>(o1 + k, load<f32>(scratch, 4) * x + load<f32>(scratch, 20) * y + load<f32>(scratch, 36) * z);
      store<f32>(o2 + k, load<f32>(scratch, 8) * x + load<f32>(scratch, 24) * y + load<f32>(scratch, 40) * z);
    }
    if (!shift) continue;
    for (let j: i32 = 0; j < joints; j++) {
      const c = load<f32>(w + (<usize>j << 2));
      if (c == 0) continue;
      const v = f32x4.splat(c);
      for (let a: usize = 0; a < 3; a++) {
        const from = shift + (3 * <usize>j + a) * bytes;
        const to = o0 + a * strideBytes;
        for (let k: usize = 0; k < wide; k += 16) v128.store(to + k, madd(v, v128.load(from + k), v128.load(to + k)));
        for (let k = wide; k < bytes; k += 4) store<f32>(to + k, load<f32>(to + k) + c * load<f32>(from + k));
      }
    }
  }
}

/**
 * Three columns of a rotation in derivative rows: for each r in `rows` and axis i
 *   out[3r…3r+2, column + i] = axis_i × arm,  arm = Σ_j w_j·arms_j(point),
 * plus, with correctives, M·Σ_f turn[i,f]·correctives[r,f].
 *
 * @param points (V,3) f32; `ids` (R) u32
 * @param arms transforms, zero for joints that the rotation does not carry
 * @param axes (3,4) f32
 * @param correctives (R,strideC,4) f32 with nine consecutive entries from `firstC` on used, or 0
 * @param turn (3,9) f32
 * @param scratch 128 bytes
 */
export function rotationRows(
  rows: usize, count: i32, ids: usize, points: usize, weights: usize, transforms: usize, arms: usize, joints: i32,
  axes: usize, correctives: usize, strideC: i32, firstC: i32, turn: usize, out: usize, stride: i32, column: i32,
  scratch: usize,
): void {
  const strideBytes = <usize>stride << 2;
  const blended = scratch + 64;
  for (let i: i32 = 0; i < count; i++) {
    const r = <usize>load<u32>(rows + (<usize>i << 2));
    const v = <usize>load<u32>(ids + (r << 2));
    const w = weights + v * (<usize>joints << 2);
    blend(w, arms, joints, scratch);
    const arm = move(points + v * 12, scratch);
    const x = v128.shuffle<f32>(arm, arm, 1, 2, 0, 3), y = v128.shuffle<f32>(arm, arm, 2, 0, 1, 3);
    let to = out + 3 * r * strideBytes + (<usize>column << 2);
    if (correctives) blend(w, transforms, joints, blended);
    for (let axis: usize = 0; axis < 3; axis++) {
      const a = v128.load(axes + (axis << 4));
      // a × arm: (a_y·z − a_z·y, a_z·x − a_x·z, a_x·y − a_y·x)
      let d = f32x4.sub(
        f32x4.mul(v128.shuffle<f32>(a, a, 1, 2, 0, 3), y),
        f32x4.mul(v128.shuffle<f32>(a, a, 2, 0, 1, 3), x),
      );
      if (correctives) {
        let sum = f32x4.splat(0);
        let from = correctives + ((r * <usize>strideC + <usize>firstC) << 4);
        for (let t = turn + axis * 36, last = t + 36; t < last; t += 4) {
          sum = madd(v128.load32_splat(t), v128.load(from), sum);
          from += 16;
        }
        d = madd(v128.shuffle<f32>(sum, sum, 0, 0, 0, 0), v128.load(blended), d);
        d = madd(v128.shuffle<f32>(sum, sum, 1, 1, 1, 1), v128.load(blended, 16), d);
        d = madd(v128.shuffle<f32>(sum, sum, 2, 2, 2, 2), v128.load(blended, 32), d);
      }
      store<f32>(to, f32x4.extract_lane(d, 0));
      store<f32>(to + strideBytes, f32x4.extract_lane(d, 1));
      store<f32>(to + 2 * strideBytes, f32x4.extract_lane(d, 2));
      to += 4;
    }
  }
}
