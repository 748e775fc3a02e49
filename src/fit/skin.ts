/**
 * Which pixels show skin: the model's own visible skin region, minus what does not look like it.
 *
 * After Egger et al. 2018 ("Occlusion-aware 3D morphable models and an illumination prior for face image analysis"):
 * a pixel is skin or occluder by how well the current render explains it, with spatial smoothing. Here both are
 * decided on a residual that is averaged over a neighbourhood (occluders are larger than moles and wrinkles) and
 * measured against the picture's own typical residual, so that no training is needed. Brightness and colour count
 * apart: a wrong shadow changes the brightness of skin, hair and cloth change its colour too.
 */
import type { ImageF } from '../core/image.ts';

/** What is compared: photo and render of the same size. */
export interface SkinEvidence {
  readonly photo: ImageF;
  /** Render of the current state. */
  readonly render: ImageF;
  /** (H,W) 1 where the skin region is seen. */
  readonly region: Uint8Array;
}

/** Tuning of {@link estimateSkin}. */
export interface SkinOptions {
  /** Radius of the neighbourhood as a fraction of the width. */
  readonly radius?: number;
  /** Residual, in units of the typical one, at which a pixel counts half. */
  readonly cut?: number;
}

/** Defaults of {@link estimateSkin}. */
export const SKIN_DEFAULTS: Required<SkinOptions> = { radius: 0.012, cut: 3 };

/** Least typical residual: sensor noise and skin texture are not evidence of anything. */
const FLOOR = 0.025;

/** Weights in [0, 1] for every pixel, (H,W); zero outside the region. */
export function estimateSkin(evidence: SkinEvidence, options: SkinOptions = {}): Float32Array {
  const { radius, cut } = { ...SKIN_DEFAULTS, ...options };
  const { photo, render, region } = evidence;
  const { width, height } = photo;
  const n = width * height;
  const luminance = new Float32Array(n);
  const colour = new Float32Array(n);
  const inside: number[] = [];
  for (let p = 0; p < n; p++) {
    if (!region[p]) continue;
    inside.push(p);
    const d = [0, 1, 2].map((c) => photo.data[3 * p + c] - render.data[3 * p + c]);
    const mean = (d[0] + d[1] + d[2]) / 3;
    luminance[p] = mean;
    // Colour residual relative to brightness, so that dark pixels of another hue count as well.
    const level = Math.max((photo.data[3 * p] + photo.data[3 * p + 1] + photo.data[3 * p + 2]) / 3, 0.15);
    colour[p] = Math.hypot(d[0] - mean, d[1] - mean, d[2] - mean) * Math.sqrt(0.5 / level);
  }
  if (inside.length === 0) return new Float32Array(n);
  const r = Math.max(1, Math.round(radius * width));
  const l = regionMean(luminance, region, width, height, r).map(Math.abs);
  const c = regionMean(colour, region, width, height, r);
  const sigmaL = Math.max(FLOOR, 1.48 * median(inside.map((p) => l[p])));
  const sigmaC = Math.max(0.5 * FLOOR, 1.48 * median(inside.map((p) => c[p])));
  const weight = new Float32Array(n);
  for (const p of inside) {
    const e = Math.hypot(l[p] / sigmaL, c[p] / sigmaC) / cut;
    weight[p] = 1 / (1 + e ** 4);
  }
  return regionMean(weight, region, width, height, 1).map((w) => (w < 0.25 ? 0 : Math.min(1, 1.25 * w)));
}

/** Mean over the part of a (2r+1)² window inside the region, twice (close to a Gaussian); zero outside it. */
function regionMean(
  x: Float32Array,
  region: Uint8Array,
  width: number,
  height: number,
  r: number,
): Float32Array {
  let current = x;
  for (let round = 0; round < 2; round++) {
    const sum = integral(current, region, width, height);
    const count = integral(null, region, width, height);
    const out = new Float32Array(x.length);
    const W = width + 1;
    for (let y = 0; y < height; y++) {
      const y0 = Math.max(y - r, 0) * W;
      const y1 = Math.min(y + r + 1, height) * W;
      for (let i = 0; i < width; i++) {
        const p = y * width + i;
        if (!region[p]) continue;
        const x0 = Math.max(i - r, 0);
        const x1 = Math.min(i + r + 1, width);
        const n = count[y1 + x1] - count[y0 + x1] - count[y1 + x0] + count[y0 + x0];
        out[p] = (sum[y1 + x1] - sum[y0 + x1] - sum[y1 + x0] + sum[y0 + x0]) / n;
      }
    }
    current = out;
  }
  return current;
}

function integral(x: Float32Array | null, region: Uint8Array, width: number, height: number): Float64Array {
  const W = width + 1;
  const out = new Float64Array(W * (height + 1));
  for (let y = 0; y < height; y++) {
    let row = 0;
    for (let i = 0; i < width; i++) {
      const p = y * width + i;
      if (region[p]) row += x ? x[p] : 1;
      out[(y + 1) * W + i + 1] = out[y * W + i + 1] + row;
    }
  }
  return out;
}

function median(values: number[]): number {
  const sorted = Float32Array.from(values).sort();
  return sorted.length > 0 ? sorted[sorted.length >> 1] : 0;
}
