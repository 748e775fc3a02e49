import { put, s, u, wide as f } from './memory';

// The making of texel graphs (src/texture/texel-graph.ts): which texels a map has, their neighbours, their merges. Sums are float64, so that results are bit for bit those of src/kernels/reference/texel-graph.ts.

/** source (size) i32 = texel itself where `faceIndex` ≥ 0, else −1; reached (·) u32 = those texels. Returns their number. */
export function listInside(size: i32, faceIndex: usize, source: usize, reached: usize): i32 {
  let count = 0;
  for (let t = 0; t < size; t++) {
    const inside = s(faceIndex, t) >= 0;
    put(source, t, inside ? t : -1);
    if (inside) put(reached, count++, t);
  }
  return count;
}

/**
 * Grows `rings` rings of texels around the first `count` of `reached`: each takes the source of the texel it is grown from.
 *
 * @param diagonal whether a texel has eight neighbours instead of four
 * @param parents (size) u32 and ring (size) u8: texel that each of `reached` was grown from, number of ring
 * @returns texels reached
 */
export function growRings(
  width: i32, height: i32, rings: i32, diagonal: i32, source: usize, reached: usize, count: i32, parents: usize, ring: usize,
): i32 {
  const size = width * height;
  for (let r = 1, begin = 0; r <= rings; r++) {
    const end = count;
    for (let k = begin; k < end; k++) {
      const t = <i32>u(reached, k);
      // Most texels are deep inside: three loads tell. (Past a row's end they see texels that don't matter.)
      if (t > width && t + width + 2 < size) {
        const at = source + (<usize>(t - 1) << 2);
        const row = <usize>width << 2;
        if (!i32x4.bitmask(v128.or(v128.or(v128.load(at - row), v128.load(at)), v128.load(at + row)))) continue;
      }
      const x = t % width;
      const own = u(source, t);
      for (let n = 0, last = diagonal ? 9 : 4; n < last; n++) {
        // Eight neighbours: row by row. Four: left, right, above, below.
        const dx = diagonal ? n % 3 - 1 : n == 0 ? -1 : n == 1 ? 1 : 0;
        const dy = diagonal ? n / 3 - 1 : n == 2 ? -1 : n == 3 ? 1 : 0;
        if (x + dx < 0 || x + dx >= width) continue;
        const to = t + dy * width + dx;
        if (to < 0 || to >= size || s(source, to) >= 0) continue;
        put(source, to, own);
        store<u8>(ring + <usize>to, r);
        put(parents, count, t);
        put(reached, count++, to);
      }
    }
    begin = end;
  }
  return count;
}

/**
 * Numbers the texels with a source and lists what each shows.
 *
 * @param faceIndex, barycentrics, chartOf (size) i32, (size,3) f32, (F) u32
 * @param nodes (size) i32; texels, faces, charts (n) u32 and beta (n,3) f32: filled
 */
export function numberTexels(
  size: i32, source: usize, faceIndex: usize, barycentrics: usize, chartOf: usize, nodes: usize, texels: usize,
  faces: usize, beta: usize, charts: usize,
): void {
  let n = 0;
  for (let t = 0; t < size; t++) {
    const o = s(source, t);
    if (o < 0) {
      put(nodes, t, -1);
      continue;
    }
    const face = u(faceIndex, o);
    put(nodes, t, n);
    put(texels, n, t);
    put(faces, n, face);
    put(charts, n, u(chartOf, face));
    memory.copy(beta + <usize>n * 12, barycentrics + <usize>o * 12, 12);
    n++;
  }
}

/** Point of a face with f32 values at its corners (three and what follows), summed in f64. */
function mixed(values: usize, corners: usize, beta: usize): v128 {
  let xy = f64x2.splat(0), zw = xy;
  for (let k: u32 = 0; k < 3; k++) {
    const b = f64x2.splat(f(beta, k));
    const v = v128.load(values + <usize>u(corners, k) * 12);
    xy = f64x2.add(xy, f64x2.mul(b, f64x2.promote_low_f32x4(v)));
    zw = f64x2.add(zw, f64x2.mul(b, f64x2.promote_low_f32x4(v128.shuffle<i64>(v, v, 1, 1))));
  }
  return v128.shuffle<i64>(f32x4.demote_f64x2_zero(xy), f32x4.demote_f64x2_zero(zw), 0, 2);
}

/** Of three lanes, in f64. */
function dot3(a: v128, b: v128): f64 {
  return <f64>f32x4.extract_lane(a, 0) * <f64>f32x4.extract_lane(b, 0) +
    <f64>f32x4.extract_lane(a, 1) * <f64>f32x4.extract_lane(b, 1) +
    <f64>f32x4.extract_lane(a, 2) * <f64>f32x4.extract_lane(b, 2);
}

/** Fields in the order of src/kernels/texel-graph.ts; all 4 bytes. */
@unmanaged
class Grid {
  width: i32;
  height: i32;
  count: i32;
  /** (size) i32, (n) u32, (size) u8 by texel, (n) u32, (n) u32, (n,3) f32. */
  nodes: usize;
  texels: usize;
  ring: usize;
  charts: usize;
  nodeFaces: usize;
  beta: usize;
  /** (F,3) u32, (V,3) f32 twice, (F) f32. */
  faces: usize;
  vertices: usize;
  normals: usize;
  reach: usize;
  /** (·,2) u32. */
  pairs: usize;
}

/** Whether the nodes of two different faces are neighbours on the surface. */
function near(job: Grid, i: u32, j: u32): bool {
  const fi = u(job.nodeFaces, i), fj = u(job.nodeFaces, j);
  const ci = job.faces + <usize>fi * 12, cj = job.faces + <usize>fj * 12;
  const bi = job.beta + <usize>i * 12, bj = job.beta + <usize>j * 12;
  if (dot3(mixed(job.normals, ci, bi), mixed(job.normals, cj, bj)) < 0) return false;
  const p = mixed(job.vertices, ci, bi), q = mixed(job.vertices, cj, bj);
  const x = <f64>f32x4.extract_lane(p, 0) - <f64>f32x4.extract_lane(q, 0);
  const y = <f64>f32x4.extract_lane(p, 1) - <f64>f32x4.extract_lane(q, 1);
  const z = <f64>f32x4.extract_lane(p, 2) - <f64>f32x4.extract_lane(q, 2);
  const most = max(f(job.reach, fi), f(job.reach, fj));
  return x * x + y * y + z * z <= most * most;
}

/** Pairs of 4-neighbours in one chart, outside gutters, that are neighbours on the surface too. Returns their number. */
export function gridPairs(job: Grid): i32 {
  const width = job.width, size = width * job.height;
  let count = 0;
  for (let i = 0; i < job.count; i++) {
    const t = <i32>u(job.texels, i);
    if (load<u8>(job.ring + <usize>t) > 0) continue;
    for (let k = 0; k < 2; k++) {
      const to = k == 0 ? t + 1 : t + width;
      if (k == 0 ? t % width == width - 1 : to >= size) continue;
      const j = s(job.nodes, to);
      if (j < 0 || load<u8>(job.ring + <usize>to) > 0 || u(job.charts, j) != u(job.charts, i)) continue;
      if (u(job.nodeFaces, i) != u(job.nodeFaces, j) && !near(job, i, j)) continue;
      put(job.pairs, 2 * count, i);
      put(job.pairs, 2 * count + 1, j);
      count++;
    }
  }
  return count;
}

/** pairs (count,2) u32 = nodes of the texels reached from `first` on and of those that they were grown from. */
export function gutterPairs(first: i32, end: i32, reached: usize, parents: usize, nodes: usize, pairs: usize): void {
  for (let k = first; k < end; k++) {
    put(pairs, 2 * (k - first), u(nodes, u(reached, k)));
    put(pairs, 2 * (k - first) + 1, u(nodes, u(parents, k)));
  }
}

/**
 * Rows of neighbours from pairs; each goes into both rows, in the order of the pairs, doubles once. Only the pairs from
 * `sure` on may double others.
 *
 * @param begin, at (n+1) u32: scratch
 * @param starts (n+1) u32, neighbours (2·count) u32: filled
 * @returns entries
 */
export function pairRows(
  n: i32, pairs: usize, count: i32, sure: i32, begin: usize, at: usize, starts: usize, neighbours: usize,
): i32 {
  memory.fill(begin, 0, (<usize>n + 1) << 2);
  for (let e = 0; e < 2 * count; e++) put(begin, u(pairs, e) + 1, u(begin, u(pairs, e) + 1) + 1);
  for (let i = 0; i < n; i++) put(begin, i + 1, u(begin, i + 1) + u(begin, i));
  memory.copy(at, begin, (<usize>n + 1) << 2);
  for (let e = 0; e < count; e++) {
    const i = u(pairs, 2 * e), j = u(pairs, 2 * e + 1);
    const ai = u(at, i);
    put(neighbours, ai, j);
    put(at, i, ai + 1);
    const aj = u(at, j);
    put(neighbours, aj, i);
    put(at, j, aj + 1);
  }
  // From here on: rows with doubles, perhaps. They are dropped in place: what is written never gets ahead of what is read.
  const unsure = at;
  memory.fill(unsure, 0, <usize>n);
  for (let e = 2 * sure; e < 2 * count; e++) store<u8>(unsure + <usize>u(pairs, e), 1);
  let m: u32 = 0;
  put(starts, 0, 0);
  for (let i = 0; i < n; i++) {
    const first = m, doubles = load<u8>(unsure + <usize>i);
    for (let k = u(begin, i), end = u(begin, i + 1); k < end; k++) {
      const j = u(neighbours, k);
      if (!doubles) {
        put(neighbours, m++, j);
        continue;
      }
      let l = first;
      while (l < m && u(neighbours, l) != j) l++;
      if (l == m) put(neighbours, m++, j);
    }
    put(starts, i + 1, m);
  }
  return m;
}

/**
 * Merges texels 2×2 within their charts.
 *
 * @param first (cells of the coarse map) and next (n) i32: scratch
 * @param parents (n), outTexels and outCharts (at most n) u32: filled
 * @returns coarse texels; there may be several of different charts in a cell
 */
export function mergeTexels(
  n: i32, texels: usize, charts: usize, width: i32, height: i32, first: usize, next: usize, parents: usize, outTexels: usize,
  outCharts: usize,
): i32 {
  const columns = (width + 1) >> 1, rows = (height + 1) >> 1;
  memory.fill(first, 0xff, <usize>(columns * rows) << 2);
  let count = 0;
  for (let i = 0; i < n; i++) {
    const t = <i32>u(texels, i), chart = u(charts, i);
    const cell = ((t / width) >> 1) * columns + ((t % width) >> 1);
    let node = s(first, cell);
    while (node >= 0 && u(outCharts, node) != chart) node = s(next, node);
    if (node < 0) {
      node = count++;
      put(outTexels, node, cell);
      put(outCharts, node, chart);
      put(next, node, s(first, cell));
      put(first, cell, node);
    }
    put(parents, i, node);
  }
  return count;
}
