/**
 * The head's own UV atlas: unit square, v down, symmetric about u = 1/2 (so mirroring the image mirrors the head).
 *
 * The source's head island is turned upright and widened about its middle by w(t) = (1+k)t / (1+k|t|), which is
 * monotone (nothing folds) and gives the face about half the width. Below it lie a strip of small charts: eyeballs
 * as discs (radius a function of the angle from the gaze axis, half of it for the iris), eye sockets, neck, mouth
 * bag, tongue and teeth, each even about the middle or with its twin on the other side.
 */
import { gridPlace } from './mouth-grid.ts';
import type { Source } from './source.ts';
import { EYE_RINGS, EYE_SEGMENTS, type Topology } from './topology.ts';

/** Charts; the first five are of the skin part. */
export const CHARTS = [
  'head',
  'mouth',
  'neck',
  'socket_left',
  'socket_right',
  'tongue',
  'teeth_upper',
  'teeth_lower',
  'left_eyeball',
  'right_eyeball',
] as const;
/** One of {@link CHARTS}. */
export type Chart = (typeof CHARTS)[number];

/** UVs of the head. */
export interface Atlas {
  /** (U,2) v down. */
  readonly uvs: Float32Array;
  /** (F,3) */
  readonly faceUvs: Uint32Array;
  /** (U,2) coordinates in the source's skins, v down; NaN on eyeballs. */
  readonly sourceUvs: Float32Array;
  /** (F) index into CHARTS. */
  readonly faceChart: Uint8Array;
}

/** Radius in the eye disc (0…1) of the angle from the gaze axis, degrees: half for the iris (30°). */
export function eyeDiscRadius(angle: number): number {
  return angle <= 30 ? (0.5 * angle) / 30 : 0.5 + 0.5 * ((angle - 30) / 150) ** 0.75;
}

/** Centre and radius of the eye discs. */
export const EYE_DISCS = { left: [0.91, 0.905], right: [0.09, 0.905], radius: 0.078 } as const;

const WIDEN = 0.9;

/** Lays out the atlas. */
export function buildAtlas(source: Source, topology: Topology): Atlas {
  const F = topology.faces.length / 3;
  const { uvs: raw } = source.mesh;
  const island = islands(topology.faceSourceUvs, raw.length / 2);
  const faceChart = new Uint8Array(F);
  const key = new Map<string, number>();
  const uvs: number[] = [];
  const sourceUvs: number[] = [];
  const faceUvs = new Uint32Array(3 * F);
  for (let f = 0; f < F; f++) {
    const part = topology.part[topology.faces[3 * f]!]!;
    const chart = part === 0 ? skinChart(island, topology.faceSourceUvs[3 * f]!, raw) : part + 4;
    faceChart[f] = chart;
    for (let k = 0; k < 3; k++) {
      const t = topology.faceSourceUvs[3 * f + k]!;
      const id = `${chart}:${t}`;
      let i = key.get(id);
      if (i === undefined) {
        i = uvs.length / 2;
        key.set(id, i);
        if (t >= 0) {
          uvs.push(...place(chart, raw[2 * t]!, raw[2 * t + 1]!));
          sourceUvs.push(raw[2 * t]!, 1 - raw[2 * t + 1]!);
        } else {
          const v = -1 - t;
          uvs.push(...(topology.part[v]! < 4 ? placeGridVertex(v, topology) : placeEye(v, topology)));
          sourceUvs.push(Number.NaN, Number.NaN);
        }
      }
      faceUvs[3 * f + k] = i;
    }
  }
  symmetrise(uvs, faceUvs, topology);
  return { uvs: Float32Array.from(uvs), faceUvs, sourceUvs: Float32Array.from(sourceUvs), faceChart };
}

/** Texture vertices that hang together by faces. */
function islands(faceUvs: Int32Array, n: number): (t: number) => number {
  const parent = Int32Array.from({ length: n }, (_, i) => i);
  const find = (t: number): number => {
    while (parent[t] !== t) {
      parent[t] = parent[parent[t]!]!;
      t = parent[t]!;
    }
    return t;
  };
  for (let f = 0; f < faceUvs.length; f += 3) {
    if (faceUvs[f]! < 0) continue;
    for (let k = 1; k < 3; k++) parent[find(faceUvs[f + k]!)] = find(faceUvs[f]!);
  }
  return find;
}

/** The five islands of the skin lie apart in the source's square. */
function skinChart(island: (t: number) => number, t: number, uv: Float64Array): number {
  const root = island(t);
  const [u, v] = [uv[2 * root]!, uv[2 * root + 1]!];
  if (u > 0.63 && v > 0.145) return 0;
  if (u > 0.63) return 1;
  if (u > 0.2) return 2;
  return u > 0.08 ? 3 : 4;
}

function box(x: number, y: number, from: readonly number[], to: readonly number[]): [number, number] {
  const a = (x - from[0]!) / (from[2]! - from[0]!);
  const b = (y - from[1]!) / (from[3]! - from[1]!);
  return [to[0]! + a * (to[2]! - to[0]!), to[1]! + b * (to[3]! - to[1]!)];
}

/** Where tongue and rows of teeth lie: u0, v0, u1, v1, even about the middle. */
export const GRID_CHARTS = {
  1: [0.36, 0.914, 0.64, 0.934],
  2: [0.182, 0.809, 0.818, 0.836],
  3: [0.182, 0.844, 0.818, 0.871],
} as const;

function placeGridVertex(vertex: number, topology: Topology): [number, number] {
  const part = topology.part[vertex]! as 1 | 2 | 3;
  const [x, y] = gridPlace(part, vertex - topology.partStart[part]!);
  return box(x, y, [0, 0, 1, 1], GRID_CHARTS[part]);
}

function place(chart: number, u: number, v: number): [number, number] {
  switch (chart) {
    case 0: {
      const t = (v - 0.4835) / 0.337;
      const w = ((1 + WIDEN) * t) / (1 + WIDEN * Math.abs(t));
      return [0.5 + 0.495 * w, 0.006 + (0.794 * (u - 0.641)) / 0.353];
    }
    case 1:
      return box(u, v, [0.758, 0.012, 0.924, 0.136], [0.3, 0.941, 0.7, 0.996]);
    case 2:
      return box(u, v, [0.274, 0.974, 0.487, 0.886], [0.3, 0.879, 0.7, 0.906]);
    case 3:
      return box(u, v, [0.086, 0.633, 0.151, 0.547], [0.725, 0.912, 0.805, 0.992]);
    default:
      return box(u, v, [0.012, 0.633, 0.077, 0.547], [0.195, 0.912, 0.275, 0.992]);
  }
}

function placeEye(vertex: number, topology: Topology): [number, number] {
  const part = topology.part[vertex]!;
  const i = vertex - topology.partStart[part]!;
  const last = EYE_RINGS.length * EYE_SEGMENTS + 1;
  const center = part === 4 ? EYE_DISCS.left : EYE_DISCS.right;
  if (i === 0) return [center[0], center[1]];
  const ring = i === last ? -1 : Math.floor((i - 1) / EYE_SEGMENTS);
  // The back pole is never seen; it shares the rim of the disc.
  const r = EYE_DISCS.radius * (ring < 0 ? 1 : eyeDiscRadius(EYE_RINGS[ring]!));
  const b = (2 * Math.PI * ((i - 1) % EYE_SEGMENTS)) / EYE_SEGMENTS;
  return [center[0] + r * Math.cos(b), center[1] - r * Math.sin(b)];
}

/** Makes the atlas exactly symmetric about its middle. */
function symmetrise(uvs: number[], faceUvs: Uint32Array, topology: Topology): void {
  const faceOf = new Map<string, number>();
  const F = topology.faces.length / 3;
  const id = (a: number, b: number, c: number) => [a, b, c].sort((x, y) => x - y).join();
  for (let f = 0; f < F; f++)
    faceOf.set(id(topology.faces[3 * f]!, topology.faces[3 * f + 1]!, topology.faces[3 * f + 2]!), f);
  const twin = new Map<number, number>();
  for (let f = 0; f < F; f++) {
    const v = [0, 1, 2].map((k) => topology.mirror[topology.faces[3 * f + k]!]!);
    const g = faceOf.get(id(v[0]!, v[1]!, v[2]!));
    if (g === undefined) continue;
    for (let k = 0; k < 3; k++) {
      for (let j = 0; j < 3; j++) {
        if (topology.faces[3 * g + j] === v[k]) twin.set(faceUvs[3 * f + k]!, faceUvs[3 * g + j]!);
      }
    }
  }
  const old = uvs.slice();
  for (const [a, b] of twin) {
    const [ua, ub] = [old[2 * a]!, old[2 * b]!];
    if (Math.abs(ua + ub - 1) < 0.03) {
      uvs[2 * a] = 0.5 + (ua - ub) / 2;
      uvs[2 * a + 1] = (old[2 * a + 1]! + old[2 * b + 1]!) / 2;
    } else if (ua < 0.5 && ub > 0.5) {
      // The source's sockets are unwrapped alike, not mirrored: the left one is the pattern of both.
      uvs[2 * a] = 1 - ub;
      uvs[2 * a + 1] = old[2 * b + 1]!;
    }
  }
}
