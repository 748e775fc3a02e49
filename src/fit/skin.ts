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
  /**
   * (H,W) 1 where skin is certain enough to say how large residuals usually are: see {@link faceHull}. The whole
   * region where absent.
   */
  readonly core?: Uint8Array;
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
  const core = evidence.core ?? region;
  const luminance = new Float32Array(n);
  const colour = new Float32Array(n);
  const inside = indicesOf(region);
  const [seen, made] = [photo.data, render.data];
  for (const p of inside) {
    const [i, j, k] = [3 * p, 3 * p + 1, 3 * p + 2];
    const red = seen[i] - made[i];
    const green = seen[j] - made[j];
    const blue = seen[k] - made[k];
    const mean = (red + green + blue) / 3;
    luminance[p] = mean;
    // Colour residual relative to brightness, so that dark pixels of another hue count as well.
    const level = Math.max((seen[i] + seen[j] + seen[k]) / 3, 0.15);
    colour[p] = Math.sqrt(((red - mean) ** 2 + (green - mean) ** 2 + (blue - mean) ** 2) * (0.5 / level));
  }
  if (inside.length === 0) return new Float32Array(n);
  const r = Math.max(1, Math.round(radius * width));
  const l = regionMean(luminance, region, width, height, r).map(Math.abs);
  const c = regionMean(colour, region, width, height, r);
  const sure = inside.filter((p) => core[p]);
  const typical = sure.length > 0.1 * inside.length ? sure : inside;
  const sigmaL = Math.max(FLOOR, 1.48 * median(Float32Array.from(typical, (p) => l[p])));
  const sigmaC = Math.max(0.5 * FLOOR, 1.48 * median(Float32Array.from(typical, (p) => c[p])));
  const weight = new Float32Array(n);
  for (const p of inside) {
    const e2 = ((l[p] / sigmaL) ** 2 + (c[p] / sigmaC) ** 2) / cut ** 2;
    weight[p] = 1 / (1 + e2 * e2);
  }
  const smooth = regionMean(weight, region, width, height, 1).map((w) =>
    w < 0.25 ? 0 : Math.min(1, 1.25 * w),
  );
  return connected(smooth, typical === sure ? core : region, width);
}

/** Median length of the RGB difference of photo and render over the pixels with a weight of half or more. */
export function typicalResidual(photo: ImageF, render: ImageF, mask: Float32Array): number {
  const lengths = new Float32Array(mask.length);
  const [seen, made] = [photo.data, render.data];
  let count = 0;
  for (let p = 0; p < mask.length; p++) {
    if (mask[p] < 0.5) continue;
    const red = seen[3 * p] - made[3 * p];
    const green = seen[3 * p + 1] - made[3 * p + 1];
    const blue = seen[3 * p + 2] - made[3 * p + 2];
    lengths[count++] = Math.sqrt(red * red + green * green + blue * blue);
  }
  return count > 0 ? median(lengths.subarray(0, count)) : Number.POSITIVE_INFINITY;
}

/** Keeps what is connected to the core: an island in the hair is not skin. */
function connected(weights: Float32Array, core: Uint8Array, width: number): Float32Array {
  const out = new Float32Array(weights.length);
  const queue: number[] = [];
  const take = (p: number) => {
    if (weights[p] > 0 && out[p] === 0) {
      out[p] = weights[p];
      queue.push(p);
    }
  };
  for (let p = 0; p < weights.length; p++) if (core[p]) take(p);
  for (let p = queue.pop(); p !== undefined; p = queue.pop()) {
    if (p % width > 0) take(p - 1);
    if (p % width < width - 1) take(p + 1);
    if (p >= width) take(p - width);
    if (p + width < weights.length) take(p + width);
  }
  return out;
}

/**
 * Convex hull of the iBUG-68 landmarks as a mask, (size,size): the face from the brows down, hardly ever hair.
 * @param landmarks68 (68,2) pixels of a picture `scale` times as large.
 */
export function faceHull(landmarks68: ArrayLike<number>, scale: number, size: number): Uint8Array {
  const points: [number, number][] = [];
  for (let l = 0; l < 68; l++) points.push([landmarks68[2 * l] * scale, landmarks68[2 * l + 1] * scale]);
  points.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const half = (ordered: [number, number][]) => {
    const chain: [number, number][] = [];
    for (const p of ordered) {
      while (chain.length > 1) {
        const [a, b] = [chain[chain.length - 2], chain[chain.length - 1]];
        if ((b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0]) > 0) break;
        chain.pop();
      }
      chain.push(p);
    }
    return chain.slice(0, -1);
  };
  const hull = [...half(points), ...half(points.slice().reverse())];
  // Row by row between the two edges that the row's middle crosses.
  const mask = new Uint8Array(size * size);
  for (let y = 0; y < size; y++) {
    let [left, right] = [-Infinity, Infinity];
    for (let i = 0; i < hull.length; i++) {
      const [ax, ay] = hull[i];
      const [bx, by] = hull[(i + 1) % hull.length];
      // Inside is where (bx − ax)(y + ½ − ay) ≥ (by − ay)(x + ½ − ax).
      const across = (bx - ax) * (y + 0.5 - ay);
      if (by > ay) right = Math.min(right, ax + across / (by - ay) - 0.5);
      else if (by < ay) left = Math.max(left, ax + across / (by - ay) - 0.5);
      else if (across < 0) left = Infinity;
    }
    const [from, to] = [Math.max(Math.ceil(left), 0), Math.min(Math.floor(right), size - 1)];
    if (from <= to) mask.fill(1, y * size + from, y * size + to + 1);
  }
  return mask;
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

/** The upper median; sorts `values`. */
function median(values: Float32Array): number {
  values.sort();
  return values.length > 0 ? values[values.length >> 1] : 0;
}

/** Positions of non-zero elements. */
function indicesOf(flags: Uint8Array): Uint32Array {
  const list = new Uint32Array(flags.length);
  let count = 0;
  for (let i = 0; i < flags.length; i++) if (flags[i]) list[count++] = i;
  return list.subarray(0, count);
}
