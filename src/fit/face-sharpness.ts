/**
 * How sharp a face is: the strongest fine detail over the whole range of brightness, both within the landmarks' hull of a
 * crop of fixed size. Lids, lashes and lips give every face strong edges, so what remains is how quickly brightness
 * changes across them.
 *
 * Detail is the difference of two box blurs (3 and 7 pixels wide, in a crop of 192²), not the Laplacian of the pixels, so that
 * sensor noise alone does not make a face sharp; strong is the 99th percentile. The variance of the Laplacian, the usual
 * measure, was tried: it rates a noisy blurred photo over a clean sharp one, and dark skin lower than light.
 */
import type { Image8 } from '../core/image.ts';
import { boxMean } from '../render/box-mean.ts';
import { resampleCrop } from '../render/resample.ts';
import { faceHull } from './skin.ts';
import type { CropTransform } from './types.ts';

const SIZE = 192;

/**
 * Sharpness of the face.
 * @param crop of the face, see `face-crop.ts`
 * @param landmarks68 (68,2) pixels of the photo
 */
export function faceSharpness(photo: Image8, crop: CropTransform, landmarks68: Float32Array): number {
  const scale = (crop.scale * SIZE) / crop.size;
  const picture = resampleCrop(photo, { origin: crop.origin, scale, size: SIZE });
  const grey = new Float32Array(SIZE * SIZE);
  for (let p = 0; p < grey.length; p++)
    grey[p] = 0.299 * picture.data[3 * p] + 0.587 * picture.data[3 * p + 1] + 0.114 * picture.data[3 * p + 2];
  const local = landmarks68.map((x, i) => (x - crop.origin[i % 2]) * scale);
  const hull = faceHull(local, 1, SIZE);
  const [fine, coarse] = [boxMean(grey, SIZE, 1), boxMean(grey, SIZE, 3)];
  const inside = hull.reduce((sum, seen) => sum + (seen ? 1 : 0), 0);
  if (inside === 0) return 0;
  // Arrays of numbers sort without a function to compare them, in a tenth of the time.
  const [detail, brightness] = [new Float64Array(inside), new Float64Array(inside)];
  for (let p = 0, i = 0; p < grey.length; p++) {
    if (!hull[p]) continue;
    detail[i] = Math.abs(fine[p] - coarse[p]);
    brightness[i++] = coarse[p];
  }
  detail.sort();
  brightness.sort();
  const at = (list: Float64Array, share: number) => list[Math.floor(share * (list.length - 1))];
  return at(detail, 0.99) / Math.max(at(brightness, 0.99) - at(brightness, 0.01), 0.05);
}
