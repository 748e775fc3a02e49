/**
 * Skinning weights of our own. The source's rig weights are not used.
 *
 * Jaw: the source's `mouth-open` unit says how far each skin vertex follows the jaw: its displacement is compared
 * with that of a rotation about the jaw joint which carries the chin along fully, and the ratio is smoothed over the
 * mesh with more trust where the rotation moves a vertex far. Lower teeth and tongue follow the jaw, upper teeth the
 * skull, and so does the roof of the mouth. Neck: a smooth step from the rim upwards. Eyeballs follow their joints.
 */
import type { Atlas } from './atlas.ts';
import { tongueFollow } from './mouth-grid.ts';
import type { Palate } from './palate.ts';
import type { ShapeSpace } from './shapes.ts';
import type { Topology } from './topology.ts';

/** Joint order of the model. */
export const JOINTS = [
  { name: 'root', parent: -1 },
  { name: 'neck', parent: 0 },
  { name: 'jaw', parent: 1 },
  { name: 'left_eye', parent: 1 },
  { name: 'right_eye', parent: 1 },
] as const;

/** (V,5) weights, rows sum to 1. */
export function skinWeights(
  space: ShapeSpace,
  topology: Topology,
  atlas: Atlas,
  palate: Palate,
): Float32Array {
  const V = topology.source.length;
  const skin = topology.partStart[1]!;
  const jaw = jawWeights(space, topology);
  // The floor of the mouth stays under the tongue.
  for (let f = 0; f < atlas.faceChart.length; f++) {
    if (atlas.faceChart[f] !== 1) continue;
    for (let i = 0; i < 3; i++) {
      const v = topology.faces[3 * f + i]!;
      const [y, z] = [space.base[3 * v + 1]!, space.base[3 * v + 2]!];
      if (y < 0.6595) jaw[v] = Math.max(jaw[v]!, smooth((z - 0.062) / 0.05) * smooth((0.6595 - y) / 0.006));
    }
  }
  // The roof stays with the upper teeth.
  palate.vertices.forEach((v, i) => {
    jaw[v]! *= 1 - palate.share[i]!;
  });
  const out = new Float32Array(5 * V);
  for (let v = 0; v < V; v++) {
    const part = topology.part[v]!;
    if (part >= 4) {
      out[5 * v + part - 1] = 1;
      continue;
    }
    const w =
      part === 0 ? jaw[v]! : part === 1 ? tongueFollow(v - topology.partStart[1]!) : part === 3 ? 1 : 0;
    let n = 1;
    if (v < skin) {
      const [y, z] = [space.base[3 * v + 1]!, space.base[3 * v + 2]!];
      n = smooth((y - (0.572 + (0.07 - z) * 0.42)) / 0.06);
    }
    out[5 * v + 2] = w;
    out[5 * v + 1] = (1 - w) * n;
    out[5 * v] = (1 - w) * (1 - n);
  }
  return out;
}

function jawWeights(space: ShapeSpace, topology: Topology): Float64Array {
  const skin = topology.partStart[1]!;
  const base = space.base;
  const d = new Float64Array(3 * skin);
  for (const race of ['african', 'asian', 'caucasian']) {
    const one = space.displacement(`expression/units/${race}/mouth-open`);
    for (let i = 0; i < d.length; i++) d[i]! += one[i]! / 3;
  }
  const [jy, jz] = [base[3 * space.layout.jaw + 1]!, base[3 * space.layout.jaw + 2]!];
  const chin = topology.source.indexOf(5211);
  // Angle that takes the chin as far as the unit does.
  const lever = Math.hypot(base[3 * chin + 1]! - jy, base[3 * chin + 2]! - jz);
  const angle = Math.hypot(d[3 * chin]!, d[3 * chin + 1]!, d[3 * chin + 2]!) / lever;
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  const w = new Float64Array(skin);
  const trust = new Float64Array(skin);
  for (let v = 0; v < skin; v++) {
    const [y, z] = [base[3 * v + 1]! - jy, base[3 * v + 2]! - jz];
    const [ry, rz] = [c * y - s * z - y, s * y + c * z - z];
    const rr = ry * ry + rz * rz;
    w[v] = Math.min(1, Math.max(0, (ry * d[3 * v + 1]! + rz * d[3 * v + 2]!) / (rr + 1e-9)));
    trust[v] = rr / (rr + 0.006 * 0.006);
  }
  symmetric(w, topology);
  const neighbours = adjacency(topology, skin);
  const target = w.slice();
  for (let round = 0; round < 40; round++) {
    const next = w.slice();
    for (let v = 0; v < skin; v++) {
      let sum = 0;
      for (const n of neighbours[v]!) sum += w[n]!;
      const mean = sum / Math.max(1, neighbours[v]!.length);
      const a = 0.35 * trust[v]!;
      next[v] = a * target[v]! + (1 - a) * mean;
    }
    w.set(next);
  }
  // Forehead, skull and the back of the neck stay put.
  for (let v = 0; v < skin; v++) {
    const [y, z] = [base[3 * v + 1]!, base[3 * v + 2]!];
    w[v]! *= smooth((0.705 - y) / 0.03) * smooth((z - 0.02) / 0.05);
    w[v] = smoothEnds(w[v]!);
  }
  return w;
}

function smoothEnds(w: number): number {
  return w < 0.02 ? 0 : w > 0.98 ? 1 : w;
}

function symmetric(w: Float64Array, topology: Topology): void {
  for (let v = 0; v < w.length; v++) {
    const m = topology.mirror[v]!;
    if (m > v) {
      const mean = (w[v]! + w[m]!) / 2;
      w[v] = mean;
      w[m] = mean;
    }
  }
}

/** Neighbours along quad edges among the first `count` vertices. */
export function adjacency(topology: Topology, count: number): number[][] {
  const sets = Array.from({ length: count }, () => new Set<number>());
  for (let q = 0; q < topology.quads.length; q += 4) {
    for (let k = 0; k < 4; k++) {
      const a = topology.quads[q + k]!;
      const b = topology.quads[q + ((k + 1) % 4)]!;
      if (a < count && b < count) {
        sets[a]!.add(b);
        sets[b]!.add(a);
      }
    }
  }
  return sets.map((s) => [...s].sort((a, b) => a - b));
}

function smooth(t: number): number {
  const x = Math.min(1, Math.max(0, t));
  return x * x * (3 - 2 * x);
}
