/**
 * Lays a head over a surface: first as one of the model's people (fitMesh: landmarks, then nearest points), then without
 * the model, each vertex by a displacement of its own that is smooth over the mesh:
 *
 *   Σ_i w_i (n_i·(x_i + d_i − q_i))² + Σ_ij λ ‖d_i − d_j‖²,   three rounds of nearest points q, normals n
 *
 * w falls with the distance (Geman and McClure, 2 mm). Vertices without a partner, the back of the head or the eyeballs'
 * inside, go with their neighbours.
 */
import { throwIfAborted } from '../core/errors.ts';
import type { ProgressListener } from '../core/progress.ts';
import { fitMesh, type MeshFit, placeOnMesh } from '../fit/fit-mesh.ts';
import type { MeshLandmarks } from '../fit/mesh-landmarks.ts';
import { normalAt, onBorder, type PreparedTarget, prepareTarget } from '../fit/mesh-target.ts';
import { createHit } from '../geometry/nearest.ts';
import { conjugateGradients } from '../linalg/conjugate-gradients.ts';
import type { HeadModel } from '../model/head-model.ts';
import { poseHead } from '../model/pose.ts';
import { vertexNormals } from '../render/normals.ts';
import type { ColouredSurface } from './coloured-surface.ts';

/** Tuning of {@link registerSurface}. */
export const REGISTER_DEFAULTS = {
  /** λ: how stiff the displacement is, in units of a vertex's data term. */
  stiffness: 2,
  /** Rounds of nearest points. */
  rounds: 3,
  /** Metres beyond which a nearest point is none. */
  reach: 0.008,
} as const;

/** Metres at which a pair's weight has fallen to a quarter. */
const SIGMA = 0.002;
/** Least cosine between normals of a pair. */
const COSINE = 0.5;

/** A head laid over a surface. */
export interface Registration {
  /** (V,3) vertices of the head, metres, relative to the target's centre. */
  readonly vertices: Float32Array;
  /** The surface, in the same frame. */
  readonly target: PreparedTarget;
  /** How the model fitted. */
  readonly fit: MeshFit;
  /** Mean distance of vertices that found a partner after the last round, metres. */
  readonly distance: number;
}

/**
 * Lays `model` over `surface`.
 * @throws {InvalidArgumentError} when its landmarks are not those of a face (as `fitMesh`)
 * @throws {AbortedError} when cancelled
 */
export async function registerSurface(
  model: HeadModel,
  surface: ColouredSurface & { readonly landmarks: MeshLandmarks },
  options: { readonly onProgress?: ProgressListener; readonly signal?: AbortSignal } = {},
): Promise<Registration> {
  const { rounds, reach, stiffness } = REGISTER_DEFAULTS;
  const { unit, landmarks } = surface;
  const fit = await fitMesh({ vertices: surface.vertices, faces: surface.faces }, model, {
    landmarks,
    unit,
    // Both are at rest: an expression would only lay lids over eyes.
    expression: false,
    signal: options.signal,
    onProgress: ({ stage, fraction }) => options.onProgress?.({ stage, fraction: 0.9 * fraction }),
  });
  const centre = [0, 1, 2].map((a) => {
    let sum = 0;
    for (let i = a; i < landmarks.points.length; i += 3) sum += landmarks.points[i];
    return (3 * sum) / landmarks.points.length;
  });
  const target = prepareTarget(surface, unit, centre);
  const placed = placeOnMesh(fit, poseHead(model, fit.params).vertices);
  let vertices = placed.map((x, i) => unit * (x - centre[i % 3]));
  const edges = meshEdges(model.faces);
  let distance = 0;
  for (let round = 0; round < rounds; round++) {
    throwIfAborted(options.signal);
    options.onProgress?.({ stage: 'displacements', fraction: 0.9 + (0.1 * round) / rounds });
    const step = displace(vertices, vertexNormals(vertices, model.faces), target, edges, stiffness, reach);
    vertices = step.vertices;
    distance = step.distance;
  }
  return { vertices, target, fit, distance };
}

/** One round: nearest points, then the smooth displacement towards them. */
function displace(
  vertices: Float32Array,
  normals: Float32Array,
  target: PreparedTarget,
  edges: Uint32Array,
  stiffness: number,
  reach: number,
): { vertices: Float32Array<ArrayBuffer>; distance: number } {
  const V = vertices.length / 3;
  const hit = createHit();
  const n = new Float64Array(3);
  const planes = new Float64Array(3 * V);
  const weights = new Float64Array(V);
  const offsets = new Float64Array(V);
  let [sum, count] = [0, 0];
  for (let v = 0; v < V; v++) {
    const [x, y, z] = vertices.subarray(3 * v, 3 * v + 3);
    target.nearest.find(x, y, z, reach, hit);
    if (hit.face < 0) continue;
    const { faces, normals: surfaceNormals, border } = target;
    if (!faces || !surfaceNormals || onBorder(hit, faces, border)) continue;
    normalAt(hit, faces, surfaceNormals, n);
    const agree = n[0] * normals[3 * v] + n[1] * normals[3 * v + 1] + n[2] * normals[3 * v + 2];
    if (agree < COSINE) continue;
    planes.set(n, 3 * v);
    offsets[v] = n[0] * (hit.point[0] - x) + n[1] * (hit.point[1] - y) + n[2] * (hit.point[2] - z);
    weights[v] = (1 + (hit.distance / SIGMA) ** 2) ** -2;
    sum += hit.distance;
    count++;
  }
  const diagonal = new Float64Array(V).fill(1e-6);
  for (const v of edges) diagonal[v] += stiffness;
  const b = new Float64Array(3 * V);
  for (let v = 0; v < V; v++)
    for (let a = 0; a < 3; a++) b[3 * v + a] = weights[v] * offsets[v] * planes[3 * v + a];
  const { x: moved } = conjugateGradients(
    (d, out) => {
      for (let v = 0, i = 0; v < V; v++, i += 3) {
        const along = weights[v] * (planes[i] * d[i] + planes[i + 1] * d[i + 1] + planes[i + 2] * d[i + 2]);
        for (let a = 0; a < 3; a++) out[i + a] = diagonal[v] * d[i + a] + along * planes[i + a];
      }
      for (let e = 0; e < edges.length; e += 2) {
        const [i, j] = [3 * edges[e], 3 * edges[e + 1]];
        for (let a = 0; a < 3; a++) {
          out[i + a] -= stiffness * d[j + a];
          out[j + a] -= stiffness * d[i + a];
        }
      }
    },
    b,
    {
      tolerance: 1e-4,
      maxIterations: 300,
      preconditioner: (r, out) => {
        for (let i = 0; i < r.length; i++) out[i] = r[i] / diagonal[Math.floor(i / 3)];
      },
    },
  );
  return {
    vertices: vertices.map((x, i) => x + moved[i]),
    distance: count > 0 ? sum / count : 0,
  };
}

/** (E,2) every edge once. */
function meshEdges(faces: Uint32Array): Uint32Array {
  const seen = new Set<number>();
  const out: number[] = [];
  let V = 0;
  for (const v of faces) V = Math.max(V, v + 1);
  for (let i = 0; i < faces.length; i++) {
    const [a, b] = [faces[i], faces[i % 3 === 2 ? i - 2 : i + 1]];
    const key = Math.min(a, b) * V + Math.max(a, b);
    if (seen.has(key)) continue;
    seen.add(key);
    out.push(a, b);
  }
  return Uint32Array.from(out);
}
