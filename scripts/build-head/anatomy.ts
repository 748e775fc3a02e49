/**
 * What can be measured on a posed head: triangles that cross, teeth that show, bends of the skin, stretch of the atlas.
 * Used by `check.ts`, which prints tables, and by the tests of the committed pack.
 */
import { type HeadModel, headSizes, jointIndex, neutralParams } from '../../src/model/head-model.ts';
import { poseHead } from '../../src/model/pose.ts';

/** Expression weights by name (a name without Left/Right means both) and joint angles in degrees. */
export interface Posing {
  readonly expression?: Readonly<Record<string, number>>;
  /** joint → [x, y, z] degrees. */
  readonly pose?: Readonly<Record<string, readonly [number, number, number]>>;
  readonly identity?: Float32Array;
}

/** Vertices (V,3) of the head in a pose. */
export function posed(model: HeadModel, posing: Posing): Float32Array {
  const n = neutralParams(model);
  const expression = n.expression.slice();
  for (const [name, w] of Object.entries(posing.expression ?? {})) {
    let found = false;
    model.expressionNames.forEach((e, i) => {
      if (e !== name && e !== `${name}Left` && e !== `${name}Right`) return;
      expression[i] = w;
      found = true;
    });
    if (!found) throw new Error(`no expression ${name}`);
  }
  const pose = n.pose.slice();
  for (const [joint, angles] of Object.entries(posing.pose ?? {}))
    for (let k = 0; k < 3; k++) pose[3 * jointIndex(model, joint) + k] = (angles[k]! * Math.PI) / 180;
  return poseHead(model, { identity: posing.identity ?? n.identity, expression, pose }).vertices;
}

/** Faces whose three vertices all lie in the union of regions. */
export function facesOf(model: HeadModel, regions: readonly string[]): number[] {
  const inside = new Uint8Array(headSizes(model).V);
  for (const name of regions) for (const v of model.regions.get(name) ?? []) inside[v] = 1;
  const out: number[] = [];
  for (let f = 0; f < model.faces.length / 3; f++)
    if ([0, 1, 2].every((k) => inside[model.faces[3 * f + k]!])) out.push(f);
  return out;
}

/** One crossing: two faces, and how far (metres) the shorter end of the crossing edge reaches through. */
export interface Crossing {
  readonly a: number;
  readonly b: number;
  readonly depth: number;
}

/**
 * Pairs of faces of `first` and `second` (may be the same list) that cross, pairs with a common vertex left out.
 * Edges of each triangle are tested against the other; cells of 4 mm find the candidates.
 */
export function crossings(
  vertices: ArrayLike<number>,
  faces: ArrayLike<number>,
  first: readonly number[],
  second: readonly number[],
): Crossing[] {
  const CELL = 0.004;
  const cells = new Map<number, number[]>();
  const range = (f: number, k: number): [number, number] => {
    const x = [0, 1, 2].map((j) => vertices[3 * faces[3 * f + j]! + k]!);
    return [Math.floor(Math.min(...x) / CELL), Math.floor(Math.max(...x) / CELL)];
  };
  const each = (f: number, visit: (key: number) => void) => {
    const [x, y, z] = [range(f, 0), range(f, 1), range(f, 2)];
    for (let i = x[0]; i <= x[1]; i++)
      for (let j = y[0]; j <= y[1]; j++)
        for (let k = z[0]; k <= z[1]; k++) visit((i + 512) * 1048576 + (j + 512) * 1024 + k + 512);
  };
  for (const f of second) {
    each(f, (key) => {
      const list = cells.get(key);
      if (list) list.push(f);
      else cells.set(key, [f]);
    });
  }
  const same = first === second;
  const out: Crossing[] = [];
  for (const a of first) {
    const seen = new Set<number>();
    each(a, (key) => {
      for (const b of cells.get(key) ?? []) if (!same || b > a) seen.add(b);
    });
    for (const b of seen) {
      if (shareVertex(faces, a, b)) continue;
      const depth = Math.max(through(vertices, faces, a, b), through(vertices, faces, b, a));
      if (depth > 0) out.push({ a, b, depth });
    }
  }
  return out;
}

function shareVertex(faces: ArrayLike<number>, a: number, b: number): boolean {
  for (let i = 0; i < 3; i++)
    for (let j = 0; j < 3; j++) if (faces[3 * a + i] === faces[3 * b + j]) return true;
  return false;
}

/** Deepest passage of an edge of `a` through triangle `b`; 0 when there is none. */
function through(P: ArrayLike<number>, faces: ArrayLike<number>, a: number, b: number): number {
  const [o, u, v] = [0, 1, 2].map((k) => point(P, faces[3 * b + k]!)) as [Vec, Vec, Vec];
  const n = cross(minus(u, o), minus(v, o));
  const length = Math.hypot(...n);
  if (length < 1e-12) return 0;
  let most = 0;
  for (let k = 0; k < 3; k++) {
    const p = point(P, faces[3 * a + k]!);
    const q = point(P, faces[3 * a + ((k + 1) % 3)]!);
    const [dp, dq] = [dot(n, minus(p, o)) / length, dot(n, minus(q, o)) / length];
    if (dp * dq >= 0) continue;
    const t = dp / (dp - dq);
    const x: Vec = [0, 1, 2].map((i) => p[i]! + t * (q[i]! - p[i]!)) as Vec;
    const inside = [
      [o, u],
      [u, v],
      [v, o],
    ].every(([s, e]) => dot(cross(minus(e!, s!), minus(x, s!)), n) >= 0);
    if (inside) most = Math.max(most, Math.min(Math.abs(dp), Math.abs(dq)));
  }
  return most;
}

/** Largest angle (degrees) between neighbouring faces of a list, over shared edges. */
export function sharpestBend(
  vertices: ArrayLike<number>,
  faces: ArrayLike<number>,
  list: readonly number[],
): { degrees: number; edge: [number, number] } {
  const other = new Map<number, Vec>();
  let best = { degrees: 0, edge: [0, 0] as [number, number] };
  for (const f of list) {
    const [a, b, c] = [0, 1, 2].map((k) => point(vertices, faces[3 * f + k]!)) as [Vec, Vec, Vec];
    const n = cross(minus(b, a), minus(c, a));
    for (let k = 0; k < 3; k++) {
      const [i, j] = [faces[3 * f + k]!, faces[3 * f + ((k + 1) % 3)]!];
      const key = Math.min(i, j) * 65536 + Math.max(i, j);
      const m = other.get(key);
      if (!m) {
        other.set(key, n);
        continue;
      }
      const degrees =
        (Math.acos(Math.max(-1, Math.min(1, dot(n, m) / Math.hypot(...n) / Math.hypot(...m)))) * 180) /
        Math.PI;
      if (degrees > best.degrees) best = { degrees, edge: [i, j] };
    }
  }
  return best;
}

/**
 * Stretch of the map from texture to surface, per face of `list`: singular values of its Jacobian (metres a unit of
 * UV), area weights in metres².
 */
export function uvStretch(
  model: HeadModel,
  list: readonly number[],
): { large: Float64Array; small: Float64Array; area: Float64Array } {
  const large = new Float64Array(list.length);
  const small = new Float64Array(list.length);
  const area = new Float64Array(list.length);
  list.forEach((f, i) => {
    const p = [0, 1, 2].map((k) => point(model.template, model.faces[3 * f + k]!)) as [Vec, Vec, Vec];
    const t = [0, 1, 2].map((k) => {
      const j = model.faceUvs[3 * f + k]!;
      return [model.uvs[2 * j]!, model.uvs[2 * j + 1]!] as const;
    });
    const [e, g] = [minus(p[1], p[0]), minus(p[2], p[0])];
    const [a, b] = [t[1]![0] - t[0]![0], t[1]![1] - t[0]![1]];
    const [c, d] = [t[2]![0] - t[0]![0], t[2]![1] - t[0]![1]];
    const det = a * d - b * c;
    const du = [0, 1, 2].map((k) => (d * e[k]! - b * g[k]!) / det) as Vec;
    const dv = [0, 1, 2].map((k) => (a * g[k]! - c * e[k]!) / det) as Vec;
    const [uu, vv, uv] = [dot(du, du), dot(dv, dv), dot(du, dv)];
    const root = Math.sqrt((uu - vv) ** 2 + 4 * uv * uv);
    large[i] = Math.sqrt((uu + vv + root) / 2);
    small[i] = Math.sqrt(Math.max(0, (uu + vv - root) / 2));
    area[i] = Math.hypot(...cross(e, g)) / 2;
  });
  return { large, small, area };
}

type Vec = [number, number, number];

function point(P: ArrayLike<number>, v: number): Vec {
  return [P[3 * v]!, P[3 * v + 1]!, P[3 * v + 2]!];
}

function minus(a: Vec, b: Vec): Vec {
  return [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
}

function cross(a: Vec, b: Vec): Vec {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

function dot(a: Vec, b: Vec): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}
