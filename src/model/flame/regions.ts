/**
 * Named vertex sets of a FLAME head: from FLAME_masks.pkl where given, else worked out on the template.
 *
 * Without masks:
 *   eyeballs        the connected pieces other than the largest: in FLAME 3931…4476 (left) and 4477…5022 (right)
 *   face            vertices of the head's piece that look forward (normal z > 0.2) and lie, seen from the front, within
 *                   the convex hull of the 68 landmarks with the brows lifted by 0.6 of the distance from brows to nose
 *                   base, which reaches to about the hairline
 *   mouth_interior  within the hull of the outer lips, looking backwards (normal z < −0.05, the original's own test):
 *                   FLAME has no mouth cavity, only the lips' inner sides
 *   skin            face without mouth_interior
 *   neck            more than half of the skin weight on the root joint, or below the chin, or below the nose at the
 *                   back (5 cm behind the contour's ends, which lie before the ears); not face
 *   scalp           the rest above the brows, or at the back above the nose
 * The ears and the cheeks before them are in none.
 *
 * With masks, `face`, `neck`, `scalp`, `lips`, `nose`, `forehead` and `boundary` are the file's, `ears` joins both
 * sides, and skin is face ∪ forehead ∪ nose ∪ lips without eyeballs and mouth interior.
 */
import { FormatError } from '../../core/errors.ts';
import { toUint32 } from '../../io/npy.ts';
import { PickledArray, readPickle } from '../../io/pickle.ts';
import type { LandmarkEmbedding, SurfacePoints } from '../head-model.ts';

type Regions = Map<string, Uint32Array>;

/** What the regions are worked out on. */
export interface RegionInput {
  readonly template: Float32Array;
  readonly faces: Uint32Array;
  readonly skinWeights: Float32Array;
  readonly landmarks: LandmarkEmbedding;
}

/** Reads FLAME_masks.pkl: name → vertex numbers. @throws {FormatError} */
export function readFlameMasks(bytes: Uint8Array, V: number, name = 'FLAME masks'): Map<string, Uint32Array> {
  const value = readPickle(bytes, name);
  if (!(value instanceof Map)) throw new FormatError(`${name}: a dictionary of vertex numbers was expected`);
  const out = new Map<string, Uint32Array>();
  for (const [key, ids] of value) {
    if (typeof key !== 'string') continue;
    let list: Uint32Array;
    if (ids instanceof PickledArray && !ids.items) list = toUint32(ids, `${name}: ${key}`);
    else if (Array.isArray(ids)) list = Uint32Array.from(ids, (v) => (typeof v === 'number' ? v : V));
    else throw new FormatError(`${name}: ${key} is no list of vertex numbers`);
    if (list.some((v) => v >= V)) throw new FormatError(`${name}: ${key} names a vertex beyond ${V - 1}`);
    out.set(key, sorted(list));
  }
  for (const key of ['face', 'left_eyeball', 'right_eyeball'])
    if (!out.has(key))
      throw new FormatError(`${name}: "${key}" is missing; it has ${[...out.keys()].join(', ')}`);
  return out;
}

/** The model's regions. */
export function flameRegions(input: RegionInput, masks: ReadonlyMap<string, Uint32Array> | null): Regions {
  const normals = vertexNormals(input.template, input.faces);
  const mouth = mouthInterior(input, normals);
  const out: Regions = new Map();
  if (masks) {
    const union = (...names: string[]) => new Set(names.flatMap((n) => [...(masks.get(n) ?? [])]));
    const skin = union('face', 'forehead', 'nose', 'lips');
    for (const v of [...union('left_eyeball', 'right_eyeball'), ...mouth]) skin.delete(v);
    const set = (name: string, vertices: Iterable<number>) => out.set(name, sorted(vertices));
    set('face', masks.get('face') as Uint32Array);
    set('skin', skin);
    for (const name of [
      'left_eyeball',
      'right_eyeball',
      'scalp',
      'neck',
      'lips',
      'nose',
      'forehead',
      'boundary',
    ])
      if (masks.has(name)) set(name, masks.get(name) as Uint32Array);
    set('ears', union('left_ear', 'right_ear'));
    set('mouth_interior', mouth);
    return out;
  }
  return computed(input, normals, mouth);
}

function computed(input: RegionInput, normals: Float32Array, mouth: Uint32Array): Regions {
  const { template, faces, landmarks, skinWeights } = input;
  const V = template.length / 3;
  const { piece, head } = pieces(faces, V);
  const brow = positions(template, faces, landmarks.inner51);
  const contour = landmarks.contour.points.faces.length / 17;
  const row = 17 * ((contour - 1) / 2);
  const front = positions(template, faces, {
    faces: landmarks.contour.points.faces.subarray(row, row + 17),
    barycentrics: landmarks.contour.points.barycentrics.subarray(3 * row, 3 * (row + 17)),
  });
  const mean = (points: number[][], from: number, to: number, axis: number) =>
    points.slice(from, to).reduce((s, p) => s + p[axis], 0) / (to - from);
  const browY = mean(brow, 0, 10, 1);
  const noseY = brow[33 - 17][1];
  const lift = 0.6 * (browY - noseY);
  const backZ = (front[0][2] + front[16][2]) / 2 - 0.05;
  const hull = convexHull([...front, ...brow, ...brow.slice(0, 10).map(([x, y, z]) => [x, y + lift, z])]);
  const chin = Math.min(...front.map((p) => p[1]));
  const J = skinWeights.length / V;
  const sets: Record<string, number[]> = {
    face: [],
    skin: [],
    left_eyeball: [],
    right_eyeball: [],
    neck: [],
    scalp: [],
  };
  const inMouth = new Set(mouth);
  for (let v = 0; v < V; v++) {
    const [x, y] = [template[3 * v], template[3 * v + 1]];
    if (piece[v] !== head) {
      // A piece is named after its first vertex; an eyeball lies on one side of x = 0.
      sets[template[3 * piece[v]] > 0 ? 'left_eyeball' : 'right_eyeball'].push(v);
    } else if (normals[3 * v + 2] > 0.2 && inside(hull, x, y) && template[3 * v + 2] > 0) {
      sets.face.push(v);
      if (!inMouth.has(v)) sets.skin.push(v);
    } else {
      const back = template[3 * v + 2] < backZ;
      if (skinWeights[v * J] > 0.5 || y < chin || (back && y < noseY)) sets.neck.push(v);
      else if (y > browY || back) sets.scalp.push(v);
    }
  }
  const out: Regions = new Map(Object.entries(sets).map(([name, list]) => [name, Uint32Array.from(list)]));
  out.set('mouth_interior', mouth);
  return out;
}

function mouthInterior(input: RegionInput, normals: Float32Array): Uint32Array {
  const { template, faces, landmarks } = input;
  const inner = positions(template, faces, landmarks.inner51);
  const lips = inner.slice(48 - 17, 60 - 17);
  const hull = convexHull(lips);
  const depth = Math.max(...lips.map((p) => p[2]));
  const out: number[] = [];
  for (let v = 0; v < template.length / 3; v++)
    if (
      normals[3 * v + 2] < -0.05 &&
      template[3 * v + 2] > depth - 0.05 &&
      inside(hull, template[3 * v], template[3 * v + 1])
    )
      out.push(v);
  return Uint32Array.from(out);
}

function sorted(vertices: Iterable<number>): Uint32Array {
  return Uint32Array.from([...new Set(vertices)]).sort();
}

/** Unit normals (V,3), weighted by area. */
function vertexNormals(vertices: Float32Array, faces: Uint32Array): Float32Array {
  const n = new Float32Array(vertices.length);
  for (let i = 0; i < faces.length; i += 3) {
    const [a, b, c] = [3 * faces[i], 3 * faces[i + 1], 3 * faces[i + 2]];
    const [ux, uy, uz] = [0, 1, 2].map((k) => vertices[b + k] - vertices[a + k]);
    const [vx, vy, vz] = [0, 1, 2].map((k) => vertices[c + k] - vertices[a + k]);
    const cross = [uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx];
    for (const at of [a, b, c]) for (let k = 0; k < 3; k++) n[at + k] += cross[k];
  }
  for (let i = 0; i < n.length; i += 3) {
    const length = Math.hypot(n[i], n[i + 1], n[i + 2]) || 1;
    for (let k = 0; k < 3; k++) n[i + k] /= length;
  }
  return n;
}

/** Connected piece of each vertex (its smallest vertex), and the piece with the most vertices. */
function pieces(faces: Uint32Array, V: number): { piece: Uint32Array; head: number } {
  const parent = Uint32Array.from({ length: V }, (_, v) => v);
  const find = (v: number): number => {
    let root = v;
    while (parent[root] !== root) root = parent[root] = parent[parent[root]];
    return root;
  };
  for (let i = 0; i < faces.length; i += 3)
    for (let c = 1; c < 3; c++) {
      const [a, b] = [find(faces[i]), find(faces[i + c])];
      parent[Math.max(a, b)] = Math.min(a, b);
    }
  const piece = parent.map((_, v) => find(v));
  const sizes = new Map<number, number>();
  for (const p of piece) sizes.set(p, (sizes.get(p) ?? 0) + 1);
  let head = 0;
  for (const [p, n] of sizes) if (n > (sizes.get(head) ?? 0)) head = p;
  return { piece, head };
}

function positions(vertices: Float32Array, faces: Uint32Array, points: SurfacePoints): number[][] {
  return Array.from(points.faces, (f, i) =>
    [0, 1, 2].map((a) =>
      [0, 1, 2].reduce((s, c) => s + points.barycentrics[3 * i + c] * vertices[3 * faces[3 * f + c] + a], 0),
    ),
  );
}

/** Convex hull of points in x and y, counter-clockwise (Andrew's monotone chain). */
function convexHull(points: number[][]): number[][] {
  const p = [...points].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const half = (list: number[][]) => {
    const out: number[][] = [];
    for (const q of list) {
      while (out.length >= 2 && turn(out[out.length - 2], out[out.length - 1], q) <= 0) out.pop();
      out.push(q);
    }
    return out.slice(0, -1);
  };
  return [...half(p), ...half(p.reverse())];
}

function turn(a: number[], b: number[], c: number[]): number {
  return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
}

function inside(hull: number[][], x: number, y: number): boolean {
  return hull.every((a, i) => turn(a, hull[(i + 1) % hull.length], [x, y]) >= 0);
}
