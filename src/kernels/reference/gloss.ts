/** References of `kernels/gloss.ts`, float64; basis values are the caller's (`light/gloss.ts`). */
import type { ImageF } from '../../core/image.ts';
import type { FieldPrior } from '../fields.ts';
import { solveFieldsReference } from './fields.ts';

/** What is to be explained: pictures of one size. */
export interface GlossEvidenceReference {
  readonly photo: ImageF;
  readonly render: ImageF;
  /** (H,W) 1 where gloss is looked at, and weights. */
  readonly region: Uint8Array;
  readonly mask: Float32Array;
}

/**
 * The coefficients that explain best what is left between photo and render; null where no pixel counts.
 * @param basisAt basis values of a pixel, (25)
 */
export function solveGlossReference(
  { photo, render, region, mask }: GlossEvidenceReference,
  basisAt: (pixel: number) => Float64Array,
  prior: FieldPrior,
  every: number,
  rounds: number,
): Float64Array | null {
  const some = [...region.keys()].filter((p) => region[p] && mask[p] > 0).filter((_, i) => i % every === 0);
  const pixels = some.map((p) => ({
    left: [0, 1, 2].map((c) => photo.data[3 * p + c] - render.data[3 * p + c]),
    mask: mask[p],
    basis: basisAt(p),
    colours: [[1, 1, 1]],
  }));
  return solveFieldsReference(pixels, prior, rounds);
}

/** `values` (H,W) or (H,W,C) carried on beyond where they are known, `rounds` pixels far: the mean of the neighbours that are known. */
export function growPlaneReference(
  values: Float32Array,
  known: Uint8Array,
  width: number,
  rounds: number,
): Float32Array {
  const height = known.length / width;
  const channels = values.length / known.length;
  let [out, flags] = [values.slice(), known.slice()];
  for (let round = 0; round < rounds; round++) {
    const [next, nextFlags] = [out.slice(), flags.slice()];
    for (let p = 0; p < known.length; p++) {
      if (flags[p]) continue;
      const [x, y] = [p % width, Math.floor(p / width)];
      const around = [
        ...(y > 0 ? [p - width] : []),
        ...(y + 1 < height ? [p + width] : []),
        ...(x > 0 ? [p - 1] : []),
        ...(x + 1 < width ? [p + 1] : []),
      ].filter((q) => flags[q]);
      if (around.length === 0) continue;
      for (let c = 0; c < channels; c++)
        next[channels * p + c] = around.reduce((sum, q) => sum + out[channels * q + c], 0) / around.length;
      nextFlags[p] = 1;
    }
    [out, flags] = [next, nextFlags];
  }
  return out;
}
