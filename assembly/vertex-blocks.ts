import { madd } from './simd';

// Normal equations of samples on a triangle mesh that depend on five numbers per vertex, accumulated per vertex and
// edge. 5×5 blocks are symmetric and packed: upper triangle row by row, 15 f64.

/** Position of entry (a, b), a ≤ b, in a packed block. */
// @ts-ignore: decorator
@inline
function upper(a: i32, b: i32): i32 {
  return a * 5 - ((a * (a - 1)) >> 1) + b - a;
}

/**
 * Adds samples begin ≤ p < end to the blocks and the mixed rows.
 *
 * @param jacobian (3·N, stride) f32: per channel `columns` values, then 5 for the vertex numbers
 * @param corners (N,3) u32 vertices; `edges` (N,3) u32 edges 01, 12, 20; `betas` (N,3) f32
 * @param blocks (vertexCount + edge count, 15) f64
 * @param mixed (vertexCount, 5, mixedStride) f32, mixedStride a multiple of 4 and ≥ columns; columns beyond
 *   `columns` are scribbled on
 */
export function accumulateVertexBlocks(
  jacobian: usize, stride: i32, columns: i32,
  corners: usize, edges: usize, betas: usize, begin: i32, end: i32,
  blocks: usize, vertexCount: i32, mixed: usize, mixedStride: i32,
): void {
  const rowBytes = <usize>stride << 2;
  const mixedRow = <usize>mixedStride << 2;
  for (let p = begin; p < end; p++) {
    const j0 = jacobian + <usize>p * 3 * rowBytes;
    const j1 = j0 + rowBytes;
    const j2 = j1 + rowBytes;
    const kAt = <usize>columns << 2;
    const point = <usize>p * 12;
    const v0 = load<u32>(corners + point), v1 = load<u32>(corners + point, 4), v2 = load<u32>(corners + point, 8);
    const b0 = load<f32>(betas + point), b1 = load<f32>(betas + point, 4), b2 = load<f32>(betas + point, 8);

    const block0 = blocks + <usize>v0 * 120;
    const block1 = blocks + <usize>v1 * 120;
    const block2 = blocks + <usize>v2 * 120;
    const edgeBlocks = blocks + <usize>vertexCount * 120;
    const block01 = edgeBlocks + <usize>load<u32>(edges + point) * 120;
    const block12 = edgeBlocks + <usize>load<u32>(edges + point, 4) * 120;
    const block20 = edgeBlocks + <usize>load<u32>(edges + point, 8) * 120;
    const w0 = <f64>b0, w1 = <f64>b1, w2 = <f64>b2;
    let o: usize = 0;
    for (let a: usize = 0; a < 20; a += 4) {
      const k0 = <f64>load<f32>(j0 + kAt + a);
      const k1 = <f64>load<f32>(j1 + kAt + a);
      const k2 = <f64>load<f32>(j2 + kAt + a);
      for (let b = a; b < 20; b += 4) {
        const m =
          k0 * <f64>load<f32>(j0 + kAt + b) + k1 * <f64>load<f32>(j1 + kAt + b) + k2 * <f64>load<f32>(j2 + kAt + b);
        const m0 = w0 * m, m1 = w1 * m, m2 = w2 * m;
        store<f64>(block0 + o, load<f64>(block0 + o) + w0 * m0);
        store<f64>(block1 + o, load<f64>(block1 + o) + w1 * m1);
        store<f64>(block2 + o, load<f64>(block2 + o) + w2 * m2);
        store<f64>(block01 + o, load<f64>(block01 + o) + w1 * m0);
        store<f64>(block12 + o, load<f64>(block12 + o) + w2 * m1);
        store<f64>(block20 + o, load<f64>(block20 + o) + w0 * m2);
        o += 8;
      }
    }

    let to0 = mixed + <usize>v0 * 5 * mixedRow;
    let to1 = mixed + <usize>v1 * 5 * mixedRow;
    let to2 = mixed + <usize>v2 * 5 * mixedRow;
    const s0 = f32x4.splat(b0), s1 = f32x4.splat(b1), s2 = f32x4.splat(b2);
    for (let a: usize = 0; a < 20; a += 4) {
      const k0 = v128.load32_splat(j0 + kAt + a);
      const k1 = v128.load32_splat(j1 + kAt + a);
      const k2 = v128.load32_splat(j2 + kAt + a);
      for (let x: usize = 0; x < kAt; x += 16) {
        const z = madd(k2, v128.load(j2 + x), madd(k1, v128.load(j1 + x), f32x4.mul(k0, v128.load(j0 + x))));
        v128.store(to0 + x, madd(s0, z, v128.load(to0 + x)));
        v128.store(to1 + x, madd(s1, z, v128.load(to1 + x)));
        v128.store(to2 + x, madd(s2, z, v128.load(to2 + x)));
      }
      to0 += mixedRow;
      to1 += mixedRow;
      to2 += mixedRow;
    }
  }
}

/**
 * y = H·p for block rows begin ≤ i < end of a symmetric sparse matrix of 5×5 blocks.
 *
 * @param rowStart (vertices+1) u32 into `neighbours`
 * @param neighbours (entries,2) u32: block column, number of the block
 * @param blocks (blocks,15) f64
 * @param p (5·vertices, n) f32
 * @param y (5·vertices, n) f32, overwritten
 * @param scratch 100 bytes
 */
export function multiplyVertexBlocks(
  rowStart: usize, neighbours: usize, blocks: usize, p: usize, n: i32, y: usize, begin: i32, end: i32,
  scratch: usize,
): void {
  const rowBytes = <usize>n << 2;
  const wide = <usize>(n & ~7) << 2;
  for (let i = begin; i < end; i++) {
    const to = y + <usize>i * 5 * rowBytes;
    memory.fill(to, 0, 5 * rowBytes);
    const last = load<u32>(rowStart + (<usize>i << 2), 4);
    for (let e = load<u32>(rowStart + (<usize>i << 2)); e < last; e++) {
      const entry = neighbours + (<usize>e << 3);
      const from = p + <usize>load<u32>(entry) * 5 * rowBytes;
      const block = blocks + <usize>load<u32>(entry, 4) * 120;
      // Unpacked by columns: entry (a, b) at 5·b + a.
      let any: f64 = 0;
      for (let a: i32 = 0; a < 5; a++) {
        for (let b = a; b < 5; b++) {
          const h = load<f64>(block + (<usize>upper(a, b) << 3));
          any = max(any, abs(h));
          store<f32>(scratch + (<usize>(5 * b + a) << 2), <f32>h);
          store<f32>(scratch + (<usize>(5 * a + b) << 2), <f32>h);
        }
      }
      if (any == 0) continue;
      const t1 = to + rowBytes, t2 = t1 + rowBytes, t3 = t2 + rowBytes, t4 = t3 + rowBytes;
      for (let x: usize = 0; x < wide; x += 32) {
        let s00 = v128.load(to + x), s01 = v128.load(to + x, 16);
        let s10 = v128.load(t1 + x), s11 = v128.load(t1 + x, 16);
        let s20 = v128.load(t2 + x), s21 = v128.load(t2 + x, 16);
        let s30 = v128.load(t3 + x), s31 = v128.load(t3 + x, 16);
        let s40 = v128.load(t4 + x), s41 = v128.load(t4 + x, 16);
        let source = from + x;
        for (let h = scratch, stop = scratch + 100; h < stop; h += 20) {
          const p0 = v128.load(source), p1 = v128.load(source, 16);
          const h0 = v128.load32_splat(h);
          s00 = madd(h0, p0, s00);
          s01 = madd(h0, p1, s01);
          const h1 = v128.load32_splat(h, 4);
          s10 = madd(h1, p0, s10);
          s11 = madd(h1, p1, s11);
          const h2 = v128.load32_splat(h, 8);
          s20 = madd(h2, p0, s20);
          s21 = madd(h2, p1, s21);
          const h3 = v128.load32_splat(h, 12);
          s30 = madd(h3, p0, s30);
          s31 = madd(h3, p1, s31);
          const h4 = v128.load32_splat(h, 16);
          s40 = madd(h4, p0, s40);
          s41 = madd(h4, p1, s41);
          source += rowBytes;
        }
        v128.store(to + x, s00);
        v128.store(to + x, s01, 16);
        v128.store(t1 + x, s10);
        v128.store(t1 + x, s11, 16);
        v128.store(t2 + x, s20);
        v128.store(t2 + x, s21, 16);
        v128.store(t3 + x, s30);
        v128.store(t3 + x, s31, 16);
        v128.store(t4 + x, s40);
        v128.store(t4 + x, s41, 16);
      }
      for (let x = wide; x < rowBytes; x += 4) {
        let s0 = load<f32>(to + x), s1 = load<f32>(t1 + x), s2 = load<f32>(t2 + x);
        let s3 = load<f32>(t3 + x), s4 = load<f32>(t4 + x);
        let source = from + x;
        for (let h = scratch, stop = scratch + 100; h < stop; h += 20) {
          const v = load<f32>(source);
          s0 += load<f32>(h) * v;
          s1 += load<f32>(h, 4) * v;
          s2 += load<f32>(h, 8) * v;
          s3 += load<f32>(h, 12) * v;
          s4 += load<f32>(h, 16) * v;
          source += rowBytes;
        }
        store<f32>(to + x, s0);
        store<f32>(t1 + x, s1);
        store<f32>(t2 + x, s2);
        store<f32>(t3 + x, s3);
        store<f32>(t4 + x, s4);
      }
    }
  }
}
