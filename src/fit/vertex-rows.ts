/**
 * From derivatives of vertices to derivatives of what a picture sees of them: projected position and unit normal.
 * Rows run over columns in the innermost loop, like everything around `model/jacobian.ts`.
 */
import type { Camera } from '../camera/camera.ts';
import { projectionJacobian } from '../camera/project.ts';
import { matrixF32 } from '../kernels/gemm.ts';
import type { F32, Kernels } from '../kernels/runtime.ts';
import { multiplySparse } from '../kernels/sparse.ts';
import type { VertexSet } from '../model/jacobian.ts';
import type { ParameterLayout } from './parameters.ts';

/** Numbers of a vertex that a picture depends on: u, v and the unit normal. */
const Q = 5;

/** The geometry around one state, shared by all energies. */
export interface GeometryRows {
  readonly set: VertexSet;
  /** (V,3) posed vertices. */
  readonly vertices: Float32Array;
  /** (3R,n) float32 ∂vertices; n = layout.geometrySize. */
  readonly rows: F32;
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
  const rows = g.rows.view;
  for (let i = 0; i < 3; i++) {
    const row = 3 * g.set.rowOf[corners[i]] * n;
    const b = beta[i];
    for (let k = 0; k < n; k++) {
      const x = rows[row + k];
      const y = rows[row + n + k];
      const z = rows[row + 2 * n + k];
      out[offset + k] += b * (j[0] * x + j[1] * y + j[2] * z);
      out[offset + n + k] += b * (j[3] * x + j[4] * y + j[5] * z);
    }
  }
  cameraColumns(g.layout, j, out, offset, offset + n);
}

/**
 * P = ∂q/∂θ, (5A,n): projection (2 rows) and unit normal (3 rows) of each active vertex, as a sparse matrix times the
 * rows of ∂vertices. The normal N = Σ_faces (b − a) × (c − a) changes by Σ (opposite edge) × ∂corner, the unit normal
 * by (I − n̂n̂ᵀ)/|N| of that.
 *
 * @param active (A) model vertices; they and their neighbours must be in the set.
 * @param faces (F,3) the faces around active vertices.
 * @param P (5A,n) float32, overwritten
 */
export function activeRows(
  kernels: Kernels,
  g: GeometryRows,
  active: Uint32Array,
  faces: Uint32Array,
  P: F32,
): void {
  const n = g.layout.geometrySize;
  const { vertices, set } = g;
  const A = active.length;
  const { first, neighbours, edges, normals } = normalDerivatives(vertices, active, faces, set.rowOf.length);
  const j = new Float64Array(8);
  const jacobians = new Float64Array(8 * A);
  kernels.scope(() => {
    let total = 6 * A;
    for (let i = 0; i < A; i++) total += 9 * neighbours.count[i];
    const sparse = {
      rowStart: kernels.u32(Q * A + 1),
      columns: kernels.u32(total),
      values: kernels.f32(total),
    };
    const [rowStart, columns, values] = [sparse.rowStart.view, sparse.columns.view, sparse.values.view];
    let at = 0;
    const put = (column: number, value: number) => {
      columns[at] = column;
      values[at++] = value;
    };
    for (let i = 0; i < A; i++) {
      const v = 3 * active[i];
      const row = 3 * set.rowOf[active[i]];
      projectionJacobian(g.camera, vertices[v], vertices[v + 1], vertices[v + 2], j);
      jacobians.set(j, 8 * i);
      for (let r = 0; r < 2; r++) {
        for (let a = 0; a < 3; a++) put(row + a, j[3 * r + a]);
        rowStart[Q * i + r + 1] = at;
      }
      const [x, y, z] = [normals[3 * i], normals[3 * i + 1], normals[3 * i + 2]];
      const s = 1 / Math.max(Math.hypot(x, y, z), 1e-20);
      const unit = [x * s, y * s, z * s];
      for (let r = 0; r < 3; r++) {
        const t = [0, 1, 2].map((a) => ((r === a ? 1 : 0) - unit[r] * unit[a]) * s);
        for (let k = first[i]; k < first[i] + neighbours.count[i]; k++) {
          const [ex, ey, ez] = [edges[3 * k], edges[3 * k + 1], edges[3 * k + 2]];
          const column = 3 * set.rowOf[neighbours.vertex[k]];
          // t·[e]×
          put(column, t[1] * ez - t[2] * ey);
          put(column + 1, t[2] * ex - t[0] * ez);
          put(column + 2, t[0] * ey - t[1] * ex);
        }
        rowStart[Q * i + 2 + r + 1] = at;
      }
    }
    multiplySparse(kernels, sparse, matrixF32(g.rows, 3 * set.ids.length, n), matrixF32(P, Q * A, n));
  });
  const out = P.view;
  for (let i = 0; i < A; i++) {
    cameraColumns(g.layout, jacobians.subarray(8 * i), out, Q * i * n, (Q * i + 1) * n);
  }
}

/**
 * How the area-weighted normals of active vertices depend on the vertices around: ∂N_i = Σ_k edges[k] × ∂x of
 * neighbours.vertex[k], k from first[i] on.
 */
function normalDerivatives(vertices: Float32Array, active: Uint32Array, faces: Uint32Array, V: number) {
  const A = active.length;
  const position = new Int32Array(V).fill(-1);
  for (let i = 0; i < A; i++) position[active[i]] = i;
  const first = new Uint32Array(A + 1);
  for (const v of faces) if (position[v] >= 0) first[position[v] + 1] += 3;
  for (let i = 0; i < A; i++) first[i + 1] += first[i];
  const neighbours = { vertex: new Uint32Array(first[A]), count: new Uint32Array(A) };
  const edges = new Float64Array(3 * first[A]);
  const normals = new Float64Array(3 * A);
  const e = new Float64Array(9);
  for (let f = 0; f < faces.length; f += 3) {
    const [a, b, c] = [faces[f], faces[f + 1], faces[f + 2]];
    if (position[a] < 0 && position[b] < 0 && position[c] < 0) continue;
    for (let d = 0; d < 3; d++) {
      const [xa, xb, xc] = [vertices[3 * a + d], vertices[3 * b + d], vertices[3 * c + d]];
      e[d] = xc - xb;
      e[3 + d] = xa - xc;
      e[6 + d] = xb - xa;
    }
    // (b − a) × (c − a)
    const nx = e[5] * e[7] - e[8] * e[4];
    const ny = e[3] * e[8] - e[6] * e[5];
    const nz = e[4] * e[6] - e[7] * e[3];
    for (let corner = 0; corner < 3; corner++) {
      const i = position[faces[f + corner]];
      if (i < 0) continue;
      normals[3 * i] += nx;
      normals[3 * i + 1] += ny;
      normals[3 * i + 2] += nz;
      for (let w = 0; w < 3; w++) {
        const v = faces[f + w];
        let k = first[i];
        const end = k + neighbours.count[i];
        while (k < end && neighbours.vertex[k] !== v) k++;
        if (k === end) {
          neighbours.vertex[k] = v;
          neighbours.count[i]++;
        }
        for (let d = 0; d < 3; d++) edges[3 * k + d] += e[3 * w + d];
      }
    }
  }
  return { first, neighbours, edges, normals };
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
