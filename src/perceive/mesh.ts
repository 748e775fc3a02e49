/**
 * The 468-point face mesh of one face: crop, network, back to the photo; and the checks that refuse what is no face.
 *
 * The network (Kartynnik et al. 2019) wants an upright face filling the middle of a 192² crop: a square 1.5 times
 * the face, turned so that the eyes are level. The first crop comes from the detector's eyes, which are coarse; the
 * second from the first pass' landmarks, as MediaPipe does between video frames. A third pass no longer moves the
 * points by more than a hundredth of the eye distance.
 */
import type { Detection } from './detector.ts';
import { type Frame, frameTransform } from './frame.ts';
import type { Networks } from './networks.ts';
import type { ImagePyramid } from './pyramid.ts';

const SIZE = 192;
/** Crop side over face size, as the network was trained. */
const MARGIN = 1.5;

/** A mesh in photo pixels. */
export interface FaceMesh {
  /** (468,3) float64 photo pixels; z too, smaller is nearer, 0 near the face's centre of mass. */
  readonly points: Float64Array;
  /** The network's own opinion that the crop holds a face, [0, 1]. */
  readonly presence: number;
  /** Radians: direction from the subject's right eye to the left one. */
  readonly roll: number;
}

/** The first crop, from the detector's box and eyes. */
export function frameFromDetection(d: Detection): Frame {
  return { cx: d.cx, cy: d.cy, side: MARGIN * d.side, roll: d.roll };
}

/** The next crop, from landmarks (at least 468 points (·,3)): their bounding box in the face's own roll. */
export function frameFromMesh(points: Float64Array): Frame {
  const roll = meshRoll(points);
  const c = Math.cos(roll);
  const s = Math.sin(roll);
  let minU = Infinity;
  let maxU = -Infinity;
  let minV = Infinity;
  let maxV = -Infinity;
  for (let i = 0; i < 468; i++) {
    const u = c * points[3 * i] + s * points[3 * i + 1];
    const v = -s * points[3 * i] + c * points[3 * i + 1];
    if (u < minU) minU = u;
    if (u > maxU) maxU = u;
    if (v < minV) minV = v;
    if (v > maxV) maxV = v;
  }
  const u = (minU + maxU) / 2;
  const v = (minV + maxV) / 2;
  return { cx: c * u - s * v, cy: s * u + c * v, side: MARGIN * Math.max(maxU - minU, maxV - minV), roll };
}

/** Direction from the outer corner of the subject's right eye (33) to that of the left (263), radians. */
export function meshRoll(points: Float64Array): number {
  return Math.atan2(points[3 * 263 + 1] - points[3 * 33 + 1], points[3 * 263] - points[3 * 33]);
}

/** Runs the mesh network on one crop. */
export function meshInFrame(networks: Networks, pyramid: ImagePyramid, frame: Frame): FaceMesh {
  const input = networks.room(SIZE * SIZE * 3);
  pyramid.sample(networks.kernels, frame, SIZE, 1 / 255, 0, input);
  const { points: raw, presence } = networks.mesh(input);
  const t = frameTransform(frame);
  const points = new Float64Array(468 * 3);
  for (let i = 0; i < 468; i++) {
    const u = raw[3 * i] / SIZE;
    const v = raw[3 * i + 1] / SIZE;
    points[3 * i] = t.ax * u + t.bx * v + t.tx;
    points[3 * i + 1] = t.ay * u + t.by * v + t.ty;
    points[3 * i + 2] = (raw[3 * i + 2] / SIZE) * frame.side;
  }
  return { points, presence, roll: meshRoll(points) };
}
