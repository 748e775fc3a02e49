/** How well a textured head matches its photo, and how much of the light the shading explains. */
import type { Evidence } from '../kernels/evidence.ts';
import type { F32, Kernels } from '../kernels/runtime.ts';
import { sampleTexels } from '../kernels/texels.ts';
import { cellBrightness, matchSums } from '../kernels/texture-map.ts';
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
    const { pixels, l1, l2 } = matchSums(kernels, evidence, sampled(kernels, evidence, albedo));
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
    const [parametric, albedo] = [sampled(kernels, evidence, before), sampled(kernels, evidence, after)];
    const { pixels: total, albedo: sum } = matchSums(kernels, evidence, albedo);
    if (total === 0) return 0;
    const mean = [sum[0] / (3 * total), sum[1] / (3 * total), sum[2] / (3 * total)] as const;
    const { size } = crop;
    const cell = Math.max(1, Math.round(size / 32));
    // Pixels, light and baked brightness of each cell.
    const cells = cellBrightness(kernels, evidence, parametric, albedo, mean, size, cell);
    const variance = (column: number) => {
      let sum = 0;
      let squares = 0;
      for (let i = 0; i < cells.length; i += 3) {
        const brightness = cells[i + column];
        sum += brightness;
        if (cells[i] > 0) squares += (brightness * brightness) / cells[i];
      }
      return squares / total - (sum / total) ** 2;
    };
    const [light, texture] = [variance(1), variance(2)];
    return light + texture > 1e-12 ? light / (light + texture) : 1;
  });
}

/** (P,4) what pixels see of an albedo of the nodes. */
function sampled(kernels: Kernels, evidence: Evidence, albedo: F32): F32 {
  const out = kernels.f32(4 * evidence.count, false);
  sampleTexels(kernels, evidence, albedo, out);
  return out;
}
