/** References of `kernels/tint.ts`, float64. */
import type { ImageF } from '../../core/image.ts';
import type { FieldPrior } from '../fields.ts';
import { solveFieldsReference } from './fields.ts';

/** What is to be explained: pictures of one size. */
export interface TintEvidenceReference {
  readonly photo: ImageF;
  readonly render: ImageF;
  readonly mask: Float32Array;
}

/** The coefficients that explain best what is left between photo and render at `pixels`; null where there are none. */
export function solveTintReference(
  { photo, render, mask }: TintEvidenceReference,
  pixels: Uint32Array,
  basisAt: (i: number) => ArrayLike<number>,
  colours: readonly number[],
  prior: FieldPrior,
  rounds: number,
): Float64Array | null {
  const channels = [0, 1, 2];
  const rows = Array.from(pixels, (p, i) => ({
    left: channels.map((c) => photo.data[3 * p + c] - render.data[3 * p + c]),
    mask: mask[p],
    basis: basisAt(i),
    colours: prior.deviations.map((_, s) => channels.map((c) => colours[3 * s + c] * render.data[3 * p + c])),
  }));
  return solveFieldsReference(rows, prior, rounds);
}
