/**
 * Reference of the photo's interpolation in `kernels/photometric.ts`: cubic convolution (Keys 1981, a = −½,
 * Catmull-Rom), a C¹ interpolant through the pixel centres whose derivative there is the central difference.
 */
import type { ImageF } from '../../core/image.ts';

/**
 * Samples `image` at (x, y) pixels, edges clamped. Writes value, ∂/∂x and ∂/∂y of channel c to
 * `out[offset + 3c … offset + 3c + 2]`.
 */
export function sampleCubic(image: ImageF, x: number, y: number, out: Float64Array, offset = 0): void {
  const { width, height, channels, data } = image;
  const px = Math.min(Math.max(x - 0.5, 0), width - 1);
  const py = Math.min(Math.max(y - 0.5, 0), height - 1);
  const ix = Math.min(Math.floor(px), Math.max(width - 2, 0));
  const iy = Math.min(Math.floor(py), Math.max(height - 2, 0));
  const fx = px - ix;
  const fy = py - iy;
  for (let i = 0; i < 4; i++) {
    WX[i] = weight(i, fx);
    DX[i] = slope(i, fx);
    WY[i] = weight(i, fy);
    DY[i] = slope(i, fy);
  }
  for (let c = 0; c < channels; c++) {
    let v = 0;
    let gx = 0;
    let gy = 0;
    for (let j = 0; j < 4; j++) {
      const row = Math.min(Math.max(iy + j - 1, 0), height - 1) * width;
      let rv = 0;
      let rd = 0;
      for (let i = 0; i < 4; i++) {
        const p = data[(row + Math.min(Math.max(ix + i - 1, 0), width - 1)) * channels + c];
        rv += WX[i] * p;
        rd += DX[i] * p;
      }
      v += WY[j] * rv;
      gx += WY[j] * rd;
      gy += DY[j] * rv;
    }
    out[offset + 3 * c] = v;
    out[offset + 3 * c + 1] = gx;
    out[offset + 3 * c + 2] = gy;
  }
}

const WX = new Float64Array(4);
const DX = new Float64Array(4);
const WY = new Float64Array(4);
const DY = new Float64Array(4);

/** Weight of tap i (0…3, at −1…2) for the fraction t. */
function weight(i: number, t: number): number {
  if (i === 0) return ((-0.5 * t + 1) * t - 0.5) * t;
  if (i === 1) return (1.5 * t - 2.5) * t * t + 1;
  if (i === 2) return ((-1.5 * t + 2) * t + 0.5) * t;
  return (0.5 * t - 0.5) * t * t;
}

function slope(i: number, t: number): number {
  if (i === 0) return (-1.5 * t + 2) * t - 0.5;
  if (i === 1) return (4.5 * t - 5) * t;
  if (i === 2) return (-4.5 * t + 4) * t + 0.5;
  return (1.5 * t - 1) * t;
}
