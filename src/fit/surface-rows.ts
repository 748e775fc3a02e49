/**
 * From derivatives of vertices to derivatives of what a picture sees of them: projected position and unit normal.
 */
import type { Camera } from '../camera/camera.ts';
import { projectionJacobian } from '../camera/project.ts';
import { firstOf } from '../kernels/part.ts';
import { Q_STRIDE } from '../kernels/photometric.ts';
import type { F32, Kernels, U32 } from '../kernels/runtime.ts';
import { SURFACE_ROWS, surfaceRows } from '../kernels/surface.ts';
import type { FitState, ParameterLayout } from './parameters.ts';
import type { PreparedModel } from './prepare.ts';
import type { ResidentModel } from './resident.ts';

/** The geometry around one state, shared by all energies. */
export interface SurfaceGeometry {
  readonly resident: ResidentModel;
  /** (3R,stride) float32 ∂vertices. */
  readonly rows: F32;
  /** Floats from row to row: at least geometrySize + 1, a multiple of 8; columns beyond geometrySize are zero. */
  readonly stride: number;
  readonly layout: ParameterLayout;
  /** In pixels of the picture the energies compare with. */
  readonly camera: Camera;
}

/**
 * P = ∂q/∂θ: projection (2 rows) and unit normal (2 rows, along `frames`) of each active vertex.
 * @param normals (fans,4) float32 of `fanNormals`.
 * @param active (A) fans.
 * @param frames (A,8) float32 of `tangentFrames`.
 * @param out at least (4A,stride) float32, overwritten.
 */
export function visibleRows(
  kernels: Kernels,
  g: SurfaceGeometry,
  normals: F32,
  active: U32,
  frames: F32,
  out: F32,
): void {
  const { resident, rows, stride, layout, camera } = g;
  const A = active.length;
  kernels.scope(() => {
    const projection = kernels.f32(8 * A);
    projectionJacobians(resident, camera, active.view, projection.view);
    surfaceRows(
      kernels,
      resident.fans,
      { vertices: resident.head.vertices, normals, active, frames, projection, rows, stride },
      firstOf(out, SURFACE_ROWS * A * stride),
    );
    cameraRows(layout, projection.view, A, out.view, stride);
  });
}

/** Derivatives (A,8) of the projections of the fans' centres. */
function projectionJacobians(
  { head, prepared }: ResidentModel,
  camera: Camera,
  fans: Uint32Array,
  out: Float32Array,
): void {
  const vertices = head.vertices.view;
  const { centres } = prepared.fans;
  const j = new Float64Array(8);
  for (let i = 0; i < fans.length; i++) {
    const v = 3 * centres[fans[i]];
    projectionJacobian(camera, vertices[v], vertices[v + 1], vertices[v + 2], j);
    out.set(j, 8 * i);
  }
}

/** The camera's columns of all rows of projections. */
function cameraRows(layout: ParameterLayout, J: Float32Array, A: number, out: Float32Array, stride: number) {
  const t = layout.blocks.get('translation')?.offset ?? -1;
  const f = layout.blocks.get('focal')?.offset ?? -1;
  for (let i = 0; i < A; i++) {
    const u = SURFACE_ROWS * i * stride;
    const v = u + stride;
    if (t >= 0)
      for (let a = 0; a < 3; a++) {
        out[u + t + a] = J[8 * i + a];
        out[v + t + a] = J[8 * i + 3 + a];
      }
    if (f >= 0) {
      out[u + f] = J[8 * i + 6];
      out[v + f] = J[8 * i + 7];
    }
  }
}

/** Writes the columns of translation and focal length, `factor` times the projection's derivative `j[at…at+7]`. */
export function cameraColumns(
  layout: ParameterLayout,
  j: Float32Array | Float64Array,
  at: number,
  factor: number,
  out: Float32Array,
  u: number,
  v: number,
): void {
  const t = layout.blocks.get('translation')?.offset;
  if (t !== undefined)
    for (let a = 0; a < 3; a++) {
      out[u + t + a] = factor * j[at + a];
      out[v + t + a] = factor * j[at + 3 + a];
    }
  const f = layout.blocks.get('focal')?.offset;
  if (f !== undefined) {
    out[u + f] = factor * j[at + 6];
    out[v + f] = factor * j[at + 7];
  }
}

/** Rows that the energies read: active vertices with their neighbours, and `corners` of landmarks. */
export function wantedRows(
  prepared: PreparedModel,
  corners: readonly (Uint32Array | null | undefined)[],
  active: Uint32Array | null,
): Uint32Array {
  const wanted = new Uint8Array(prepared.ids.length);
  for (const list of corners) if (list) markCorners(list, prepared.rowOf, wanted);
  if (active) markFans(active, prepared.fans, wanted);
  const list = new Uint32Array(wanted.length);
  return list.subarray(0, listMarked(wanted, list));
}

// Loops in functions of their own: V8 compiles them once, in time for a process's first photo.

function markCorners(corners: Uint32Array, rowOf: Int32Array, wanted: Uint8Array): void {
  for (let i = 0; i < corners.length; i++) wanted[rowOf[corners[i]]] = 1;
}

function markFans(
  active: Uint32Array,
  { starts, entries, rows }: PreparedModel['fans'],
  wanted: Uint8Array,
): void {
  for (let i = 0; i < active.length; i++) {
    const fan = active[i];
    wanted[rows[fan]] = 1;
    for (let e = starts[fan]; e < starts[fan + 1]; e++) wanted[entries[4 * e + 3]] = 1;
  }
}

/** Numbers of what is marked; returns how many. */
function listMarked(wanted: Uint8Array, list: Uint32Array): number {
  let count = 0;
  for (let r = 0; r < wanted.length; r++) if (wanted[r]) list[count++] = r;
  return count;
}

/** Writes projection and unit normal of the active fans to `q`; returns its part in use, (A,8). */
export function projectedNormals(
  { head, prepared }: ResidentModel,
  camera: FitState['camera'],
  normals: F32,
  active: Uint32Array,
  q: F32,
): F32 {
  const [out, n] = [q.view, normals.view];
  putProjections(camera, head.vertices.view, prepared.fans.centres, active, out);
  for (let i = 0; i < active.length; i++) {
    const o = Q_STRIDE * i;
    const k = 4 * active[i];
    out[o + 2] = n[k];
    out[o + 3] = n[k + 1];
    out[o + 4] = n[k + 2];
  }
  return firstOf(q, Q_STRIDE * active.length);
}

/** As `projectPoints` has them, of the fans' centres: without arrays in between, ten times a frame of a video. */
function putProjections(
  camera: Camera,
  vertices: Float32Array,
  centres: ArrayLike<number>,
  active: Uint32Array,
  out: Float32Array,
): void {
  const [cx, cy] = camera.principal;
  const [tx, ty, tz] = camera.translation;
  const perspective = camera.kind === 'perspective';
  const factor = perspective ? camera.focal : camera.scale;
  for (let i = 0; i < active.length; i++) {
    const v = 3 * centres[active[i]];
    const x = vertices[v] + tx;
    const y = vertices[v + 1] + ty;
    // Times 1 changes nothing.
    const q = perspective ? -1 / (vertices[v + 2] + tz) : 1;
    out[Q_STRIDE * i] = cx + factor * x * q;
    out[Q_STRIDE * i + 1] = cy - factor * y * q;
  }
}
