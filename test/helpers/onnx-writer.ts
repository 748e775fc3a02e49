/**
 * Writes ONNX files: as much of the protobuf format (onnx.proto3, opset 13) as networks of convolutions need. Graphs are
 * built node by node; weights come from a seeded generator, so a file is the same each time and none is kept.
 */
import { createRandom } from '../../src/core/random.ts';

type Attribute = number | readonly number[] | string | { readonly float: number };

/** A graph under construction; values are known by their names. */
export class OnnxGraph {
  readonly #random = createRandom(1);
  readonly #nodes: Uint8Array[] = [];
  readonly #initializers: Uint8Array[] = [];
  readonly #inputs: Uint8Array[] = [];
  readonly #outputs: Uint8Array[] = [];
  #count = 0;
  readonly #countOnly: boolean;
  /** Numbers in trained weights (not in batch statistics), as PyTorch counts parameters. */
  parameters = 0;

  /** @param countOnly make no weights, only count them: quick, but no file comes of it. */
  constructor(countOnly = false) {
    this.#countOnly = countOnly;
  }

  /** Declares an input; a string is a free axis of that name. */
  input(name: string, shape: readonly (number | string)[], elementType = FLOAT): string {
    this.#inputs.push(valueInfo(name, shape, elementType));
    return name;
  }

  /** Declares an output, of the value of that name. */
  output(name: string, shape: readonly (number | string)[], elementType = FLOAT): void {
    this.#outputs.push(valueInfo(name, shape, elementType));
  }

  /** Adds a node of one result, or as many as `results`; gives their names. */
  node(
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    results: readonly string[] = [`v${this.#count++}`],
  ): string {
    this.#nodes.push(
      join([
        ...inputs.map((name) => text(1, name)),
        ...results.map((name) => text(2, name)),
        text(4, op),
        ...Object.entries(attributes).map(([name, value]) => block(5, attribute(name, value))),
      ]),
    );
    return results[0];
  }

  /** A constant tensor. */
  constant(data: Float32Array | BigInt64Array, dims: readonly number[]): string {
    const name = `w${this.#count++}`;
    this.#initializers.push(
      join([
        ...dims.map((n) => integer(1, n)),
        integer(2, data instanceof Float32Array ? FLOAT : INT64),
        text(8, name),
        block(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
      ]),
    );
    return name;
  }

  /** Random weights of standard deviation `deviation` around `mean`, counted as parameters. */
  weights(dims: readonly number[], deviation: number, mean = 0): string {
    const n = dims.reduce((a, b) => a * b, 1);
    this.parameters += n;
    if (this.#countOnly) return '';
    const width = deviation * Math.sqrt(12);
    // Uniform: quicker than normal ones, and there are tens of millions.
    return this.constant(
      Float32Array.from({ length: n }, () => mean + width * (this.#random.uniform() - 0.5)),
      dims,
    );
  }

  /** A convolution with He's deviation times `gain`. */
  conv(
    x: string,
    from: number,
    to: number,
    kernel: number,
    options: { stride?: number; pad?: number; bias?: boolean; gain?: number } = {},
  ): string {
    const { stride = 1, pad = (kernel - 1) / 2, bias = false, gain = 1 } = options;
    const w = this.weights([to, from, kernel, kernel], gain * Math.sqrt(2 / (from * kernel * kernel)));
    const inputs = bias ? [x, w, this.weights([to], 0.02)] : [x, w];
    return this.node('Conv', inputs, {
      kernel_shape: [kernel, kernel],
      strides: [stride, stride],
      pads: [pad, pad, pad, pad],
      dilations: [1, 1],
      group: 1,
    });
  }

  /** Batch normalisation as in evaluation, with statistics of its own. */
  batchNorm(x: string, channels: number): string {
    const scale = this.weights([channels], 0.1, 1);
    const shift = this.weights([channels], 0.1);
    const parameters = this.parameters;
    const mean = this.weights([channels], 0.1);
    const variance = this.weights([channels], 0.1, 1);
    this.parameters = parameters;
    return this.node('BatchNormalization', [x, scale, shift, mean, variance], {
      epsilon: { float: 1e-5 },
    });
  }

  relu(x: string): string {
    return this.node('Relu', [x]);
  }

  add(a: string, b: string): string {
    return this.node('Add', [a, b]);
  }

  concat(...values: string[]): string {
    return this.node('Concat', values, { axis: 1 });
  }

  maxPool(x: string, kernel: number, stride: number, pad = 0): string {
    return this.node('MaxPool', [x], {
      kernel_shape: [kernel, kernel],
      strides: [stride, stride],
      pads: [pad, pad, pad, pad],
    });
  }

  /** `factor` times as large, by nearest neighbour or linearly with corners aligned. */
  resize(x: string, factor: number, mode: 'nearest' | 'linear'): string {
    const scales = this.constant(new Float32Array([1, 1, factor, factor]), [4]);
    return this.node('Resize', [x, '', scales], {
      mode,
      coordinate_transformation_mode: mode === 'linear' ? 'align_corners' : 'asymmetric',
      nearest_mode: 'floor',
    });
  }

  /** The file. */
  bytes(): Uint8Array {
    const graph = join([
      ...this.#nodes.map((n) => block(1, n)),
      text(2, 'test'),
      ...this.#initializers.map((t) => block(5, t)),
      ...this.#inputs.map((v) => block(11, v)),
      ...this.#outputs.map((v) => block(12, v)),
    ]);
    return join([integer(1, 7), text(2, 'photofit tests'), block(7, graph), block(8, integer(2, 13))]);
  }
}

/** Element types of onnx.proto3. */
export const FLOAT = 1;
export const INT64 = 7;
export const DOUBLE = 11;

function attribute(name: string, value: Attribute): Uint8Array {
  const head = text(1, name);
  if (typeof value === 'string') return join([head, text(4, value), integer(20, 3)]);
  if (typeof value === 'number') return join([head, integer(3, value), integer(20, 2)]);
  if ('float' in value) {
    const bytes = new Uint8Array(5);
    bytes[0] = (2 << 3) | 5;
    new DataView(bytes.buffer).setFloat32(1, value.float, true);
    return join([head, bytes, integer(20, 1)]);
  }
  return join([head, ...value.map((v) => integer(8, v)), integer(20, 7)]);
}

function valueInfo(name: string, shape: readonly (number | string)[], elementType: number): Uint8Array {
  const dims = shape.map((d) => block(1, typeof d === 'number' ? integer(1, d) : text(2, d)));
  const tensor = join([integer(1, elementType), block(2, join(dims))]);
  return join([text(1, name), block(2, block(1, tensor))]);
}

function varint(value: number): number[] {
  const out: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) out.push((rest % 128) | 128);
  out.push(rest);
  return out;
}

function integer(field: number, value: number): Uint8Array {
  return Uint8Array.from([...varint(field * 8), ...varint(value)]);
}

function block(field: number, bytes: Uint8Array): Uint8Array {
  return join([Uint8Array.from([...varint(field * 8 + 2), ...varint(bytes.length)]), bytes]);
}

function text(field: number, value: string): Uint8Array {
  return block(field, new TextEncoder().encode(value));
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
