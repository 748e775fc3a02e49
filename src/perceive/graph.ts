/**
 * A tfjs graph model as the list of tfjs' kernels to run, for one choice of outputs.
 *
 * tfjs' own way (`GraphModel` of `@tensorflow/tfjs-converter`) looks up every attribute of every node anew in each run,
 * checks arguments twice and books every tensor: 2 of 13 ms of processor time for two eyes, 1.5 of 6.5 for a face mesh, and
 * 14 of 61 ms to load the networks. All of that is known when the file is read. The numbers are the same to the bit: the
 * same kernels get the same arguments (`GraphRunner` in graph-runner.ts).
 *
 * Read are the operations that the networks of networks.ts are made of, others refused. Weights are float32, or float16 in
 * the file and float32 here, or int32.
 */
import { FormatError } from '../core/errors.ts';

/** Weights, or what an operation wants to know as numbers. */
export interface GraphConstant {
  readonly shape: number[];
  readonly dtype: 'float32' | 'int32';
  readonly values: Float32Array | Int32Array;
}

/** One kernel to run; tensors go by their number in the plan. */
export interface GraphStep {
  /** Name of the kernel in tfjs' registry. */
  readonly kernel: string;
  /** The kernel's names of its inputs; null where it takes a list. */
  readonly names: readonly string[] | null;
  readonly inputs: readonly number[];
  readonly attrs: GraphAttributes;
  readonly output: number;
  /** Tensors that no later step reads. */
  readonly spent: readonly number[];
}

/** A kernel's attributes, as tfjs names them. */
export type GraphAttributes = Record<string, string | number | boolean | number[] | number[][]>;

/** What to run, in this order. Tensors are numbered 0…tensors − 1. */
export interface GraphPlan {
  readonly tensors: number;
  readonly input: number;
  readonly constants: ReadonlyMap<number, GraphConstant>;
  readonly steps: readonly GraphStep[];
  readonly outputs: readonly number[];
}

interface NodeAttribute {
  readonly s?: string;
  readonly b?: boolean;
  readonly list?: { readonly i?: readonly (string | number)[]; readonly s?: readonly string[] };
}

interface GraphNode {
  readonly name: string;
  readonly op: string;
  readonly input?: readonly string[];
  readonly attr?: Readonly<Record<string, NodeAttribute>>;
}

interface WeightSpec {
  readonly name: string;
  readonly shape: number[];
  readonly dtype: string;
  readonly quantization?: { readonly dtype: string };
}

interface Signature {
  readonly outputs?: Readonly<Record<string, { readonly name: string }>>;
}

/** The `.json` file of a graph model, as far as it is read here. */
export interface GraphFile {
  readonly modelTopology: { readonly node: readonly GraphNode[] };
  readonly weightsManifest: readonly { readonly weights: readonly WeightSpec[] }[];
  readonly signature?: Signature;
  readonly userDefinedMetadata?: { readonly signature?: Signature };
}

/** Kernels that only take tensors: their names for them. */
const PLAIN: Readonly<Record<string, readonly [kernel: string, ...names: string[]]>> = {
  Add: ['Add', 'a', 'b'],
  AddV2: ['Add', 'a', 'b'],
  Mul: ['Multiply', 'a', 'b'],
  Minimum: ['Minimum', 'a', 'b'],
  Maximum: ['Maximum', 'a', 'b'],
  Relu: ['Relu', 'x'],
  Prelu: ['Prelu', 'x', 'alpha'],
  Sigmoid: ['Sigmoid', 'x'],
};

/**
 * Plans the steps from the only placeholder to `outputs` (names of the signature, or of nodes); what does not lead there is left out.
 * @param weights the `.bin` file
 * @throws {FormatError} for operations, weights and attributes that are not read here; whatever JavaScript throws for a
 *   topology of another structure.
 */
export function planGraph(file: GraphFile, weights: Uint8Array, outputs: readonly string[]): GraphPlan {
  const signature = (file.signature ?? file.userDefinedMetadata?.signature)?.outputs ?? {};
  const nodes = new Map(file.modelTopology.node.map((node) => [node.name, node]));
  const read = weightReader(file.weightsManifest[0].weights, weights);
  const numbers = new Map<string, number>();
  const constants = new Map<number, GraphConstant>();
  const steps: (GraphStep & { readonly spent: number[] })[] = [];
  let tensors = 0;
  let input = -1;

  const tensorOf = (reference: string): number => {
    const name = reference.split(':')[0];
    const known = numbers.get(name);
    if (known !== undefined) return known;
    const node = nodes.get(name);
    if (!node) throw new FormatError(`the graph has no node ${name}`);
    const number = node.op === 'Identity' ? tensorOf(node.input![0]) : make(node);
    numbers.set(name, number);
    return number;
  };
  const make = (node: GraphNode): number => {
    if (node.op === 'Placeholder') {
      input = tensors;
    } else if (node.op === 'Const') {
      constants.set(tensors, read(node.name));
    } else {
      const listOf = (at: number) => Array.from(read(node.input!.at(at)!.split(':')[0]).values);
      const { kernel, names, attrs, taken } = kernelOf(node, listOf);
      const inputs = node.input!.slice(0, taken).map(tensorOf);
      steps.push({ kernel, names, inputs, attrs, output: tensors, spent: [] });
    }
    return tensors++;
  };

  const found = outputs.map((name) => tensorOf(signature[name]?.name ?? name));
  if (input < 0) throw new FormatError('the graph has no input');
  const last = new Map<number, number>();
  steps.forEach((step, k) => {
    for (const number of step.inputs) last.set(number, k);
  });
  for (const [number, k] of last)
    if (!constants.has(number) && !found.includes(number)) steps[k].spent.push(number);
  return { tensors, input, constants, steps, outputs: found };
}

interface Kernel {
  readonly kernel: string;
  readonly names: readonly string[] | null;
  readonly attrs: GraphAttributes;
  /** How many of the node's inputs are tensors, from the first. */
  readonly taken: number;
}

/** @param listOf the numbers of the node's `at`th input, a constant */
function kernelOf(node: GraphNode, listOf: (at: number) => number[]): Kernel {
  const attr = node.attr ?? {};
  const count = node.input?.length ?? 0;
  const plain = PLAIN[node.op];
  if (plain) return { kernel: plain[0], names: plain.slice(1), attrs: {}, taken: count };
  switch (node.op) {
    case 'Conv2D':
    case 'DepthwiseConv2dNative':
      return { kernel: node.op, names: ['x', 'filter'], attrs: convolution(attr), taken: 2 };
    case '_FusedConv2D': {
      const [bias, activation = 'linear'] = (attr.fused_ops?.list?.s ?? []).map((s) => text(s).toLowerCase());
      if (bias !== 'biasadd') throw new FormatError(`${node.name}: a fused convolution without bias`);
      return {
        kernel: 'FusedConv2D',
        names: ['x', 'filter', 'bias', 'preluActivationWeights'],
        attrs: { ...convolution(attr), activation, leakyreluAlpha: 0 },
        taken: count,
      };
    }
    case 'MaxPool':
      return {
        kernel: 'MaxPool',
        names: ['x'],
        attrs: {
          filterSize: rowsAndColumns(attr, 'ksize'),
          strides: rowsAndColumns(attr, 'strides'),
          pad: padding(attr),
        },
        taken: 1,
      };
    case 'Pad': {
      const flat = listOf(1);
      const paddings = Array.from({ length: flat.length / 2 }, (_, k) => [flat[2 * k], flat[2 * k + 1]]);
      return { kernel: 'PadV2', names: ['x'], attrs: { paddings, constantValue: 0 }, taken: 1 };
    }
    case 'Reshape':
      return { kernel: 'Reshape', names: ['x'], attrs: { shape: listOf(1) }, taken: 1 };
    case 'Mean':
      return {
        kernel: 'Mean',
        names: ['x'],
        attrs: { axis: listOf(1), keepDims: attr.keep_dims?.b ?? false },
        taken: 1,
      };
    case 'ConcatV2':
      return { kernel: 'Concat', names: null, attrs: { axis: listOf(-1)[0] }, taken: count - 1 };
    default:
      throw new FormatError(`${node.name}: the operation ${node.op} is not read here`);
  }
}

function convolution(attr: Readonly<Record<string, NodeAttribute>>): GraphAttributes {
  return {
    strides: rowsAndColumns(attr, 'strides'),
    pad: padding(attr),
    dataFormat: 'NHWC',
    dilations: rowsAndColumns(attr, 'dilations'),
  };
}

/** The middle two of four numbers, those of rows and columns in NHWC. */
function rowsAndColumns(attr: Readonly<Record<string, NodeAttribute>>, name: string): number[] {
  return attr[name].list!.i!.slice(1, 3).map(Number);
}

function padding(attr: Readonly<Record<string, NodeAttribute>>): string {
  const name = text(attr.padding.s!).toLowerCase();
  if (name !== 'same' && name !== 'valid') throw new FormatError(`padding ${name} is not read here`);
  if (attr.data_format && text(attr.data_format.s!) !== 'NHWC') throw new FormatError('expected NHWC');
  return name;
}

/** Strings are base64 in the file. */
function text(base64: string): string {
  return atob(base64);
}

/** Reads weights by name, those that are asked for only. */
function weightReader(specs: readonly WeightSpec[], bytes: Uint8Array): (name: string) => GraphConstant {
  const places = new Map<string, { readonly spec: WeightSpec; readonly offset: number }>();
  let end = 0;
  for (const spec of specs) {
    places.set(spec.name, { spec, offset: end });
    end += sizeOf(spec) * (spec.quantization ? 2 : 4);
  }
  if (end > bytes.length) throw new FormatError(`weights end after ${bytes.length} bytes, expected ${end}`);
  return (name) => {
    const place = places.get(name);
    if (!place) throw new FormatError(`no weights of the name ${name}`);
    const { spec, offset } = place;
    const { shape, dtype, quantization } = spec;
    const size = sizeOf(spec);
    if (quantization) {
      if (dtype !== 'float32' || quantization.dtype !== 'float16')
        throw new FormatError(`${name}: ${dtype} as ${quantization.dtype} is not read here`);
      return { shape, dtype, values: halfFloats(new Uint16Array(own(bytes, offset, 2 * size))) };
    }
    if (dtype === 'float32') return { shape, dtype, values: new Float32Array(own(bytes, offset, 4 * size)) };
    if (dtype === 'int32') return { shape, dtype, values: new Int32Array(own(bytes, offset, 4 * size)) };
    throw new FormatError(`${name}: ${dtype} is not read here`);
  };
}

function sizeOf(spec: WeightSpec): number {
  return spec.shape.reduce((product, n) => product * n, 1);
}

/** A part as a buffer of its own, which views of any width can start in (`slice` of Node's Buffer is no copy). */
function own(bytes: Uint8Array, offset: number, length: number): ArrayBuffer {
  return new Uint8Array(bytes.subarray(offset, offset + length)).buffer;
}

/**
 * Finite float16 as float32, exactly: sign, exponent and fraction in their places have float32's bias, 112 powers of two too
 * small, subnormal numbers included.
 */
export function halfFloats(halves: Uint16Array): Float32Array {
  const out = new Float32Array(halves.length);
  const bits = new Uint32Array(out.buffer);
  for (let i = 0; i < halves.length; i++)
    bits[i] = ((halves[i] & 0x8000) << 16) | ((halves[i] & 0x7fff) << 13);
  for (let i = 0; i < out.length; i++) out[i] *= 2 ** 112;
  return out;
}
