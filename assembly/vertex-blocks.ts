import { madd } from './simd';
import { worker } from './worker';

// Normal equations of samples on a triangle mesh that depend on five numbers per vertex, u, v and a unit normal,
// accumulated per vertex and edge. 5×5 blocks are symmetric and packed: upper triangle row by row, 15 f64.
//
// A unit normal moves in its tangent plane, so that four rows per vertex carry all derivatives: u, v, and two tangents
// t₁, t₂. `foldBlocks` and `foldMixed` turn what was summed over five numbers into that basis.

/**
 * Adds samples begin ≤ p < end to the blocks and the mixed rows.
 *
 * @param jacobian (3·N, stride) f32: per channel `columns` values, then 5 for the vertex numbers
 * @param corners (N,3) u32 vertices; `edges` (N,3) u32 edges 01, 12, 20; `betas` (N,3) f32
 * @param blocks (vertexCount + edge count, 15) f64
 * @param mixed (vertexCount, 5, mixedStride) f32, mixedStride a multiple of 4 and ≥ columns; columns beyond `columns`
 *   are scribbled on
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
 * Blocks in the tangents' basis: out[b] = T_iᵀ·H_b·T_j, 4×4 row-major, for begin ≤ b < end.
 *
 * @param blocks (vertexCount + edges, 15) f64; `ends` (edges,2) u32 vertices i, j of each edge
 * @param frames (vertexCount, 8) f32: t₁ and t₂, each xyz0
 * @param out (vertexCount + edges, 16) f32
 */
export function foldBlocks(
  blocks: usize, ends: usize, frames: usize, vertexCount: i32, begin: i32, end: i32, out: usize,
): void {
  for (let b = begin; b < end; b++) {
    let i = <u32>b, j = i;
    if (b >= vertexCount) {
      const edge = ends + (<usize>(b - vertexCount) << 3);
      i = load<u32>(edge);
      j = load<u32>(edge, 4);
    }
    const fi = frames + (<usize>i << 5), fj = frames + (<usize>j << 5);
    const h = blocks + <usize>b * 120;
    // Packed rows: uu uv u·n, vv v·n, then the upper triangle of n·n.
    const un = f32x4(<f32>load<f64>(h, 16), <f32>load<f64>(h, 24), <f32>load<f64>(h, 32), 0);
    const vn = f32x4(<f32>load<f64>(h, 48), <f32>load<f64>(h, 56), <f32>load<f64>(h, 64), 0);
    const xy = <f32>load<f64>(h, 80), xz = <f32>load<f64>(h, 88), yz = <f32>load<f64>(h, 104);
    const x = f32x4(<f32>load<f64>(h, 72), xy, xz, 0);
    const y = f32x4(xy, <f32>load<f64>(h, 96), yz, 0);
    const z = f32x4(xz, yz, <f32>load<f64>(h, 112), 0);
    const i1 = v128.load(fi), i2 = v128.load(fi, 16), j1 = v128.load(fj), j2 = v128.load(fj, 16);
    const to = out + (<usize>b << 6);
    const uv = <f32>load<f64>(h, 8);
    v128.store(to, f32x4(<f32>load<f64>(h), uv, dot(un, j1), dot(un, j2)));
    v128.store(to, f32x4(uv, <f32>load<f64>(h, 40), dot(vn, j1), dot(vn, j2)), 16);
    const n1 = madd(splat(j1, 0), x, madd(splat(j1, 1), y, f32x4.mul(splat(j1, 2), z)));
    const n2 = madd(splat(j2, 0), x, madd(splat(j2, 1), y, f32x4.mul(splat(j2, 2), z)));
    v128.store(to, f32x4(dot(un, i1), dot(vn, i1), dot(n1, i1), dot(n2, i1)), 32);
    v128.store(to, f32x4(dot(un, i2), dot(vn, i2), dot(n1, i2), dot(n2, i2)), 48);
  }
}

// @ts-ignore: decorator
@inline
function splat(v: v128, lane: u8): v128 {
  return lane == 0 ? v128.shuffle<f32>(v, v, 0, 0, 0, 0) : lane == 1 ? v128.shuffle<f32>(v, v, 1, 1, 1, 1) : v128.shuffle<f32>(v, v, 2, 2, 2, 2);
}

/** Sum of the first three lanes of a·b. */
// @ts-ignore: decorator
@inline
function dot(a: v128, b: v128): f32 {
  const p = f32x4.mul(a, b);
  return f32x4.extract_lane(p, 0) + f32x4.extract_lane(p, 1) + f32x4.extract_lane(p, 2);
}

/** Mixed rows in the tangents' basis, in place: (vertices,5,stride) becomes (vertices,4,stride). */
export function foldMixed(mixed: usize, stride: i32, frames: usize, vertices: i32): void {
  const rowBytes = <usize>stride << 2;
  for (let i: i32 = 0; i < vertices; i++) {
    const from = mixed + 5 * <usize>i * rowBytes, to = mixed + 4 * <usize>i * rowBytes;
    const frame = frames + (<usize>i << 5);
    const x1 = v128.load32_splat(frame), y1 = v128.load32_splat(frame, 4), z1 = v128.load32_splat(frame, 8);
    const x2 = v128.load32_splat(frame, 16), y2 = v128.load32_splat(frame, 20), z2 = v128.load32_splat(frame, 24);
    for (let k: usize = 0; k < rowBytes; k += 16) {
      const u = v128.load(from + k), v = v128.load(from + rowBytes + k);
      const x = v128.load(from + 2 * rowBytes + k), y = v128.load(from + 3 * rowBytes + k);
      const z = v128.load(from + 4 * rowBytes + k);
      v128.store(to + k, u);
      v128.store(to + rowBytes + k, v);
      v128.store(to + 2 * rowBytes + k, madd(x1, x, madd(y1, y, f32x4.mul(z1, z))));
      v128.store(to + 3 * rowBytes + k, madd(x2, x, madd(y2, y, f32x4.mul(z2, z))));
    }
  }
}

/** Bytes that `multiplyBlockRows` keeps per neighbour: 16 f32, address of its rows. */
const NEIGHBOUR: usize = 80;

/**
 * y = H·p for block rows begin ≤ i < end of a symmetric sparse matrix of 4×4 blocks. All neighbours of a row are summed
 * up in registers, eight columns at a time.
 *
 * @param rowStart (vertices+1) u32 into `neighbours`
 * @param neighbours (entries,2) u32: block column; twice the number of the block, plus 1 if it is to be transposed
 * @param blocks (blocks,16) f32 of `foldBlocks`
 * @param p (4·vertices, n) f32, n a multiple of 8
 * @param y (4·vertices, n) f32, overwritten
 * @param scratch 80 bytes for each neighbour of the row that has most, `scratchBytes` per worker
 */
export function multiplyBlockRows(
  rowStart: usize, neighbours: usize, blocks: usize, p: usize, n: i32, y: usize, begin: i32, end: i32,
  scratch: usize, scratchBytes: usize,
): void {
  const own = scratch + <usize>worker * scratchBytes;
  const rowBytes = <usize>n << 2;
  for (let i = begin; i < end; i++) {
    const last = load<u32>(rowStart + (<usize>i << 2), 4);
    let filled = own;
    for (let e = load<u32>(rowStart + (<usize>i << 2)); e < last; e++) {
      const entry = neighbours + (<usize>e << 3);
      const number = load<u32>(entry, 4);
      const block = blocks + (<usize>(number >> 1) << 6);
      const r0 = v128.load(block), r1 = v128.load(block, 16), r2 = v128.load(block, 32), r3 = v128.load(block, 48);
      // The four factors of each row of p together.
      if (number & 1) {
        v128.store(filled, r0);
        v128.store(filled, r1, 16);
        v128.store(filled, r2, 32);
        v128.store(filled, r3, 48);
      } else {
        const l01 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5), h01 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
        const l23 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5), h23 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
        v128.store(filled, v128.shuffle<f32>(l01, l23, 0, 1, 4, 5));
        v128.store(filled, v128.shuffle<f32>(l01, l23, 2, 3, 6, 7), 16);
        v128.store(filled, v128.shuffle<f32>(h01, h23, 0, 1, 4, 5), 32);
        v128.store(filled, v128.shuffle<f32>(h01, h23, 2, 3, 6, 7), 48);
      }
      store<u32>(filled, <u32>(p + 4 * <usize>load<u32>(entry) * rowBytes), 64);
      filled += NEIGHBOUR;
    }
    const to = y + 4 * <usize>i * rowBytes;
    for (let x: usize = 0; x < rowBytes; x += 32) {
      const zero = f32x4.splat(0);
      let s00 = zero, s01 = zero, s10 = zero, s11 = zero, s20 = zero, s21 = zero, s30 = zero, s31 = zero;
      for (let e = own; e < filled; e += NEIGHBOUR) {
        let source = <usize>load<u32>(e, 64) + x;
        for (let h = e, stop = e + 64; h < stop; h += 16) {
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
          source += rowBytes;
        }
      }
      const t0 = to + x, t1 = t0 + rowBytes, t2 = t1 + rowBytes, t3 = t2 + rowBytes;
      v128.store(t0, s00);
      v128.store(t0, s01, 16);
      v128.store(t1, s10);
      v128.store(t1, s11, 16);
      v128.store(t2, s20);
      v128.store(t2, s21, 16);
      v128.store(t3, s30);
      v128.store(t3, s31, 16);
    }
  }
}
