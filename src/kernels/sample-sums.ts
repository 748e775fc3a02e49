/**
 * Normal equations of surface samples, chunk by chunk and on whichever threads there are: rows of a chunk are made, added
 * to the blocks of the mesh (`vertex-blocks.ts`) and to the Gram matrix of the columns that all samples share. Kinds of
 * samples differ in how rows are made: `photometric.ts`, `original.ts`.
 *
 * The Gram matrix is summed up in halves, whoever does them, so that its bits do not depend on threads. With threads, one
 * adds up all blocks of the mesh and makes the rows for it a second time: that costs less than blocks of its own for each
 * half, and sums in the same order as a single thread.
 */
import type { F64, Kernels } from './runtime.ts';
import { cutRange, type TaskKernel } from './tasks.ts';
import { createVertexBlocks, type VertexBlocks } from './vertex-blocks.ts';

/** Samples whose rows are made at a time, as in assembly/photometric.ts and assembly/original.ts. */
const CHUNK = 128;
/** Samples worth a task. */
const GRAIN = 512;

/** Where a part of the sums goes; addresses are 0 for what is not wanted. */
export interface SampleSums {
  /** (3·CHUNK,stride) float32. */
  readonly rows: number;
  readonly stride: number;
  readonly blocks: VertexBlocks | null;
  readonly gram: number;
  /** Energy, float64. */
  readonly result: number;
}

/** Sums over all samples. */
export interface SampleEquations {
  /** What the kernels return as energy. */
  readonly sum: number;
  /** H per vertex and edge, and mixed rows (5A,X). */
  readonly vertex: VertexBlocks;
  /** (X,X) float64 Gram matrix of the shared columns. */
  readonly appearance: F64;
}

/**
 * The energy alone, in parts of fixed size.
 * @param job address of a job that asks for `sums`.
 */
export function sampleEnergy(
  kernels: Kernels,
  task: Extract<TaskKernel, 'originalPart'>,
  count: number,
  job: (sums: SampleSums) => number,
): number {
  return kernels.scope(() => {
    const cuts = cutRange(0, count, 8, GRAIN);
    const results = kernels.f64(cuts.length);
    kernels.run(
      task,
      cuts.map(([from, to], i) => [job({ ...NOTHING, result: results.ptr + 8 * i }), from, to]),
    );
    return results.view.reduce((a, b) => a + b, 0);
  });
}

/**
 * All sums, in kernel memory that the caller gives back.
 * @param columns X, a multiple of 4.
 * @param job address of a job that asks for `sums`.
 */
export function sampleEquations(
  kernels: Kernels,
  task: Extract<TaskKernel, 'photometricPart' | 'originalPart'>,
  count: number,
  mesh: { readonly vertexCount: number; readonly edgeCount: number },
  columns: number,
  job: (sums: SampleSums) => number,
): SampleEquations {
  const vertex = createVertexBlocks(kernels, mesh.vertexCount, mesh.edgeCount, columns);
  const appearance = kernels.f64(columns * columns);
  const sum = kernels.scope(() => {
    const stride = rowStride(columns);
    const length = columns * columns;
    const cuts = cutRange(0, count, 2, GRAIN);
    const grams = kernels.f64(length * cuts.length);
    const results = kernels.f64(cuts.length);
    const part = (blocks: VertexBlocks | null, half: number | null) =>
      job({
        rows: kernels.f32(3 * CHUNK * stride, false).ptr,
        stride,
        blocks,
        gram: half === null ? 0 : grams.ptr + 8 * length * half,
        result: half === null ? 0 : results.ptr + 8 * half,
      });
    const apart = kernels.threads > 1 && cuts.length > 1;
    const halves = cuts.map(([from, to], i) => [part(apart ? null : vertex, i), from, to]);
    kernels.run(task, apart ? [[part(vertex, null), 0, count], ...halves] : halves);
    kernels.raw.addParts(appearance.ptr, grams.ptr, cuts.length, length);
    kernels.raw.mirrorLower(appearance.ptr, columns, columns);
    return results.view.reduce((a, b) => a + b, 0);
  });
  return { sum, vertex, appearance };
}

/** A job that asks for no sums. */
export const NOTHING: SampleSums = { rows: 0, stride: 0, blocks: null, gram: 0, result: 0 };

/** The fields that jobs of both kinds end with: where what is added up goes. */
export function blockFields({ blocks, gram, result }: SampleSums): number[] {
  return [
    blocks?.blocks.ptr ?? 0,
    blocks?.vertexCount ?? 0,
    blocks?.mixed.ptr ?? 0,
    blocks?.mixedStride ?? 0,
    gram,
    result,
  ];
}

/** Floats from row to row: not a multiple of 256 bytes, which would crowd a few of the cache's sets. */
function rowStride(columns: number): number {
  return columns + 8 + ((columns + 8) % 64 === 0 ? 8 : 0);
}
