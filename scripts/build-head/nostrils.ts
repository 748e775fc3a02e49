/**
 * Nostrils. The source's end in a cup 2 mm deep; in people the vestibule leads about a centimetre up and back to the
 * nasal valve, where the airway narrows and bends back over the nasal floor, between septum and alae a few millimetres
 * thick. The cup's own rings are drawn into that shape: the first stands inside the rim, the second before the valve,
 * the cap closes the airway behind it. What is deeper is never seen.
 *
 * The shape is stated on the mean head. Its vertices hang on the skin around them by mean value coordinates (Ju, Schaefer
 * and Warren 2005, figure 4), so that they are linear in the shape: they follow every identity and expression.
 */
import type { Topology } from './topology.ts';

/** Vertices of the cup of the left nostril in the source: from its bottom the rings are grown. */
const BOTTOM = [7153, 7154, 7155, 7156, 7157, 7158];

/** A ring: its centre from the rim's centre, half axes across and along the nose, how far its plane leans back. */
interface Ring {
  /** Millimetres to the subject's left, up, forward (left nostril). */
  readonly centre: readonly [number, number, number];
  /** Millimetres. */
  readonly across: number;
  readonly along: number;
  /** Degrees. */
  readonly lean: number;
}

/** From the rim inwards. */
const RINGS: readonly Ring[] = [
  { centre: [-0.6, 3.4, -0.4], across: 3.3, along: 5.6, lean: 10 },
  { centre: [-1.7, 7.6, -2.9], across: 4, along: 6.2, lean: 35 },
  { centre: [-3.2, 10.2, -10.6], across: 2.9, along: 4.6, lean: 66 },
];

/** Cavities as weights on skin vertices. */
export interface Nostrils {
  /** (n) vertices of both cavities. */
  readonly vertices: readonly number[];
  /** Vertices of both rims. */
  readonly rims: readonly number[];
  /** (n, skin) rows that sum to 1. */
  readonly weights: readonly Float64Array[];
  /** (n,3) what the weights miss of the place on the mean head: the neck is open. Metres. */
  readonly offset: Float64Array;
}

/** Shapes the cavities on the skin of `mean` (rows,3). */
export function nostrilCavities(topology: Topology, mean: ArrayLike<number>): Nostrils {
  const rings = growRings(topology);
  const at = (v: number, k: number) => mean[3 * v + k]!;
  const middle = (list: readonly number[], k: number) => list.reduce((s, v) => s + at(v, k), 0) / list.length;
  const centre = [0, 1, 2].map((k) => middle(rings[0]!, k));
  const vertices: number[] = [];
  const weights: Float64Array[] = [];
  const offset: number[] = [];
  RINGS.forEach((shape, r) => {
    const list = rings[r + 1]!;
    const [across, along] = [shape.across, shape.along].map((x) => x / 1000);
    const lean = (shape.lean * Math.PI) / 180;
    // A vertex keeps its direction from the middle of its own ring, as if that were a circle.
    const from = (v: number, k: number) => at(v, k) - middle(list, k);
    const radius = [0, 1, 2].map((k) => Math.max(...list.map((v) => Math.abs(from(v, k)))));
    for (const v of list) {
      const [x, z] = [from(v, 0) / radius[0]!, from(v, 2) / radius[2]!];
      const length = Math.hypot(x, z);
      const [s, c] = [(across! * x) / length, (along! * z) / length];
      const place = [
        centre[0]! + shape.centre[0] / 1000 + s,
        centre[1]! + shape.centre[1] / 1000 + c * Math.sin(lean),
        centre[2]! + shape.centre[2] / 1000 + c * Math.cos(lean),
      ];
      for (const side of [1, -1]) {
        const p = [side * place[0]!, place[1]!, place[2]!];
        const w = meanValueCoordinates(topology, mean, p);
        vertices.push(side > 0 ? v : topology.mirror[v]!);
        weights.push(w);
        offset.push(...p.map((x, k) => x - w.reduce((sum, wi, i) => sum + wi * at(i, k), 0)));
      }
    }
  });
  const rims = rings[0]!.flatMap((v) => [v, topology.mirror[v]!]);
  return { vertices, rims, weights, offset: Float64Array.from(offset) };
}

/** Puts the cavities into a shape or a displacement (at least skin rows, 3), in place. */
export function placeNostrils(
  shape: Float64Array,
  nostrils: Nostrils,
  kind: 'shape' | 'displacement' = 'shape',
): void {
  const skin = shape.slice(0, 3 * nostrils.weights[0]!.length);
  nostrils.vertices.forEach((v, i) => {
    for (let k = 0; k < 3; k++)
      shape[3 * v + k] = nostrils.weights[i]!.reduce(
        (sum, w, u) => sum + w * skin[3 * u + k]!,
        kind === 'shape' ? nostrils.offset[3 * i + k]! : 0,
      );
  });
}

/** (V) how dark it is in a nostril: 0 outside, 1 where hardly any light gets, a little on the rim. */
export function nostrilShade(topology: Topology, nostrils: Nostrils): Float64Array {
  const out = new Float64Array(topology.source.length);
  for (const v of nostrils.rims) out[v] = 0.3;
  for (const v of nostrils.vertices) out[v] = 1;
  return out;
}

/** Rim and rings of the left nostril: what quads add, from the bottom of the cup outwards. */
function growRings(topology: Topology): number[][] {
  const rings = [BOTTOM.map((s) => topology.source.indexOf(s))];
  const known = new Set(rings[0]);
  while (rings.length <= RINGS.length) {
    const last = new Set(rings[0]);
    const next = new Set<number>();
    for (let q = 0; q < topology.quads.length; q += 4) {
      const quad = [...topology.quads.subarray(q, q + 4)];
      if (quad.some((v) => last.has(v))) for (const v of quad) if (!known.has(v)) next.add(v);
    }
    for (const v of next) known.add(v);
    rings.unshift([...next].sort((a, b) => a - b));
  }
  return rings;
}

/** Mean value coordinates of `p` in the skin of `mean`. */
function meanValueCoordinates(
  topology: Topology,
  mean: ArrayLike<number>,
  p: readonly number[],
): Float64Array {
  const skin = topology.partStart[1]!;
  const distance = new Float64Array(skin);
  const unit = new Float64Array(3 * skin);
  for (let v = 0; v < skin; v++) {
    const d = [0, 1, 2].map((k) => mean[3 * v + k]! - p[k]!);
    distance[v] = Math.hypot(d[0]!, d[1]!, d[2]!);
    for (let k = 0; k < 3; k++) unit[3 * v + k] = d[k]! / distance[v]!;
  }
  const weights = new Float64Array(skin);
  const { faces } = topology;
  for (let f = 0; f < faces.length; f += 3) {
    const corners = [faces[f]!, faces[f + 1]!, faces[f + 2]!];
    if (corners.some((v) => v >= skin)) continue;
    const u = corners.map((v) => unit.subarray(3 * v, 3 * v + 3));
    const angle = [0, 1, 2].map((i) => {
      const [a, b] = [u[(i + 1) % 3]!, u[(i + 2) % 3]!];
      return 2 * Math.asin(Math.min(1, Math.hypot(a[0]! - b[0]!, a[1]! - b[1]!, a[2]! - b[2]!) / 2));
    });
    const half = (angle[0]! + angle[1]! + angle[2]!) / 2;
    const [a, b, c] = u as [Float64Array, Float64Array, Float64Array];
    const turn = Math.sign(
      a[0]! * (b[1]! * c[2]! - b[2]! * c[1]!) +
        a[1]! * (b[2]! * c[0]! - b[0]! * c[2]!) +
        a[2]! * (b[0]! * c[1]! - b[1]! * c[0]!),
    );
    const cosine = angle.map(
      (t, i) =>
        (2 * Math.sin(half) * Math.sin(half - t)) /
          (Math.sin(angle[(i + 1) % 3]!) * Math.sin(angle[(i + 2) % 3]!)) -
        1,
    );
    const sine = cosine.map((x) => turn * Math.sqrt(Math.max(0, 1 - x * x)));
    // In the triangle's plane, outside it: no share.
    if (sine.some((x) => Math.abs(x) < 1e-9)) continue;
    corners.forEach((v, i) => {
      const [j, k] = [(i + 1) % 3, (i + 2) % 3];
      weights[v]! +=
        (angle[i]! - cosine[j]! * angle[k]! - cosine[k]! * angle[j]!) /
        (distance[v]! * Math.sin(angle[j]!) * sine[k]!);
    });
  }
  const sum = weights.reduce((s, w) => s + w, 0);
  return weights.map((w) => w / sum);
}
