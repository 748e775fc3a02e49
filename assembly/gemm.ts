import { tile4, tile6 } from './gemm-tiles';
import { worker } from './worker';

// C += AᵀB for tall A (m,n) and B (m,k), a chunk of at most 256 rows at a time. Sums of a chunk are float32, C is
// float64. A chunk is first packed into panels of 8 columns (row after row, 32 bytes each, zero filled), which a cache
// holds better than pieces of long rows; a matrix of which little is made is read where it lies, unless its rows are a
// multiple of 256 bytes apart and would use few of the cache's sets.
// How columns are cut into tiles (gemm-tiles.ts) is in no bit of C.

/** Rows summed in float32. */
const CHUNK: i32 = 256;
/** Packing costs about what two columns of the other matrix do: worth it for so many. */
const WORTH_PACKING: i32 = 64;

/**
 * Bytes from one panel of `rows` rows to the next: a line more than it holds. Panels 8 KB apart would share one set of
 * the cache, and packing, which writes to all of them in turn, took four times as long.
 */
// @ts-ignore: decorator
@inline
function panelBytes(rows: i32): usize {
  return (<usize>rows << 5) + 64;
}

/** Whether a matrix with so many columns is packed that meets `others` columns of the other one. */
function isPacked(columns: i32, stride: i32, others: i32, lower: i32): bool {
  return (stride & 63) == 0 || (columns >= 8 && (lower ? others >> 1 : others) >= WORTH_PACKING);
}

/**
 * Packs columns 0…n−1 of `rows` rows into ⌈n/8⌉ panels of (rows,8).
 * @param lda row stride of `a` in floats
 */
function packPanels(a: usize, rows: i32, n: i32, lda: i32, packed: usize): void {
  const stride = <usize>lda << 2;
  const full = n >> 3;
  const step = panelBytes(rows);
  for (let r: i32 = 0; r < rows; r++) {
    let from = a + <usize>r * stride;
    let to = packed + (<usize>r << 5);
    for (let p: i32 = 0; p < full; p++) {
      v128.store(to, v128.load(from));
      v128.store(to, v128.load(from, 16), 16);
      from += 32;
      to += step;
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

/** C[i,j] += t[i,j], a tile of `rows` × `columns` sums, t 8 apart. */
function addTile(c: usize, rowBytes: usize, t: usize, rows: i32, columns: i32): void {
  const end = t + (<usize>rows << 5);
  for (; t < end; t += 32, c += rowBytes) {
    if (columns >= 8) {
      addVector(c, v128.load(t));
      addVector(c + 32, v128.load(t, 16));
    } else {
      for (let j: i32 = 0; j < columns; j++) {
        const at = c + (<usize>j << 3);
        store<f64>(at, load<f64>(at) + <f64>load<f32>(t + (<usize>j << 2)));
      }
    }
  }
}

/** Address of column i of a matrix whose groups of 8 columns are `groupBytes` apart. */
// @ts-ignore: decorator
@inline
function column(a: usize, groupBytes: usize, i: i32): usize {
  return a + <usize>(i >> 3) * groupBytes + (<usize>(i & 7) << 2);
}

/**
 * C[i,j] += Σ_r a[r,i]·b[r,j] over one chunk. Columns lie in groups of 8: row r of a group is `rowBytes` from row
 * r − 1, group g + 1 `groupBytes` from group g. Packed panels are (32, panelBytes), a plain matrix is (its stride, 32).
 *
 * @param n columns of A; @param k columns of B
 * @param c (n, ldc) f64
 * @param lower 1: only tiles that touch the lower triangle (i ≥ j)
 * @param tile 192 bytes
 */
export function gemmChunk(
  a: usize, rowA: usize, groupA: usize, b: usize, rowB: usize, groupB: usize, rows: i32, n: i32, k: i32,
  c: usize, ldc: i32, lower: i32, tile: usize,
): void {
  const rowBytes = <usize>ldc << 3;
  for (let j: i32 = 0; j < k; j += 8) {
    const firstB = b + <usize>(j >> 3) * groupB;
    const lastB = firstB + <usize>rows * rowB;
    for (let i: i32 = lower ? j : 0; i < n; ) {
      const left = n - i;
      const pa = column(a, groupA, i);
      const next = column(a, groupA, i + 2) - pa;
      // Without fused multiply-add a product needs a register too, and 6×8 has none left. 7 and 8 columns are two of 4.
      const wide = ASC_FEATURE_RELAXED_SIMD && left > 4 && left != 7 && left != 8;
      if (wide) tile6(pa, rowA, next, column(a, groupA, i + 4) - pa, firstB, rowB, lastB, tile);
      else tile4(pa, rowA, next, firstB, rowB, lastB, tile);
      const count = wide ? 6 : 4;
      addTile(c + <usize>i * rowBytes + (<usize>j << 3), rowBytes, tile, min(count, left), k - j);
      i += count;
    }
  }
}

/**
 * C += AᵀB over rows begin ≤ r < end, chunk by chunk.
 *
 * @param lda row stride of `a` in floats, `ldb` of `b`; `b` may be `a`
 * @param c (n,k) f64
 * @param lower 1: only tiles that touch the lower triangle
 * @param scratch `scratchBytes` for each worker: 192 bytes, then panels of the matrices that need packing
 */
export function gemmSlice(
  a: usize, lda: i32, b: usize, ldb: i32, begin: i32, end: i32, n: i32, k: i32, c: usize, lower: i32,
  scratch: usize, scratchBytes: usize,
): void {
  const own = scratch + <usize>worker * scratchBytes;
  const panelsA = own + 192;
  const packA = isPacked(n, lda, k, lower), packB = isPacked(k, ldb, n, lower);
  const panelsB = packA ? panelsA + panelBytes(CHUNK) * <usize>((n + 7) >> 3) : panelsA;
  for (let row = begin; row < end; row += CHUNK) {
    const rows = min(CHUNK, end - row);
    let fromA = a + ((<usize>row * <usize>lda) << 2), rowA = <usize>lda << 2, groupA: usize = 32;
    if (packA) {
      packPanels(fromA, rows, n, lda, panelsA);
      fromA = panelsA;
      rowA = 32;
      groupA = panelBytes(rows);
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
        groupB = panelBytes(rows);
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
