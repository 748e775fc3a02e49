/** How well a textured head matches its photo, and how much of the light the shading explains. */
import { PIXEL } from '../kernels/pixel-surface.ts';
import type { F32, Kernels } from '../kernels/runtime.ts';
import { sampleTexels } from '../kernels/texels.ts';
import type { Observation } from './observe.ts';

/** How well render and photo agree over the fit's skin pixels, colours in [0, 1], at the size of the evidence. */
export interface SkinMatch {
  /** Mean absolute difference. */
  readonly l1: number;
  /** Peak signal-to-noise ratio, dB. */
  readonly psnrDb: number;
}

/**
 * Match of render and photo over the pixels that count as skin, and their number.
 * @param albedo (n,4).
 */
export function measure(
  kernels: Kernels,
  { evidence }: Observation,
  albedo: F32,
): { match: SkinMatch; pixels: number } {
  return kernels.scope(() => {
    const { count } = evidence;
    const sampled = kernels.f32(4 * count, false);
    sampleTexels(kernels, evidence, albedo, sampled);
    const [a, s, y, flags] = [
      sampled.view,
      evidence.shading.view,
      evidence.colours.view,
      evidence.flags.view,
    ];
    let [l1, l2, pixels] = [0, 0, 0];
    for (let p = 0; p < count; p++) {
      if (!(flags[p] & PIXEL.measured)) continue;
      pixels++;
      for (let c = 4 * p; c < 4 * p + 3; c++) {
        const d = a[c] * s[c] - y[c];
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
  });
}

/**
 * See `TextureOffset.metrics.shadingShare`: variances of two brightness pictures, both blurred by cells of pixels.
 * @param before (n,4), @param after (n,4) albedo.
 */
export function shadingShare(
  kernels: Kernels,
  { evidence, crop }: Observation,
  before: F32,
  after: F32,
): number {
  return kernels.scope(() => {
    const P = evidence.count;
    const [parametric, albedo] = [kernels.f32(4 * P, false), kernels.f32(4 * P, false)];
    sampleTexels(kernels, evidence, before, parametric);
    sampleTexels(kernels, evidence, after, albedo);
    const [m, a, s] = [parametric.view, albedo.view, evidence.shading.view];
    const [pixels, flags] = [evidence.pixels.view, evidence.flags.view];
    const mean = [0, 0, 0];
    let total = 0;
    for (let p = 0; p < P; p++) {
      if (!(flags[p] & PIXEL.measured)) continue;
      total++;
      mean[0] += a[4 * p];
      mean[1] += a[4 * p + 1];
      mean[2] += a[4 * p + 2];
    }
    if (total === 0) return 0;
    const { size } = crop;
    const cell = Math.max(1, Math.round(size / 32));
    const across = Math.ceil(size / cell);
    // Pixels, light and baked brightness of each cell.
    const count = new Float64Array(across * across);
    const lit = new Float64Array(across * across);
    const baked = new Float64Array(across * across);
    const [r, g, b] = mean.map((sum) => sum / (3 * total));
    for (let p = 0; p < P; p++) {
      if (!(flags[p] & PIXEL.measured)) continue;
      const x = pixels[p] % size;
      const y = (pixels[p] - x) / size;
      const at = Math.floor(y / cell) * across + Math.floor(x / cell);
      const c = 4 * p;
      count[at]++;
      lit[at] += s[c] * r + s[c + 1] * g + s[c + 2] * b;
      baked[at] +=
        (s[c] * (a[c] - m[c]) + s[c + 1] * (a[c + 1] - m[c + 1]) + s[c + 2] * (a[c + 2] - m[c + 2])) / 3;
    }
    const variance = (sums: Float64Array) => {
      let [sum, squares] = [0, 0];
      for (let i = 0; i < count.length; i++) {
        sum += sums[i];
        if (count[i] > 0) squares += (sums[i] * sums[i]) / count[i];
      }
      return squares / total - (sum / total) ** 2;
    };
    const [light, texture] = [variance(lit), variance(baked)];
    return light + texture > 1e-12 ? light / (light + texture) : 1;
  });
}
