/**
 * Bilinear texture sampling as a sparse matrix A: pixels × nodes, four entries a row. It is what the renderer does
 * (`render/albedo.ts`), so that a map that satisfies A·map = photo is one that renders as the photo.
 */

/** Which nodes each pixel's texture sample mixes, and how. */
export interface SamplingOperator {
  /** Pixels. */
  readonly rows: number;
  /** Nodes. */
  readonly columns: number;
  /** (P,4) uint32 nodes: top left, top right, bottom left, bottom right. */
  readonly nodes: Uint32Array;
  /** (P,4) float32, each row sums to 1. */
  readonly weights: Float32Array;
}

/** out = A·x for interleaved channels. @param x (n,C) @param out (P,C), overwritten */
export function sampleNodes(a: SamplingOperator, x: Float64Array, channels: number, out: Float64Array): void {
  for (let p = 0; p < a.rows; p++)
    for (let c = 0; c < channels; c++) {
      let sum = 0;
      for (let k = 4 * p; k < 4 * p + 4; k++) sum += a.weights[k] * x[a.nodes[k] * channels + c];
      out[p * channels + c] = sum;
    }
}

/** out = Aᵀ·y for interleaved channels. @param y (P,C) @param out (n,C), overwritten */
export function splatPixels(a: SamplingOperator, y: Float64Array, channels: number, out: Float64Array): void {
  out.fill(0);
  for (let p = 0; p < a.rows; p++)
    for (let k = 4 * p; k < 4 * p + 4; k++)
      for (let c = 0; c < channels; c++) out[a.nodes[k] * channels + c] += a.weights[k] * y[p * channels + c];
}
