/**
 * Which point of the head belongs to which point of the mesh: nearest points both ways, as in iterated closest points
 * (Besl and McKay 1992; Chen and Medioni 1992 for the planes), with the rejections of Turk and Levoy 1994: too far,
 * normals that disagree, or on the rim of either surface, where the other may go on.
 */
import { createHit, createNearest } from '../geometry/nearest.ts';
import { normalAt, onBorder, type PreparedTarget } from './mesh-target.ts';

/** The part of the head that is matched. */
export interface HeadPatch {
  /** (P) vertices, ascending. */
  readonly vertices: Uint32Array;
  /** (Q,3) faces all of whose corners are in the patch. */
  readonly faces: Uint32Array;
  /** (V) 1 on the rim of the patch. */
  readonly border: Uint8Array;
}

/** M pairs of a point on the head and a point of the mesh. */
export interface Matches {
  /** (M,3) corners of the head's face; the same one three times for a vertex. */
  readonly corners: Uint32Array;
  /** (M,3) barycentric coordinates on it. */
  readonly barycentrics: Float64Array;
  /** (M,3) points of the mesh, metres. */
  readonly targets: Float64Array;
  /** (M,3) unit normals of the plane to reach; zero where there is none: the point itself is to be reached. */
  readonly normals: Float64Array;
  /** Pairs. */
  readonly size: number;
  /** Patch vertices that found a partner. */
  readonly matched: number;
}

/** Options of {@link findMatches}. */
export interface MatchOptions {
  /** Metres. */
  readonly limit: number;
  /** Least cosine between the normals. */
  readonly cosine: number;
  /** Points of the mesh that are matched to the head, at most. */
  readonly points: number;
  /** Points themselves rather than planes. */
  readonly pointToPoint: boolean;
}

/**
 * Finds pairs.
 * @param head (V,3) vertices of the head in the mesh's frame, metres.
 * @param headNormals (V,3).
 */
export function findMatches(
  target: PreparedTarget,
  patch: HeadPatch,
  head: Float32Array,
  headNormals: Float32Array,
  options: MatchOptions,
): Matches {
  const corners: number[] = [];
  const barycentrics: number[] = [];
  const targets: number[] = [];
  const normals: number[] = [];
  const hit = createHit();
  const n = new Float64Array(3);
  const plane = (normal: ArrayLike<number>) =>
    options.pointToPoint ? normals.push(0, 0, 0) : normals.push(normal[0], normal[1], normal[2]);
  for (const v of patch.vertices) {
    const o = 3 * v;
    target.nearest.find(head[o], head[o + 1], head[o + 2], options.limit, hit);
    if (hit.face < 0) continue;
    n.fill(0);
    if (target.faces && target.normals) {
      if (onBorder(hit, target.faces, target.border)) continue;
      normalAt(hit, target.faces, target.normals, n);
      if (agreement(n, headNormals, o) < options.cosine) continue;
    }
    corners.push(v, v, v);
    barycentrics.push(1, 0, 0);
    targets.push(...hit.point);
    // A cloud has no planes: the head's own serve.
    plane(target.normals ? n : headNormals.subarray(o, o + 3));
  }
  const matched = corners.length / 3;

  // The other way round. Every k-th point, so that a dense scan weighs no more than a coarse one.
  const search = createNearest(head, patch.faces);
  const count = target.vertices.length / 3;
  const near: number[] = [];
  const box = boxOf(head, patch.vertices, options.limit);
  for (let i = 0; i < count; i++) if (inside(box, target.vertices, 3 * i)) near.push(i);
  const step = Math.max(1, near.length / options.points);
  for (let k = 0; k < near.length; k += step) {
    const o = 3 * near[Math.floor(k)];
    if (target.border[o / 3]) continue;
    const { vertices } = target;
    search.find(vertices[o], vertices[o + 1], vertices[o + 2], options.limit, hit);
    if (hit.face < 0 || onBorder(hit, patch.faces, patch.border)) continue;
    normalAt(hit, patch.faces, headNormals, n);
    if (target.normals && agreement(n, target.normals, o) < options.cosine) continue;
    for (let c = 0; c < 3; c++) corners.push(patch.faces[3 * hit.face + c]);
    barycentrics.push(...hit.barycentrics);
    targets.push(vertices[o], vertices[o + 1], vertices[o + 2]);
    plane(n);
  }
  return {
    corners: Uint32Array.from(corners),
    barycentrics: Float64Array.from(barycentrics),
    targets: Float64Array.from(targets),
    normals: Float64Array.from(normals),
    size: corners.length / 3,
    matched,
  };
}

function agreement(n: ArrayLike<number>, normals: ArrayLike<number>, o: number): number {
  return n[0] * normals[o] + n[1] * normals[o + 1] + n[2] * normals[o + 2];
}

function boxOf(points: Float32Array, chosen: Uint32Array, margin: number): Float64Array {
  const box = Float64Array.of(Infinity, Infinity, Infinity, -Infinity, -Infinity, -Infinity);
  for (const v of chosen)
    for (let a = 0; a < 3; a++) {
      box[a] = Math.min(box[a], points[3 * v + a] - margin);
      box[3 + a] = Math.max(box[3 + a], points[3 * v + a] + margin);
    }
  return box;
}

function inside(box: Float64Array, points: Float32Array, o: number): boolean {
  for (let a = 0; a < 3; a++) if (points[o + a] < box[a] || points[o + a] > box[3 + a]) return false;
  return true;
}
