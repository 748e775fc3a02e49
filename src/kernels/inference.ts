/**
 * Layers of convolutional networks that only run forwards: convolution, bias, residual and activation in one pass.
 *
 *   out = act(b + add + conv1×1 or k×k(in)),   act(s) = max(s, 0) + slope·min(s, 0) per channel
 *
 * and, as MobileNets have it, a 3 × 3 convolution of every channel by itself before a 1 × 1 one. A network of some sixty
 * such layers moves more memory than it multiplies when each step is a pass of its own: the face mesh and the iris
 * network (two eyes) take 10.5 and 18.2 ms that way (tfjs' WebAssembly, SIMD, one thread), and 2.5 and 6.0 ms this way. Four
 * steps of the inner loop at a time made it no faster.
 *
 * {@link FeatureMap}s stand in a border of zeros as wide as their readers reach, so that no kernel looks at bounds and
 * nothing is copied for padding.
 */
import { InvalidArgumentError } from '../core/errors.ts';
import { type F32, type I32, type Kernels, requireLength } from './runtime.ts';

/** Channels of a picture in kernel memory, within a border of zeros. */
export interface FeatureMap {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** Rows and columns of zeros before and after it. */
  readonly border: Border;
  /** (before+height+after, before+width+after, channels) float32. */
  readonly array: F32;
}

/** Rows and columns around a feature map. */
export interface Border {
  readonly before: number;
  readonly after: number;
}

/** Takes memory for a feature map; nothing may be written to its border. */
export function createFeatureMap(
  kernels: Kernels,
  height: number,
  width: number,
  channels: number,
  border: Border = { before: 0, after: 0 },
): FeatureMap {
  const around = border.before + border.after;
  const array = kernels.f32((height + around) * (width + around) * channels);
  return { height, width, channels, border, array };
}

/** Copies (height,width,channels) float32 into a feature map. */
export function setFeatures(map: FeatureMap, values: Float32Array): void {
  const { height, width, channels, border, array } = map;
  requireLength('setFeatures', 'values', values, height * width * channels, '(H,W,C)');
  const row = (border.before + width + border.after) * channels;
  const to = array.view;
  for (let y = 0; y < height; y++)
    to.set(
      values.subarray(y * width * channels, (y + 1) * width * channels),
      (y + border.before) * row + border.before * channels,
    );
}

/** (height,width,channels) float32 out of a feature map, the first `channels` of each pixel. */
export function featuresOf(map: FeatureMap, channels: number = map.channels): Float32Array {
  const { height, width, border, array } = map;
  const out = new Float32Array(height * width * channels);
  const from = array.view;
  const row = border.before + width + border.after;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const at = ((y + border.before) * row + x + border.before) * map.channels;
      out.set(from.subarray(at, at + channels), (y * width + x) * channels);
    }
  return out;
}

/** What a layer is made of. */
export interface LayerShape {
  /** Channels of the source; multiples of 4 where there are `filters`. */
  readonly channels: number;
  /** Channels of the result; what they lack to a multiple of 8 is filled up with zeros. */
  readonly outs: number;
  /** Taps along each axis: of the convolution, or of `filters`. */
  readonly kernel: number;
  readonly stride: number;
  /** Zeros before the source along each axis; behind it the feature map's border must reach far enough. */
  readonly before: number;
}

/** Numbers of a layer. */
export interface LayerWeights {
  /** (K,K,channels,outs), or (1,1,channels,outs) after `filters`. */
  readonly weights: Float32Array;
  /** (outs). */
  readonly bias: Float32Array;
  /** (outs): slope of the activation below zero; null for none. */
  readonly slope: Float32Array | null;
  /** (3,3,channels): convolutions of every channel by itself, before; null for none. */
  readonly filters: Float32Array | null;
}

/** A layer made ready; its arrays stay in kernel memory. */
export interface InferenceLayer {
  readonly shape: LayerShape;
  /** `outs` filled up to a multiple of 8. */
  readonly paddedOuts: number;
  /** @internal (outs/8, K·K·channels, 8). */
  readonly weights: F32;
  /** @internal */
  readonly bias: F32;
  /** @internal */
  readonly slope: F32 | null;
  /** @internal */
  readonly filters: F32 | null;
  /** @internal (1) zero. */
  readonly noTap: I32;
}

/**
 * Lays out a layer's numbers.
 * @throws {InvalidArgumentError} on sizes that do not go together
 */
export function planLayer(kernels: Kernels, shape: LayerShape, numbers: LayerWeights): InferenceLayer {
  const { channels, outs, kernel, stride } = shape;
  const { weights, bias, slope, filters } = numbers;
  if (filters && (kernel !== 3 || channels % 4 !== 0 || stride > 2))
    throw new InvalidArgumentError(
      `planLayer: filters must be 3 × 3 at stride 1 or 2 over a multiple of 4 channels, got ${kernel} × ${kernel} at ${stride} over ${channels}`,
    );
  const rows = (filters ? 1 : kernel * kernel) * channels;
  requireLength('planLayer', 'weights', weights, rows * outs, '(K,K,C,O)');
  requireLength('planLayer', 'bias', bias, outs, '(O)');
  if (slope) requireLength('planLayer', 'slope', slope, outs, '(O)');
  if (filters) requireLength('planLayer', 'filters', filters, 9 * channels, '(3,3,C)');
  const paddedOuts = (outs + 7) & ~7;
  const packed = kernels.f32(paddedOuts * rows);
  const to = packed.view;
  for (let o = 0; o < outs; o++) {
    const block = (o >> 3) * rows * 8 + (o & 7);
    for (let r = 0; r < rows; r++) to[block + 8 * r] = weights[r * outs + o];
  }
  const filledUp = (values: Float32Array) => {
    const array = kernels.f32(paddedOuts);
    array.view.set(values);
    return array;
  };
  return {
    shape,
    paddedOuts,
    weights: packed,
    bias: filledUp(bias),
    slope: slope && filledUp(slope),
    filters: filters && kernels.f32(filters),
    noTap: kernels.i32(1),
  };
}

/**
 * Runs a layer.
 * @param add is added before the activation; may have fewer channels, a multiple of 8
 * @param out not the source
 */
export function runLayer(
  kernels: Kernels,
  layer: InferenceLayer,
  source: FeatureMap,
  add: FeatureMap | null,
  out: FeatureMap,
): void {
  const { channels, kernel, stride, before } = layer.shape;
  check(layer, source, add, out);
  const from = placeOf(source, -before);
  const to = placeOf(out);
  const plus = add && placeOf(add);
  kernels.scope(() => {
    const rest = [
      ...[layer.weights.ptr, layer.bias.ptr, layer.slope?.ptr ?? 0],
      ...[plus?.ptr ?? 0, plus?.row ?? 0, plus?.pixel ?? 0, add ? add.channels / 8 : 0],
      ...[to.ptr, to.row, to.pixel, out.width, out.height, layer.paddedOuts / 8],
    ] as const;
    if (layer.filters) {
      const scratch = kernels.f32(out.width * channels, false);
      kernels.raw.inferSeparable(
        ...([from.ptr, from.row, channels, stride, layer.filters.ptr, scratch.ptr, layer.noTap.ptr] as const),
        ...rest,
      );
    } else {
      // A row of taps is one run: its pixels lie side by side.
      const taps = kernels.i32(Array.from({ length: kernel }, (_, j) => j * from.row));
      kernels.raw.inferConv(
        ...([from.ptr, stride * from.row, stride * from.pixel] as const),
        ...([taps.ptr, kernel, kernel * channels] as const),
        ...rest,
      );
    }
  });
}

/** out = the largest of every 2 × 2 pixels of `source`, whose sizes are twice those of `out`. */
export function poolLayer(kernels: Kernels, source: FeatureMap, out: FeatureMap): void {
  if (
    source.height !== 2 * out.height ||
    source.width !== 2 * out.width ||
    source.channels !== out.channels ||
    out.channels % 4 !== 0
  )
    throw new InvalidArgumentError(`poolLayer: ${sizeOf(source)} does not pool to ${sizeOf(out)}`);
  const [from, to] = [placeOf(source), placeOf(out)];
  kernels.raw.maxPool(from.ptr, from.row, out.channels, to.ptr, to.row, out.width, out.height);
}

/** Address of pixel (shift, shift), bytes from row to row and from pixel to pixel. */
function placeOf({ width, channels, border, array }: FeatureMap, shift = 0) {
  const pixel = 4 * channels;
  const row = pixel * (border.before + width + border.after);
  return { ptr: array.ptr + (border.before + shift) * (row + pixel), row, pixel };
}

function check(layer: InferenceLayer, source: FeatureMap, add: FeatureMap | null, out: FeatureMap): void {
  const { channels, kernel, stride, before } = layer.shape;
  const enough = (length: number, outLength: number) =>
    (outLength - 1) * stride + kernel - before <= length + source.border.after;
  const fits =
    source.channels === channels &&
    out.channels === layer.paddedOuts &&
    source.border.before >= before &&
    enough(source.height, out.height) &&
    enough(source.width, out.width);
  const adds =
    !add ||
    (add.height === out.height &&
      add.width === out.width &&
      add.channels % 8 === 0 &&
      add.channels <= out.channels);
  if (!fits || !adds)
    throw new InvalidArgumentError(
      `runLayer: ${kernel} × ${kernel} at stride ${stride} does not make ${sizeOf(out)} of ${sizeOf(source)}${add ? ` and ${sizeOf(add)}` : ''}`,
    );
}

function sizeOf({ height, width, channels }: FeatureMap): string {
  return `${height} × ${width} × ${channels}`;
}
