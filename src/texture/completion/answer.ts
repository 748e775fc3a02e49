/**
 * From the network's output to a texture, and from the error of the texture back to the output.
 *
 *   loss = Σ w_i φ(y_i − x_i) / Σ w_i,   φ(e) = √(e² + ε²) − ε per channel (L1 without its corner)
 *
 * Weights are zero wherever the photo does not show the truth: unseen texels have no part in loss or gradient.
 */
import { ALBEDO_UNIT, CANDIDATES, OUTPUT_CHANNELS } from './network.ts';

const EPSILON = 0.004;

/** The completions of one texture, all (n,3) float32. */
export type Candidates = readonly Float32Array[];

/**
 * The texture that an output says.
 * @param output (H,W,8).
 * @param pixels (n) pixel of each node.
 * @returns (n,3) float32.
 */
export function answer(output: Float32Array, pixels: Uint32Array, candidates: Candidates): Float32Array {
  const out = new Float32Array(3 * pixels.length);
  const share = new Float64Array(CANDIDATES);
  for (let i = 0; i < pixels.length; i++) {
    const o = OUTPUT_CHANNELS * pixels[i];
    shares(output, o, share);
    for (let c = 0; c < 3; c++) {
      let y = ALBEDO_UNIT * output[o + CANDIDATES + c];
      for (let k = 0; k < CANDIDATES; k++) y += share[k] * candidates[k][3 * i + c];
      out[3 * i + c] = y;
    }
  }
  return out;
}

/**
 * The loss, and its gradient with respect to the output.
 * @param truth (n,3), read where `weights` (n) is above 0 only.
 * @param gradient (H,W,8), overwritten.
 */
export function answerLoss(
  output: Float32Array,
  pixels: Uint32Array,
  candidates: Candidates,
  truth: Float32Array,
  weights: Float32Array,
  gradient: Float32Array,
): number {
  gradient.fill(0);
  const total = weights.reduce((sum, w) => sum + w, 0);
  if (total === 0) return 0;
  const share = new Float64Array(CANDIDATES);
  const y = answer(output, pixels, candidates);
  let loss = 0;
  for (let i = 0; i < pixels.length; i++) {
    if (weights[i] === 0) continue;
    const o = OUTPUT_CHANNELS * pixels[i];
    const w = weights[i] / (3 * total);
    shares(output, o, share);
    for (let c = 0; c < 3; c++) {
      const e = y[3 * i + c] - truth[3 * i + c];
      const root = Math.sqrt(e * e + EPSILON * EPSILON);
      loss += w * (root - EPSILON);
      const g = (w * e) / root;
      gradient[o + CANDIDATES + c] = ALBEDO_UNIT * g;
      let mean = 0;
      for (let k = 0; k < CANDIDATES; k++) mean += share[k] * candidates[k][3 * i + c];
      for (let k = 0; k < CANDIDATES; k++)
        gradient[o + k] += g * share[k] * (candidates[k][3 * i + c] - mean);
    }
  }
  return loss;
}

/** Softmax of the first outputs. */
function shares(output: Float32Array, o: number, share: Float64Array): void {
  let most = Number.NEGATIVE_INFINITY;
  for (let k = 0; k < CANDIDATES; k++) most = Math.max(most, output[o + k]);
  let sum = 0;
  for (let k = 0; k < CANDIDATES; k++) sum += share[k] = Math.exp(output[o + k] - most);
  for (let k = 0; k < CANDIDATES; k++) share[k] /= sum;
}
