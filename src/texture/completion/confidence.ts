/**
 * Confidence-driven weights of the reconstruction loss (Wang et al. 2018, "Image inpainting via generative multi-column
 * convolutional neural networks", eq. 6): what is near to known texels is determined by them and counts most; the depth
 * of a hole could look in many ways and counts less.
 *
 *   w⁰ = 0,  wⁱ = (g ∗ (1 − M + wⁱ⁻¹)) ⊙ M,  M = 1 in the hole; 7 rounds
 *
 * The paper's code takes a Gaussian g of 65 texels at 256² whose σ makes it a box in effect: a box of a quarter of the
 * map is taken here, by running sums. `floor` keeps some weight in the deepest hole.
 */
import { boxMean } from '../../render/box-mean.ts';

/** Tuning of {@link confidenceWeights}. */
export const CONFIDENCE_DEFAULTS = { rounds: 7, width: 0.25, floor: 0.3 } as const;

/**
 * Weights in (0, 1].
 * @param known (size,size) 1 where the network is told the truth.
 */
export function confidenceWeights(known: Uint8Array, size: number): Float32Array {
  const { rounds, width, floor } = CONFIDENCE_DEFAULTS;
  const radius = Math.max(1, Math.round((width * size) / 2));
  let confidence = Float32Array.from(known);
  for (let r = 0; r < rounds; r++)
    confidence = boxMean(confidence, size, radius).map((w, t) => (known[t] ? 1 : w));
  return confidence.map((w) => floor + (1 - floor) * w);
}
