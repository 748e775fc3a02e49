/**
 * Teeth and tongue: grids of our own, since the source's are crude boxes that stand out of the lips.
 *
 * A row of teeth is a strip along half an ellipse, three columns a tooth, six rows from the gums over the edge to the
 * tongue's side; grooves between the teeth and scalloped gums are in the geometry. Sizes follow mean human teeth
 * (widths 5 to 10 mm, crowns 7 to 10 mm, as dental anatomy texts give them). The tongue is a dome inside the lower row.
 *
 * All of it hangs on four linear features of the lips (height, depth and width of the mouth), so it is linear in the
 * shape: identity moves it, expressions do not. Local frame: x to the left, y up from the line where the lips meet,
 * z forward from the lips' inner edge.
 */
import type { Atlas } from './atlas.ts';
import {
  COLUMNS_A_TOOTH,
  TEETH,
  TONGUE_COLUMNS,
  TONGUE_ROWS,
  TOOTH_COLUMNS,
  TOOTH_ROWS,
} from './mouth-grid.ts';
import { lipRing } from './regions.ts';
import type { Topology } from './topology.ts';

interface Arch {
  /** Half axes of the ellipse, metres. */
  readonly a: number;
  readonly b: number;
  /** Front of the row behind the lips' inner edge. */
  readonly behind: number;
  /** Height of the biting edge. */
  readonly edge: number;
  /** +1: gums above. */
  readonly up: 1 | -1;
  /** Seven teeth from the middle outwards, millimetres: width, crown height, edge withdrawn. */
  readonly teeth: readonly (readonly [number, number, number])[];
}

const UPPER: Arch = {
  a: 0.0285,
  b: 0.045,
  behind: 0.0058,
  edge: -0.0009,
  up: 1,
  teeth: [
    [8.5, 9.6, 0],
    [6.7, 8.4, 0.7],
    [7.7, 9.4, 0.1],
    [7, 8, 0.6],
    [6.8, 7.4, 0.9],
    [10, 7, 1.2],
    [9.3, 6.6, 1.5],
  ],
};
const LOWER: Arch = {
  a: 0.0265,
  b: 0.0425,
  behind: 0.0085,
  edge: -0.0006,
  up: -1,
  teeth: [
    [5.4, 8.3, 0],
    [5.9, 8.4, 0.1],
    [6.9, 9.2, -0.2],
    [7, 8, 0.5],
    [7.1, 7.4, 0.9],
    [10.6, 7, 1.2],
    [10, 6.6, 1.4],
  ],
};
/** What the mouth hangs on: rows of a shape whose means are its features. */
export interface MouthAnchors {
  readonly upper: readonly number[];
  readonly lower: readonly number[];
  readonly left: readonly number[];
  readonly right: readonly number[];
  /** Half width of the base head's mouth, metres. */
  readonly halfWidth: number;
}

/** Finds the anchors on the inner edge of the lips. */
export function mouthAnchors(topology: Topology, atlas: Atlas, base: ArrayLike<number>): MouthAnchors {
  const ring = lipRing(topology, atlas, base);
  const edge = Array.from(ring.keys()).filter((v) => v < topology.partStart[1]! && ring[v] === 0);
  const x = (v: number) => base[3 * v]!;
  const most = Math.max(...edge.map(x));
  const middle = edge.filter((v) => Math.abs(x(v)) < 0.0065);
  const left = edge.filter((v) => x(v) > most - 0.0015);
  const anchors = {
    upper: middle.filter((v) => base[3 * v + 1]! > 0.6612),
    lower: middle.filter((v) => base[3 * v + 1]! <= 0.6612),
    left,
    right: left.map((v) => topology.mirror[v]!),
    halfWidth: 0,
  };
  return { ...anchors, halfWidth: features(base, anchors)[3] };
}

/** x, y, z of the middle of the lips' inner edge and half its width: linear in the shape. */
function features(shape: ArrayLike<number>, a: MouthAnchors): [number, number, number, number] {
  const mean = (list: readonly number[], k: number) =>
    list.reduce((s, v) => s + shape[3 * v + k]!, 0) / list.length;
  const middle = [0, 1, 2].map((k) => (mean(a.upper, k) + mean(a.lower, k)) / 2);
  return [middle[0]!, middle[1]!, middle[2]!, (mean(a.left, 0) - mean(a.right, 0)) / 2];
}

/** Middle of the lips' inner edge. */
export function mouthMiddle(shape: ArrayLike<number>, anchors: MouthAnchors): [number, number, number] {
  const [x, y, z] = features(shape, anchors);
  return [x, y, z];
}

/** Positions (rows·columns, 3) of part 1, 2 or 3 in the head of `shape`. */
export function placeGrid(shape: ArrayLike<number>, part: number, anchors: MouthAnchors): Float64Array {
  const local = part === 1 ? tongue() : teeth(part === 2 ? UPPER : LOWER);
  const [x, y, z, half] = features(shape, anchors);
  // Arches vary less than lips.
  const wide = 1 + 0.5 * (half / anchors.halfWidth - 1);
  for (let i = 0; i < local.length; i += 3) {
    local[i] = x + wide * local[i]!;
    local[i + 1]! += y;
    local[i + 2]! += z;
  }
  return local;
}

/** A row of teeth in the local frame. */
function teeth(arch: Arch): Float64Array {
  const out = new Float64Array(3 * TOOTH_ROWS * TOOTH_COLUMNS);
  const at = ellipse(arch.a, arch.b);
  for (let c = 0; c < TOOTH_COLUMNS; c++) {
    const fromMiddle = Math.abs(c - (TOOTH_COLUMNS - 1) / 2);
    const side = Math.sign(c - (TOOTH_COLUMNS - 1) / 2);
    const n = Math.min(TEETH - 1, Math.floor(fromMiddle / COLUMNS_A_TOOTH));
    const border = fromMiddle % COLUMNS_A_TOOTH === 0;
    const before = arch.teeth.slice(0, n).reduce((s, t) => s + t[0], 0);
    const part = (fromMiddle - n * COLUMNS_A_TOOTH) / COLUMNS_A_TOOTH;
    // The inner columns lie towards the borders, so that a tooth is flat and its grooves narrow.
    const along = part === 0 || part === 1 ? part : part < 0.5 ? 0.2 : 0.8;
    const [width, ownCrown, ownBack] = arch.teeth[n]!;
    const next = arch.teeth[Math.max(0, n - 1)]!;
    const crown = border && part === 0 ? (ownCrown + next[1]) / 2 : ownCrown;
    const back = border && part === 0 ? (ownBack + next[2]) / 2 : ownBack;
    const { x, z, nx, nz } = at(((before + along * width) / 1000) * 1);
    const molar = smooth((n - 2) / 3);
    // [height from the biting edge towards the gums, inwards], millimetres.
    const groove = border ? 0.7 : 0;
    const profile: [number, number][] = [
      [crown + (arch.up > 0 ? 5 : 3), 1.6],
      [crown - (border ? 2 : 0), 0.3 + 0.3 * groove],
      [0.48 * crown, groove],
      [back + (border ? 0.7 : 0), 0.5 + groove],
      [back + (border ? 0.9 : 0.2), 1.7 + 6 * molar],
      [crown + 0.5, 4.5 + 5 * molar],
    ];
    profile.forEach(([height, inwards], r) => {
      const i = 3 * (r * TOOTH_COLUMNS + c);
      out[i] = side * (x - (nx * inwards) / 1000);
      out[i + 1] = arch.edge + (arch.up * height) / 1000;
      out[i + 2] = -arch.behind + z - (nz * inwards) / 1000;
    });
  }
  return out;
}

/** Point and outward normal of the ellipse (a, b) at an arc length from its front; z = 0 there. */
function ellipse(a: number, b: number) {
  const STEPS = 2000;
  const length = new Float64Array(STEPS + 1);
  const point = (i: number) => {
    const t = (i / STEPS) * (Math.PI / 2);
    return [a * Math.sin(t), b * (Math.cos(t) - 1)] as const;
  };
  for (let i = 1; i <= STEPS; i++) {
    const [p, q] = [point(i - 1), point(i)];
    length[i] = length[i - 1]! + Math.hypot(q[0] - p[0], q[1] - p[1]);
  }
  return (s: number) => {
    let i = 0;
    while (i < STEPS && length[i]! < s) i++;
    const [x, z] = point(i);
    const [gx, gz] = [x / (a * a), (z + b) / (b * b)];
    const l = Math.hypot(gx, gz);
    return { x, z, nx: gx / l, nz: gz / l };
  };
}

/** The tongue in the local frame: tip behind the lower front teeth, back low in the throat. */
function tongue(): Float64Array {
  const out = new Float64Array(3 * TONGUE_ROWS * TONGUE_COLUMNS);
  for (let r = 0; r < TONGUE_ROWS; r++) {
    const t = r / (TONGUE_ROWS - 1);
    const round = Math.sqrt(1 - (1 - Math.min(1, t / 0.45)) ** 2);
    const half = 0.0006 + 0.0166 * round;
    const thick = 0.0008 + 0.0085 * round;
    const top = -0.0072 + 0.004 * smooth(t / 0.6) - 0.006 * smooth((t - 0.75) / 0.25);
    for (let c = 0; c < TONGUE_COLUMNS; c++) {
      const s = (2 * c) / (TONGUE_COLUMNS - 1) - 1;
      const angle = s * 1.9;
      const groove = 0.0009 * round * Math.exp(-((s / 0.16) ** 2));
      const i = 3 * (r * TONGUE_COLUMNS + c);
      out[i] = half * Math.sin(angle * 0.95);
      out[i + 1] = top - groove - thick * (1 - Math.cos(angle));
      out[i + 2] = -0.0165 - 0.042 * t;
    }
  }
  return out;
}

function smooth(t: number): number {
  const x = Math.min(1, Math.max(0, t));
  return x * x * (3 - 2 * x);
}
