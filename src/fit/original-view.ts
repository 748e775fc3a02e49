/**
 * What the original would see of a fit of ours: the fitted square of the photo as its 224² picture, so that any stored
 * fit, of any model and camera, is measured by the same energy.
 */
import { cropCamera } from '../camera/project.ts';
import { InvalidArgumentError } from '../core/errors.ts';
import type { Image8 } from '../core/image.ts';
import { ORIGINAL_SIZE, type OriginalObservation, type OriginalState } from './original-energy.ts';
import type { CropTransform, PhotoFit } from './types.ts';

/** The parts of a fit that matter here; a `StoredFit` has them. */
export type ViewedFit = Pick<PhotoFit, 'params' | 'camera' | 'light' | 'observation'>;

/**
 * The state and the observation to give to `originalEnergy`.
 * @param crop the square that was fitted.
 * @param mask (crop.size, crop.size) skin weights, non-zero where skin.
 * @param photo as it was fitted, RGBA.
 * @throws {InvalidArgumentError} when mask and crop differ in size.
 */
export function originalView(
  fit: ViewedFit,
  crop: CropTransform,
  mask: ArrayLike<number>,
  photo: Image8,
): { state: OriginalState; observation: OriginalObservation } {
  const n = ORIGINAL_SIZE;
  if (mask.length !== crop.size ** 2)
    throw new InvalidArgumentError(
      `originalView: the mask has ${mask.length} pixels, the crop ${crop.size}²`,
    );
  const data = new Float32Array(3 * n * n);
  const out = new Float32Array(n * n);
  for (let y = 0; y < n; y++)
    for (let x = 0; x < n; x++) {
      // Nearest neighbour by the left and upper edge, as the original takes 224² from 256².
      const cx = (x * crop.size) / n;
      const cy = (y * crop.size) / n;
      const px = Math.floor(crop.origin[0] + cx / crop.scale);
      const py = Math.floor(crop.origin[1] + cy / crop.scale);
      if (px < 0 || py < 0 || px >= photo.width || py >= photo.height) continue;
      const to = y * n + x;
      out[to] = mask[Math.floor(cy) * crop.size + Math.floor(cx)] !== 0 ? 1 : 0;
      for (let c = 0; c < 3; c++) data[3 * to + c] = photo.data[4 * (py * photo.width + px) + c] / 255;
    }
  const scale = (crop.scale * 2) / crop.size;
  const { landmarks68 } = fit.observation;
  return {
    state: {
      params: fit.params,
      camera: cropCamera(fit.camera, crop.origin, (crop.scale * n) / crop.size),
      light: fit.light,
    },
    observation: {
      image: { width: n, height: n, channels: 3, data },
      mask: out,
      landmarks: Float32Array.from(
        { length: 136 },
        (_, i) => (landmarks68[i] - crop.origin[i % 2]) * scale - 1,
      ),
    },
  };
}
