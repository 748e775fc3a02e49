/** Layers as they are written in books, float64: what `inference.ts` is tested against. */
import type { LayerShape, LayerWeights } from '../inference.ts';

/** A picture of channels. */
export interface Channels {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** (height,width,channels). */
  readonly values: ArrayLike<number>;
}

/** act(b + add + convolution), see `runLayer`; of `height` × `width` pixels. */
export function layerReference(
  shape: LayerShape,
  { weights, bias, slope, filters }: LayerWeights,
  source: Channels,
  add: Channels | null,
  height: number,
  width: number,
): Float64Array {
  const { channels, outs, kernel, stride, before } = shape;
  const at = (y: number, x: number, c: number) =>
    y < 0 || x < 0 || y >= source.height || x >= source.width
      ? 0
      : source.values[(y * source.width + x) * channels + c];
  const out = new Float64Array(height * width * outs);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let o = 0; o < outs; o++) {
        let sum = bias[o];
        if (add && o < add.channels) sum += add.values[(y * width + x) * add.channels + o];
        for (let j = 0; j < kernel; j++)
          for (let k = 0; k < kernel; k++)
            for (let c = 0; c < channels; c++) {
              const tap = j * kernel + k;
              const weight = filters
                ? filters[tap * channels + c] * weights[c * outs + o]
                : weights[(tap * channels + c) * outs + o];
              sum += at(y * stride + j - before, x * stride + k - before, c) * weight;
            }
        out[(y * width + x) * outs + o] = slope && sum < 0 ? slope[o] * sum : sum;
      }
  return out;
}

/** The largest of every 2 × 2 pixels. */
export function poolReference({ height, width, channels, values }: Channels): Float64Array {
  const out = new Float64Array(values.length / 4).fill(Number.NEGATIVE_INFINITY);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < channels; c++) {
        const o = ((y >> 1) * (width >> 1) + (x >> 1)) * channels + c;
        out[o] = Math.max(out[o], values[(y * width + x) * channels + c]);
      }
  return out;
}
