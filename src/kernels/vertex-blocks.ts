/**
 * Normal equations of residuals on a triangle mesh, accumulated per vertex and edge.
 *
 * A sample lies in a triangle with barycentrics β and has three residuals (channels) that depend on five numbers per
 * vertex, q_i, through Σ β_i q_i only, and on X shared numbers. With K (3,5) and R (3,X) its derivatives, already
 * times the square root of its weight, JᵀJ consists of
 *   vertex and edge blocks  Σ β_i β_j KᵀK   (5,5), symmetric, and
 *   mixed rows              Σ β_i KᵀR       (5,X) per vertex.
 * So a sample touches 6 blocks of 15 numbers and 3 mixed rows however many parameters move the vertices: with
 * P = ∂q/∂θ the geometric part of the Hessian is Pᵀ·(H·P), see `symmetricTN`. A residual among the shared columns makes
 * the gradient come along as a mixed column.
 *
 * Three of the five numbers are a unit normal, which moves in its tangent plane: ∂n/∂θ = T·∂t/∂θ with two tangents T
 * (3,2) per vertex. So P has four rows per vertex, and blocks and mixed rows are turned into that basis once they are
 * summed up: H' = TᵀHT. That is exact, a fifth less to multiply and a third less for H·P.
 *
 * Blocks are float64, packed: entries (a, b ≥ a) row by row. Mixed rows and products are float32.
 */
import { firstOf } from './part.ts';
import {
  type F32,
  type F64,
  type Kernels,
  requireLength,
  resolveRange,
  type U32,
  type WorkRange,
} from './runtime.ts';
import { SURFACE_ROWS } from './surface.ts';
import { cutRange } from './tasks.ts';

/** Numbers in a packed symmetric 5×5 block. */
export const BLOCK_SIZE = 15;

/** Samples on a mesh with A vertices and D edges. */
export interface BlockSamples {
  /** (N,3) uint32 corners, below A. */
  readonly corners: U32;
  /** (N,3) uint32 edges 0-1, 1-2 and 2-0, below D. */
  readonly edges: U32;
  /** (N,3) float32 barycentrics. */
  readonly barycentrics: F32;
  /** (3N, stride) float32: X shared columns, then the 5 of the vertex numbers; times √weight. */
  readonly jacobian: F32;
  /** At least X + 5. */
  readonly stride: number;
  /** X. */
  readonly columns: number;
}

/** What samples add up to. */
export interface VertexBlocks {
  /** A. */
  readonly vertexCount: number;
  /** (A+D,15) float64: vertices first, then edges. */
  readonly blocks: F64;
  /** (A,5,mixedStride) float32; columns from X on are undefined. */
  readonly mixed: F32;
  /** X rounded up to a multiple of 4. */
  readonly mixedStride: number;
}

/** Takes zeroed blocks for A vertices, D edges and X shared columns. */
export function createVertexBlocks(
  kernels: Kernels,
  vertexCount: number,
  edgeCount: number,
  columns: number,
): VertexBlocks {
  const mixedStride = (columns + 3) & ~3;
  return {
    vertexCount,
    blocks: kernels.f64(BLOCK_SIZE * (vertexCount + edgeCount)),
    mixed: kernels.f32(5 * mixedStride * vertexCount),
    mixedStride,
  };
}

/**
 * Adds samples to `output`. Corner and edge numbers are trusted to be in range.
 * @param range samples to add, all by default; workers add theirs to an output of their own
 * @throws {InvalidArgumentError} on lengths that do not match
 */
export function accumulateVertexBlocks(
  kernels: Kernels,
  samples: BlockSamples,
  output: VertexBlocks,
  range?: WorkRange,
): void {
  const name = 'accumulateVertexBlocks';
  const n = Math.floor(samples.corners.length / 3);
  requireLength(name, 'corners', samples.corners, 3 * n, '(N,3)');
  requireLength(name, 'edges', samples.edges, 3 * n, '(N,3)');
  requireLength(name, 'barycentrics', samples.barycentrics, 3 * n, '(N,3)');
  requireLength(name, 'jacobian', samples.jacobian, 3 * n * samples.stride, '(3N,stride)');
  requireLength(
    name,
    'stride',
    { length: Math.min(samples.stride, samples.columns + 5) },
    samples.columns + 5,
    'X+5',
  );
  requireLength(
    name,
    'mixed',
    output.mixed,
    5 * output.vertexCount * ((samples.columns + 3) & ~3),
    '(A,5,X rounded up to 4)',
  );
  const [begin, end] = resolveRange(name, range, n);
  kernels.raw.accumulateVertexBlocks(
    samples.jacobian.ptr,
    samples.stride,
    samples.columns,
    samples.corners.ptr,
    samples.edges.ptr,
    samples.barycentrics.ptr,
    begin,
    end,
    output.blocks.ptr,
    output.vertexCount,
    output.mixed.ptr,
    output.mixedStride,
  );
}

/**
 * Turns the mixed rows of `blocks` into the tangents' basis, in place: (A,5,mixedStride) becomes (A,4,mixedStride).
 * @param frames (A,8) float32 tangents
 * @returns the rows, part of the array that held them
 * @throws {InvalidArgumentError} on lengths that do not match
 */
export function foldMixedRows(
  kernels: Kernels,
  { mixed, mixedStride, vertexCount }: Pick<VertexBlocks, 'mixed' | 'mixedStride' | 'vertexCount'>,
  frames: F32,
): F32 {
  requireLength('foldMixedRows', 'frames', frames, 8 * vertexCount, '(A,8)');
  kernels.raw.foldMixed(mixed.ptr, mixedStride, frames.ptr, vertexCount);
  return firstOf(mixed, SURFACE_ROWS * vertexCount * mixedStride);
}

/**
 * Y = H'·P, H' the symmetric sparse matrix of the blocks in the tangents' basis.
 *
 * @param edges (D,2) vertices of each edge
 * @param frames (A,8) float32 tangents
 * @param p (4A,n) float32, row-major, n a multiple of 8
 * @param y (4A,n) float32, overwritten
 * @throws {InvalidArgumentError} on lengths that do not match
 */
export function multiplyVertexBlocks(
  kernels: Kernels,
  { blocks, vertexCount }: Pick<VertexBlocks, 'blocks' | 'vertexCount'>,
  edges: Uint32Array,
  frames: F32,
  p: F32,
  n: number,
  y: F32,
): void {
  const name = 'multiplyVertexBlocks';
  const A = vertexCount;
  const D = edges.length / 2;
  requireLength(name, 'blocks', blocks, BLOCK_SIZE * (A + D), '(A+D,15)');
  requireLength(name, 'frames', frames, 8 * A, '(A,8)');
  requireLength(name, 'n', { length: 8 * Math.ceil(n / 8) }, n, 'a multiple of 8');
  requireLength(name, 'p', p, SURFACE_ROWS * A * n, '(4A,n)');
  requireLength(name, 'y', y, SURFACE_ROWS * A * n, '(4A,n)');
  const { threads } = kernels;
  kernels.scope(() => {
    const ends = kernels.u32(edges);
    const rowStart = kernels.u32(A + 1);
    const neighbours = kernels.u32(2 * (A + edges.length), false);
    const folded = kernels.f32(16 * (A + D), false);
    const longest = fillRows(edges, A, rowStart.view, neighbours.view);
    const scratchBytes = NEIGHBOUR_BYTES * longest;
    const scratch = kernels.f32((scratchBytes * threads) / 4, false);
    kernels.run(
      'foldBlocks',
      cutRange(0, A + D, threads, GRAIN).map(([from, to]) => [
        blocks.ptr,
        ends.ptr,
        frames.ptr,
        A,
        from,
        to,
        folded.ptr,
      ]),
    );
    kernels.run(
      'multiplyBlockRows',
      cutRange(0, A, 2 * threads, GRAIN / 8).map(([from, to]) => [
        rowStart.ptr,
        neighbours.ptr,
        folded.ptr,
        p.ptr,
        n,
        y.ptr,
        from,
        to,
        scratch.ptr,
        scratchBytes,
      ]),
    );
  });
}

/** As in assembly/vertex-blocks.ts. */
const NEIGHBOUR_BYTES = 80;
/** Blocks worth a task. */
const GRAIN = 1024;

/**
 * Compressed rows: per vertex itself and its neighbours as (block column, twice the block number, plus 1 where the
 * block is the edge's other way round). Returns the entries of the longest row.
 */
function fillRows(edges: Uint32Array, A: number, rowStart: Uint32Array, neighbours: Uint32Array): number {
  for (let i = 0; i < A; i++) rowStart[i + 1] = 1;
  for (let e = 0; e < edges.length; e++) rowStart[edges[e] + 1]++;
  let longest = 1;
  for (let i = 0; i < A; i++) {
    longest = Math.max(longest, rowStart[i + 1]);
    rowStart[i + 1] += rowStart[i];
  }
  const next = rowStart.slice(0, A);
  for (let i = 0; i < A; i++) {
    const at = 2 * next[i]++;
    neighbours[at] = i;
    neighbours[at + 1] = 2 * i;
  }
  for (let e = 0; 2 * e < edges.length; e++) {
    const i = edges[2 * e];
    const j = edges[2 * e + 1];
    const there = 2 * next[i]++;
    neighbours[there] = j;
    neighbours[there + 1] = 2 * (A + e);
    const back = 2 * next[j]++;
    neighbours[back] = i;
    neighbours[back + 1] = 2 * (A + e) + 1;
  }
  return longest;
}
