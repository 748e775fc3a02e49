/** Reference of `kernels/skin.ts`: which pixels look like skin, by the method of `fit/skin.ts`. */
import type { ImageF } from '../../core/image.ts';
import { median } from '../../core/quantile.ts';
import type { SkinInput } from '../skin.ts';

/** Weights in [0, 1] for every pixel, (H,W); zero outside the region. */
export function skinWeightsReference(input: SkinInput): Float32Array {
  const { photo, render, region, core, radius: r, cut } = input;
  const { width, height } = photo;
  const n = width * height;
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
  const l = regionMean(luminance, region, width, height, r).map(Math.abs);
  const c = regionMean(colour, region, width, height, r);
  const sure = inside.filter((p) => core[p]);
  const typical = sure.length > 0.1 * inside.length ? sure : inside;
  const sigmaL = Math.max(input.floor, 1.48 * median(Float32Array.from(typical, (p) => l[p])));
  const sigmaC = Math.max(0.5 * input.floor, 1.48 * median(Float32Array.from(typical, (p) => c[p])));
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
export function medianResidualReference(photo: ImageF, render: ImageF, mask: Float32Array): number {
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

/** Positions of non-zero elements. */
function indicesOf(flags: Uint8Array): Uint32Array {
  const list = new Uint32Array(flags.length);
  let count = 0;
  for (let i = 0; i < flags.length; i++) if (flags[i]) list[count++] = i;
  return list.subarray(0, count);
}
