/** Convolution as it is written in books, float64: what `conv.ts` is tested against. */
import type { ConvShape } from '../conv.ts';

/** Results of {@link convReference}. */
export interface ConvReference {
  /** (outHeight,outWidth,outs). */
  readonly out: Float64Array;
  /** Gradients of ⟨outGrad, out⟩: (H,W,channels), (K,K,channels,outs), (outs). */
  readonly sourceGrad: Float64Array;
  readonly weightGrad: Float64Array;
  readonly biasGrad: Float64Array;
}

/** The convolution of `source` and the gradients of ⟨outGrad, out⟩. */
export function convReference(
  shape: ConvShape,
  source: ArrayLike<number>,
  weights: ArrayLike<number>,
  bias: ArrayLike<number>,
  outGrad: ArrayLike<number>,
): ConvReference {
  const { height, width, channels, outs, kernel, stride, dilation, padding } = shape;
  const extent = (n: number) => Math.floor((n + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1;
  const [outHeight, outWidth] = [extent(height), extent(width)];
  const out = new Float64Array(outHeight * outWidth * outs);
  const sourceGrad = new Float64Array(height * width * channels);
  const weightGrad = new Float64Array(kernel * kernel * channels * outs);
  const biasGrad = new Float64Array(outs);
  for (let y = 0; y < outHeight; y++)
    for (let x = 0; x < outWidth; x++)
      for (let o = 0; o < outs; o++) {
        const at = (y * outWidth + x) * outs + o;
        const g = outGrad[at];
        let sum = bias[o];
        biasGrad[o] += g;
        for (let j = 0; j < kernel; j++)
          for (let k = 0; k < kernel; k++) {
            const v = y * stride + j * dilation - padding;
            const u = x * stride + k * dilation - padding;
            if (v < 0 || u < 0 || v >= height || u >= width) continue;
            for (let i = 0; i < channels; i++) {
              const s = (v * width + u) * channels + i;
              const w = ((j * kernel + k) * channels + i) * outs + o;
              sum += source[s] * weights[w];
              sourceGrad[s] += g * weights[w];
              weightGrad[w] += g * source[s];
            }
          }
        out[at] = sum;
      }
  return { out, sourceGrad, weightGrad, biasGrad };
}
