/**
 * Networks the user brings as ONNX files, run by onnxruntime-web: its WebAssembly on one thread, the same in Node and
 * in a page. Bytes in, numbers out; the platforms' `onnxRuntime` (photofit/node, photofit/web) supply the library,
 * an optional dependency that is imported with the first network (0.3 s in Node) and never before.
 *
 * onnxruntime-node is about four times faster, but its installation fetches files. The runtime's WebAssembly module is one
 * per process and stays; the sessions belong to whoever loaded them. Every file is checked when it is loaded, as far as
 * it declares its shapes, and every answer when it comes: a user's export is not ours.
 */
import type * as Onnx from 'onnxruntime-web/wasm';
import { FormatError, InvalidArgumentError } from '../core/errors.ts';

/** Where onnxruntime-web comes from; `onnxRuntime()` of `photofit/node` and `photofit/web` make one. */
export interface OnnxRuntime {
  /** Imports `onnxruntime-web/wasm`. */
  module(): Promise<typeof Onnx>;
  /** Gives the bytes of its `ort-wasm-simd-threaded.wasm`. */
  wasm(): Promise<Uint8Array>;
}

/** One output of a network. */
export interface OnnxTensor {
  /** Its name in the file. */
  readonly name: string;
  readonly dims: readonly number[];
  /** Row-major float32. */
  readonly data: Float32Array;
}

/** A length along one axis of a shape; null where any will do. */
export type Axis = number | null;

/** What a network has to look like. */
export interface OnnxContract {
  /** What it is, for messages: `FAN`. */
  readonly kind: string;
  /** Shape of its one input, float32. */
  readonly input: readonly Axis[];
  /** Least number of outputs, and in words what they should be. */
  readonly outputs: number;
  readonly outputsText: string;
}

/** A network ready to run. */
export interface OnnxNetwork {
  /** What messages call it: file and kind. */
  readonly name: string;
  /** The input's shape as the file declares it, null where an axis is free. */
  readonly inputShape: readonly Axis[];
  /**
   * Runs it on one input, row-major float32 of shape `dims`.
   * @throws {InvalidArgumentError} when it has been disposed
   * @throws {FormatError} when the network fails on that input
   */
  run(input: Float32Array, dims: readonly number[]): Promise<OnnxTensor[]>;
  /** Frees the weights; may be called more than once. */
  dispose(): void;
}

const DOCS = 'docs/perception.md says how to export it';

/**
 * Loads a network and holds what it declares against `contract`.
 * @param file its name, for messages
 * @throws {FormatError} when the bytes are no ONNX file, or not of the network expected
 */
export async function loadOnnx(
  bytes: Uint8Array,
  file: string,
  contract: OnnxContract,
  runtime: OnnxRuntime,
): Promise<OnnxNetwork> {
  const name = `${file} (${contract.kind})`;
  if (bytes.length === 0) throw new FormatError(`${name}: the file is empty; ${DOCS}`);
  const onnx = await runtime.module();
  const { wasm } = onnx.env;
  wasm.numThreads = 1;
  wasm.proxy = false;
  wasm.wasmBinary ??= await runtime.wasm();
  const session = await onnx.InferenceSession.create(bytes, {
    executionProviders: ['wasm'],
    graphOptimizationLevel: 'all',
    // Only what is fatal is printed; failures come back as errors anyway.
    logSeverityLevel: 4,
  }).catch((cause: unknown) => {
    throw new FormatError(
      `${name}: not an ONNX file that can be loaded (${reason(cause)}); it may be damaged, or keep its weights in a second file: ${DOCS}`,
      { cause },
    );
  });
  let inputShape: readonly Axis[];
  try {
    inputShape = checkInterface(session, name, contract);
  } catch (error) {
    await session.release();
    throw error;
  }
  let disposed = false;
  return {
    name,
    inputShape,
    async run(input, dims) {
      if (disposed) throw new InvalidArgumentError(`${name}: has been disposed; load it again`);
      const tensor = new onnx.Tensor('float32', input, dims);
      let results: Onnx.InferenceSession.OnnxValueMapType;
      try {
        results = await session.run({ [session.inputNames[0]]: tensor });
      } catch (cause) {
        throw new FormatError(
          `${name}: fails on an input of (${dims.join(', ')}) (${reason(cause)}); ${DOCS}`,
          { cause },
        );
      }
      return session.outputNames.map((output) => {
        const { data, dims } = results[output] as Onnx.Tensor;
        if (!(data instanceof Float32Array))
          throw new FormatError(`${name}: output ${output} is not float32; export it in single precision`);
        return { name: output, dims, data };
      });
    },
    dispose() {
      if (disposed) return;
      disposed = true;
      session.release().catch(() => {});
    },
  };
}

/**
 * Holds an answer against what it has to be.
 * @throws {FormatError} when its shape is another one, or values are no numbers
 */
export function checkTensor(network: OnnxNetwork, tensor: OnnxTensor, shape: readonly Axis[]): void {
  if (!fits(tensor.dims, shape)) {
    throw new FormatError(
      `${network.name}: output ${tensor.name} has the shape ${show(tensor.dims)}, expected ${show(shape)}; ${DOCS}`,
    );
  }
  const { data } = tensor;
  for (let i = 0; i < data.length; i++) {
    if (!Number.isFinite(data[i])) {
      throw new FormatError(
        `${network.name}: output ${tensor.name} holds ${data[i]} at ${i}: its weights are damaged, or it was exported in half precision; ${DOCS}`,
      );
    }
  }
}

/** One input of the right shape, enough outputs; gives the declared input shape. */
function checkInterface(
  session: Onnx.InferenceSession,
  name: string,
  contract: OnnxContract,
): readonly Axis[] {
  const { inputNames, outputNames } = session;
  if (inputNames.length !== 1) {
    throw new FormatError(
      `${name}: has ${inputNames.length} inputs (${inputNames.join(', ')}), expected one picture ${show(contract.input)}; ${DOCS}`,
    );
  }
  const input = session.inputMetadata[0];
  if (!input.isTensor || input.type !== 'float32') {
    throw new FormatError(
      `${name}: its input ${input.name} is ${input.isTensor ? input.type : 'no tensor'}, expected float32; export it in single precision`,
    );
  }
  const shape = input.shape.map((axis) => (typeof axis === 'number' && axis > 0 ? axis : null));
  const matches =
    shape.length === contract.input.length &&
    shape.every((axis, i) => axis === null || contract.input[i] === null || axis === contract.input[i]);
  if (!matches) {
    throw new FormatError(
      `${name}: its input ${input.name} has the shape ${show(shape)}, expected ${show(contract.input)}; ${DOCS}`,
    );
  }
  if (outputNames.length < contract.outputs) {
    throw new FormatError(
      `${name}: has ${outputNames.length} outputs (${outputNames.join(', ')}), expected ${contract.outputsText}; ${DOCS}`,
    );
  }
  return shape;
}

function fits(dims: readonly Axis[], shape: readonly Axis[]): boolean {
  return dims.length === shape.length && shape.every((length, i) => length === null || length === dims[i]);
}

function show(shape: readonly Axis[]): string {
  return `(${shape.map((length) => length ?? 'any').join(', ')})`;
}

function reason(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  return text
    .replace(/^.*ERROR_MESSAGE:\s*/s, '')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 200);
}
