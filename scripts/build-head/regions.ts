/**
 * Named vertex sets, found from what the source's targets move (ears, lids, lips, brows, nose), from the charts of
 * the atlas (mouth bag, sockets) and from heights and depths on the base mesh (metres, source coordinates).
 */
import type { Atlas } from './atlas.ts';
import type { Nostrils } from './nostrils.ts';
import type { ShapeSpace } from './shapes.ts';
import { adjacency } from './skinning.ts';
import type { Topology } from './topology.ts';

/** Height of the hair line over the angle from the front, degrees → metres on the base mesh. */
const HAIR_LINE = [
  [0, 0.804],
  [25, 0.803],
  [45, 0.792],
  [60, 0.772],
  [74, 0.748],
  [88, 0.735],
  [100, 0.7],
  [125, 0.68],
  [180, 0.663],
] as const;

/** Hair line height above the point (x, z). */
export function hairLine(x: number, z: number): number {
  const angle = (Math.atan2(Math.abs(x), z - 0.05) * 180) / Math.PI;
  let i = 0;
  while (i + 2 < HAIR_LINE.length && HAIR_LINE[i + 1]![0] < angle) i++;
  const [a, b] = [HAIR_LINE[i]!, HAIR_LINE[i + 1]!];
  const t = (angle - a[0]) / (b[0] - a[0]);
  return a[1] + (b[1] - a[1]) * Math.min(1, Math.max(0, t));
}

/** Lowest chart of each vertex. */
function vertexCharts(
  topology: Topology,
  atlas: Atlas,
): { readonly lowest: Uint8Array; readonly highest: Uint8Array } {
  const V = topology.source.length;
  const lowest = new Uint8Array(V).fill(255);
  const highest = new Uint8Array(V);
  for (let f = 0; f < atlas.faceChart.length; f++) {
    for (let k = 0; k < 3; k++) {
      const v = topology.faces[3 * f + k]!;
      lowest[v] = Math.min(lowest[v]!, atlas.faceChart[f]!);
      highest[v] = Math.max(highest[v]!, atlas.faceChart[f]!);
    }
  }
  return { lowest, highest };
}

/** Vertices where lid and socket meet: the visible rim of the lids. */
export function lidLoop(topology: Topology, atlas: Atlas): number[] {
  const { lowest, highest } = vertexCharts(topology, atlas);
  return Array.from(lowest.keys()).filter((v) => lowest[v] === 0 && (highest[v] === 3 || highest[v] === 4));
}

/**
 * (V) how far out on the lips a vertex lies: 0 where lips and mouth bag meet, 1.5 on the border of the vermilion. It
 * counts rings of quads from the inner loop; the border is the ridge of the upper lip (ring 8) and the fold of the
 * lower (ring 6).
 */
export function lipRing(topology: Topology, atlas: Atlas, base: ArrayLike<number>): Float64Array {
  const { lowest, highest } = vertexCharts(topology, atlas);
  const skin = topology.partStart[1]!;
  const neighbours = adjacency(topology, skin);
  const ring = new Float64Array(topology.source.length).fill(99);
  let front: number[] = [];
  for (let v = 0; v < skin; v++) if (lowest[v] === 0 && highest[v] === 1) front.push(v);
  for (const v of front) ring[v] = 0;
  for (let r = 1; r < 14; r++) {
    const next: number[] = [];
    for (const v of front) {
      for (const n of neighbours[v]!) {
        if (lowest[n] !== 0 || ring[n]! < 99) continue;
        ring[n] = r;
        next.push(n);
      }
    }
    front = next;
  }
  return ring.map((r, v) =>
    r >= 99 ? 9 : r / (v < skin && base[3 * v + 1]! > 0.6612 ? 8 : 6.3) + 0.5 * (r > 0 ? 1 : 0),
  );
}

/** Vertex numbers by region name, ascending. */
export function buildRegions(
  space: ShapeSpace,
  topology: Topology,
  atlas: Atlas,
  nostrils: Nostrils,
): Map<string, Uint32Array> {
  const V = topology.source.length;
  const skin = topology.partStart[1]!;
  const b = space.base;
  const chart = new Uint8Array(V).fill(255);
  for (let f = 0; f < atlas.faceChart.length; f++) {
    for (let k = 0; k < 3; k++) {
      const v = topology.faces[3 * f + k]!;
      chart[v] = Math.min(chart[v]!, atlas.faceChart[f]!);
    }
  }
  const moved = (names: string[], least: number) => {
    const size = new Float64Array(V);
    for (const n of names) {
      const d = space.displacement(n);
      for (let v = 0; v < skin; v++)
        size[v] = Math.max(size[v]!, Math.hypot(d[3 * v]!, d[3 * v + 1]!, d[3 * v + 2]!));
    }
    return (v: number) => v < skin && size[v]! > least;
  };
  // The ears' place in the atlas: an ellipse in each half.
  const uvOf = new Float64Array(2 * V).fill(-1);
  for (let f = 0; f < atlas.faceChart.length; f++) {
    if (atlas.faceChart[f] !== 0) continue;
    for (let k = 0; k < 3; k++) {
      const t = atlas.faceUvs[3 * f + k]!;
      uvOf.set([atlas.uvs[2 * t]!, atlas.uvs[2 * t + 1]!], 2 * topology.faces[3 * f + k]!);
    }
  }
  const ear = (v: number) =>
    ((0.5 - Math.abs(uvOf[2 * v]! - 0.5) - 0.213) / 0.03) ** 2 + ((uvOf[2 * v + 1]! - 0.465) / 0.075) ** 2 <
    1;
  const unit = (n: string) =>
    ['left', 'right'].map((s) => `expression/units/caucasian/${n.replace('SIDE', s)}`);
  const lid = moved(unit('eye-SIDE-closure'), 0.0006);
  const ring = lipRing(topology, atlas, b);
  const lip = (v: number) => ring[v]! <= 1.52;
  const nose = moved(
    ['nose/nose-scale-vert-incr', 'nose/nose-scale-horiz-incr', 'nose/nose-scale-depth-incr'],
    0.0022,
  );
  const outside = (v: number) => v < skin && chart[v] === 0;
  const [x, y, z] = [
    (v: number) => Math.abs(b[3 * v]!),
    (v: number) => b[3 * v + 1]!,
    (v: number) => b[3 * v + 2]!,
  ];
  const neckLine = (v: number) => y(v) < 0.6 + (0.148 - z(v)) * 0.28;
  const scalp = (v: number) => outside(v) && !ear(v) && !neckLine(v) && y(v) > hairLine(x(v), z(v));
  const lining = new Set(nostrils.vertices);
  const face = (v: number) =>
    outside(v) && !lining.has(v) && !ear(v) && !neckLine(v) && !scalp(v) && z(v) > 0.088 && y(v) < 0.8;
  const skinRegion = (v: number) =>
    outside(v) && !ear(v) && !scalp(v) && !neckLine(v) && z(v) > 0.05 && y(v) < 0.808;
  const tests: [string, (v: number) => boolean][] = [
    ['face', face],
    ['skin', skinRegion],
    ['scalp', scalp],
    ['neck', (v) => (outside(v) && neckLine(v) && !ear(v)) || chart[v] === 2],
    ['ears', (v) => outside(v) && ear(v)],
    ['eyelids', (v) => outside(v) && lid(v)],
    ['brows', (v) => outside(v) && z(v) > 0.1 && x(v) > 0.012 && x(v) < 0.06 && y(v) > 0.742 && y(v) < 0.768],
    ['lips', (v) => outside(v) && lip(v)],
    ['nose', (v) => outside(v) && !lining.has(v) && nose(v) && x(v) < 0.022 && y(v) < 0.735],
    ['nostrils', (v) => lining.has(v)],
    ['mouth_interior', (v) => v < skin && chart[v] === 1],
    ['eye_sockets', (v) => v < skin && (chart[v] === 3 || chart[v] === 4)],
    ['tongue', (v) => topology.part[v] === 1],
    ['teeth', (v) => topology.part[v] === 2 || topology.part[v] === 3],
    ['left_eyeball', (v) => topology.part[v] === 4],
    ['right_eyeball', (v) => topology.part[v] === 5],
  ];
  const out = new Map<string, Uint32Array>();
  for (const [name, test] of tests) {
    const list: number[] = [];
    for (let v = 0; v < V; v++) if (test(v) && (v >= skin || test(topology.mirror[v]!))) list.push(v);
    out.set(name, Uint32Array.from(list));
  }
  return out;
}
