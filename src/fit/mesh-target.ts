/**
 * A mesh or scan made ready to be fitted to: its size in metres, a search for nearest points, normals, and where its
 * surface ends. Corners at the same place are one (files split them along texture seams), lest every seam look like
 * an edge.
 */
import { InvalidArgumentError } from '../core/errors.ts';
import { createNearest, type NearestHit, type NearestSearch } from '../geometry/nearest.ts';
import { vertexNormals } from '../render/normals.ts';

/** A mesh or a cloud of points; any units, any axes. */
export interface TargetMesh {
  /** (V,3). */
  readonly vertices: ArrayLike<number>;
  /** (F,3) counter-clockwise from outside, null for a cloud of points. */
  readonly faces: ArrayLike<number> | null;
}

/** {@link TargetMesh} in metres. */
export interface PreparedTarget {
  /** (V,3) float32 metres, relative to `centre`; one of corners that coincide. */
  readonly vertices: Float32Array;
  readonly faces: Uint32Array | null;
  /** (V,3) unit normals; null for a cloud of points. */
  readonly normals: Float32Array | null;
  /** (V) 1 where the surface ends. */
  readonly border: Uint8Array;
  /** (3) origin of `vertices` in the mesh's frame, metres: far-away scans keep their precision. */
  readonly centre: readonly [number, number, number];
  readonly nearest: NearestSearch;
}

/**
 * Prepares a mesh.
 * @param unit metres per unit of the mesh.
 * @param centre a point on the face, units of the mesh.
 * @throws {InvalidArgumentError} when faces and vertices do not fit together or a coordinate is not finite.
 */
export function prepareTarget(mesh: TargetMesh, unit: number, centre: ArrayLike<number>): PreparedTarget {
  const V = mesh.vertices.length / 3;
  if (!Number.isInteger(V) || V === 0)
    throw new InvalidArgumentError('fitMesh: mesh.vertices must be rows of three numbers');
  const known = new Map<string, number>();
  const kept: number[] = [];
  const renamed = new Uint32Array(V);
  for (let v = 0; v < V; v++) {
    const key = `${mesh.vertices[3 * v]} ${mesh.vertices[3 * v + 1]} ${mesh.vertices[3 * v + 2]}`;
    let at = known.get(key);
    if (at === undefined) {
      at = kept.length;
      known.set(key, at);
      kept.push(v);
    }
    renamed[v] = at;
  }
  const vertices = Float32Array.from({ length: 3 * kept.length }, (_, i) => {
    const a = i % 3;
    return unit * (mesh.vertices[3 * kept[(i - a) / 3] + a] - centre[a]);
  });
  const given = mesh.faces;
  if (given && Array.prototype.some.call(given, (v: number) => !(v >= 0 && v < V)))
    throw new InvalidArgumentError(`fitMesh: mesh.faces has a vertex number beyond ${V - 1}`);
  const faces = given && Uint32Array.from(given, (v) => renamed[v]);
  return {
    vertices,
    faces,
    normals: faces && vertexNormals(vertices, faces),
    border: faces ? borderVertices(faces, kept.length) : new Uint8Array(kept.length),
    centre: [unit * centre[0], unit * centre[1], unit * centre[2]],
    nearest: createNearest(vertices, faces),
  };
}

/** (V) 1 at both ends of every edge that belongs to one face only. */
export function borderVertices(faces: ArrayLike<number>, V: number): Uint8Array {
  const count = new Map<number, number>();
  for (let i = 0; i < faces.length; i++) {
    const a = faces[i];
    const b = faces[i % 3 === 2 ? i - 2 : i + 1];
    const key = Math.min(a, b) * V + Math.max(a, b);
    count.set(key, (count.get(key) ?? 0) + 1);
  }
  const border = new Uint8Array(V);
  for (const [key, n] of count)
    if (n === 1) {
      border[Math.floor(key / V)] = 1;
      border[key % V] = 1;
    }
  return border;
}

/** Whether a nearest point lies on the edge of the surface: beyond it there may have been more. */
export function onBorder(hit: NearestHit, faces: ArrayLike<number>, border: Uint8Array): boolean {
  for (let c = 0; c < 3; c++)
    if (hit.barycentrics[c] > 1e-9 && !border[faces[3 * hit.face + c]]) return false;
  return true;
}

/** Unit normal at a nearest point, (3). */
export function normalAt(
  hit: NearestHit,
  faces: ArrayLike<number>,
  normals: Float32Array,
  out: Float64Array,
): Float64Array {
  out.fill(0);
  for (let c = 0; c < 3; c++) {
    const n = 3 * faces[3 * hit.face + c];
    for (let a = 0; a < 3; a++) out[a] += hit.barycentrics[c] * normals[n + a];
  }
  const length = Math.hypot(out[0], out[1], out[2]);
  if (length > 0) for (let a = 0; a < 3; a++) out[a] /= length;
  return out;
}
