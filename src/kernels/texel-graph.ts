/**
 * The making of texel graphs in kernel memory; what they are is said in `texture/texel-graph.ts`. A process that fits one
 * photo makes one graph, so that in TypeScript these loops over 260,000 texels ran before V8 had compiled them: 0.3 s of
 * processor time. Results are bit for bit those of `reference/texel-graph.ts`.
 */
import { jobOf, whole } from './job.ts';
import { firstOf } from './part.ts';
import { type F32, type I32, type Kernels, requireLength, type U8, type U32 } from './runtime.ts';

/** Texels in the order in which they were reached; (H·W) each. */
export interface ReachedTexels {
  readonly width: number;
  readonly height: number;
  /** Where each texel's contents come from: a number of the caller's kind, −1 where there are none. */
  readonly source: I32;
  readonly reached: U32;
  /** For the k-th texel reached by growing, the one it was grown from. */
  readonly parents: U32;
  /** By texel: ring it was reached in; the caller clears it. */
  readonly ring: U8;
}

/** Room for growing over a map. */
export function takeReached(kernels: Kernels, width: number, height: number): ReachedTexels {
  const size = width * height;
  return {
    width,
    height,
    source: kernels.i32(size, false),
    reached: kernels.u32(size, false),
    parents: kernels.u32(size, false),
    ring: kernels.u8(size),
  };
}

/**
 * Begins with the texels that show a face: each is its own source.
 * @returns their number
 * @throws {InvalidArgumentError} on shapes that do not match
 */
export function listInside(kernels: Kernels, faceIndex: I32, { source, reached }: ReachedTexels): number {
  requireLength('listInside', 'faceIndex', faceIndex, source.length, '(H,W)');
  return kernels.raw.listInside(source.length, faceIndex.ptr, source.ptr, reached.ptr);
}

/**
 * Grows rings around the first `count` texels reached; each texel takes the source of the one it is grown from.
 * @param neighbours of a texel: 4, left and right first; or 8, row by row
 * @returns texels reached then
 */
export function growRings(
  kernels: Kernels,
  { width, height, source, reached, parents, ring }: ReachedTexels,
  count: number,
  rings: number,
  neighbours: 4 | 8,
): number {
  const diagonal = neighbours === 8 ? 1 : 0;
  const { raw } = kernels;
  return raw.growRings(width, height, rings, diagonal, source.ptr, reached.ptr, count, parents.ptr, ring.ptr);
}

/** Nodes of a map: its texels that have contents, row by row. */
export interface TexelNodes {
  /** (H·W) int32, −1 for none. */
  readonly nodes: I32;
  /** (n) uint32. */
  readonly texels: U32;
  readonly faces: U32;
  readonly charts: U32;
  /** (n,3) float32. */
  readonly barycentrics: F32;
}

/**
 * Numbers the texels reached and lists what each shows, in memory that the caller gives back.
 * @param count how many they are
 * @param raster (H,W) int32 and (H,W,3) float32
 * @param chartOf (F) uint32
 * @throws {InvalidArgumentError} on shapes that do not match
 */
export function numberTexels(
  kernels: Kernels,
  { source }: ReachedTexels,
  count: number,
  raster: { readonly faceIndex: I32; readonly barycentrics: F32 },
  chartOf: U32,
): TexelNodes {
  const size = source.length;
  requireLength('numberTexels', 'faceIndex', raster.faceIndex, size, '(H,W)');
  requireLength('numberTexels', 'barycentrics', raster.barycentrics, 3 * size, '(H,W,3)');
  const nodes = kernels.i32(size, false);
  const texels = kernels.u32(count, false);
  const faces = kernels.u32(count, false);
  const charts = kernels.u32(count, false);
  const barycentrics = kernels.f32(3 * count, false);
  kernels.raw.numberTexels(
    size,
    source.ptr,
    raster.faceIndex.ptr,
    raster.barycentrics.ptr,
    chartOf.ptr,
    nodes.ptr,
    texels.ptr,
    faces.ptr,
    barycentrics.ptr,
    charts.ptr,
  );
  return { nodes, texels, faces, charts, barycentrics };
}

/** Surface that {@link joinTexels} looks at. */
export interface JoinedSurface {
  /** (F,3) uint32. */
  readonly faces: U32;
  /** (V,3) float32 metres; normals of any length. */
  readonly vertices: F32;
  readonly normals: F32;
  /** (F) float32 metres: nodes farther apart than that of either's face are not joined. */
  readonly reach: F32;
}

/**
 * Rows of neighbours: 4-neighbours inside charts (not in gutters) that lie near each other on the surface and do not face
 * away from each other; gutter texels and the texels they were grown from; and `others`. In this order, doubles once.
 *
 * @param inside texels reached that are not in a gutter, which are the first ones
 * @param others (·,2) uint32 more pairs of nodes
 * @returns (n+1) and (m) uint32
 * @throws {InvalidArgumentError} on shapes that do not match
 */
export function joinTexels(
  kernels: Kernels,
  map: ReachedTexels,
  inside: number,
  graph: TexelNodes,
  surface: JoinedSurface,
  others: Uint32Array,
): { starts: Uint32Array; neighbours: Uint32Array } {
  const n = graph.texels.length;
  requireLength('joinTexels', 'normals', surface.normals, surface.vertices.length, '(V,3)');
  requireLength('joinTexels', 'reach', surface.reach, surface.faces.length / 3, '(F)');
  return kernels.scope(() => {
    const { raw } = kernels;
    const pairs = kernels.u32(4 * n + 2 * (n - inside) + others.length, false);
    const grid = jobOf(kernels, [
      [whole(map.width), whole(map.height), whole(n), graph.nodes, graph.texels, map.ring, graph.charts],
      [graph.faces, graph.barycentrics],
      [surface.faces, surface.vertices, surface.normals, surface.reach, pairs],
    ]);
    let count = raw.gridPairs(grid);
    raw.gutterPairs(inside, n, map.reached.ptr, map.parents.ptr, graph.nodes.ptr, pairs.ptr + 8 * count);
    count += n - inside;
    const sure = count;
    pairs.view.set(others, 2 * count);
    count += others.length / 2;
    const scratch = [kernels.u32(n + 1, false), kernels.u32(n + 1, false)] as const;
    const starts = kernels.u32(n + 1, false);
    const neighbours = kernels.u32(2 * count, false);
    const m = raw.pairRows(
      n,
      pairs.ptr,
      count,
      sure,
      scratch[0].ptr,
      scratch[1].ptr,
      starts.ptr,
      neighbours.ptr,
    );
    return { starts: starts.view.slice(), neighbours: neighbours.view.slice(0, m) };
  });
}

/** Where nodes lie in a map: nodes merge 2×2 texels within their charts. */
export interface ResidentPlaces {
  readonly width: number;
  readonly height: number;
  /** (n) uint32 y·width + x; several nodes of different charts may share a texel. */
  readonly texels: U32;
  /** (n) uint32. */
  readonly charts: U32;
}

/**
 * Merges nodes into those of a map of half the size, in memory that the caller gives back.
 * @returns the places, and (n) uint32 which of them each node goes to
 */
export function mergeTexels(
  kernels: Kernels,
  from: ResidentPlaces,
): { places: ResidentPlaces; parents: U32 } {
  const n = from.texels.length;
  requireLength('mergeTexels', 'charts', from.charts, n, '(n)');
  const [width, height] = [(from.width + 1) >> 1, (from.height + 1) >> 1];
  const parents = kernels.u32(n, false);
  const texels = kernels.u32(n, false);
  const charts = kernels.u32(n, false);
  const count = kernels.scope(() =>
    kernels.raw.mergeTexels(
      n,
      from.texels.ptr,
      from.charts.ptr,
      from.width,
      from.height,
      kernels.i32(width * height, false).ptr,
      kernels.i32(n, false).ptr,
      parents.ptr,
      texels.ptr,
      charts.ptr,
    ),
  );
  return {
    places: { width, height, texels: firstOf(texels, count), charts: firstOf(charts, count) },
    parents,
  };
}
