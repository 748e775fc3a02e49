/** Projection of points and its derivative, for both cameras of `camera.ts`. */
import { type F32, type Kernels, requireLength } from '../kernels/runtime.ts';
import type { Camera } from './camera.ts';

/**
 * Projects model-space points.
 * @param vertices (N,3) metres.
 * @returns (N,3) float32: u, v in pixels and q, the depth key: 1/distance (perspective) or z in metres
 * (orthographic); larger is nearer, and linear in screen space. q ≤ 0 in perspective is behind the camera.
 */
export function projectPoints(camera: Camera, vertices: ArrayLike<number>): Float32Array {
  const n = vertices.length / 3;
  const out = new Float32Array(3 * n);
  const [cx, cy] = camera.principal;
  const [tx, ty, tz] = camera.translation;
  for (let i = 0; i < n; i++) {
    const x = vertices[3 * i] + tx;
    const y = vertices[3 * i + 1] + ty;
    const z = vertices[3 * i + 2] + tz;
    if (camera.kind === 'perspective') {
      const q = -1 / z;
      out[3 * i] = cx + camera.focal * x * q;
      out[3 * i + 1] = cy - camera.focal * y * q;
      out[3 * i + 2] = q;
    } else {
      out[3 * i] = cx + camera.scale * x;
      out[3 * i + 1] = cy - camera.scale * y;
      out[3 * i + 2] = z;
    }
  }
  return out;
}

/**
 * {@link projectPoints} of vertices in kernel memory, the same to the bit in a tenth of the time.
 * @param vertices (N,3) float32 metres
 * @param out (N,3) float32
 */
export function projectResident(kernels: Kernels, camera: Camera, vertices: F32, out: F32): void {
  requireLength('projectResident', 'out', out, vertices.length, '(N,3)');
  const perspective = camera.kind === 'perspective';
  kernels.raw.projectVertices(
    vertices.ptr,
    vertices.length / 3,
    ...camera.principal,
    ...camera.translation,
    perspective ? camera.focal : camera.scale,
    perspective ? 1 : 0,
    out.ptr,
  );
}

/**
 * Derivative of (u, v) with respect to the posed point and to the logarithm of the focal length or scale.
 * Writes [∂u/∂x, ∂u/∂y, ∂u/∂z, ∂v/∂x, ∂v/∂y, ∂v/∂z, ∂u/∂log f, ∂v/∂log f] to `out`.
 */
export function projectionJacobian(camera: Camera, x: number, y: number, z: number, out: Float64Array): void {
  const cx = x + camera.translation[0];
  const cy = y + camera.translation[1];
  if (camera.kind === 'perspective') {
    const q = -1 / (z + camera.translation[2]);
    const f = camera.focal;
    out[0] = f * q;
    out[1] = 0;
    out[2] = f * cx * q * q;
    out[3] = 0;
    out[4] = -f * q;
    out[5] = -f * cy * q * q;
    out[6] = f * cx * q;
    out[7] = -f * cy * q;
  } else {
    const s = camera.scale;
    out[0] = s;
    out[1] = 0;
    out[2] = 0;
    out[3] = 0;
    out[4] = -s;
    out[5] = 0;
    out[6] = s * cx;
    out[7] = -s * cy;
  }
}

/** The camera seen in a crop whose pixel = (photo pixel − origin)·scale. */
export function cropCamera(camera: Camera, origin: readonly [number, number], scale: number): Camera {
  const principal = [
    (camera.principal[0] - origin[0]) * scale,
    (camera.principal[1] - origin[1]) * scale,
  ] as const;
  return camera.kind === 'perspective'
    ? { ...camera, focal: camera.focal * scale, principal }
    : { ...camera, scale: camera.scale * scale, principal };
}

/** Inverse of {@link cropCamera}. */
export function uncropCamera(camera: Camera, origin: readonly [number, number], scale: number): Camera {
  const principal = [
    camera.principal[0] / scale + origin[0],
    camera.principal[1] / scale + origin[1],
  ] as const;
  return camera.kind === 'perspective'
    ? { ...camera, focal: camera.focal / scale, principal }
    : { ...camera, scale: camera.scale / scale, principal };
}
