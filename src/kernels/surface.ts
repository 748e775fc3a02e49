/**
 * Vertex normals of a mesh and derivative rows of what a picture sees of its vertices: projection and unit normal.
 *
 * A vertex' fan is its ring of neighbours: with x the posed vertices, its area-weighted normal is
 * N = Σ (x_j − x_v) × (x_next(j) − x_v), and dN = Σ (dx_j − dx_v) × (x_next(j) − x_previous(j)), half as many terms as
 * a sum over faces and nothing written twice. A unit normal moves in its tangent plane only: two rows, not three.
 */
import { type F32, type Kernels, requireLength, type U32 } from './runtime.ts';
import { cutRange } from './tasks.ts';

/** Derivative rows of a vertex: u, v, and its normal along two tangents. */
export const SURFACE_ROWS = 4;
/** Vertices worth a task. */
const GRAIN = 128;

/** Fans of some vertices, as plain arrays. */
export interface FanTables {
  /** (fans) the vertex of each fan. */
  readonly centres: Uint32Array;
  /** (fans+1) where each fan begins in `entries`. */
  readonly starts: Uint32Array;
  /** (entries,4) neighbour, previous neighbour, next neighbour (the centre at a border), row of the neighbour. */
  readonly entries: Uint32Array;
  /** (fans) row of each centre. */
  readonly rows: Uint32Array;
  /** Entries of the longest fan. */
  readonly longest: number;
}

/** {@link FanTables} in kernel memory. */
export interface Fans {
  readonly centres: U32;
  readonly starts: U32;
  readonly entries: U32;
  readonly rows: U32;
  readonly longest: number;
}

/**
 * Fans of the vertices `centres`.
 * @param faces (F,3); all faces around every centre must be among them
 * @param rowOf (V) row of each vertex in derivative rows; centres and their neighbours need one
 */
export function buildFans(centres: Uint32Array, faces: Uint32Array, rowOf: Int32Array): FanTables {
  const slotOf = new Int32Array(rowOf.length).fill(-1);
  for (let i = 0; i < centres.length; i++) slotOf[centres[i]] = i;
  // Two entries per corner at most: places are counted first, entries then fill them from the front.
  const places = new Uint32Array(centres.length + 1);
  for (let i = 0; i < faces.length; i++) {
    const slot = slotOf[faces[i]];
    if (slot >= 0) places[slot + 1] += 2;
  }
  for (let i = 0; i < centres.length; i++) places[i + 1] += places[i];
  const count = new Uint32Array(centres.length);
  const loose = new Uint32Array(4 * places[centres.length]);
  /** The entry of neighbour j that lacks its `side` (1 previous, 2 next), new if need be, gets it. */
  const join = (slot: number, v: number, j: number, side: 1 | 2, other: number) => {
    let at = 4 * places[slot];
    const end = at + 4 * count[slot];
    while (at < end && !(loose[at] === j && loose[at + side] === v)) at += 4;
    if (at === end) {
      count[slot]++;
      loose[at] = j;
      loose[at + 1] = v;
      loose[at + 2] = v;
      loose[at + 3] = rowOf[j];
    }
    loose[at + side] = other;
  };
  for (let f = 0; f < faces.length; f += 3)
    for (let a = 0; a < 3; a++) {
      const v = faces[f + a];
      if (slotOf[v] < 0) continue;
      const j = faces[f + (a === 2 ? 0 : a + 1)];
      const k = faces[f + (a === 0 ? 2 : a - 1)];
      join(slotOf[v], v, j, 2, k);
      join(slotOf[v], v, k, 1, j);
    }
  const starts = new Uint32Array(centres.length + 1);
  for (let i = 0; i < centres.length; i++) starts[i + 1] = starts[i] + count[i];
  const entries = new Uint32Array(4 * starts[centres.length]);
  for (let i = 0; i < centres.length; i++)
    entries.set(loose.subarray(4 * places[i], 4 * (places[i] + count[i])), 4 * starts[i]);
  return {
    centres,
    starts,
    entries,
    rows: Uint32Array.from(centres, (v) => rowOf[v]),
    longest: count.reduce((a, b) => Math.max(a, b), 0),
  };
}

/** Copies fans into kernel memory. */
export function takeFans(kernels: Kernels, fans: FanTables): Fans {
  return {
    centres: kernels.u32(fans.centres),
    starts: kernels.u32(fans.starts),
    entries: kernels.u32(fans.entries),
    rows: kernels.u32(fans.rows),
    longest: fans.longest,
  };
}

/**
 * Unit normals of all fans.
 * @param vertices (V,3) float32
 * @param out (fans,4) float32: unit normal and 1/length of the area-weighted sum; (0,0,0) without area
 * @throws {InvalidArgumentError} on lengths that do not match
 */
export function fanNormals(kernels: Kernels, fans: Fans, vertices: F32, out: F32): void {
  const n = fans.centres.length;
  requireLength('fanNormals', 'out', out, 4 * n, '(fans,4)');
  kernels.raw.fanNormals(vertices.ptr, fans.centres.ptr, fans.starts.ptr, fans.entries.ptr, 0, n, out.ptr);
}

/**
 * Two unit vectors across the normal of each active fan.
 * @param active (A) uint32 fans
 * @param normals (fans,4) float32 of {@link fanNormals}
 * @param out (A,8) float32, each xyz0
 * @throws {InvalidArgumentError} on lengths that do not match
 */
export function tangentFrames(kernels: Kernels, active: U32, normals: F32, out: F32): void {
  requireLength('tangentFrames', 'out', out, 8 * active.length, '(A,8)');
  kernels.raw.tangentFrames(active.ptr, normals.ptr, active.length, out.ptr);
}

/** What {@link surfaceRows} starts from. */
export interface SurfaceInput {
  /** (V,3) float32. */
  readonly vertices: F32;
  /** (fans,4) float32 of {@link fanNormals}. */
  readonly normals: F32;
  /** (A) uint32 fans. */
  readonly active: U32;
  /** (A,8) float32 of {@link tangentFrames}. */
  readonly frames: F32;
  /** (A,8) float32 ∂(u, v)/∂(x, y, z) by rows, two unused. */
  readonly projection: F32;
  /** (3R,stride) float32 derivative rows of vertices. */
  readonly rows: F32;
  /** A multiple of 8. */
  readonly stride: number;
}

/**
 * Derivative rows of u, v, and of the unit normal along its two tangents, of the active fans' vertices.
 * @param out (4A,stride) float32
 * @throws {InvalidArgumentError} on lengths that do not match
 */
export function surfaceRows(kernels: Kernels, fans: Fans, input: SurfaceInput, out: F32): void {
  const name = 'surfaceRows';
  const A = input.active.length;
  requireLength(name, 'normals', input.normals, 4 * fans.centres.length, '(fans,4)');
  requireLength(name, 'frames', input.frames, 8 * A, '(A,8)');
  requireLength(name, 'projection', input.projection, 8 * A, '(A,8)');
  requireLength(name, 'out', out, SURFACE_ROWS * A * input.stride, '(4A,stride)');
  requireLength(name, 'stride', { length: 8 * Math.ceil(input.stride / 8) }, input.stride, 'a multiple of 8');
  kernels.scope(() => {
    const scratchBytes = 16 * (fans.longest + 1);
    const scratch = kernels.f32((scratchBytes * kernels.threads) / 4);
    kernels.run(
      'surfaceRows',
      cutRange(0, A, 2 * kernels.threads, GRAIN).map(([from, to]) => [
        input.vertices.ptr,
        fans.starts.ptr,
        fans.entries.ptr,
        input.active.ptr,
        from,
        to,
        fans.rows.ptr,
        input.normals.ptr,
        input.frames.ptr,
        input.projection.ptr,
        input.rows.ptr,
        input.stride,
        out.ptr,
        scratch.ptr,
        scratchBytes,
      ]),
    );
  });
}
