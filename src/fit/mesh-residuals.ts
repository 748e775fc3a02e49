/** How near a fitted head lies to the mesh: distances from the head's points to the mesh's surface, in millimetres. */
import { createHit } from '../geometry/nearest.ts';
import type { HeadPatch } from './mesh-matches.ts';
import { normalAt, onBorder, type PreparedTarget } from './mesh-target.ts';

/** Statistics of distances. */
export interface DistanceStatistics {
  readonly mean: number;
  readonly median: number;
  /** 95 % are at most this. */
  readonly p95: number;
  readonly max: number;
}

/** Distances of the matched region, millimetres; parts where the mesh has nothing do not count. */
export interface MeshResiduals extends DistanceStatistics {
  /** Fraction of the region's vertices that lie on the mesh. */
  readonly matched: number;
}

/** Vertices farther from the mesh have no counterpart on it, metres. */
const REACH = 0.02;
/** Least cosine between normals of counterparts: the back of a thin shell is none. */
const COSINE = 0.3;

/** Measures the vertices of `patch`; arguments as in `findMatches`. */
export function measureMesh(
  target: PreparedTarget,
  patch: HeadPatch,
  head: Float32Array,
  headNormals: Float32Array,
): MeshResiduals {
  const distances: number[] = [];
  const hit = createHit();
  const n = new Float64Array(3);
  for (const v of patch.vertices) {
    const o = 3 * v;
    target.nearest.find(head[o], head[o + 1], head[o + 2], REACH, hit);
    if (hit.face < 0) continue;
    if (target.faces && target.normals) {
      if (onBorder(hit, target.faces, target.border)) continue;
      normalAt(hit, target.faces, target.normals, n);
      const cosine = n[0] * headNormals[o] + n[1] * headNormals[o + 1] + n[2] * headNormals[o + 2];
      if (cosine < COSINE) continue;
    }
    distances.push(1000 * hit.distance);
  }
  return { ...statistics(distances), matched: distances.length / patch.vertices.length };
}

/** Mean, median, 95th percentile and maximum; zeros for no distances. */
export function statistics(distances: readonly number[]): DistanceStatistics {
  const sorted = Float64Array.from(distances).sort();
  const at = (q: number) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0;
  const sum = sorted.reduce((s, d) => s + d, 0);
  return { mean: sorted.length > 0 ? sum / sorted.length : 0, median: at(0.5), p95: at(0.95), max: at(1) };
}
