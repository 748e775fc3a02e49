/** A tfjs graph run node by node in float64, as TensorFlow describes its operations: for `nn/graph-network.ts`. */
import type { GraphNode, TfjsGraph } from '../../src/io/tfjs-graph.ts';

interface Tensor {
  /** Height, width, channels. */
  readonly size: readonly [number, number, number];
  readonly values: Float64Array;
}

/** The outputs named, flat, for one example (height,width,channels). */
export function runGraphReference(
  graph: TfjsGraph,
  input: ArrayLike<number>,
  outputs: readonly string[],
): Float64Array[] {
  const known = new Map<string, Tensor>();
  const weight = (name: string) => graph.weights.get(name)!;
  const evaluate = (name: string): Tensor => {
    const done = known.get(name);
    if (done) return done;
    const node = graph.nodes.get(name)!;
    const value = compute(node);
    known.set(name, value);
    return value;
  };
  const compute = (node: GraphNode): Tensor => {
    const { op, inputs } = node;
    if (op === 'Placeholder') {
      const [, h, w, c] = node.shape!;
      return { size: [h, w, c], values: Float64Array.from(input) };
    }
    const x = evaluate(inputs[0]);
    const [h, w, c] = x.size;
    const each = (f: (v: number, channel: number) => number): Tensor => ({
      size: x.size,
      values: x.values.map((v, i) => f(v, i % c)),
    });
    switch (op) {
      case 'Identity':
      case 'Reshape':
        return x;
      case 'Sigmoid':
        return each((v) => 1 / (1 + Math.exp(-v)));
      case 'Relu':
        return each((v) => Math.max(v, 0));
      case 'Prelu':
        return each((v, k) => (v < 0 ? v * weight(inputs[1]).values[k] : v));
      case 'AddV2': {
        const y = evaluate(inputs[1]);
        return { size: x.size, values: x.values.map((v, i) => v + y.values[i]) };
      }
      case 'Pad': {
        const more = weight(inputs[1]).values[7];
        const values = new Float64Array(h * w * (c + more));
        for (let i = 0; i < x.values.length; i++)
          values[Math.floor(i / c) * (c + more) + (i % c)] = x.values[i];
        return { size: [h, w, c + more], values };
      }
      case 'ConcatV2': {
        const y = evaluate(inputs[1]);
        return {
          size: [1, 1, c + y.size[2]],
          values: Float64Array.of(...x.values, ...y.values),
        };
      }
      case 'MaxPool':
        return windows(x, c, 2, 2, false, (at, out) => {
          for (let k = 0; k < c; k++)
            out[k] = Math.max(...[0, 1].flatMap((j) => [0, 1].map((i) => at(j, i, k))));
        });
      case 'DepthwiseConv2dNative': {
        const { shape, values } = weight(inputs[1]);
        const [stride, padded] = [node.integers.get('strides')![1], node.texts.get('padding')![0] === 'SAME'];
        return windows(x, c, shape[0], stride, padded, (at, out) => {
          for (let j = 0; j < shape[0]; j++)
            for (let i = 0; i < shape[1]; i++)
              for (let k = 0; k < c; k++) out[k] += at(j, i, k) * values[(j * shape[1] + i) * c + k];
        });
      }
      case '_FusedConv2D': {
        const { shape, values } = weight(inputs[1]);
        const outs = shape[3];
        const bias = weight(inputs[2]).values;
        const fused = node.texts.get('fused_ops')!;
        const slopes = fused[1] === 'Prelu' ? weight(inputs[3]).values : new Float32Array(outs);
        const [stride, padded] = [node.integers.get('strides')![1], node.texts.get('padding')![0] === 'SAME'];
        return windows(x, outs, shape[0], stride, padded, (at, out) => {
          for (let o = 0; o < outs; o++) out[o] = bias[o];
          for (let j = 0; j < shape[0]; j++)
            for (let i = 0; i < shape[1]; i++)
              for (let k = 0; k < c; k++) {
                const v = at(j, i, k);
                const from = ((j * shape[1] + i) * c + k) * outs;
                for (let o = 0; o < outs; o++) out[o] += v * values[from + o];
              }
          if (fused.length > 1) for (let o = 0; o < outs; o++) if (out[o] < 0) out[o] *= slopes[o];
        });
      }
      default:
        throw new Error(`runGraphReference: ${op} is not written`);
    }
  };
  return outputs.map((name) => evaluate(graph.outputs.get(name)!).values);
}

/** Calls `fill` for every window of `size`²; outside is zero, half of it (rounded down) before, as SAME has it. */
function windows(
  { size: [h, w, c], values }: Tensor,
  outs: number,
  size: number,
  stride: number,
  padded: boolean,
  fill: (at: (j: number, i: number, k: number) => number, out: Float64Array) => void,
): Tensor {
  const extent = (n: number) => (padded ? Math.ceil(n / stride) : Math.floor((n - size) / stride) + 1);
  const [rows, columns] = [extent(h), extent(w)];
  const before = padded ? Math.floor(Math.max(0, (rows - 1) * stride + size - h) / 2) : 0;
  const out = new Float64Array(rows * columns * outs);
  for (let y = 0; y < rows; y++)
    for (let x = 0; x < columns; x++) {
      const at = (j: number, i: number, k: number) => {
        const [v, u] = [y * stride + j - before, x * stride + i - before];
        return v < 0 || u < 0 || v >= h || u >= w ? 0 : values[(v * w + u) * c + k];
      };
      fill(at, out.subarray((y * columns + x) * outs, (y * columns + x + 1) * outs));
    }
  return { size: [rows, columns, outs], values: out };
}
