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

/** out = A·x for three interleaved channels. @param x (n,3) @param out (P,3), overwritten */
export function sampleNodes(a: SamplingOperator, x: Float64Array, out: Float64Array): void {
  const { nodes, weights } = a;
  for (let p = 0; p < a.rows; p++) {
    let r = 0;
    let g = 0;
    let b = 0;
    for (let k = 4 * p; k < 4 * p + 4; k++) {
      const w = weights[k];
      const i = 3 * nodes[k];
      r += w * x[i];
      g += w * x[i + 1];
      b += w * x[i + 2];
    }
    out[3 * p] = r;
    out[3 * p + 1] = g;
    out[3 * p + 2] = b;
  }
}

/** out = Aᵀ·y for three interleaved channels. @param y (P,3) @param out (n,3), overwritten */
export function splatPixels(a: SamplingOperator, y: Float64Array, out: Float64Array): void {
  const { nodes, weights } = a;
  out.fill(0);
  for (let p = 0; p < a.rows; p++)
    for (let k = 4 * p; k < 4 * p + 4; k++) {
      const w = weights[k];
      const i = 3 * nodes[k];
      out[i] += w * y[3 * p];
      out[i + 1] += w * y[3 * p + 1];
      out[i + 2] += w * y[3 * p + 2];
    }
}
