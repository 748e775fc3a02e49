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
import { createRasterizeOutput, type RasterizeOutput, rasterize } from '../kernels/rasterize.ts';
import type { Kernels } from '../kernels/runtime.ts';
import { growRings, joinTexels, listInside, numberTexels, takeReached } from '../kernels/texel-graph.ts';
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
  return kernels.scope(() => {
    const raster = rasterCharts(kernels, model, width, height);
    const map = takeReached(kernels, width, height);
    const inside = listInside(kernels, raster.faceIndex, map);
    const count = growRings(kernels, map, inside, GUTTER, 8);
    const made = numberTexels(kernels, map, count, raster, kernels.u32(faceCharts(model)));
    const nodes = made.nodes.view.slice();
    const surface = {
      faces: kernels.u32(model.faces),
      vertices: kernels.f32(model.template),
      normals: kernels.f32(vertexNormals(model.template, model.faces)),
      reach: kernels.f32(faceReach(model, width, height)),
    };
    const seams = seamPairs(model, width, height, nodes);
    const rows = joinTexels(kernels, map, inside, made, surface, seams);
    const texels = made.texels.view.slice();
    const ring = map.ring.view;
    const rings = new Uint8Array(count);
    for (let i = 0; i < count; i++) rings[i] = ring[texels[i]];
    return {
      width,
      height,
      texels,
      nodes,
      faces: made.faces.view.slice(),
      barycentrics: made.barycentrics.view.slice(),
      charts: new Uint16Array(made.charts.view),
      rings,
      ...rows,
    };
  });
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

function rasterCharts(kernels: Kernels, model: TexturedMesh, width: number, height: number): RasterizeOutput {
  const { uvs, faceUvs } = model;
  const out = createRasterizeOutput(kernels, width, height);
  kernels.scope(() => {
    const U = uvs.length / 2;
    const positions = kernels.f32(3 * U);
    const p = positions.view;
    for (let u = 0; u < U; u++) {
      p[3 * u] = uvs[2 * u] * width;
      p[3 * u + 1] = uvs[2 * u + 1] * height;
      p[3 * u + 2] = 1;
    }
    const faces = kernels.u32(faceUvs);
    rasterize(kernels, { positions, faces, width, height, cull: 'none', perspective: false }, out);
  });
  return out;
}

/** (F) connected component of the UV mesh that each face lies in, numbered in the order of the faces. */
function faceCharts({ uvs, faceUvs }: TexturedMesh): Uint32Array {
  const U = uvs.length / 2;
  const parent = new Uint32Array(U);
  for (let u = 0; u < U; u++) parent[u] = u;
  const find = (i: number): number => {
    let root = i;
    while (parent[root] !== root) root = parent[root] = parent[parent[root]];
    return root;
  };
  for (let f = 0; f < faceUvs.length; f += 3) {
    const middle = find(faceUvs[f + 1]);
    parent[find(faceUvs[f])] = middle;
    parent[middle] = find(faceUvs[f + 2]);
  }
  const numbers = new Int32Array(U).fill(-1);
  const out = new Uint32Array(faceUvs.length / 3);
  let count = 0;
  for (let f = 0; f < out.length; f++) {
    const root = find(faceUvs[3 * f]);
    if (numbers[root] < 0) numbers[root] = count++;
    out[f] = numbers[root];
  }
  return out;
}

/** (F) metres that neighbours may lie apart: so many times the longest way that one texel of the face's triangle covers. */
function faceReach(model: TexturedMesh, width: number, height: number): Float32Array {
  const { faces, faceUvs, uvs, template } = model;
  const out = new Float32Array(faces.length / 3);
  for (let i = 0; i < faces.length; i++) {
    const j = i % 3 === 2 ? i - 2 : i + 1;
    const v = 3 * faces[i];
    const w = 3 * faces[j];
    const dx = template[v] - template[w];
    const dy = template[v + 1] - template[w + 1];
    const dz = template[v + 2] - template[w + 2];
    const texels = texelsBetween(uvs, faceUvs[i], faceUvs[j], width, height);
    const reach = (STRETCH * Math.sqrt(dx * dx + dy * dy + dz * dz)) / Math.max(texels, 0.05);
    const f = Math.floor(i / 3);
    if (reach > out[f]) out[f] = reach;
  }
  return out;
}

function texelsBetween(uvs: Float32Array, s: number, t: number, width: number, height: number): number {
  const x = (uvs[2 * s] - uvs[2 * t]) * width;
  const y = (uvs[2 * s + 1] - uvs[2 * t + 1]) * height;
  return Math.sqrt(x * x + y * y);
}

/**
 * Pairs across seams: edges of the mesh whose two faces have different texture vertices there.
 * @param nodes (H·W)
 * @returns (·,2)
 */
function seamPairs(model: TexturedMesh, width: number, height: number, nodes: Int32Array): Uint32Array {
  const { faces, faceUvs, uvs, template } = model;
  // Node at s on the edge from corner i to corner j of a face, pulled in a little so that it lies inside the chart.
  const nodeAt = (i: number, j: number, s: number): number => {
    const first = i - (i % 3);
    const k = 2 * faceUvs[3 * first + 3 - i - j];
    const a = 2 * faceUvs[i];
    const b = 2 * faceUvs[j];
    const u = (1 - s) * 0.98 * uvs[a] + s * 0.98 * uvs[b] + 0.02 * uvs[k];
    const v = (1 - s) * 0.98 * uvs[a + 1] + s * 0.98 * uvs[b + 1] + 0.02 * uvs[k + 1];
    const x = Math.min(Math.max(Math.floor(u * width), 0), width - 1);
    const y = Math.min(Math.max(Math.floor(v * height), 0), height - 1);
    return nodes[y * width + x];
  };
  // Half-edges met first, by their lower vertex.
  const newest = new Int32Array(template.length / 3).fill(-1);
  const older = new Int32Array(faces.length);
  let pairs = new Uint32Array(4096);
  let length = 0;
  for (let i = 0; i < faces.length; i++) {
    const j = i % 3 === 2 ? i - 2 : i + 1;
    const a = faces[i];
    const b = faces[j];
    const low = Math.min(a, b);
    let other = newest[low];
    let next = 0;
    for (; other >= 0; other = older[other]) {
      next = other % 3 === 2 ? other - 2 : other + 1;
      if (faces[other] + faces[next] === a + b) break;
    }
    if (other < 0) {
      older[i] = newest[low];
      newest[low] = i;
      continue;
    }
    // Corners of the other face at a and at b; neighbours run along their shared edge in opposite directions.
    const oa = faces[other] === a ? other : next;
    const ob = faces[other] === a ? next : other;
    if (faceUvs[oa] === faceUvs[i] && faceUvs[ob] === faceUvs[j]) continue;
    const long = texelsBetween(uvs, faceUvs[i], faceUvs[j], width, height);
    const steps = Math.max(1, Math.ceil(long));
    if (length + 2 * (steps + 1) > pairs.length) {
      const larger = new Uint32Array(2 * (pairs.length + steps + 1));
      larger.set(pairs);
      pairs = larger;
    }
    let last = -1;
    for (let k = 0; k <= steps; k++) {
      const p = nodeAt(i, j, k / steps);
      const q = nodeAt(oa, ob, k / steps);
      if (p < 0 || q < 0 || p === q || p === last) continue;
      last = p;
      pairs[length++] = p;
      pairs[length++] = q;
    }
  }
  return pairs.slice(0, length);
}
