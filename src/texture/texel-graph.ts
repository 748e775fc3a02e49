/**
 * The texture as a graph: which texels a head uses, what point of the surface each shows, and which are neighbours.
 *
 * Nodes are the texels whose centres lie in a face's UV triangle, and {@link GUTTER} rings around them, which bilinear
 * sampling touches at a chart's border. Edges join what is adjacent on the surface, not in the picture:
 *   - 4-neighbours of one chart, unless their points on the surface lie far apart or face away from each other (a slit
 *     or fold of the chart narrower than a texel: lips, eyelids);
 *   - a gutter texel and the texel it was grown from, so that the rings never bridge two charts;
 *   - texels on the two sides of a seam, sampled along every mesh edge that has two different images in the map.
 * The last kind lets a colour continue from one chart to the next; without it every chart that the photo does not show
 * keeps its own tint and the seam is seen.
 */
import { createRasterizeOutput, rasterize } from '../kernels/rasterize.ts';
import type { Kernels } from '../kernels/runtime.ts';
import type { HeadModel } from '../model/head-model.ts';
import { vertexNormals } from '../render/normals.ts';

/** Texels of a head as nodes 0…n−1, row by row. */
export interface TexelGraph {
  readonly width: number;
  readonly height: number;
  /** (n) texel number y·width + x of each node, ascending. */
  readonly texels: Uint32Array;
  /** (H·W) node of each texel, −1 for none. */
  readonly nodes: Int32Array;
  /** (n) face whose UV triangle holds the texel's centre; for gutter texels that of the texel they were grown from. */
  readonly faces: Uint32Array;
  /** (n,3) float32 barycentric coordinates; those of the origin for gutter texels. */
  readonly barycentrics: Float32Array;
  /** (n) chart: connected component of the UV mesh. */
  readonly charts: Uint16Array;
  /** (n) ring: 0 inside a triangle, 1… in the gutter. */
  readonly rings: Uint8Array;
  /** (n+1), (E2) neighbours of node i: `neighbours[starts[i] … starts[i+1]−1]`; every edge in both rows. */
  readonly starts: Uint32Array;
  readonly neighbours: Uint32Array;
}

/** What of a head model the graph is made of. */
export type TexturedMesh = Pick<HeadModel, 'template' | 'faces' | 'uvs' | 'faceUvs'>;

/** Rings of gutter around charts. */
export const GUTTER = 2;
/** Neighbours farther apart on the surface than this many times the chart's local texel are not joined. */
const STRETCH = 5;

/** Builds the graph of a `width`×`height` map over `model`'s UV layout. */
export function buildTexelGraph(
  kernels: Kernels,
  model: TexturedMesh,
  width: number,
  height: number,
): TexelGraph {
  const size = width * height;
  const { faceIndex, barycentrics } = rasterCharts(kernels, model, width, height);
  const chartOf = faceCharts(model);
  const origin = new Int32Array(size).fill(-1);
  const ring = new Uint8Array(size);
  // Texels in the order they were reached, with the one that each gutter texel was grown from.
  const reached = new Int32Array(size);
  const parents = new Int32Array(size);
  let count = 0;
  for (let t = 0; t < size; t++)
    if (faceIndex[t] >= 0) {
      origin[t] = t;
      reached[count++] = t;
    }
  const inside = count;
  for (let r = 1, begin = 0; r <= GUTTER; r++) {
    const end = count;
    for (let k = begin; k < end; k++) {
      const t = reached[k];
      const x = t % width;
      const [left, right] = [x > 0 ? -1 : 0, x < width - 1 ? 1 : 0];
      for (let dy = -width; dy <= width; dy += width)
        for (let dx = left; dx <= right; dx++) {
          const to = t + dy + dx;
          if (to < 0 || to >= size || origin[to] >= 0) continue;
          origin[to] = origin[t];
          ring[to] = r;
          parents[count] = t;
          reached[count++] = to;
        }
    }
    begin = end;
  }
  let n = 0;
  const nodes = new Int32Array(size).fill(-1);
  for (let t = 0; t < size; t++) if (origin[t] >= 0) nodes[t] = n++;
  const texels = new Uint32Array(n);
  const faces = new Uint32Array(n);
  const bary = new Float32Array(3 * n);
  const charts = new Uint16Array(n);
  const rings = new Uint8Array(n);
  for (let t = 0; t < size; t++) {
    const i = nodes[t];
    if (i < 0) continue;
    const o = origin[t];
    texels[i] = t;
    faces[i] = faceIndex[o];
    charts[i] = chartOf[faceIndex[o]];
    rings[i] = ring[t];
    bary[3 * i] = barycentrics[3 * o];
    bary[3 * i + 1] = barycentrics[3 * o + 1];
    bary[3 * i + 2] = barycentrics[3 * o + 2];
  }
  const base = { width, height, texels, nodes, faces, barycentrics: bary, charts, rings };
  const pairs = new Pairs(4 * n);
  gridEdges(model, base, pairs);
  for (let k = inside; k < count; k++) pairs.push(nodes[reached[k]], nodes[parents[k]]);
  seamEdges(model, base, pairs);
  return { ...base, ...adjacency(n, pairs) };
}

/** A growing list of pairs of nodes. */
class Pairs {
  /** Two numbers a pair; those from `length` on are not part of it. */
  data: Uint32Array;
  length = 0;

  constructor(room: number) {
    this.data = new Uint32Array(Math.max(room, 64));
  }

  push(i: number, j: number): void {
    if (this.length + 2 > this.data.length) {
      const larger = new Uint32Array(2 * this.data.length);
      larger.set(this.data);
      this.data = larger;
    }
    this.data[this.length++] = i;
    this.data[this.length++] = j;
  }
}

/**
 * Points of `vertices` ((V,3), any) at nodes: (n,3) float32.
 */
export function nodePoints(
  graph: TexelGraph,
  model: Pick<HeadModel, 'faces'>,
  vertices: Float32Array,
): Float32Array {
  const n = graph.texels.length;
  const out = new Float32Array(3 * n);
  const { faces } = model;
  const { barycentrics } = graph;
  for (let i = 0; i < n; i++) {
    const f = 3 * graph.faces[i];
    const [a, b, c] = [barycentrics[3 * i], barycentrics[3 * i + 1], barycentrics[3 * i + 2]];
    const [u, v, w] = [3 * faces[f], 3 * faces[f + 1], 3 * faces[f + 2]];
    out[3 * i] = a * vertices[u] + b * vertices[v] + c * vertices[w];
    out[3 * i + 1] = a * vertices[u + 1] + b * vertices[v + 1] + c * vertices[w + 1];
    out[3 * i + 2] = a * vertices[u + 2] + b * vertices[v + 2] + c * vertices[w + 2];
  }
  return out;
}

/** Where the nodes lie in the map, for merging them level by level. */
export function nodePlaces({ texels, width, charts }: TexelGraph) {
  const [x, y] = [new Uint16Array(texels.length), new Uint16Array(texels.length)];
  for (let i = 0; i < texels.length; i++) {
    x[i] = texels[i] % width;
    y[i] = Math.floor(texels[i] / width);
  }
  return { count: texels.length, x, y, charts };
}

/** Sets the four nodes and weights of a bilinear sample, from `at` on; false when one of them is no node. */
export function bilinearNodes(
  graph: TexelGraph,
  u: number,
  v: number,
  taps: Uint32Array,
  weights: Float32Array | Float64Array,
  at: number,
): boolean {
  const { width, height, nodes } = graph;
  const x = Math.min(Math.max(u * width - 0.5, 0), width - 1);
  const y = Math.min(Math.max(v * height - 0.5, 0), height - 1);
  const ix = Math.min(Math.floor(x), Math.max(width - 2, 0));
  const iy = Math.min(Math.floor(y), Math.max(height - 2, 0));
  const t = iy * width + ix;
  const right = width > 1 ? 1 : 0;
  const below = height > 1 ? width : 0;
  const a = nodes[t];
  const b = nodes[t + right];
  const c = nodes[t + below];
  const d = nodes[t + below + right];
  if (a < 0 || b < 0 || c < 0 || d < 0) return false;
  const fx = x - ix;
  const fy = y - iy;
  taps[at] = a;
  taps[at + 1] = b;
  taps[at + 2] = c;
  taps[at + 3] = d;
  weights[at] = (1 - fx) * (1 - fy);
  weights[at + 1] = fx * (1 - fy);
  weights[at + 2] = (1 - fx) * fy;
  weights[at + 3] = fx * fy;
  return true;
}

function rasterCharts(kernels: Kernels, model: TexturedMesh, width: number, height: number) {
  return kernels.scope(() => {
    const U = model.uvs.length / 2;
    const positions = kernels.f32(3 * U);
    const faces = kernels.u32(model.faceUvs.length);
    const p = positions.view;
    for (let u = 0; u < U; u++) {
      p[3 * u] = model.uvs[2 * u] * width;
      p[3 * u + 1] = model.uvs[2 * u + 1] * height;
      p[3 * u + 2] = 1;
    }
    faces.view.set(model.faceUvs);
    const out = createRasterizeOutput(kernels, width, height);
    rasterize(kernels, { positions, faces, width, height, cull: 'none', perspective: false }, out);
    return { faceIndex: out.faceIndex.view.slice(), barycentrics: out.barycentrics.view.slice() };
  });
}

/** (F) connected component of the UV mesh that each face lies in. */
function faceCharts(model: TexturedMesh): Uint16Array {
  const { faceUvs } = model;
  const parent = Uint32Array.from({ length: model.uvs.length / 2 }, (_, i) => i);
  const find = (i: number): number => {
    let root = i;
    while (parent[root] !== root) root = parent[root] = parent[parent[root]];
    return root;
  };
  for (let f = 0; f < faceUvs.length; f += 3) {
    parent[find(faceUvs[f])] = find(faceUvs[f + 1]);
    parent[find(faceUvs[f + 1])] = find(faceUvs[f + 2]);
  }
  const numbers = new Map<number, number>();
  const out = new Uint16Array(faceUvs.length / 3);
  for (let f = 0; f < out.length; f++) {
    const root = find(faceUvs[3 * f]);
    let chart = numbers.get(root);
    if (chart === undefined) {
      chart = numbers.size;
      numbers.set(root, chart);
    }
    out[f] = chart;
  }
  return out;
}

type Nodes = Omit<TexelGraph, 'starts' | 'neighbours'>;

/** Adds pairs of 4-neighbours inside charts. */
function gridEdges(model: TexturedMesh, g: Nodes, pairs: Pairs): void {
  const points = nodePoints({ ...g, starts: EMPTY, neighbours: EMPTY }, model, model.template);
  const normals = nodePoints(
    { ...g, starts: EMPTY, neighbours: EMPTY },
    model,
    vertexNormals(model.template, model.faces),
  );
  const scale = faceTexelLength(model, g.width, g.height);
  const { width, nodes, texels, rings, charts, faces } = g;
  const consider = (i: number, j: number): void => {
    if (rings[j] > 0 || charts[j] !== charts[i]) return;
    if (faces[i] !== faces[j]) {
      const a = 3 * i;
      const b = 3 * j;
      const dx = points[a] - points[b];
      const dy = points[a + 1] - points[b + 1];
      const dz = points[a + 2] - points[b + 2];
      const most = STRETCH * Math.max(scale[faces[i]], scale[faces[j]]);
      if (dx * dx + dy * dy + dz * dz > most * most) return;
      const facing =
        normals[a] * normals[b] + normals[a + 1] * normals[b + 1] + normals[a + 2] * normals[b + 2];
      if (facing < 0) return;
    }
    pairs.push(i, j);
  };
  for (let i = 0; i < texels.length; i++) {
    if (rings[i] > 0) continue;
    const t = texels[i];
    if (t % width < width - 1 && nodes[t + 1] >= 0) consider(i, nodes[t + 1]);
    if (t + width < nodes.length && nodes[t + width] >= 0) consider(i, nodes[t + width]);
  }
}

const EMPTY = new Uint32Array(0);

/** (F) longest way on the surface, metres, that one texel of the face's triangle covers. */
function faceTexelLength(model: TexturedMesh, width: number, height: number): Float32Array {
  const { faces, faceUvs, uvs, template } = model;
  const out = new Float32Array(faces.length / 3);
  for (let f = 0; f < out.length; f++) {
    let longest = 0;
    for (let a = 0; a < 3; a++) {
      const i = 3 * f + a;
      const j = 3 * f + ((a + 1) % 3);
      const [v, w] = [3 * faces[i], 3 * faces[j]];
      const [s, t] = [2 * faceUvs[i], 2 * faceUvs[j]];
      const metres = Math.hypot(
        template[v] - template[w],
        template[v + 1] - template[w + 1],
        template[v + 2] - template[w + 2],
      );
      const texels = Math.hypot((uvs[s] - uvs[t]) * width, (uvs[s + 1] - uvs[t + 1]) * height);
      longest = Math.max(longest, metres / Math.max(texels, 0.05));
    }
    out[f] = longest;
  }
  return out;
}

/** Adds pairs across seams: edges of the mesh whose two faces have different texture vertices there. */
function seamEdges(model: TexturedMesh, g: Nodes, pairs: Pairs): void {
  const { faces, faceUvs, uvs, template } = model;
  const V = template.length / 3;
  const seen = new Map<number, number>();
  const nodeAt = (face: number, i: number, j: number, s: number): number => {
    // A point on the edge from corner i to corner j of the face, pulled in a little so that it lies inside the chart.
    const k = 3 * face + (3 - (i % 3) - (j % 3));
    let [u, v] = [0, 0];
    for (const [corner, b] of [
      [i, (1 - s) * 0.98],
      [j, s * 0.98],
      [k, 0.02],
    ]) {
      u += b * uvs[2 * faceUvs[corner]];
      v += b * uvs[2 * faceUvs[corner] + 1];
    }
    const x = Math.min(Math.max(Math.floor(u * g.width), 0), g.width - 1);
    const y = Math.min(Math.max(Math.floor(v * g.height), 0), g.height - 1);
    return g.nodes[y * g.width + x];
  };
  for (let i = 0; i < faces.length; i++) {
    const f = Math.floor(i / 3);
    const j = 3 * f + ((i + 1) % 3);
    const [a, b] = [faces[i], faces[j]];
    const key = Math.min(a, b) * V + Math.max(a, b);
    const other = seen.get(key);
    if (other === undefined) {
      seen.set(key, i);
      continue;
    }
    const g2 = Math.floor(other / 3);
    const otherNext = 3 * g2 + ((other + 1) % 3);
    // Corners of the other face at a and at b; neighbours run along their shared edge in opposite directions.
    const [oa, ob] = faces[other] === a ? [other, otherNext] : [otherNext, other];
    if (faceUvs[oa] === faceUvs[i] && faceUvs[ob] === faceUvs[j]) continue;
    const length = Math.hypot(
      (uvs[2 * faceUvs[i]] - uvs[2 * faceUvs[j]]) * g.width,
      (uvs[2 * faceUvs[i] + 1] - uvs[2 * faceUvs[j] + 1]) * g.height,
    );
    const steps = Math.max(1, Math.ceil(length));
    let last = -1;
    for (let k = 0; k <= steps; k++) {
      const p = nodeAt(f, i, j, k / steps);
      const q = nodeAt(g2, oa, ob, k / steps);
      if (p < 0 || q < 0 || p === q || p === last) continue;
      last = p;
      pairs.push(p, q);
    }
  }
}

/** Rows of neighbours from a list of pairs; each pair goes into both rows, doubles once. */
function adjacency(n: number, { data, length }: Pairs): Pick<TexelGraph, 'starts' | 'neighbours'> {
  const count = new Uint32Array(n + 1);
  for (let e = 0; e < length; e++) count[data[e] + 1]++;
  for (let i = 0; i < n; i++) count[i + 1] += count[i];
  const at = count.slice();
  const raw = new Uint32Array(length);
  for (let e = 0; e < length; e += 2) {
    const [i, j] = [data[e], data[e + 1]];
    raw[at[i]++] = j;
    raw[at[j]++] = i;
  }
  const starts = new Uint32Array(n + 1);
  let m = 0;
  for (let i = 0; i < n; i++) {
    const begin = m;
    for (let k = count[i]; k < count[i + 1]; k++) {
      const j = raw[k];
      let l = begin;
      while (l < m && raw[l] !== j) l++;
      if (l === m) raw[m++] = j;
    }
    starts[i + 1] = m;
  }
  return { starts, neighbours: raw.slice(0, m) };
}
