/** The square part of a photo that a fit looks at, and what is known of the photo brought into it. */
import type { Image8, ImageF } from '../core/image.ts';
import type { FaceObservation } from '../perceive/types.ts';
import type { CropTransform } from './types.ts';

/** The crop is this many times the larger side of the landmarks' box, and sits this far above its centre. */
const CROP_MARGIN = 1.5;
const CROP_LIFT = 0.08;
/** Channel value from which a pixel counts as blown out. */
const SATURATED = 0.98;

/** The square around a face that is fitted. */
export function faceCrop(observation: FaceObservation, size: number): CropTransform {
  const points = observation.mesh;
  let [x0, y0, x1, y1] = [Infinity, Infinity, -Infinity, -Infinity];
  const grow = (x: number, y: number) => {
    if (!Number.isFinite(x) || !Number.isFinite(y)) return;
    x0 = Math.min(x0, x);
    y0 = Math.min(y0, y);
    x1 = Math.max(x1, x);
    y1 = Math.max(y1, y);
  };
  const l = observation.landmarks68;
  for (let i = 0; i < 68; i++) grow(l[2 * i], l[2 * i + 1]);
  if (points) for (let i = 0; i < points.length; i += 3) grow(points[i], points[i + 1]);
  const side = CROP_MARGIN * Math.max(x1 - x0, y1 - y0, 1);
  const lift = points ? 0 : CROP_LIFT * side;
  return {
    origin: [(x0 + x1) / 2 - side / 2, (y0 + y1) / 2 - side / 2 - lift],
    scale: size / side,
    size,
  };
}

/** `o` in pixels of the crop. */
export function cropObservation(o: FaceObservation, crop: CropTransform): FaceObservation {
  return {
    box: o.box,
    score: o.score,
    landmarks68: cropPoints(o.landmarks68, 2, crop),
    mesh: o.mesh && cropPoints(o.mesh, 3, crop),
  };
}

/** Points of `stride` numbers in pixels of the crop; the third one is a length. */
function cropPoints(points: Float32Array, stride: 2 | 3, { origin, scale }: CropTransform): Float32Array {
  const out = new Float32Array(points.length);
  const [left, top] = origin;
  for (let i = 0; i < points.length; i += stride) {
    out[i] = (points[i] - left) * scale;
    out[i + 1] = (points[i + 1] - top) * scale;
    if (stride === 3) out[i + 2] = points[i + 2] * scale;
  }
  return out;
}

/** A mask over the whole photo, sampled at the crop's pixels: (size,size), zero outside the photo. */
export function sampleMask(mask: ImageF, photo: Image8, crop: CropTransform): Float32Array {
  const out = new Float32Array(crop.size * crop.size);
  for (let y = 0; y < crop.size; y++)
    for (let x = 0; x < crop.size; x++) {
      const u = (crop.origin[0] + (x + 0.5) / crop.scale) / photo.width;
      const v = (crop.origin[1] + (y + 0.5) / crop.scale) / photo.height;
      if (u < 0 || v < 0 || u >= 1 || v >= 1) continue;
      const p = Math.floor(v * mask.height) * mask.width + Math.floor(u * mask.width);
      out[y * crop.size + x] = mask.data[p * mask.channels];
    }
  return out;
}

/**
 * `mask` (H,W) for a photo of the same size: blown-out pixels say no more than "at least this bright": they hardly count.
 * @param out a copy of `mask`, or itself.
 */
export function dimSaturated(
  mask: Float32Array,
  photo: ImageF,
  out: Float32Array = mask.slice(),
): Float32Array {
  const { data } = photo;
  for (let p = 0; p < out.length; p++)
    if (data[3 * p] > SATURATED || data[3 * p + 1] > SATURATED || data[3 * p + 2] > SATURATED) out[p] *= 0.1;
  return out;
}

/** A square of one channel as a picture. */
export function plane(data: Float32Array, size: number): ImageF {
  return { width: size, height: size, channels: 1, data };
}
