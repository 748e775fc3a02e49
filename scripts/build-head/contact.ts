/**
 * Where surfaces touch: lips that meet without showing the mouth, and sockets that end on the eyeball instead of
 * leaving a gap at the canthi.
 */
import type { Atlas } from './atlas.ts';
import { lidLoop, lipRing } from './regions.ts';
import { EYE_RADIUS } from './shapes.ts';
import { adjacency } from './skinning.ts';
import type { Topology } from './topology.ts';

/** Lips at rest overlap by this much, so that no light comes through (metres). */
const LIP_OVERLAP = 0.0012;
/** Height of the line of the lips on the base mesh. */
const LIP_LINE = 0.6612;

/**
 * Closes the mouth of `vertices` (V,3) in place: gaps between the lips' inner rings are closed from above and below over
 * a few rings, twice, since smoothing leaves a little. Taking the lips of full expressions apart in the same way was
 * tried: the contact shrank from 2.7 to 1.5 mm, but mixed expressions got wavy lips.
 */
export function closeLips(
  vertices: Float64Array | Float32Array,
  topology: Topology,
  atlas: Atlas,
  base: ArrayLike<number>,
): void {
  for (let pass = 0; pass < 2; pass++) closeOnce(vertices, topology, atlas, base);
}

function closeOnce(
  vertices: Float64Array | Float32Array,
  topology: Topology,
  atlas: Atlas,
  base: ArrayLike<number>,
): void {
  const ring = lipRing(topology, atlas, base);
  const skin = topology.partStart[1]!;
  const lip = (upper: boolean) => {
    const out: number[] = [];
    for (let v = 0; v < skin; v++) if (ring[v]! < 1.1 && base[3 * v + 1]! > LIP_LINE === upper) out.push(v);
    return out;
  };
  const [upper, lower] = [lip(true), lip(false)];
  const half = Math.max(...upper.map((v) => Math.abs(vertices[3 * v]!)));
  const edge = (list: number[], x: number, best: (...y: number[]) => number) =>
    best(...list.filter((v) => Math.abs(vertices[3 * v]! - x) < 0.0035).map((v) => vertices[3 * v + 1]!));
  const BINS = 24;
  const gap = Array.from({ length: BINS + 1 }, (_, i) => {
    const x = (half * (i - BINS / 2)) / (BINS / 2);
    const g = edge(upper, x, Math.min) - edge(lower, x, Math.max) + LIP_OVERLAP;
    return Number.isFinite(g) ? Math.max(0, g) : 0;
  });
  const smooth = gap.map((_, i) =>
    [-2, -1, 0, 1, 2].reduce((s, d) => s + gap[Math.min(BINS, Math.max(0, i + d))]! / 5, 0),
  );
  for (let v = 0; v < skin; v++) {
    if (ring[v]! > 2.2) continue;
    const t = (vertices[3 * v]! / half) * (BINS / 2) + BINS / 2;
    if (t < 0 || t > BINS) continue;
    const i = Math.min(BINS - 1, Math.floor(t));
    const g = smooth[i]! * (1 - t + i) + smooth[i + 1]! * (t - i);
    const fade = Math.min(1, Math.max(0, (2.2 - ring[v]!) / 1.4));
    vertices[3 * v + 1]! += (base[3 * v + 1]! > LIP_LINE ? -0.5 : 0.5) * g * fade;
  }
}

/**
 * Puts the sockets' walls onto the eyeballs, in place: the first ring behind the lids' rim comes to lie just under
 * the eyeball's surface, a little towards its front, so that a narrow wall (in people: caruncle and conjunctiva) closes
 * the gap between lids and eyeball; everything deeper goes inside the eyeball.
 */
export function sealSockets(
  vertices: Float64Array | Float32Array,
  topology: Topology,
  atlas: Atlas,
  centers: readonly (readonly number[])[],
): void {
  const skin = topology.partStart[1]!;
  const socket = new Int8Array(skin).fill(-1);
  for (let f = 0; f < atlas.faceChart.length; f++) {
    const chart = atlas.faceChart[f]!;
    if (chart === 3 || chart === 4)
      for (let k = 0; k < 3; k++) socket[topology.faces[3 * f + k]!] = chart - 3;
  }
  const loop = new Set(lidLoop(topology, atlas));
  const neighbours = adjacency(topology, skin);
  for (let v = 0; v < skin; v++) {
    if (socket[v]! < 0 || loop.has(v)) continue;
    const c = centers[socket[v]!]!;
    const rim = neighbours[v]!.filter((n) => loop.has(n));
    const direction = (u: number) => {
      const d = [0, 1, 2].map((k) => vertices[3 * u + k]! - c[k]!);
      const l = Math.hypot(d[0]!, d[1]!, d[2]!);
      return { d: d.map((x) => x / l), l };
    };
    if (rim.length > 0) {
      const r = direction(rim[0]!);
      const gap = Math.max(0, r.l - EYE_RADIUS);
      // The wall leans towards the front by half the gap's width.
      const d = [r.d[0]!, r.d[1]!, r.d[2]! + (0.5 * gap) / EYE_RADIUS];
      const l = Math.hypot(d[0]!, d[1]!, d[2]!);
      for (let k = 0; k < 3; k++) vertices[3 * v + k] = c[k]! + ((EYE_RADIUS - 0.0004) * d[k]!) / l;
    } else {
      const r = direction(v);
      const most = EYE_RADIUS - 0.003;
      if (r.l > most) for (let k = 0; k < 3; k++) vertices[3 * v + k] = c[k]! + most * r.d[k]!;
    }
  }
}
