/** How well a textured head matches its photo, and how much of the light the shading explains. */
import type { Observation } from './observe.ts';
import { sampleNodes } from './sampling-operator.ts';

/** How well render and photo agree over the fit's skin pixels, colours in [0, 1], at the size of the evidence. */
export interface SkinMatch {
  /** Mean absolute difference. */
  readonly l1: number;
  /** Peak signal-to-noise ratio, dB. */
  readonly psnrDb: number;
}

/** Match of render and photo over the pixels that count as skin, and their number. */
export function measure(
  seen: Observation,
  shading: Float32Array,
  albedo: Float64Array,
): { match: SkinMatch; pixels: number } {
  const rendered = new Float64Array(3 * seen.pixels.length);
  sampleNodes(seen.operator, albedo, rendered);
  let l1 = 0;
  let l2 = 0;
  let pixels = 0;
  for (let p = 0; p < seen.pixels.length; p++) {
    if (!seen.measured[p]) continue;
    pixels++;
    for (let c = 0; c < 3; c++) {
      const d = rendered[3 * p + c] * shading[3 * p + c] - seen.photo.data[3 * seen.pixels[p] + c];
      l1 += Math.abs(d);
      l2 += d * d;
    }
  }
  return {
    pixels,
    match: {
      l1: pixels > 0 ? l1 / (3 * pixels) : 0,
      psnrDb: pixels > 0 ? -10 * Math.log10(Math.max(l2 / (3 * pixels), 1e-10)) : 0,
    },
  };
}

/** See `TextureOffset.metrics.shadingShare`: variances of two brightness pictures, both blurred by cells of pixels. */
export function shadingShare(
  seen: Observation,
  shading: Float32Array,
  before: Float64Array,
  after: Float64Array,
): number {
  const P = seen.pixels.length;
  const difference = new Float64Array(after.length);
  for (let i = 0; i < after.length; i++) difference[i] = after[i] - before[i];
  const baked = new Float64Array(3 * P);
  const albedo = new Float64Array(3 * P);
  sampleNodes(seen.operator, difference, baked);
  sampleNodes(seen.operator, after, albedo);
  const mean = [0, 0, 0];
  let total = 0;
  for (let p = 0; p < P; p++) {
    if (!seen.measured[p]) continue;
    total++;
    for (let c = 0; c < 3; c++) mean[c] += albedo[3 * p + c];
  }
  if (total === 0) return 0;
  const size = seen.crop.size;
  const cell = Math.max(1, Math.round(size / 32));
  const across = Math.ceil(size / cell);
  // Pixels, light and baked brightness of each cell.
  const count = new Float64Array(across * across);
  const sums = [new Float64Array(across * across), new Float64Array(across * across)];
  for (let p = 0; p < P; p++) {
    if (!seen.measured[p]) continue;
    const x = seen.pixels[p] % size;
    const y = Math.floor(seen.pixels[p] / size);
    const at = Math.floor(y / cell) * across + Math.floor(x / cell);
    count[at]++;
    for (let c = 0; c < 3; c++) {
      sums[0][at] += (shading[3 * p + c] * mean[c]) / (3 * total);
      sums[1][at] += (shading[3 * p + c] * baked[3 * p + c]) / 3;
    }
  }
  const variance = (k: 0 | 1) => {
    let [s, q] = [0, 0];
    for (let i = 0; i < count.length; i++) {
      s += sums[k][i];
      if (count[i] > 0) q += (sums[k][i] * sums[k][i]) / count[i];
    }
    return q / total - (s / total) ** 2;
  };
  const [light, texture] = [variance(0), variance(1)];
  return light + texture > 1e-12 ? light / (light + texture) : 1;
}
