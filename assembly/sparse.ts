import { madd } from './simd';

/**
 * y[r] = Σ_e values[e]·x[columns[e]] for rows begin ≤ r < end of a sparse matrix in compressed rows.
 *
 * @param rowStart (rows+1) u32 into `columns` and `values`
 * @param columns u32 rows of x; `values` f32
 * @param x dense f32 rows of n, `xStride` floats apart
 * @param y dense f32 rows of n, `yStride` floats apart, overwritten
 */
export function multiplySparse(
  rowStart: usize, columns: usize, values: usize, x: usize, xStride: i32, n: i32, y: usize, yStride: i32,
  begin: i32, end: i32,
): void {
  const xBytes = <usize>xStride << 2;
  const wide = <usize>(n & ~15) << 2;
  const narrow = <usize>(n & ~3) << 2;
  const bytes = <usize>n << 2;
  for (let r = begin; r < end; r++) {
    const to = y + ((<usize>r * <usize>yStride) << 2);
    const first = <usize>load<u32>(rowStart + (<usize>r << 2)) << 2;
    const last = <usize>load<u32>(rowStart + (<usize>r << 2), 4) << 2;
    let at: usize = 0;
    for (; at < wide; at += 64) {
      let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0;
      for (let e = first; e < last; e += 4) {
        const v = v128.load32_splat(values + e);
        const from = x + <usize>load<u32>(columns + e) * xBytes + at;
        s0 = madd(v, v128.load(from), s0);
        s1 = madd(v, v128.load(from, 16), s1);
        s2 = madd(v, v128.load(from, 32), s2);
        s3 = madd(v, v128.load(from, 48), s3);
      }
      v128.store(to + at, s0);
      v128.store(to + at, s1, 16);
      v128.store(to + at, s2, 32);
      v128.store(to + at, s3, 48);
    }
    for (; at < narrow; at += 16) {
      let s = f32x4.splat(0);
      for (let e = first; e < last; e += 4) {
        s = madd(v128.load32_splat(values + e), v128.load(x + <usize>load<u32>(columns + e) * xBytes + at), s);
      }
      v128.store(to + at, s);
    }
    for (; at < bytes; at += 4) {
      let s: f32 = 0;
      for (let e = first; e < last; e += 4) {
        s += load<f32>(values + e) * load<f32>(x + <usize>load<u32>(columns + e) * xBytes + at);
      }
      store<f32>(to + at, s);
    }
  }
}
