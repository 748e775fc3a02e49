/**
 * Normal equations of surface samples, chunk by chunk and on whichever threads there are: rows of a chunk are made, added
 * to the blocks of the mesh (`vertex-blocks.ts`) and to the Gram matrix of the columns that all samples share. Kinds of
 * samples differ in how rows are made: `photometric.ts`, `original.ts`.
 *
 * The Gram matrix is summed up in halves, whoever does them, so that its bits do not depend on threads. With threads, one
 * adds up all blocks of the mesh and makes the rows for it a second time: that costs less than blocks of its own for each
 * half, and sums in the same order as a single thread.
 */
import { type Field, jobOf, whole } from './job.ts';
import { type F32, type F64, type Kernels, requireLength, type U32 } from './runtime.ts';
import { cutRange, type TaskKernel } from './tasks.ts';
import { createVertexBlocks, type VertexBlocks } from './vertex-blocks.ts';

/** Samples whose rows are made at a time, as in assembly/sample-rows.ts. */
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
    const length = columns * columns;
    const cuts = cutRange(0, count, 2, GRAIN);
    const grams = kernels.f64(length * cuts.length);
    const results = kernels.f64(cuts.length);
    const part = (blocks: VertexBlocks | null, half: number | null) =>
      job({
        ...chunkRows(kernels, columns),
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

/** What all kinds of samples depend on. */
export interface SampleInput {
  /** (A,8) float32: two numbers of the projection, unit normal, zeros. */
  readonly q: F32;
  /** (9,3). */
  readonly light: ArrayLike<number>;
  /** (9) factors of the basis' polynomials. */
  readonly basis: ArrayLike<number>;
  /** (T). */
  readonly texture: ArrayLike<number>;
}

/** Where samples lie on the surface; arrays may be longer than `count` asks for. */
export interface SamplePlaces {
  /** N. */
  readonly count: number;
  /** (N,3) uint32 vertices: rows of q. */
  readonly corners: U32;
  /** (N,3) uint32 edges 0-1, 1-2 and 2-0. */
  readonly edges: U32;
  /** (N,3) float32. */
  readonly barycentrics: F32;
  /** (N) float32 weight of the sample in [0, 1]. */
  readonly mask: F32;
}

/**
 * A structure for the kernels: the fields of `SampleJob` in assembly/sample-rows.ts, then those of the kind.
 * @param vectors texture components per channel in vectors of 4.
 * @param own the kind's own fields.
 * @param scratch floats that the kind needs.
 * @returns its address.
 */
export function sampleJob(
  kernels: Kernels,
  samples: SamplePlaces,
  input: SampleInput,
  vectors: number,
  { rows, stride, blocks, gram, result }: SampleSums,
  { own, scratch }: { readonly own: readonly Field[]; readonly scratch: number },
): number {
  const light = takeLight(kernels, input);
  const constants = kernels.f32(12);
  const texture = kernels.f32(4 * vectors);
  constants.view.set(input.basis);
  texture.view.set(input.texture);
  const { corners, edges, barycentrics, mask } = samples;
  const none = whole(0);
  return jobOf(kernels, [
    [input.q, corners, edges, barycentrics, mask, light, constants, texture, whole(vectors)],
    [whole(rows), whole(stride), kernels.f32(scratch)],
    blocks
      ? [blocks.blocks, whole(blocks.vertexCount), blocks.mixed, whole(blocks.mixedStride)]
      : [none, none, none, none],
    [whole(gram), whole(result)],
    own,
  ]);
}

/** Light as the kernels read it: (9,4) float32 RGB0, times the factors of the basis' polynomials. */
export function takeLight(kernels: Kernels, { light, basis }: Pick<SampleInput, 'light' | 'basis'>): F32 {
  const rows = kernels.f32(36);
  const view = rows.view;
  for (let k = 0; k < 9; k++) for (let c = 0; c < 3; c++) view[4 * k + c] = light[3 * k + c] * basis[k];
  return rows;
}

/** @throws {InvalidArgumentError} on lengths that do not match; `what` begins the message. */
export function requireSamples(what: string, samples: SamplePlaces, { light, basis }: SampleInput): void {
  const { count } = samples;
  for (const [name, width, shape] of [
    ['corners', 3, '(N,3)'],
    ['edges', 3, '(N,3)'],
    ['barycentrics', 3, '(N,3)'],
    ['mask', 1, '(N)'],
  ] as const)
    requireAtLeast(what, name, samples[name], width * count, shape);
  requireLength(what, 'light', light, 27, '(9,3)');
  requireLength(what, 'basis', basis, 9, '(9)');
}

/** @throws {InvalidArgumentError} when an array is shorter than it should be. */
export function requireAtLeast(
  what: string,
  name: string,
  array: { readonly length: number },
  least: number,
  shape: string,
): void {
  requireLength(what, name, { length: Math.min(array.length, least) }, least, shape);
}

/** Room for the rows of a chunk with X shared columns. */
export function chunkRows(kernels: Kernels, columns: number): Pick<SampleSums, 'rows' | 'stride'> {
  const stride = rowStride(columns);
  return { rows: kernels.f32(3 * CHUNK * stride, false).ptr, stride };
}

/** Floats from row to row: not a multiple of 256 bytes, which would crowd a few of the cache's sets. */
function rowStride(columns: number): number {
  return columns + 8 + ((columns + 8) % 64 === 0 ? 8 : 0);
}
