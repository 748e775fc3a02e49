/**
 * Named vertex sets, found from what the source's targets move (ears, lids, lips, brows, nose), from the charts of
 * the atlas (mouth bag, sockets) and from heights and depths on the base mesh (metres, source coordinates).
 */
import type { Atlas } from './atlas.ts';
import type { ShapeSpace } from './shapes.ts';
import type { Topology } from './topology.ts';

/** Vertex numbers by region name, ascending. */
export function buildRegions(space: ShapeSpace, topology: Topology, atlas: Atlas): Map<string, Uint32Array> {
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
  const either = (n: string) => [n.replace('SIDE', 'l'), n.replace('SIDE', 'r')];
  const ear = moved([...either('ears/SIDE-ear-size-big'), ...either('ears/SIDE-ear-wing-out')], 0.0015);
  const unit = (n: string) =>
    ['left', 'right'].map((s) => `expression/units/caucasian/${n.replace('SIDE', s)}`);
  const lid = moved(unit('eye-SIDE-closure'), 0.0006);
  const brow = moved(unit('eyebrows-SIDE-up'), 0.0028);
  const lip = moved(['mouth/mouth-upperlip-volume-inflate', 'mouth/mouth-lowerlip-volume-inflate'], 0.0012);
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
  // The hair line: high in the middle of the forehead, down in front of the ears.
  const hairLine = (v: number) => 0.802 - 0.9 * Math.max(0, x(v) - 0.035) ** 1.15 * 1.2;
  const scalp = (v: number) =>
    outside(v) && !ear(v) && !neckLine(v) && (z(v) < 0.045 || (y(v) > hairLine(v) && z(v) < 0.158));
  const face = (v: number) =>
    outside(v) && !ear(v) && !neckLine(v) && !scalp(v) && z(v) > 0.088 && y(v) < 0.8;
  const skinRegion = (v: number) =>
    outside(v) && !ear(v) && !scalp(v) && !neckLine(v) && z(v) > 0.05 && y(v) < 0.808;
  const tests: [string, (v: number) => boolean][] = [
    ['face', face],
    ['skin', skinRegion],
    ['scalp', scalp],
    ['neck', (v) => (outside(v) && neckLine(v) && !ear(v)) || chart[v] === 2],
    ['ears', (v) => outside(v) && ear(v)],
    ['eyelids', (v) => outside(v) && lid(v)],
    ['brows', (v) => outside(v) && brow(v) && y(v) > 0.74],
    ['lips', (v) => outside(v) && lip(v)],
    ['nose', (v) => outside(v) && nose(v) && x(v) < 0.022 && y(v) < 0.735],
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
