/**
 * The networks of the original with random weights, as ONNX files: FAN (four stacked hourglasses), BiSeNet (ResNet-18
 * context path, attention refinement, feature fusion), S3FD (VGG-16 with six heads). Layer for layer as published;
 * `width` 1 gives the true number of channels and of parameters, less makes them narrower and quicker; `countOnly`
 * makes no file.
 * And networks that answer what they are told to, whatever they are shown.
 */
import { OnnxGraph } from './onnx-writer.ts';

/** A file and the number of trained parameters in it. */
export interface MadeNetwork {
  readonly bytes: Uint8Array;
  readonly parameters: number;
}

/** Width of the networks that tests run: a quarter, or all of it (twice the time) with PHOTOFIT_FULL_NETWORKS set. */
export const TEST_WIDTH = process.env['PHOTOFIT_FULL_NETWORKS'] ? 1 : 0.25;

/** FAN: input (1,3,256,256), after each of `stacks` hourglasses heat maps (1,68,64,64). */
export function makeFan({ width = 1, stacks = 4, countOnly = false } = {}): MadeNetwork {
  const g = new OnnxGraph(countOnly);
  const F = 256 * width;
  const block = (x: string, from: number, to: number): string => {
    const a = g.conv(g.relu(g.batchNorm(x, from)), from, to / 2, 3, { gain: 0.5 });
    const b = g.conv(g.relu(g.batchNorm(a, to / 2)), to / 2, to / 4, 3);
    const c = g.conv(g.relu(g.batchNorm(b, to / 4)), to / 4, to / 4, 3);
    const shortcut = from === to ? x : g.conv(g.relu(g.batchNorm(x, from)), from, to, 1);
    return g.add(g.concat(a, b, c), shortcut);
  };
  const hourglass = (x: string, depth: number): string => {
    const up = block(x, F, F);
    const low1 = block(g.maxPool(x, 2, 2), F, F);
    const low2 = depth > 1 ? hourglass(low1, depth - 1) : block(low1, F, F);
    return g.add(up, g.resize(block(low2, F, F), 2, 'nearest'));
  };
  const input = g.input('image', [1, 3, 256, 256]);
  const stem = g.relu(g.batchNorm(g.conv(input, 3, F / 4, 7, { stride: 2, bias: true }), F / 4));
  const pooled = g.maxPool(block(stem, F / 4, F / 2), 2, 2);
  let previous = block(block(pooled, F / 2, F / 2), F / 2, F);
  for (let i = 0; i < stacks; i++) {
    const top = block(hourglass(previous, 4), F, F);
    const features = g.relu(g.batchNorm(g.conv(top, F, F, 1, { bias: true }), F));
    const maps = g.node('Identity', [g.conv(features, F, 68, 1, { bias: true, gain: 0.05 })], {}, [
      `heatmaps${i}`,
    ]);
    g.output(maps, [1, 68, 64, 64]);
    if (i === stacks - 1) break;
    const back = g.add(g.conv(features, F, F, 1, { bias: true }), g.conv(maps, 68, F, 1, { bias: true }));
    previous = g.add(previous, back);
  }
  return { bytes: g.bytes(), parameters: g.parameters };
}

/** BiSeNet of 19 classes: input (1,3,512,512), outputs (1,19,512,512) three times, the first one meant. */
export function makeBisenet({ width = 1, countOnly = false } = {}): MadeNetwork {
  const g = new OnnxGraph(countOnly);
  const C = 64 * width;
  const cbr = (x: string, from: number, to: number, kernel = 3, stride = 1): string =>
    g.relu(g.batchNorm(g.conv(x, from, to, kernel, { stride }), to));
  const basic = (x: string, from: number, to: number, stride: number): string => {
    const a = g.relu(g.batchNorm(g.conv(x, from, to, 3, { stride }), to));
    const b = g.batchNorm(g.conv(a, to, to, 3), to);
    const shortcut = from === to ? x : g.batchNorm(g.conv(x, from, to, 1, { stride, pad: 0 }), to);
    return g.relu(g.add(b, shortcut));
  };
  const layer = (x: string, from: number, to: number, stride: number): string =>
    basic(basic(x, from, to, stride), to, to, 1);
  const attend = (x: string, from: number, to: number): string => {
    const features = cbr(x, from, to);
    const pooled = g.node('GlobalAveragePool', [features]);
    const attention = g.node('Sigmoid', [g.batchNorm(g.conv(pooled, to, to, 1), to)]);
    return g.node('Mul', [features, attention]);
  };
  const input = g.input('image', [1, 3, 512, 512]);
  const stem = g.maxPool(cbr(input, 3, C, 7, 2), 3, 2, 1);
  const features8 = layer(layer(stem, C, C, 1), C, 2 * C, 2);
  const features16 = layer(features8, 2 * C, 4 * C, 2);
  const features32 = layer(features16, 4 * C, 8 * C, 2);

  const average = cbr(g.node('GlobalAveragePool', [features32]), 8 * C, 2 * C, 1);
  // (1,·,1,1): the sum spreads it over the map, as nearest-neighbour enlargement would.
  const sum32 = g.add(attend(features32, 8 * C, 2 * C), average);
  const up32 = cbr(g.resize(sum32, 2, 'nearest'), 2 * C, 2 * C);
  const sum16 = g.add(attend(features16, 4 * C, 2 * C), up32);
  const up16 = cbr(g.resize(sum16, 2, 'nearest'), 2 * C, 2 * C);

  const fused = cbr(g.concat(features8, up16), 4 * C, 4 * C, 1);
  const squeezed = g.relu(g.conv(g.node('GlobalAveragePool', [fused]), 4 * C, C, 1));
  const attention = g.node('Sigmoid', [g.conv(squeezed, C, 4 * C, 1)]);
  const fusion = g.add(g.node('Mul', [fused, attention]), fused);

  const head = (x: string, from: number, mid: number, factor: number, name: string): void => {
    const scores = g.conv(cbr(x, from, mid), mid, 19, 1);
    g.output(g.node('Identity', [g.resize(scores, factor, 'linear')], {}, [name]), [1, 19, 512, 512]);
  };
  head(fusion, 4 * C, 4 * C, 8, 'out');
  head(up16, 2 * C, C, 8, 'out16');
  head(up32, 2 * C, C, 16, 'out32');
  return { bytes: g.bytes(), parameters: g.parameters };
}

/** S3FD: input (1,3,H,W) of any or of a fixed size, twelve outputs: classes (1,2,h,w) and boxes (1,4,h,w) of six strides. */
export function makeS3fd({
  width = 1,
  countOnly = false,
  size = ['height', 'width'] as readonly [number | string, number | string],
} = {}): MadeNetwork {
  const g = new OnnxGraph(countOnly);
  const C = 64 * width;
  const conv = (
    x: string,
    from: number,
    to: number,
    kernel = 3,
    stride = 1,
    pad = (kernel - 1) / 2,
  ): string =>
    // Pictures come in 0…255 less the mean.
    g.relu(g.conv(x, from, to, kernel, { stride, pad, bias: true, gain: from === 3 ? 1 / 64 : 1 }));
  const stack = (x: string, from: number, to: number, count: number): string => {
    let y = conv(x, from, to);
    for (let i = 1; i < count; i++) y = conv(y, to, to);
    return y;
  };
  const normalised = (x: string, channels: number, scale: number): string => {
    const norm = g.node('ReduceL2', [x], { axes: [1], keepdims: 1 });
    const epsilon = g.constant(new Float32Array([1e-10]), [1]);
    return g.node('Mul', [
      g.node('Div', [x, g.add(norm, epsilon)]),
      g.weights([1, channels, 1, 1], 0.1 * scale, scale),
    ]);
  };
  const input = g.input('image', [1, 3, ...size]);
  const f2 = stack(g.maxPool(stack(input, 3, C, 2), 2, 2), C, 2 * C, 2);
  const f3 = stack(g.maxPool(f2, 2, 2), 2 * C, 4 * C, 3);
  const f4 = stack(g.maxPool(f3, 2, 2), 4 * C, 8 * C, 3);
  const f5 = stack(g.maxPool(f4, 2, 2), 8 * C, 8 * C, 3);
  const f7 = conv(conv(g.maxPool(f5, 2, 2), 8 * C, 16 * C, 3, 1, 3), 16 * C, 16 * C, 1);
  const g6 = conv(conv(f7, 16 * C, 4 * C, 1), 4 * C, 8 * C, 3, 2);
  const g7 = conv(conv(g6, 8 * C, 2 * C, 1), 2 * C, 4 * C, 3, 2);
  const levels: [string, number][] = [
    [normalised(f3, 4 * C, 10), 4 * C],
    [normalised(f4, 8 * C, 8), 8 * C],
    [normalised(f5, 8 * C, 5), 8 * C],
    [f7, 16 * C],
    [g6, 8 * C],
    [g7, 4 * C],
  ];
  for (const [k, [features, channels]] of levels.entries()) {
    let classes = g.conv(features, channels, k === 0 ? 4 : 2, 3, { bias: true, gain: 0.2 });
    if (k === 0) {
      // Of three background scores the highest.
      const parts = ['b0', 'b1', 'b2', 'face'];
      g.node('Split', [classes], { axis: 1 }, parts);
      classes = g.concat(g.node('Max', parts.slice(0, 3)), parts[3]);
    }
    const boxes = g.conv(features, channels, 4, 3, { bias: true, gain: 0.2 });
    g.output(g.node('Identity', [classes], {}, [`cls${k + 1}`]), [1, 2, `h${k}`, `w${k}`]);
    g.output(g.node('Identity', [boxes], {}, [`reg${k + 1}`]), [1, 4, `h${k}`, `w${k}`]);
  }
  return { bytes: g.bytes(), parameters: g.parameters };
}

/** An output that a planted network gives. */
export interface PlantedOutput {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** A network that takes a picture of `input` shape and answers `outputs`, whatever it is shown. */
export function makePlanted(
  input: readonly (number | string)[],
  outputs: readonly PlantedOutput[],
): Uint8Array {
  const g = new OnnxGraph();
  const image = g.input('image', input);
  // Nothing of the picture, but the graph has to use it.
  const none = g.node('Mul', [
    g.node('ReduceMean', [image], { keepdims: 0 }),
    g.constant(new Float32Array([0]), []),
  ]);
  for (const { name, shape, data } of outputs) {
    g.node('Add', [g.constant(data, shape), none], {}, [name]);
    g.output(name, shape);
  }
  return g.bytes();
}
