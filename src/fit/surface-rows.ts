/**
 * From derivatives of vertices to derivatives of what a picture sees of them: projected position and unit normal.
 */
import type { Camera } from '../camera/camera.ts';
import { projectionJacobian } from '../camera/project.ts';
import { firstOf } from '../kernels/part.ts';
import type { F32, Kernels, U32 } from '../kernels/runtime.ts';
import { surfaceRows } from '../kernels/surface.ts';
import type { ParameterLayout } from './parameters.ts';
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
 * P = ∂q/∂θ: projection (2 rows) and unit normal (3 rows) of each active vertex.
 * @param normals (fans,4) float32 of `fanNormals`.
 * @param active (A) fans.
 * @param out at least (5A,stride) float32, overwritten.
 */
export function visibleRows(kernels: Kernels, g: SurfaceGeometry, normals: F32, active: U32, out: F32): void {
  const { resident, rows, stride, layout, camera } = g;
  const A = active.length;
  kernels.scope(() => {
    const projection = kernels.f32(8 * A);
    const vertices = resident.head.vertices.view;
    const { centres } = resident.prepared.fans;
    const [fans, J] = [active.view, projection.view];
    const j = new Float64Array(8);
    for (let i = 0; i < A; i++) {
      const v = 3 * centres[fans[i]];
      projectionJacobian(camera, vertices[v], vertices[v + 1], vertices[v + 2], j);
      J.set(j, 8 * i);
    }
    surfaceRows(
      kernels,
      resident.fans,
      { vertices: resident.head.vertices, normals, active, projection, rows, stride },
      firstOf(out, 5 * A * stride),
    );
    const P = out.view;
    for (let i = 0; i < A; i++) cameraColumns(layout, J, 8 * i, 1, P, 5 * i * stride, (5 * i + 1) * stride);
  });
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
