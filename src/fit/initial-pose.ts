/**
 * A first pose and camera from 2D landmarks alone: the affine camera that maps the mean head's inner landmarks onto
 * the detected ones (linear least squares), and the rotation closest to it (POS; DeMenthon and Davis 1995). Works for
 * any in-plane rotation and for yaws up to profile.
 */
import type { Camera } from '../camera/camera.ts';
import { choleskyFactor, choleskySolve } from '../linalg/cholesky.ts';
import type { HeadModel } from '../model/head-model.ts';
import { neutralParams } from '../model/head-model.ts';
import { poseSkeleton } from '../model/pose.ts';
import { axisAngleFromRotation } from '../model/rotation.ts';

/** Rotation of the root and the camera that goes with it. */
export interface InitialPose {
  /** Axis-angle, radians. */
  readonly rotation: readonly [number, number, number];
  readonly camera: Camera;
}

/** How the camera is to be set up. */
export interface InitialCamera {
  readonly kind: 'perspective' | 'orthographic';
  readonly principal: readonly [number, number];
  /** Focal length in pixels, where known; else it follows from the distance. */
  readonly focal: number | null;
  /** Metres; used where the focal length is not known. */
  readonly distance: number;
}

/** Estimates pose and camera. `landmarks68` in pixels of the picture the camera is for. */
export function initialPose(
  model: HeadModel,
  landmarks68: ArrayLike<number>,
  camera: InitialCamera,
): InitialPose {
  const { inner51 } = model.landmarks;
  const n = 51;
  const points = new Float64Array(3 * n);
  for (let l = 0; l < n; l++)
    for (let i = 0; i < 3; i++)
      for (let a = 0; a < 3; a++)
        points[3 * l + a] +=
          inner51.barycentrics[3 * l + i] * model.template[3 * model.faces[3 * inner51.faces[l] + i] + a];
  const normal = new Float64Array(16);
  const right = [new Float64Array(4), new Float64Array(4)];
  const centre = [0, 1, 2].map((a) => points.reduce((s, x, i) => (i % 3 === a ? s + x / n : s), 0));
  for (let l = 0; l < n; l++) {
    const x = [0, 1, 2].map((a) => points[3 * l + a] - centre[a]).concat(1);
    for (let i = 0; i < 4; i++) {
      for (let j = 0; j < 4; j++) normal[4 * i + j] += x[i] * x[j];
      right[0][i] += x[i] * landmarks68[2 * (17 + l)];
      right[1][i] += x[i] * -landmarks68[2 * (17 + l) + 1];
    }
  }
  // The face is nearly flat: depth is held back, or noise there would tilt the head.
  normal[10] += 0.15 * normal[0];
  for (let i = 0; i < 4; i++) normal[5 * i] += 1e-9;
  choleskyFactor(normal, 4);
  for (const r of right) choleskySolve(normal, 4, r, r);
  const [a, b] = right;
  const scale = Math.max((Math.hypot(a[0], a[1], a[2]) + Math.hypot(b[0], b[1], b[2])) / 2, 1e-6);
  const r1 = unit([a[0], a[1], a[2]]);
  const d = r1[0] * b[0] + r1[1] * b[1] + r1[2] * b[2];
  const r2 = unit([b[0] - d * r1[0], b[1] - d * r1[1], b[2] - d * r1[2]]);
  const r3 = [r1[1] * r2[2] - r1[2] * r2[1], r1[2] * r2[0] - r1[0] * r2[2], r1[0] * r2[1] - r1[1] * r2[0]];
  const R = [...r1, ...r2, ...r3];
  const rotation = axisAngleFromRotation(R);

  // The root rotates about its joint: where that puts the landmarks' centre decides the translation.
  const neutral = neutralParams(model);
  const pose = Float32Array.from(neutral.pose);
  pose.set(rotation, 0);
  const root = poseSkeleton(model, { ...neutral, pose }).rest;
  const moved = [0, 1, 2].map(
    (i) => root[i] + [0, 1, 2].reduce((s, j) => s + R[3 * i + j] * (centre[j] - root[j]), 0),
  );
  const target = [(a[3] - camera.principal[0]) / scale, (b[3] + camera.principal[1]) / scale];
  if (camera.kind === 'orthographic')
    return {
      rotation,
      camera: {
        kind: 'orthographic',
        scale,
        principal: camera.principal,
        translation: [target[0] - moved[0], target[1] - moved[1], 0],
      },
    };
  const distance = camera.focal ? camera.focal / scale : camera.distance;
  return {
    rotation,
    camera: {
      kind: 'perspective',
      focal: camera.focal ?? scale * camera.distance,
      principal: camera.principal,
      translation: [target[0] - moved[0], target[1] - moved[1], -distance - moved[2]],
    },
  };
}

function unit(v: readonly number[]): number[] {
  const n = Math.max(Math.hypot(...v), 1e-12);
  return v.map((x) => x / n);
}
