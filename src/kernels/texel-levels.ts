/**
 * Texel graphs in kernel memory and what is solved on them level by level: merging, restriction, prolongation, and the
 * right-hand side of a fill. What it is for is said in `texture/coarse-levels.ts` and `texture/fill.ts`.
 *
 * Colours are rows of four, the fourth zero.
 */
import { type F32, type I32, type Kernels, requireLength, type U32 } from './runtime.ts';

/** A graph in compressed rows, every edge in both of its rows; arrays may have room for more. */
export interface ResidentGraph {
  /** n. */
  readonly count: number;
  /** (n+1) uint32. */
  readonly starts: U32;
  /** (m) uint32. */
  readonly neighbours: U32;
  /** (m) float32; all 1 where null. */
  readonly weights: F32 | null;
}

/**
 * Merges a graph: edges between two parents add up and are halved. Node numbers and parents are trusted.
 *
 * @param parents (n) uint32 below `count`
 * @returns the merged graph, in memory that the caller gives back
 * @throws {InvalidArgumentError} on shapes that do not match
 */
export function mergeGraph(
  kernels: Kernels,
  graph: ResidentGraph,
  parents: U32,
  count: number,
): ResidentGraph {
  requireLength('mergeGraph', 'parents', parents, graph.count, '(n)');
  const room = graph.starts.view[graph.count];
  const starts = kernels.u32(count + 1, false);
  const neighbours = kernels.u32(room, false);
  const weights = kernels.f32(room, false);
  kernels.scope(() => {
    kernels.raw.mergeGraph(
      graph.count,
      graph.starts.ptr,
      graph.neighbours.ptr,
      graph.weights?.ptr ?? 0,
      parents.ptr,
      count,
      kernels.u32(count + 1, false).ptr,
      kernels.u32(graph.count, false).ptr,
      kernels.i32(count, false).ptr,
      starts.ptr,
      neighbours.ptr,
      weights.ptr,
    );
  });
  return { count, starts, neighbours, weights };
}

/**
 * The part of a graph over some of its nodes, numbered in their order.
 *
 * @param numbers (n) int32: −1 for nodes to leave out, anything else for those to keep; overwritten by their numbers
 * @param nodes (n) uint32: filled with the nodes kept
 * @returns the part, in memory that the caller gives back
 * @throws {InvalidArgumentError} on shapes that do not match
 */
export function subgraph(kernels: Kernels, graph: ResidentGraph, numbers: I32, nodes: U32): ResidentGraph {
  requireLength('subgraph', 'numbers', numbers, graph.count, '(n)');
  requireLength('subgraph', 'nodes', nodes, graph.count, '(n)');
  const starts = kernels.u32(graph.count + 1, false);
  const neighbours = kernels.u32(graph.starts.view[graph.count], false);
  const count = kernels.raw.subgraph(
    graph.count,
    graph.starts.ptr,
    graph.neighbours.ptr,
    numbers.ptr,
    nodes.ptr,
    starts.ptr,
    neighbours.ptr,
  );
  return { count, starts, neighbours, weights: null };
}

/**
 * coarse (m,4) += fine (n,4) and coarseSums (m) += sums (n), by parent.
 * @throws {InvalidArgumentError} on shapes that do not match
 */
export function restrictRows(
  kernels: Kernels,
  parents: U32,
  fine: { readonly rows: F32; readonly sums: F32 },
  coarse: { readonly rows: F32; readonly sums: F32 },
): void {
  const n = parents.length;
  requireLength('restrictRows', 'fine.rows', fine.rows, 4 * n, '(n,4)');
  requireLength('restrictRows', 'fine.sums', fine.sums, n, '(n)');
  requireLength('restrictRows', 'coarse.rows', coarse.rows, 4 * coarse.sums.length, '(m,4)');
  kernels.raw.restrictRows(n, parents.ptr, fine.rows.ptr, fine.sums.ptr, coarse.rows.ptr, coarse.sums.ptr);
}

/** fine (n,4) = coarse (m,4) of each one's parent. @throws {InvalidArgumentError} on shapes that do not match */
export function prolongRows(kernels: Kernels, parents: U32, coarse: F32, fine: F32): void {
  requireLength('prolongRows', 'fine', fine, 4 * parents.length, '(n,4)');
  kernels.raw.prolongRows(parents.length, parents.ptr, coarse.ptr, fine.ptr);
}

/**
 * out (n) = pull + λ·Σ of each node's edge weights: the diagonal of λ·Laplacian + pull.
 * @throws {InvalidArgumentError} on shapes that do not match
 */
export function laplacianDiagonal(
  kernels: Kernels,
  graph: ResidentGraph,
  lambda: number,
  pull: F32,
  out: F32,
): void {
  requireLength('laplacianDiagonal', 'pull', pull, graph.count, '(n)');
  requireLength('laplacianDiagonal', 'out', out, graph.count, '(n)');
  kernels.raw.laplacianDiagonal(
    graph.count,
    graph.starts.ptr,
    graph.weights?.ptr ?? 0,
    lambda,
    pull.ptr,
    out.ptr,
  );
}

/** Mirror points of nodes: four nodes each and their weights, all zero where there is no such point. */
export interface MirrorTaps {
  /** (n,4). */
  readonly taps: U32;
  /** (n,4). */
  readonly weights: F32;
}

/**
 * What each node would have to be offset by to look as its mirror point does, and how well that was seen; zeros where that
 * is not clearly better than the node itself.
 *
 * @param visibility (n) @param base (n,4) @param seen (n,4) offset
 * @param guide (n,4), @param strength (n): overwritten
 * @throws {InvalidArgumentError} on shapes that do not match
 */
export function mirrorGuides(
  kernels: Kernels,
  mirror: MirrorTaps,
  visibility: F32,
  base: F32,
  seen: F32,
  guide: F32,
  strength: F32,
): void {
  const n = visibility.length;
  for (const [key, array] of Object.entries({ ...mirror, base, seen, guide }))
    requireLength('mirrorGuides', key, array, 4 * n, '(n,4)');
  requireLength('mirrorGuides', 'strength', strength, n, '(n)');
  kernels.raw.mirrorGuides(
    n,
    mirror.taps.ptr,
    mirror.weights.ptr,
    visibility.ptr,
    base.ptr,
    seen.ptr,
    guide.ptr,
    strength.ptr,
  );
}

/** What {@link fillRight} is made of, (n) and (n,4). */
export interface FillInput {
  /** (n) how firmly a node is held at `seen`. */
  readonly hold: F32;
  /** (n) how well its guide is known, 0 for none. */
  readonly strength: F32;
  readonly seen: F32;
  readonly guide: F32;
  /** Pull towards the guide at a strength of 1, and towards zero where there is none. */
  readonly mirrorPull: number;
  readonly plainPull: number;
}

/**
 * Pull (n) and right-hand side (n,4) of the equations of a fill; both overwritten.
 * @throws {InvalidArgumentError} on shapes that do not match
 */
export function fillRight(
  kernels: Kernels,
  graph: ResidentGraph,
  input: FillInput,
  pull: F32,
  right: F32,
): void {
  const n = graph.count;
  const { hold, strength, seen, guide } = input;
  for (const [key, array] of Object.entries({ hold, strength, pull }))
    requireLength('fillRight', key, array, n, '(n)');
  for (const [key, array] of Object.entries({ seen, guide, right }))
    requireLength('fillRight', key, array, 4 * n, '(n,4)');
  kernels.raw.fillRight(
    n,
    graph.starts.ptr,
    graph.neighbours.ptr,
    hold.ptr,
    strength.ptr,
    seen.ptr,
    guide.ptr,
    input.mirrorPull,
    input.plainPull,
    pull.ptr,
    right.ptr,
  );
}
