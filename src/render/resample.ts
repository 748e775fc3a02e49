/**
 * Resampling parts of a photo: separable tent filter as wide as an output pixel (at least a source pixel), which
 * averages when shrinking and interpolates linearly when growing. Edges are clamped.
 */
import type { Image8, ImageF } from '../core/image.ts';

/** Where a crop lies: crop pixel = (photo pixel − origin) · scale. */
export interface Crop {
  readonly origin: readonly [number, number];
  readonly scale: number;
  /** Width and height of the crop in pixels. */
  readonly size: number;
}

/** Cuts `crop` out of an 8-bit photo: (size,size,3) float32 in [0, 1]; alpha is ignored. */
export function resampleCrop(image: Image8, crop: Crop): ImageF {
  const { size } = crop;
  const xs = taps(image.width, crop.origin[0], crop.scale, size);
  const ys = taps(image.height, crop.origin[1], crop.scale, size);
  const rows = new Map<number, Float32Array>();
  const row = (y: number): Float32Array => {
    let r = rows.get(y);
    if (r) return r;
    r = new Float32Array(3 * size);
    const base = 4 * y * image.width;
    for (let i = 0; i < size; i++) {
      const { first, weights } = xs[i];
      let [a, b, c] = [0, 0, 0];
      for (let k = 0; k < weights.length; k++) {
        const p = base + 4 * clamp(first + k, image.width);
        a += weights[k] * image.data[p];
        b += weights[k] * image.data[p + 1];
        c += weights[k] * image.data[p + 2];
      }
      r[3 * i] = a / 255;
      r[3 * i + 1] = b / 255;
      r[3 * i + 2] = c / 255;
    }
    rows.set(y, r);
    return r;
  };
  const data = new Float32Array(3 * size * size);
  for (let j = 0; j < size; j++) {
    const { first, weights } = ys[j];
    const o = 3 * j * size;
    for (let k = 0; k < weights.length; k++) {
      const r = row(clamp(first + k, image.height));
      for (let i = 0; i < 3 * size; i++) data[o + i] += weights[k] * r[i];
    }
    for (const y of rows.keys()) if (y < first) rows.delete(y);
  }
  return { width: size, height: size, channels: 3, data };
}

/** (size,size) 1 where the crop's pixel centre lies inside the photo, else 0. */
export function cropCoverage(width: number, height: number, crop: Crop): Float32Array {
  const { size, origin, scale } = crop;
  const out = new Float32Array(size * size);
  for (let y = 0; y < size; y++) {
    const py = origin[1] + (y + 0.5) / scale;
    if (py < 0 || py > height) continue;
    for (let x = 0; x < size; x++) {
      const px = origin[0] + (x + 0.5) / scale;
      if (px >= 0 && px <= width) out[y * size + x] = 1;
    }
  }
  return out;
}

/** Bilinear resize of one plane or interleaved picture. */
export function resize(image: ImageF, width: number, height: number): ImageF {
  const { channels } = image;
  const data = new Float32Array(width * height * channels);
  for (let y = 0; y < height; y++) {
    const py = Math.min(Math.max(((y + 0.5) * image.height) / height - 0.5, 0), image.height - 1);
    const iy = Math.min(Math.floor(py), Math.max(image.height - 2, 0));
    const below = image.height > 1 ? image.width * channels : 0;
    for (let x = 0; x < width; x++) {
      const px = Math.min(Math.max(((x + 0.5) * image.width) / width - 0.5, 0), image.width - 1);
      const ix = Math.min(Math.floor(px), Math.max(image.width - 2, 0));
      const right = image.width > 1 ? channels : 0;
      const a = (iy * image.width + ix) * channels;
      const fx = px - ix;
      const fy = py - iy;
      for (let c = 0; c < channels; c++)
        data[(y * width + x) * channels + c] =
          (1 - fy) * ((1 - fx) * image.data[a + c] + fx * image.data[a + right + c]) +
          fy * ((1 - fx) * image.data[a + below + c] + fx * image.data[a + below + right + c]);
    }
  }
  return { width, height, channels, data };
}

interface Taps {
  readonly first: number;
  readonly weights: Float64Array;
}

function taps(length: number, origin: number, scale: number, size: number): Taps[] {
  const radius = Math.max(1, 1 / scale);
  const out: Taps[] = [];
  for (let i = 0; i < size; i++) {
    // Beyond a photo's border every tap is the border pixel: keep the window near it.
    const centre = Math.min(Math.max(origin + (i + 0.5) / scale - 0.5, -radius), length - 1 + radius);
    const first = Math.ceil(centre - radius);
    const last = Math.floor(centre + radius);
    const weights = new Float64Array(last - first + 1);
    let sum = 0;
    for (let k = first; k <= last; k++) sum += weights[k - first] = 1 - Math.abs(k - centre) / radius;
    for (let k = 0; k < weights.length; k++) weights[k] = sum > 0 ? weights[k] / sum : 1 / weights.length;
    out.push({ first, weights });
  }
  return out;
}

function clamp(i: number, n: number): number {
  return i < 0 ? 0 : i >= n ? n - 1 : i;
}
