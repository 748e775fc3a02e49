/**
 * From derivatives of vertices to derivatives of what a picture sees of them: projected position and unit normal.
 * Rows run over columns in the innermost loop, like everything around `model/jacobian.ts`.
 */
import type { Camera } from '../camera/camera.ts';
import { projectionJacobian } from '../camera/project.ts';
import type { VertexSet } from '../model/jacobian.ts';
import { Q } from '../render/photometric-blocks.ts';
import type { ParameterLayout } from './parameters.ts';

/** The geometry around one state, shared by all energies. */
export interface GeometryRows {
  readonly set: VertexSet;
  /** (V,3) posed vertices. */
  readonly vertices: Float32Array;
  /** (3R,n) float32 ∂vertices; n = layout.geometrySize. */
  readonly rows: Float32Array;
  readonly layout: ParameterLayout;
  /** In pixels of the picture the energies compare with. */
  readonly camera: Camera;
}

/**
 * Derivative rows of a surface point's projection (u, v), written to `out[offset…offset+2n)`.
 * @param corners model vertices of the point's face.
 * @param beta barycentric coordinates.
 */
export function pointRows(
  g: GeometryRows,
  corners: readonly [number, number, number],
  beta: readonly [number, number, number],
  out: Float32Array,
  offset: number,
): void {
  const n = g.layout.geometrySize;
  const point = [0, 0, 0];
  for (let i = 0; i < 3; i++)
    for (let a = 0; a < 3; a++) point[a] += beta[i] * g.vertices[3 * corners[i] + a];
  const j = new Float64Array(8);
  projectionJacobian(g.camera, point[0], point[1], point[2], j);
  out.fill(0, offset, offset + 2 * n);
  for (let i = 0; i < 3; i++) {
    const row = 3 * g.set.rowOf[corners[i]] * n;
    const b = beta[i];
    for (let k = 0; k < n; k++) {
      const x = g.rows[row + k];
      const y = g.rows[row + n + k];
      const z = g.rows[row + 2 * n + k];
      out[offset + k] += b * (j[0] * x + j[1] * y + j[2] * z);
      out[offset + n + k] += b * (j[3] * x + j[4] * y + j[5] * z);
    }
  }
  cameraColumns(g.layout, j, out, offset, offset + n);
}

/**
 * P = ∂q/∂θ, (5A,n): projection (2 rows) and unit normal (3 rows) of each active vertex.
 * @param active (A) model vertices; they and their neighbours must be in the set.
 * @param faces (F,3) the faces around active vertices.
 * @param P (5A,n) float32 zeros to write to, in kernel memory for instance.
 */
export function activeRows(
  g: GeometryRows,
  active: Uint32Array,
  faces: Uint32Array,
  P: Float32Array = new Float32Array(Q * active.length * g.layout.geometrySize),
): Float32Array {
  const n = g.layout.geometrySize;
  const { vertices, rows, set } = g;
  const A = active.length;
  const position = new Int32Array(set.rowOf.length).fill(-1);
  for (let i = 0; i < A; i++) position[active[i]] = i;
  const sums = new Float64Array(3 * A);
  const dn = new Float32Array(3 * n);
  for (let f = 0; f < faces.length; f += 3) {
    const [a, b, c] = [faces[f], faces[f + 1], faces[f + 2]];
    const targets = [position[a], position[b], position[c]].filter((i) => i >= 0);
    if (targets.length === 0) continue;
    const e = (p: number, axis: number) => vertices[3 * p + axis] - vertices[3 * a + axis];
    const [ux, uy, uz] = [e(b, 0), e(b, 1), e(b, 2)];
    const [vx, vy, vz] = [e(c, 0), e(c, 1), e(c, 2)];
    const normal = [uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx];
    const ra = 3 * set.rowOf[a] * n;
    const rb = 3 * set.rowOf[b] * n;
    const rc = 3 * set.rowOf[c] * n;
    for (let k = 0; k < n; k++) {
      const ax = rows[ra + k];
      const ay = rows[ra + n + k];
      const az = rows[ra + 2 * n + k];
      const px = rows[rb + k] - ax;
      const py = rows[rb + n + k] - ay;
      const pz = rows[rb + 2 * n + k] - az;
      const qx = rows[rc + k] - ax;
      const qy = rows[rc + n + k] - ay;
      const qz = rows[rc + 2 * n + k] - az;
      dn[k] = py * vz - pz * vy + uy * qz - uz * qy;
      dn[n + k] = pz * vx - px * vz + uz * qx - ux * qz;
      dn[2 * n + k] = px * vy - py * vx + ux * qy - uy * qx;
    }
    for (const i of targets) {
      for (let axis = 0; axis < 3; axis++) sums[3 * i + axis] += normal[axis];
      const o = (Q * i + 2) * n;
      for (let k = 0; k < 3 * n; k++) P[o + k] += dn[k];
    }
  }
  const j = new Float64Array(8);
  for (let i = 0; i < A; i++) {
    const v = 3 * active[i];
    const o = Q * i * n;
    const row = 3 * set.rowOf[active[i]] * n;
    projectionJacobian(g.camera, vertices[v], vertices[v + 1], vertices[v + 2], j);
    for (let k = 0; k < n; k++) {
      const x = rows[row + k];
      const y = rows[row + n + k];
      const z = rows[row + 2 * n + k];
      P[o + k] = j[0] * x + j[1] * y + j[2] * z;
      P[o + n + k] = j[3] * x + j[4] * y + j[5] * z;
    }
    cameraColumns(g.layout, j, P, o, o + n);
    const length = Math.max(Math.hypot(sums[3 * i], sums[3 * i + 1], sums[3 * i + 2]), 1e-20);
    const s = 1 / length;
    const [nx, ny, nz] = [sums[3 * i] * s, sums[3 * i + 1] * s, sums[3 * i + 2] * s];
    const d = o + 2 * n;
    for (let k = 0; k < n; k++) {
      const x = P[d + k];
      const y = P[d + n + k];
      const z = P[d + 2 * n + k];
      const dot = nx * x + ny * y + nz * z;
      P[d + k] = (x - dot * nx) * s;
      P[d + n + k] = (y - dot * ny) * s;
      P[d + 2 * n + k] = (z - dot * nz) * s;
    }
  }
  return P;
}

function cameraColumns(
  layout: ParameterLayout,
  j: Float64Array,
  out: Float32Array,
  u: number,
  v: number,
): void {
  const t = layout.blocks.get('translation')?.offset;
  if (t !== undefined)
    for (let a = 0; a < 3; a++) {
      out[u + t + a] = j[a];
      out[v + t + a] = j[3 + a];
    }
  const f = layout.blocks.get('focal')?.offset;
  if (f !== undefined) {
    out[u + f] = j[6];
    out[v + f] = j[7];
  }
}
