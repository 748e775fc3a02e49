/**
 * Normal equations of residuals on a triangle mesh, accumulated per vertex and edge.
 *
 * A sample lies in a triangle with barycentrics β and has three residuals (channels) that depend on five numbers per
 * vertex, q_i, through Σ β_i q_i only, and on X shared numbers. With K (3,5) and R (3,X) its derivatives, already
 * times the square root of its weight, JᵀJ consists of
 *   vertex and edge blocks  Σ β_i β_j KᵀK   (5,5), symmetric, and
 *   mixed rows              Σ β_i KᵀR       (5,X) per vertex.
 * So a sample touches 6 blocks of 15 numbers and 3 mixed rows however many parameters move the vertices: with
 * P = ∂q/∂θ the geometric part of the Hessian is Pᵀ·(H·P), see `symmetricTN`. A residual as the last shared column
 * makes the gradient come along as the last mixed column.
 *
 * Blocks are float64, packed: entries (a, b ≥ a) row by row. Mixed rows and products are float32.
 */
import {
  type F32,
  type F64,
  type Kernels,
  requireLength,
  resolveRange,
  type U32,
  type WorkRange,
} from './runtime.ts';

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
 * Y = H·P, H the symmetric sparse matrix of the blocks.
 *
 * @param edges (D,2) vertices of each edge
 * @param p (5A,n) float32, row-major
 * @param y (5A,n) float32, overwritten
 * @param range vertices whose rows of `y` to compute, all by default
 * @throws {InvalidArgumentError} on lengths that do not match
 */
export function multiplyVertexBlocks(
  kernels: Kernels,
  { blocks, vertexCount }: Pick<VertexBlocks, 'blocks' | 'vertexCount'>,
  edges: Uint32Array,
  p: F32,
  n: number,
  y: F32,
  range?: WorkRange,
): void {
  const name = 'multiplyVertexBlocks';
  const D = edges.length / 2;
  requireLength(name, 'blocks', blocks, BLOCK_SIZE * (vertexCount + D), '(A+D,15)');
  requireLength(name, 'p', p, 5 * vertexCount * n, '(5A,n)');
  requireLength(name, 'y', y, 5 * vertexCount * n, '(5A,n)');
  const [begin, end] = resolveRange(name, range, vertexCount);
  kernels.scope(() => {
    const rowStart = kernels.u32(vertexCount + 1);
    const neighbours = kernels.u32(2 * (vertexCount + edges.length));
    const scratch = kernels.f32(25);
    fillRows(edges, vertexCount, rowStart.view, neighbours.view);
    kernels.raw.multiplyVertexBlocks(
      rowStart.ptr,
      neighbours.ptr,
      blocks.ptr,
      p.ptr,
      n,
      y.ptr,
      begin,
      end,
      scratch.ptr,
    );
  });
}

/** Compressed rows: per vertex itself and its neighbours as (block column, block number). */
function fillRows(edges: Uint32Array, A: number, rowStart: Uint32Array, neighbours: Uint32Array): void {
  for (let i = 0; i < A; i++) rowStart[i + 1] = 1;
  for (const v of edges) rowStart[v + 1]++;
  for (let i = 0; i < A; i++) rowStart[i + 1] += rowStart[i];
  const next = rowStart.slice(0, A);
  const put = (row: number, column: number, block: number) => {
    const at = 2 * next[row]++;
    neighbours[at] = column;
    neighbours[at + 1] = block;
  };
  for (let i = 0; i < A; i++) put(i, i, i);
  for (let e = 0; 2 * e < edges.length; e++) {
    const [i, j] = [edges[2 * e], edges[2 * e + 1]];
    put(i, j, A + e);
    put(j, i, A + e);
  }
}
