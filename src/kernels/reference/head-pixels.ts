/** References of `kernels/head-pixels.ts`, float64. */
import type { Clay } from '../head-pixels.ts';
import { bilinearReference, shadingReference } from './evidence.ts';

/** What one pixel of each picture has, (3); `gloss` is added to the colour. */
export function headPixelReference(
  { normal, uv }: { readonly normal: readonly number[]; readonly uv: readonly number[] },
  albedo: { readonly data: ArrayLike<number>; readonly width: number; readonly height: number } | null,
  grey: number,
  light: ArrayLike<number>,
  basis: ArrayLike<number>,
  gloss: number,
  { key, fill, colour, ambient }: Clay,
): Record<'rgb' | 'albedo' | 'shading' | 'shape' | 'normals', number[]> {
  const shading = shadingReference(light, basis, normal);
  let own = [grey, grey, grey];
  if (albedo) {
    const { texels, weights } = bilinearReference(uv[0], uv[1], albedo.width, albedo.height);
    own = [0, 1, 2].map((c) =>
      texels.reduce((sum, t, i) => sum + (weights[i] > 0 ? weights[i] * albedo.data[3 * t + c] : 0), 0),
    );
  }
  const falls = (l: readonly number[]) =>
    l[3] * Math.max(0, l[0] * normal[0] + l[1] * normal[1] + l[2] * normal[2]);
  const lit = ambient + falls(key) + falls(fill);
  return {
    rgb: own.map((a, c) => a * shading[c] + gloss),
    albedo: own,
    shading,
    shape: colour.map((x) => x * lit),
    normals: [...normal],
  };
}

/** One value of `blendPixels`. */
export function blendReference(under: number, over: number, alpha: number, gain: number): number {
  const above = Math.min(1, Math.max(0, gain * over));
  return Math.min(255, Math.max(0, 255 * (under + (above - under) * alpha)));
}
