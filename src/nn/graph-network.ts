/**
 * Convolutional networks out of TensorFlow.js' graph format, in kernel memory: the kind that MediaPipe's face networks
 * are. A chain convolution → addition → activation becomes one layer (`kernels/inference.ts`), a depthwise convolution
 * joins the 1 × 1 one behind it, padding of channels costs nothing; and only what the outputs asked for need is run.
 *
 * Feature maps of one size take turns in the same memory, so that a network stays within the second-level cache.
 */
import { FormatError, InvalidArgumentError } from '../core/errors.ts';
import type { GraphNode, TfjsGraph } from '../io/tfjs-graph.ts';
import {
  createFeatureMap,
  type FeatureMap,
  featuresOf,
  type InferenceLayer,
  planLayer,
  poolLayer,
  runLayer,
  setFeatures,
} from '../kernels/inference.ts';
import type { Kernels } from '../kernels/runtime.ts';

/** A network that is ready to run. */
export interface GraphNetwork {
  /**
   * Runs it on one example, (size,size,3) float32.
   * @returns the outputs asked for, in that order, flat
   */
  run(input: Float32Array): Float32Array[];
}

/** A value while the network is planned: where it comes from is a step, where it lies is decided afterwards. */
interface Value {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** Channels in memory: a multiple of 8, but for the input. */
  readonly stored: number;
  /** Rows and columns of zeros that its readers need. */
  before: number;
  after: number;
  /** Number of the last step that reads it. */
  lastRead: number;
  map: FeatureMap | null;
}

type Step =
  | { readonly layer: InferenceLayer; readonly from: Value; readonly add: Value | null; readonly to: Value }
  | { readonly layer: null; readonly from: Value; readonly add: null; readonly to: Value };

/** An output: parts one after the other, through a sigmoid or not. */
interface Output {
  readonly parts: readonly Value[];
  readonly sigmoid: boolean;
}

/**
 * Makes a network ready; its memory stays.
 * @param outputs names in the network's signature
 * @throws {FormatError} when it holds what is not known here
 */
export function planGraph(kernels: Kernels, graph: TfjsGraph, outputs: readonly string[]): GraphNetwork {
  const planner = new Planner(kernels, graph, outputs);
  const { input, steps } = planner;
  const wanted = planner.outputs;
  assignMemory(kernels, input, steps);
  const [h, w, c] = [input.height, input.width, input.channels];
  return {
    run(values) {
      if (values.length !== h * w * c)
        throw new InvalidArgumentError(
          `${graph.source}: the input must be (${h},${w},${c}), got ${values.length} numbers`,
        );
      setFeatures(input.map!, values);
      for (const { layer, from, add, to } of steps) {
        if (layer) runLayer(kernels, layer, from.map!, add?.map ?? null, to.map!);
        else poolLayer(kernels, from.map!, to.map!);
      }
      return wanted.map(({ parts, sigmoid }) => {
        const all = parts.map((part) => featuresOf(part.map!, part.channels));
        const out = all.length === 1 ? all[0] : Float32Array.from(all.flatMap((a) => Array.from(a)));
        return sigmoid ? out.map((x) => 1 / (1 + Math.exp(-x))) : out;
      });
    },
  };
}

class Planner {
  readonly steps: Step[] = [];
  readonly outputs: readonly Output[];
  readonly input: Value;
  readonly #kernels: Kernels;
  readonly #graph: TfjsGraph;
  readonly #values = new Map<string, Value>();
  /** How many nodes that matter read a node. */
  readonly #readers = new Map<string, number>();

  constructor(kernels: Kernels, graph: TfjsGraph, outputs: readonly string[]) {
    this.#kernels = kernels;
    this.#graph = graph;
    const names = outputs.map((name) => {
      const node = graph.outputs.get(name);
      if (!node) throw new FormatError(`${graph.source}: has no output ${name}`);
      return node;
    });
    this.#count(names);
    this.input = this.#placeholder();
    this.outputs = names.map((name) => this.#output(name));
    // Outputs are read after the last step.
    for (const { parts } of this.outputs) for (const part of parts) part.lastRead = this.steps.length;
  }

  #node(name: string): GraphNode {
    const node = this.#graph.nodes.get(name);
    if (!node) throw new FormatError(`${this.#graph.source}: node ${name} is missing`);
    return node;
  }

  #count(names: readonly string[]): void {
    const seen = new Set<string>();
    const visit = (name: string) => {
      this.#readers.set(name, (this.#readers.get(name) ?? 0) + 1);
      if (seen.has(name) || this.#graph.weights.has(name)) return;
      seen.add(name);
      this.#node(name).inputs.forEach(visit);
    };
    names.forEach(visit);
  }

  #placeholder(): Value {
    const inputs = [...this.#graph.nodes.values()].filter((node) => node.op === 'Placeholder');
    const [, height, width, channels] = inputs[0]?.shape ?? [];
    if (inputs.length !== 1 || !(height > 0 && width > 0 && channels > 0))
      throw new FormatError(`${this.#graph.source}: must have one input, a picture of known size`);
    const value = this.#value(height, width, channels, channels);
    this.#values.set(inputs[0].name, value);
    return value;
  }

  #value(height: number, width: number, channels: number, stored = (channels + 7) & ~7): Value {
    return { height, width, channels, stored, before: 0, after: 0, lastRead: -1, map: null };
  }

  #output(name: string): Output {
    const { op, inputs } = this.#node(name);
    if (op === 'Identity' || op === 'Reshape') return this.#output(inputs[0]);
    if (op === 'Sigmoid') return { ...this.#output(inputs[0]), sigmoid: true };
    if (op === 'ConcatV2')
      return { parts: inputs.slice(0, -1).flatMap((part) => this.#output(part).parts), sigmoid: false };
    return { parts: [this.#make(name)], sigmoid: false };
  }

  /** The value of a node, with the steps that make it. */
  #make(name: string): Value {
    const known = this.#values.get(name);
    if (known) return known;
    const node = this.#node(name);
    const value = node.op === 'MaxPool' ? this.#pool(node) : this.#layer(node);
    this.#values.set(name, value);
    return value;
  }

  #pool(node: GraphNode): Value {
    const from = this.#make(node.inputs[0]);
    const [ksize, strides] = ['ksize', 'strides'].map((key) => node.integers.get(key)?.join());
    if (ksize !== '1,2,2,1' || strides !== ksize || from.height % 2 !== 0 || from.width % 2 !== 0)
      this.#refuse(node, 'pools other than pairs of rows and columns');
    const to = this.#value(from.height / 2, from.width / 2, from.channels);
    this.#step({ layer: null, from, add: null, to });
    return to;
  }

  /** Activation of addition of convolution, each of which but the last may be absent. */
  #layer(last: GraphNode): Value {
    let node = last;
    let slope: string | 'relu' | null = null;
    if (node.op === 'Prelu' || node.op === 'Relu') {
      slope = node.op === 'Relu' ? 'relu' : node.inputs[1];
      node = this.#onlyFor(node, node.inputs[0]);
    }
    let added: string | null = null;
    if (node.op === 'AddV2') {
      const sum = node;
      const conv = [...sum.inputs]
        .reverse()
        .find((name) => this.#node(name).op === '_FusedConv2D' && this.#readers.get(name) === 1);
      if (conv === undefined) this.#refuse(sum, 'adds what is no convolution');
      added = sum.inputs[0] === conv ? sum.inputs[1] : sum.inputs[0];
      node = this.#node(conv);
    }
    if (node.op !== '_FusedConv2D') this.#refuse(node, 'is not known here');
    const ops = (node.texts.get('fused_ops') ?? []).join();
    if (ops !== 'BiasAdd' && slope === null && added === null) {
      if (ops === 'BiasAdd,Prelu') slope = node.inputs[3];
      else if (ops === 'BiasAdd,Relu') slope = 'relu';
      else this.#refuse(node, `fuses ${ops || 'nothing'}`);
    } else if (ops !== 'BiasAdd') this.#refuse(node, `fuses ${ops || 'nothing'} before an addition`);
    return this.#convolution(node, added, slope);
  }

  #convolution(node: GraphNode, added: string | null, slope: string | 'relu' | null): Value {
    const before = this.#node(node.inputs[0]);
    const separable = before.op === 'DepthwiseConv2dNative';
    const outer = separable ? this.#onlyFor(node, before.name) : node;
    const from = this.#make(outer.inputs[0]);
    const weights = this.#weight(node.inputs[1], 4);
    const filters = separable ? this.#weight(before.inputs[1], 4) : null;
    const [, , channels, outs] = weights.shape;
    const [kernel, kernelWidth] = (filters ?? weights).shape;
    const strides = outer.integers.get('strides') ?? [];
    const stride = strides[1];
    if (
      kernel !== kernelWidth ||
      strides[2] !== stride ||
      from.stored !== channels ||
      (filters && (filters.shape[3] !== 1 || weights.shape[0] !== 1)) ||
      (outer.integers.get('dilations') ?? []).some((d) => d !== 1)
    )
      this.#refuse(outer, 'has an unexpected shape');
    const padded = outer.texts.get('padding')?.[0] === 'SAME';
    const along = (length: number) => {
      const out = padded ? Math.ceil(length / stride) : Math.floor((length - kernel) / stride) + 1;
      return { out, padding: Math.max(0, (out - 1) * stride + kernel - length) };
    };
    const [rows, columns] = [along(from.height), along(from.width)];
    if (rows.padding !== columns.padding || rows.out < 1 || columns.out < 1)
      this.#refuse(outer, 'has an unexpected size');
    const shape = { channels, outs, kernel, stride, before: rows.padding >> 1 };
    from.before = Math.max(from.before, shape.before);
    from.after = Math.max(from.after, rows.padding - shape.before);
    const add = added === null ? null : this.#make(this.#withoutPadding(added));
    const layer = planLayer(this.#kernels, shape, {
      weights: weights.values,
      bias: this.#weight(node.inputs[2], 1).values,
      slope:
        slope === null ? null : slope === 'relu' ? new Float32Array(outs) : this.#weight(slope, 3).values,
      filters: filters?.values ?? null,
    });
    const to = this.#value(rows.out, columns.out, outs);
    this.#step({ layer, from, add, to });
    return to;
  }

  /** What a padding by channels of zeros behind pads: additions need no zeros. */
  #withoutPadding(name: string): string {
    const node = this.#node(name);
    if (node.op !== 'Pad') return name;
    const paddings = this.#graph.weights.get(node.inputs[1])?.values ?? [];
    if (paddings.length !== 8 || paddings.slice(0, 7).some((n) => n !== 0))
      this.#refuse(node, 'pads something else than channels behind');
    return node.inputs[0];
  }

  /** An input that nothing else reads. */
  #onlyFor(reader: GraphNode, name: string): GraphNode {
    if (this.#readers.get(name) !== 1) this.#refuse(reader, `shares ${name} with others`);
    return this.#node(name);
  }

  #weight(name: string, rank: number): { readonly shape: readonly number[]; readonly values: Float32Array } {
    const weight = this.#graph.weights.get(name);
    if (!weight || weight.shape.length !== rank || !(weight.values instanceof Float32Array))
      throw new FormatError(`${this.#graph.source}: weight ${name} is missing or not of ${rank} axes`);
    return { shape: weight.shape, values: weight.values };
  }

  #step(step: Step): void {
    step.from.lastRead = this.steps.length;
    if (step.add) step.add.lastRead = this.steps.length;
    this.steps.push(step);
  }

  #refuse(node: GraphNode, why: string): never {
    throw new FormatError(`${this.#graph.source}: ${node.op} ${node.name} ${why}`);
  }
}

/** Gives every value memory; values of one size whose times do not overlap share it. */
function assignMemory(kernels: Kernels, input: Value, steps: readonly Step[]): void {
  const free = new Map<string, FeatureMap[]>();
  // Borders stay zero only where all that share memory have the same size and border.
  const key = (v: Value) => [v.height, v.width, v.stored, v.before, v.after].join();
  const take = (value: Value) => {
    const { height, width, stored, before, after } = value;
    value.map =
      free.get(key(value))?.pop() ?? createFeatureMap(kernels, height, width, stored, { before, after });
  };
  take(input);
  for (const [i, { from, add, to }] of steps.entries()) {
    take(to);
    for (const value of new Set([from, add]))
      if (value && value.lastRead === i) free.set(key(value), [...(free.get(key(value)) ?? []), value.map!]);
  }
}
