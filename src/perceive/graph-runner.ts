/** Runs the plan of a graph (graph.ts) on tfjs' kernels for WebAssembly, without the engine around them. */
import type * as TensorflowCore from '@tensorflow/tfjs-core';
import type { KernelBackend, KernelFunc, TensorInfo } from '@tensorflow/tfjs-core';
import { FormatError } from '../core/errors.ts';
import type { GraphAttributes, GraphPlan } from './graph.ts';

interface Bound {
  readonly run: KernelFunc;
  readonly names: readonly string[] | null;
  readonly inputs: readonly number[];
  readonly attrs: GraphAttributes;
  readonly output: number;
  readonly spent: readonly number[];
}

/** A network whose weights lie in tfjs' memory. */
export class GraphRunner {
  readonly #backend: KernelBackend;
  readonly #plan: GraphPlan;
  readonly #steps: readonly Bound[];
  /** By number; constants stay, the others are there during a run. */
  readonly #tensors: TensorInfo[];

  /** @throws {FormatError} when tfjs has no such kernel. */
  constructor(tf: typeof TensorflowCore, plan: GraphPlan) {
    this.#backend = tf.backend();
    this.#plan = plan;
    this.#steps = plan.steps.map(({ kernel, ...step }) => {
      const found = tf.getKernel(kernel, 'wasm');
      if (!found) throw new FormatError(`tfjs has no kernel ${kernel}`);
      return { run: found.kernelFunc, ...step };
    });
    this.#tensors = new Array(plan.tensors);
    for (const [number, { values, shape, dtype }] of plan.constants)
      this.#tensors[number] = { dataId: this.#backend.write(values, shape, dtype), shape, dtype };
  }

  /** The outputs, in the plan's order, of an input of this shape. */
  run(input: Float32Array, shape: number[]): Float32Array[] {
    const backend = this.#backend;
    const tensors = this.#tensors;
    const { outputs } = this.#plan;
    const dtype = 'float32';
    tensors[this.#plan.input] = { dataId: backend.write(input, shape, dtype), shape, dtype };
    for (const { run, names, inputs, attrs, output, spent } of this.#steps) {
      tensors[output] = run({ inputs: named(names, inputs, tensors), attrs, backend }) as TensorInfo;
      for (const number of spent) backend.disposeData(tensors[number].dataId);
    }
    const values = outputs.map((number) => backend.readSync(tensors[number].dataId) as Float32Array);
    for (const number of outputs) backend.disposeData(tensors[number].dataId);
    return values;
  }

  /** Frees the weights. */
  dispose(): void {
    for (const number of this.#plan.constants.keys()) this.#backend.disposeData(this.#tensors[number].dataId);
  }
}

type KernelInputs = Parameters<KernelFunc>[0]['inputs'];

function named(
  names: readonly string[] | null,
  numbers: readonly number[],
  tensors: readonly TensorInfo[],
): KernelInputs {
  // Kernels of many inputs take a list, whatever the type says.
  if (!names) return numbers.map((number) => tensors[number]) as unknown as KernelInputs;
  const inputs: Record<string, TensorInfo> = {};
  for (let k = 0; k < numbers.length; k++) inputs[names[k]] = tensors[numbers[k]];
  return inputs;
}
