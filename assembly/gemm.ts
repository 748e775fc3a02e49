import { madd } from './simd';
import { worker } from './worker';

// C += AᵀB for tall A (m,n) and B (m,k), a chunk of at most 256 rows at a time. Sums of a chunk are float32, C is
// float64. A matrix whose rows are a multiple of 256 bytes apart would use few of the cache's sets: its chunk is first
// packed into panels of 8 columns (row after row, 32 bytes each, zero filled). Others are read where they lie.
//
// A 4×8 tile of C keeps 8 accumulators in registers. Not unrolled over rows, and no larger tiles: V8 spills registers
// (5×8 and 6×8 run at 30 GF/s where 4×8 reaches 47, of 61 that two 128-bit units could do at 3.8 GHz).

/** Rows summed in float32. */
const CHUNK: i32 = 256;

/**
 * Packs columns 0…n−1 of `rows` rows into ⌈n/8⌉ panels of (rows,8).
 * @param lda row stride of `a` in floats
 */
export function packPanels(a: usize, rows: i32, n: i32, lda: i32, packed: usize): void {
  const stride = <usize>lda << 2;
  const full = n >> 3;
  const panelBytes = <usize>rows << 5;
  for (let r: i32 = 0; r < rows; r++) {
    let from = a + <usize>r * stride;
    let to = packed + (<usize>r << 5);
    for (let p: i32 = 0; p < full; p++) {
      v128.store(to, v128.load(from));
      v128.store(to, v128.load(from, 16), 16);
      from += 32;
      to += panelBytes;
    }
    const rest = n & 7;
    if (rest) {
      v128.store(to, i32x4.splat(0));
      v128.store(to, i32x4.splat(0), 16);
      for (let j: i32 = 0; j < rest; j++) store<f32>(to + (<usize>j << 2), load<f32>(from + (<usize>j << 2)));
    }
  }
}

/** c[0…3] += v in float64. */
// @ts-ignore: decorator
@inline
function addVector(c: usize, v: v128): void {
  v128.store(c, f64x2.add(v128.load(c), f64x2.promote_low_f32x4(v)));
  const high = v128.shuffle<f32>(v, v, 2, 3, 2, 3);
  v128.store(c, f64x2.add(v128.load(c, 16), f64x2.promote_low_f32x4(high)), 16);
}

/** c[0…count−1] += (lo, hi) in float64. */
function addPart(c: usize, lo: v128, hi: v128, count: i32, scratch: usize): void {
  v128.store(scratch, lo);
  v128.store(scratch, hi, 16);
  for (let j: i32 = 0; j < count; j++) {
    const at = c + (<usize>j << 3);
    store<f64>(at, load<f64>(at) + <f64>load<f32>(scratch + (<usize>j << 2)));
  }
}

/**
 * C[i,j] += Σ_r a[r,i]·b[r,j] over one chunk. Columns lie in groups of 8: row r of a group is `rowBytes` from row
 * r − 1, group g + 1 `groupBytes` from group g. Packed panels are (32, 32·rows), a plain matrix is (its stride, 32).
 *
 * @param n columns of A; @param k columns of B
 * @param c (n, ldc) f64
 * @param lower 1: only tiles that touch the lower triangle (i ≥ j)
 * @param scratch 32 bytes
 */
export function gemmChunk(
  a: usize, rowA: usize, groupA: usize, b: usize, rowB: usize, groupB: usize, rows: i32, n: i32, k: i32,
  c: usize, ldc: i32, lower: i32, scratch: usize,
): void {
  const rowBytes = <usize>ldc << 3;
  for (let j: i32 = 0; j < k; j += 8) {
    const firstB = b + <usize>(j >> 3) * groupB;
    const lastB = firstB + <usize>rows * rowB;
    const columns = min(k - j, 8);
    for (let i: i32 = lower ? j : 0; i < n; i += 4) {
      let pa = a + <usize>(i >> 3) * groupA + (<usize>(i & 4) << 2);
      let pb = firstB;
      let s00 = f32x4.splat(0), s01 = s00, s10 = s00, s11 = s00;
      let s20 = s00, s21 = s00, s30 = s00, s31 = s00;
      while (pb < lastB) {
        const b0 = v128.load(pb), b1 = v128.load(pb, 16);
        const a0 = v128.load32_splat(pa);
        s00 = madd(a0, b0, s00);
        s01 = madd(a0, b1, s01);
        const a1 = v128.load32_splat(pa, 4);
        s10 = madd(a1, b0, s10);
        s11 = madd(a1, b1, s11);
        const a2 = v128.load32_splat(pa, 8);
        s20 = madd(a2, b0, s20);
        s21 = madd(a2, b1, s21);
        const a3 = v128.load32_splat(pa, 12);
        s30 = madd(a3, b0, s30);
        s31 = madd(a3, b1, s31);
        pa += rowA;
        pb += rowB;
      }
      let at = c + <usize>i * rowBytes + (<usize>j << 3);
      if (columns == 8 && i + 4 <= n) {
        addVector(at, s00);
        addVector(at + 32, s01);
        at += rowBytes;
        addVector(at, s10);
        addVector(at + 32, s11);
        at += rowBytes;
        addVector(at, s20);
        addVector(at + 32, s21);
        at += rowBytes;
        addVector(at, s30);
        addVector(at + 32, s31);
      } else {
        addPart(at, s00, s01, columns, scratch);
        if (i + 1 < n) addPart(at + rowBytes, s10, s11, columns, scratch);
        if (i + 2 < n) addPart(at + 2 * rowBytes, s20, s21, columns, scratch);
        if (i + 3 < n) addPart(at + 3 * rowBytes, s30, s31, columns, scratch);
      }
    }
  }
}

/**
 * C += AᵀB over rows begin ≤ r < end, chunk by chunk.
 *
 * @param lda row stride of `a` in floats, `ldb` of `b`; `b` may be `a`
 * @param c (n,k) f64
 * @param lower 1: only tiles that touch the lower triangle
 * @param scratch `scratchBytes` for each worker: 32 bytes, then panels of the matrices that need packing
 */
export function gemmSlice(
  a: usize, lda: i32, b: usize, ldb: i32, begin: i32, end: i32, n: i32, k: i32, c: usize, lower: i32,
  scratch: usize, scratchBytes: usize,
): void {
  const own = scratch + <usize>worker * scratchBytes;
  const panelsA = own + 32;
  const packA = (lda & 63) == 0, packB = (ldb & 63) == 0;
  const panelsB = packA ? panelsA + <usize>CHUNK * <usize>((n + 7) & ~7) * 4 : panelsA;
  for (let row = begin; row < end; row += CHUNK) {
    const rows = min(CHUNK, end - row);
    let fromA = a + ((<usize>row * <usize>lda) << 2), rowA = <usize>lda << 2, groupA: usize = 32;
    if (packA) {
      packPanels(fromA, rows, n, lda, panelsA);
      fromA = panelsA;
      rowA = 32;
      groupA = <usize>rows << 5;
    }
    let fromB = fromA, rowB = rowA, groupB = groupA;
    if (b != a) {
      fromB = b + ((<usize>row * <usize>ldb) << 2);
      rowB = <usize>ldb << 2;
      groupB = 32;
      if (packB) {
        packPanels(fromB, rows, k, ldb, panelsB);
        fromB = panelsB;
        rowB = 32;
        groupB = <usize>rows << 5;
      }
    }
    gemmChunk(fromA, rowA, groupA, fromB, rowB, groupB, rows, n, k, c, k, lower, own);
  }
}

/** c[i] += parts[0][i] + parts[1][i] + …, f64, an even number of them, parts one after another. */
export function addParts(c: usize, parts: usize, count: i32, length: i32): void {
  const bytes = <usize>length << 3;
  for (let i: usize = 0; i < bytes; i += 16) {
    let sum = v128.load(c + i);
    for (let p: i32 = 0, at = parts + i; p < count; p++, at += bytes) sum = f64x2.add(sum, v128.load(at));
    v128.store(c + i, sum);
  }
}

/** C[j,i] = C[i,j] for i > j. */
export function mirrorLower(c: usize, n: i32, ldc: i32): void {
  const rowBytes = <usize>ldc << 3;
  for (let i: i32 = 1; i < n; i++) {
    let from = c + <usize>i * rowBytes;
    let to = c + (<usize>i << 3);
    for (let j: i32 = 0; j < i; j++) {
      store<f64>(to, load<f64>(from));
      from += 8;
      to += rowBytes;
    }
  }
}
