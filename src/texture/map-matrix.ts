/**
 * All values of many texture maps, by columns and by rows, without holding them in memory: N maps of M values (the used
 * texels, RGB), stored once on a scratch medium as 16-bit numbers in blocks of values, and read back a block at a time,
 * each N × m. Maps are inflated once instead of once per pass: 1,500 of 512² take 1.1 GB of scratch.
 *
 * Values are kept in [−0.5, 1.5] in steps of 3·10⁻⁵, finer than the half floats that maps may be stored in; what lies
 * beyond is cut off.
 */
import { FormatError, InvalidArgumentError, throwIfAborted } from '../core/errors.ts';
import type { TexelGraph } from './texel-graph.ts';
import type { TextureMap, TextureMapSource } from './texture-map.ts';

/** Bytes that can be written and read at any offset. */
export interface Scratch {
  /** Writes all of `bytes` at `offset`. */
  write(offset: number, bytes: Uint8Array): Promise<void>;
  /** Reads exactly `length` bytes from `offset`. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** Scratch in memory, for few or small maps. */
export function memoryScratch(size: number): Scratch {
  const all = new Uint8Array(size);
  return {
    write: async (offset, bytes) => all.set(bytes, offset),
    read: async (offset, length) => all.slice(offset, offset + length),
  };
}

/** What {@link collectMaps} gathers. */
export interface MapMatrix {
  /** Maps. */
  readonly N: number;
  /** Values of a map: 3 · nodes. */
  readonly M: number;
  /** Values of a block but the last. */
  readonly block: number;
  /** (M) arithmetic mean. */
  readonly mean: Float64Array;
  /** (M) mean weighted by visibility: where a texel was seen by few, those few decide. */
  readonly seenMean: Float64Array;
  /** (n) mean visibility of each node, in [0, 1]. */
  readonly visibility: Float64Array;
  /** Values `from` … `to`−1 of all maps, (N, to−from) uint16; see {@link decodeValue}. `from` begins a block. */
  read(from: number): Promise<{ readonly values: Uint16Array; readonly to: number }>;
}

const LOW = -0.5;
const STEP = 2 / 65535;
/** Value of a stored number: LOW + STEP · number. */
export const VALUE_STEP = STEP;
/** Value of the stored number 0. */
export const VALUE_LOW = LOW;

/** Values of a block: with 1,500 maps 24 MB stored, 49 MB as floats. */
const BLOCK = 8192;
/** Maps gathered before their pieces are written, so that writes are not tiny. */
const BATCH = 16;
/**
 * Weight of a texel that a map did not see, beside 1 + this of one it did: the few that show the underside of a jaw do so at a
 * slant. Without one colour for all, the mean of 300 made people's maps is 5.5 of 255 from the true one with 0.02, 5.1 with 0.3.
 */
const UNSEEN = 0.3;

/** Bytes of scratch that {@link collectMaps} needs. */
export function scratchBytes(N: number, graph: TexelGraph): number {
  return 2 * N * 3 * graph.texels.length;
}

/**
 * Reads every map once and stores it.
 * @param onMap after each map, how many are done
 * @throws {FormatError} when a map holds NaN or is of another size
 * @throws {InvalidArgumentError} when there are fewer than two
 * @throws {AbortedError} when cancelled
 */
export async function collectMaps(
  source: TextureMapSource,
  graph: TexelGraph,
  scratch: Scratch,
  options: { readonly onMap?: (done: number) => void; readonly signal?: AbortSignal } = {},
): Promise<MapMatrix> {
  const N = source.names.length;
  if (N < 2)
    throw new InvalidArgumentError(
      `a texture space needs at least two maps, there ${N === 1 ? 'is 1' : 'are none'}; fit more photos`,
    );
  const n = graph.texels.length;
  const M = 3 * n;
  const sum = new Float64Array(M);
  const seenSum = new Float64Array(M);
  const weight = new Float64Array(n);
  const seen = new Float64Array(n);
  let batch: Uint16Array[] = [];
  let first = 0;
  const flush = async () => {
    const rows = batch.length;
    for (let from = 0; from < M; from += BLOCK) {
      const m = Math.min(BLOCK, M - from);
      const piece = new Uint16Array(rows * m);
      batch.forEach((values, r) => {
        piece.set(values.subarray(from, from + m), r * m);
      });
      await scratch.write(2 * (from * N + first * m), new Uint8Array(piece.buffer));
    }
    first += rows;
    batch = [];
  };
  for (let i = 0; i < N; i++) {
    throwIfAborted(options.signal);
    const map = await source.read(i);
    checkMap(map, source.names[i], graph);
    const stored = new Uint16Array(M);
    for (let k = 0; k < n; k++) {
      const t = graph.texels[k];
      const v = map.visibility[t] / 255;
      const w = UNSEEN + v;
      seen[k] += v;
      weight[k] += w;
      for (let c = 0; c < 3; c++) {
        const x = map.albedo[3 * t + c];
        const q = Math.min(Math.max(Math.round((x - LOW) / STEP), 0), 65535);
        stored[3 * k + c] = q;
        sum[3 * k + c] += q;
        seenSum[3 * k + c] += w * q;
      }
    }
    batch.push(stored);
    if (batch.length === BATCH) await flush();
    options.onMap?.(i + 1);
  }
  if (batch.length > 0) await flush();
  return {
    N,
    M,
    block: BLOCK,
    mean: sum.map((s) => LOW + (STEP * s) / N),
    seenMean: seenSum.map((s, i) => LOW + (STEP * s) / weight[Math.floor(i / 3)]),
    visibility: seen.map((s) => s / N),
    async read(from) {
      const to = Math.min(from + BLOCK, M);
      const bytes = await scratch.read(2 * from * N, 2 * (to - from) * N);
      return { values: new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2), to };
    },
  };
}

function checkMap(map: TextureMap, name: string, graph: TexelGraph): void {
  if (map.size !== graph.width || map.size !== graph.height)
    throw new FormatError(
      `${name}: has ${map.size}² texels, the first map ${graph.width}²; maps must be alike`,
    );
  for (const t of graph.texels)
    for (let c = 3 * t; c < 3 * t + 3; c++)
      if (!Number.isFinite(map.albedo[c]))
        throw new FormatError(
          `${name}: holds ${map.albedo[c]} at texel (${t % map.size}, ${Math.floor(t / map.size)}); make that map again`,
        );
}
