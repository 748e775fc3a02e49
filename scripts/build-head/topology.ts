/**
 * Which vertices and quads of the source make the head, how they mirror, and the two eyeballs that are added.
 *
 * Order of vertices: skin (face, scalp, ears, neck, sockets, mouth bag), tongue, upper teeth, lower teeth, left
 * eyeball, right eyeball. Tongue and teeth are grids of our own (`mouth.ts`). The eyeballs are spheres of our own: a
 * grid about the gaze axis (+z) whose rings lie close together near the iris.
 */
import { gridFaces, gridMirror, gridSize } from './mouth-grid.ts';
import type { Source } from './source.ts';

/** Parts of the head in the order of their vertices. */
export const PARTS = [
  'skin',
  'tongue',
  'teeth_upper',
  'teeth_lower',
  'left_eyeball',
  'right_eyeball',
] as const;
/** One of {@link PARTS}. */
export type Part = (typeof PARTS)[number];

/** Angles of the eyeball's rings from the gaze axis, degrees; the last ring closes in a pole behind. */
export const EYE_RINGS = [7, 13, 19, 25, 30, 35, 42, 52, 64, 78, 95, 120, 150] as const;
/** Vertices of one ring. */
export const EYE_SEGMENTS = 20;

/** The cut. Quads of the source, triangles in the end. */
export interface Topology {
  /** (V) source vertex of each head vertex, −1 beyond the skin. */
  readonly source: Int32Array;
  /** (V) index into PARTS. */
  readonly part: Uint8Array;
  /** First vertex of each part, and V at the end. */
  readonly partStart: readonly number[];
  /** (V) the vertex on the other side; on the middle itself. */
  readonly mirror: Int32Array;
  /** (F,3) head vertices. */
  readonly faces: Int32Array;
  /** (F,3) texture vertices of the source mesh; beyond the skin −1−(head vertex). */
  readonly faceSourceUvs: Int32Array;
  /** Head vertices of the neck rim. */
  readonly rim: Int32Array;
  /** Quads of the skin, for Laplacians: (Q,4). */
  readonly quads: Int32Array;
}

/** Cuts the head out of the body. */
export function cutHead(source: Source): Topology {
  const { mesh } = source;
  const P = mesh.positions;
  const group = (name: string) => {
    const g = mesh.groups.indexOf(name);
    if (g < 0) throw new Error(`source mesh has no group ${name}`);
    return g;
  };
  const quadsOf = (name: string) => {
    const g = group(name);
    const out: number[] = [];
    for (let q = 0; q < mesh.quadGroup.length; q++) if (mesh.quadGroup[q] === g) out.push(q);
    return out;
  };
  // Neck plane, higher at the back; quads wholly above it, then the piece that holds the nose tip.
  const above = (v: number) => P[3 * v + 1]! - (0.572 + (0.07 - P[3 * v + 2]!) * 0.42) > -0.002;
  const body = quadsOf('body').filter((q) => [0, 1, 2, 3].every((k) => above(mesh.quads[4 * q + k]!)));
  const skin = connected(body, mesh.quads, 5054);
  const lists: number[][] = [skin];
  const sourceOf: number[] = [];
  const part: number[] = [];
  const partStart: number[] = [];
  const head = new Int32Array(P.length / 3).fill(-1);
  lists.forEach((list, p) => {
    partStart.push(sourceOf.length);
    const vs = new Set<number>();
    for (const q of list) for (let k = 0; k < 4; k++) vs.add(mesh.quads[4 * q + k]!);
    for (const v of [...vs].sort((a, b) => a - b)) {
      head[v] = sourceOf.length;
      sourceOf.push(v);
      part.push(p);
    }
  });
  const faces: number[] = [];
  const faceUvs: number[] = [];
  const quads: number[] = [];
  for (const list of lists) {
    for (const q of list) {
      const v = [0, 1, 2, 3].map((k) => mesh.quads[4 * q + k]!);
      const t = [0, 1, 2, 3].map((k) => mesh.quadUvs[4 * q + k]!);
      quads.push(...v.map((x) => head[x]!));
      // The shorter diagonal; rounding makes the choice the same on both sides.
      const d02 = Math.round(distance(P, v[0]!, v[2]!) * 1e6);
      const d13 = Math.round(distance(P, v[1]!, v[3]!) * 1e6);
      const tris = d02 < d13 + 0.5 ? [0, 1, 2, 0, 2, 3] : [0, 1, 3, 1, 2, 3];
      for (const k of tris) {
        faces.push(head[v[k]!]!);
        faceUvs.push(t[k]!);
      }
    }
  }
  const mirrorSource = mirrorMap(P, sourceOf);
  const mirror = sourceOf.map((v) => head[mirrorSource.get(v)!]!);
  const cutFaces = faces.length / 3;
  for (const p of [1, 2, 3]) {
    const first = sourceOf.length;
    const { rows, columns } = gridSize(p);
    partStart.push(first);
    for (let i = 0; i < rows * columns; i++) {
      sourceOf.push(-1);
      part.push(p);
      mirror.push(first + gridMirror(p, i));
    }
    for (const v of gridFaces(p)) {
      faces.push(first + v);
      faceUvs.push(-1 - (first + v));
    }
  }
  const eyeSize = EYE_RINGS.length * EYE_SEGMENTS + 2;
  for (let e = 0; e < 2; e++) {
    const first = sourceOf.length;
    partStart.push(first);
    for (let i = 0; i < eyeSize; i++) {
      sourceOf.push(-1);
      part.push(4 + e);
      mirror.push(first + (e === 0 ? eyeSize : -eyeSize) + mirrorEyeVertex(i));
    }
    for (const v of eyeFaces()) {
      faces.push(first + v);
      faceUvs.push(-1 - (first + v));
    }
  }
  partStart.push(sourceOf.length);
  const topology: Topology = {
    source: Int32Array.from(sourceOf),
    part: Uint8Array.from(part),
    partStart,
    mirror: Int32Array.from(mirror),
    faces: Int32Array.from(faces),
    faceSourceUvs: Int32Array.from(faceUvs),
    rim: rimOf(faces.slice(0, 3 * cutFaces), part),
    quads: Int32Array.from(quads),
  };
  return topology;
}

/** Directions (eyeVertices,3) of one eyeball from its centre: pole, rings, back pole. */
export function eyeDirections(): Float64Array {
  const out: number[] = [0, 0, 1];
  for (const angle of EYE_RINGS) {
    const a = (angle * Math.PI) / 180;
    for (let s = 0; s < EYE_SEGMENTS; s++) {
      const b = (2 * Math.PI * s) / EYE_SEGMENTS;
      out.push(Math.sin(a) * Math.cos(b), Math.sin(a) * Math.sin(b), Math.cos(a));
    }
  }
  out.push(0, 0, -1);
  return Float64Array.from(out);
}

function eyeFaces(): number[] {
  const out: number[] = [];
  const S = EYE_SEGMENTS;
  const R = EYE_RINGS.length;
  const at = (r: number, s: number) => 1 + r * S + (s % S);
  for (let s = 0; s < S; s++) {
    out.push(0, at(0, s), at(0, s + 1));
    for (let r = 0; r + 1 < R; r++) {
      out.push(at(r, s), at(r + 1, s), at(r + 1, s + 1), at(r, s), at(r + 1, s + 1), at(r, s + 1));
    }
    out.push(at(R - 1, s), 1 + R * S, at(R - 1, s + 1));
  }
  return out;
}

function mirrorEyeVertex(i: number): number {
  const S = EYE_SEGMENTS;
  if (i === 0 || i === 1 + EYE_RINGS.length * S) return i;
  const r = Math.floor((i - 1) / S);
  const s = (i - 1) % S;
  return 1 + r * S + ((S / 2 - s + S) % S);
}

function distance(P: Float64Array, a: number, b: number): number {
  return Math.hypot(P[3 * a]! - P[3 * b]!, P[3 * a + 1]! - P[3 * b + 1]!, P[3 * a + 2]! - P[3 * b + 2]!);
}

/** The quads of `list` that hang together with vertex `seed`. */
function connected(list: number[], quads: Int32Array, seed: number): number[] {
  const parent = new Map<number, number>();
  const find = (v: number): number => {
    let root = v;
    while (parent.has(root) && parent.get(root) !== root) root = parent.get(root)!;
    while (parent.has(v) && parent.get(v) !== root) {
      const next = parent.get(v)!;
      parent.set(v, root);
      v = next;
    }
    return root;
  };
  for (const q of list) {
    const root = find(quads[4 * q]!);
    parent.set(root, root);
    for (let k = 1; k < 4; k++) parent.set(find(quads[4 * q + k]!), root);
  }
  const wanted = find(seed);
  return list.filter((q) => find(quads[4 * q]!) === wanted);
}

/** Source vertex → source vertex at −x; throws where the base mesh is not symmetric. */
function mirrorMap(P: Float64Array, vertices: readonly number[]): Map<number, number> {
  const key = (x: number, y: number, z: number) =>
    `${Math.round(x * 2e4)},${Math.round(y * 2e4)},${Math.round(z * 2e4)}`;
  const cells = new Map<string, number[]>();
  for (const v of vertices) {
    const k = key(P[3 * v]!, P[3 * v + 1]!, P[3 * v + 2]!);
    cells.set(k, [...(cells.get(k) ?? []), v]);
  }
  const out = new Map<number, number>();
  for (const v of vertices) {
    const [x, y, z] = [-P[3 * v]!, P[3 * v + 1]!, P[3 * v + 2]!];
    let best = -1;
    let least = Number.POSITIVE_INFINITY;
    const h = 0.5 / 2e4;
    for (const dx of [-h, 0, h])
      for (const dy of [-h, 0, h])
        for (const dz of [-h, 0, h]) {
          for (const c of cells.get(key(x + dx, y + dy, z + dz)) ?? []) {
            const d = Math.hypot(P[3 * c]! - x, P[3 * c + 1]! - y, P[3 * c + 2]! - z);
            if (d < least) {
              least = d;
              best = c;
            }
          }
        }
    if (best < 0) throw new Error(`source vertex ${v} has no mirror image`);
    out.set(v, best);
  }
  return out;
}

/** Vertices on open edges of the skin. */
function rimOf(faces: readonly number[], part: readonly number[]): Int32Array {
  const edges = new Map<number, number>();
  const M = 1 << 16;
  for (let f = 0; f < faces.length; f += 3) {
    for (let k = 0; k < 3; k++) {
      const a = faces[f + k]!;
      const b = faces[f + ((k + 1) % 3)]!;
      if (part[a] !== 0) continue;
      const e = Math.min(a, b) * M + Math.max(a, b);
      edges.set(e, (edges.get(e) ?? 0) + 1);
    }
  }
  const rim = new Set<number>();
  for (const [e, n] of edges) {
    if (n !== 1) continue;
    rim.add(Math.floor(e / M));
    rim.add(e % M);
  }
  return Int32Array.from([...rim].sort((a, b) => a - b));
}
