/**
 * Networks in TensorFlow.js' graph format: a JSON of nodes (a TensorFlow GraphDef) and a file of weights, float32 or
 * float16, one after the other. Only read here; `nn/graph-network.ts` makes networks of it.
 */
import { FormatError } from '../core/errors.ts';
import { decodeHalf } from './half.ts';
import { parseJson } from './json.ts';

/** One operation. */
export interface GraphNode {
  readonly name: string;
  /** TensorFlow's name of it, e.g. `_FusedConv2D`. */
  readonly op: string;
  /** Names of nodes, without output numbers. */
  readonly inputs: readonly string[];
  /** Lists of integers (`strides`), by name. */
  readonly integers: ReadonlyMap<string, readonly number[]>;
  /** Shape of what is fed in, for a `Placeholder`; −1 where any length will do. */
  readonly shape: readonly number[] | null;
  /** Texts and lists of texts (`padding`, `fused_ops`), by name. */
  readonly texts: ReadonlyMap<string, readonly string[]>;
}

/** A constant. */
export interface GraphWeight {
  readonly shape: readonly number[];
  readonly values: Float32Array | Int32Array;
}

/** A network as it is written down. */
export interface TfjsGraph {
  /** What messages call it. */
  readonly source: string;
  readonly nodes: ReadonlyMap<string, GraphNode>;
  readonly weights: ReadonlyMap<string, GraphWeight>;
  /** Nodes of the outputs, by the names that the network's signature gives them. */
  readonly outputs: ReadonlyMap<string, string>;
}

interface JsonAttribute {
  readonly s?: string;
  readonly shape?: { readonly dim?: readonly { readonly size: string }[] };
  readonly list?: { readonly i?: readonly string[]; readonly s?: readonly string[] };
}
interface JsonNode {
  readonly name: string;
  readonly op: string;
  readonly input?: readonly string[];
  readonly attr?: Readonly<Record<string, JsonAttribute>>;
}
interface JsonWeight {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly quantization?: { readonly dtype: string };
}
interface JsonSignature {
  readonly outputs?: Readonly<Record<string, { readonly name: string }>>;
}
interface JsonModel {
  readonly modelTopology?: { readonly node?: readonly JsonNode[] };
  readonly weightsManifest?: readonly { readonly weights: readonly JsonWeight[] }[];
  readonly signature?: JsonSignature;
  readonly userDefinedMetadata?: { readonly signature?: JsonSignature };
}

/**
 * Reads a network.
 * @param source what errors call it
 * @throws {FormatError} when the files are not of this format, or the weights are not as long as the JSON says
 */
export function readTfjsGraph(json: Uint8Array, weights: Uint8Array, source: string): TfjsGraph {
  const model = parseJson(new TextDecoder().decode(json), source) as JsonModel;
  const nodes = model?.modelTopology?.node;
  const signature = model?.signature ?? model?.userDefinedMetadata?.signature;
  if (!nodes || !model.weightsManifest || !signature?.outputs)
    throw new FormatError(
      `${source}: is no tfjs graph model (modelTopology, weightsManifest or signature missing)`,
    );
  return {
    source,
    nodes: new Map(nodes.map((node) => [node.name, readNode(node)])),
    weights: readWeights(
      model.weightsManifest.flatMap((group) => group.weights),
      weights,
      source,
    ),
    outputs: new Map(
      Object.entries(signature.outputs).map(([name, output]) => [name, withoutNumber(output.name)]),
    ),
  };
}

function readNode({ name, op, input = [], attr = {} }: JsonNode): GraphNode {
  const integers = new Map<string, number[]>();
  const texts = new Map<string, string[]>();
  for (const [key, { s, list }] of Object.entries(attr)) {
    if (list?.i) integers.set(key, list.i.map(Number));
    if (list?.s) texts.set(key, list.s.map(atob));
    if (s !== undefined) texts.set(key, [atob(s)]);
  }
  // Names that begin with ^ only say what has to run before.
  const inputs = input.filter((from) => !from.startsWith('^')).map(withoutNumber);
  const shape = attr['shape']?.shape?.dim?.map(({ size }) => Number(size)) ?? null;
  return { name, op, inputs, integers, texts, shape };
}

function withoutNumber(name: string): string {
  return name.replace(/:\d+$/, '');
}

function readWeights(
  specs: readonly JsonWeight[],
  bytes: Uint8Array,
  source: string,
): Map<string, GraphWeight> {
  const out = new Map<string, GraphWeight>();
  let at = 0;
  for (const { name, shape, dtype, quantization } of specs) {
    const stored = quantization?.dtype ?? dtype;
    const length = shape.reduce((a, b) => a * b, 1);
    const take = (size: number) => {
      const end = at + size * length;
      if (end > bytes.length)
        throw new FormatError(
          `${source}: the weights are ${bytes.length} bytes long, ${name} ends at ${end}; get both files anew`,
        );
      // A copy: parts of files need not lie at multiples of their numbers' sizes.
      const part = new Uint8Array(end - at);
      part.set(bytes.subarray(at, end));
      at = end;
      return part.buffer;
    };
    if (stored === 'float32') out.set(name, { shape, values: new Float32Array(take(4)) });
    else if (stored === 'float16') out.set(name, { shape, values: decodeHalf(new Uint16Array(take(2))) });
    else if (stored === 'int32') out.set(name, { shape, values: new Int32Array(take(4)) });
    else throw new FormatError(`${source}: ${name} is stored as ${stored}, which is not read`);
  }
  if (at !== bytes.length)
    throw new FormatError(
      `${source}: the weights are ${bytes.length} bytes long instead of ${at}; get both files anew`,
    );
  return out;
}
