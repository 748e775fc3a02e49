/**
 * Loading and running the networks: MediaPipe's short-range face detector ("back camera" variant, 256²),
 * face mesh (192², 468 points) and iris (64², 71 eye contour points and 5 iris points), and, once it is asked for,
 * HSE-FaceRes (224², what tells people apart; Savchenko 2019); Apache-2.0, as tfjs graph models. Everything comes in as bytes: no fetch and no file access of our own, so the same code serves Node and
 * browsers. tfjs itself wants to fetch its WebAssembly binary; while its backend starts, the platform's `fetch` is one
 * that gives the bytes. (A `blob:` URL would do as well, but Node's own `fetch` takes 0.06 s to load.)
 *
 * tfjs is imported on the first load only (it costs some 0.2 s in Node). Its engine is a process-wide singleton:
 * the backend is initialised once and stays; the networks belong to whoever loaded them. One thread, SIMD where the
 * platform has it.
 */
import type { GraphModel } from '@tensorflow/tfjs-converter';
import type * as TensorflowCore from '@tensorflow/tfjs-core';
import { FormatError, InvalidArgumentError } from '../core/errors.ts';
import { decodeHalf } from '../io/half.ts';
import { createKernels, type Kernels } from '../kernels/runtime.ts';

/**
 * Gives the bytes of one of {@link MEDIAPIPE_ASSETS} or {@link DESCRIPTOR_ASSETS}, or of tfjs' WebAssembly binaries (`tfjs-backend-wasm-simd.wasm`,
 * `tfjs-backend-wasm.wasm`); rejects when it has none.
 */
export type AssetLoader = (name: string) => Promise<Uint8Array>;

/** The network files, as named in the npm package `@vladmandic/human` under `models/`. */
export const MEDIAPIPE_ASSETS = [
  'blazeface.json',
  'blazeface.bin',
  'facemesh.json',
  'facemesh.bin',
  'iris.json',
  'iris.bin',
] as const;

/** The files of the network that describes faces, in the same folder; asked for when the first face is described. */
export const DESCRIPTOR_ASSETS = ['faceres.json', 'faceres.bin'] as const;

/** The networks, ready to run. Inputs are RGB, outputs as the networks give them. */
export interface Networks {
  /** In whose memory inputs are sampled. */
  readonly kernels: Kernels;
  /** Room for an input of that length, the same one each time: 600 kB a video's frame that nobody has to collect. */
  room(length: number): Float32Array;
  /** Input (256,256,3) in [−1, 1]; outputs logits (896) and boxes (896,16), see detector.ts. */
  detect(input: Float32Array): { logits: Float32Array; boxes: Float32Array };
  /** Input (192,192,3) in [0, 1]; outputs (468,3) in crop pixels and the presence of a face in [0, 1]. */
  mesh(input: Float32Array): { points: Float32Array; presence: number };
  /** Input (2,64,64,3) in [0, 1]: two eyes; output (2,76,3) in crop pixels. */
  iris(input: Float32Array): Float32Array;
  /**
   * Input (224,224,3) BGR, see descriptor.ts; output (1024). Loads its network the first time.
   * @throws {FormatError} when its files are not what they should be; rejections of the asset loader pass through.
   */
  describe(input: Float32Array): Promise<Float32Array>;
  /** Frees the weights; may be called more than once. */
  dispose(): void;
}

type Core = typeof TensorflowCore;

let backend: Promise<Core> | null = null;

/**
 * Starts tfjs if need be and loads the networks.
 * @throws {FormatError} when a file is not what it should be; rejections of `assets` pass through.
 */
export async function loadNetworks(assets: AssetLoader): Promise<Networks> {
  const files = Promise.all(MEDIAPIPE_ASSETS.map((name) => assets(name)));
  // Awaited below; without this a failure while the backend starts would count as unhandled.
  files.catch(() => {});
  backend ??= startBackend(assets).catch((error) => {
    backend = null;
    throw error;
  });
  const tf = await backend;
  const { loadGraphModelSync } = await import('@tensorflow/tfjs-converter');
  const bytes = await files;
  const kernels = await createKernels();
  const load = (name: string, topology: Uint8Array, weights: Uint8Array): GraphModel => {
    try {
      const json = JSON.parse(new TextDecoder().decode(topology));
      return loadGraphModelSync(
        tf.io.fromMemorySync({
          modelTopology: json.modelTopology,
          format: json.format,
          signature: json.signature ?? json.userDefinedMetadata?.signature,
          ...decoded(json.weightsManifest[0].weights, weights),
        }),
      ) as unknown as GraphModel;
    } catch (cause) {
      throw new FormatError(
        `${name}: not a readable tfjs graph model with its .bin; take both files from the models folder of @vladmandic/human`,
        { cause },
      );
    }
  };
  const [blazeface, facemesh, irisNet] = [0, 2, 4].map((k) =>
    load(MEDIAPIPE_ASSETS[k], bytes[k], bytes[k + 1]),
  );
  let faceres: Promise<GraphModel> | null = null;
  const loadFaceres = async (): Promise<GraphModel> => {
    const [topology, weights] = await Promise.all(DESCRIPTOR_ASSETS.map((name) => assets(name)));
    return load(DESCRIPTOR_ASSETS[0], topology, weights);
  };

  let disposed = false;
  /** Runs one network on a batch of square RGB crops; the named outputs as plain arrays. */
  const run = (model: GraphModel, input: Float32Array, size: number, outputs: string[]): Float32Array[] => {
    if (disposed) throw new InvalidArgumentError('this perception has been disposed; load another one');
    let out: Float32Array[] = [];
    // Nothing is returned: tidy looks for tensors in what it gives back, number by number (2 ms for a mesh and two eyes).
    tf.tidy(() => {
      const x = tf.tensor4d(input, [input.length / (size * size * 3), size, size, 3]);
      const y = model.execute(x, outputs);
      out = (Array.isArray(y) ? y : [y]).map((t) => t.dataSync() as Float32Array);
    });
    return out;
  };

  const rooms = new Map<number, Float32Array>();
  return {
    kernels,
    room(length) {
      const room = rooms.get(length) ?? new Float32Array(length);
      rooms.set(length, room);
      return room;
    },
    detect(input) {
      const [logitsA, logitsB, boxesA, boxesB] = run(blazeface, input, 256, [
        'Identity:0',
        'Identity_1:0',
        'Identity_2:0',
        'Identity_3:0',
      ]);
      return { logits: joined(logitsA, logitsB), boxes: joined(boxesA, boxesB) };
    },
    mesh(input) {
      const [points, flag] = run(facemesh, input, 192, ['output_mesh', 'output_faceflag']);
      return { points, presence: flag[0] };
    },
    iris(input) {
      return run(irisNet, input, 64, ['Identity:0'])[0];
    },
    async describe(input) {
      faceres ??= loadFaceres().catch((error) => {
        faceres = null;
        throw error;
      });
      return run(await faceres, input, 224, ['global_pooling/Mean'])[0];
    },
    dispose() {
      if (disposed) return;
      disposed = true;
      for (const model of [blazeface, facemesh, irisNet]) model.dispose();
      faceres?.then(
        (model) => model.dispose(),
        () => {},
      );
    },
  };
}

async function startBackend(assets: AssetLoader): Promise<Core> {
  const [tf, wasm] = await Promise.all([
    import('@tensorflow/tfjs-core'),
    import('@tensorflow/tfjs-backend-wasm'),
  ]);
  tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
  const simd = await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT');
  const binary = await assets(simd ? 'tfjs-backend-wasm-simd.wasm' : 'tfjs-backend-wasm.wasm');
  const { platform } = tf.env();
  const { fetch } = platform;
  platform.fetch = async () =>
    ({ ok: true, arrayBuffer: async () => ownBuffer(binary) }) as unknown as Response;
  try {
    const names = ['tfjs-backend-wasm', 'tfjs-backend-wasm-simd', 'tfjs-backend-wasm-threaded-simd'];
    wasm.setWasmPaths(Object.fromEntries(names.map((name) => [`${name}.wasm`, `${name}.wasm`])), true);
    if (!(await tf.setBackend('wasm'))) {
      throw new FormatError(
        'tfjs-backend-wasm: the WebAssembly binary did not start; take it from @tensorflow/tfjs-backend-wasm of the same version',
      );
    }
  } finally {
    platform.fetch = fetch;
  }
  return tf as unknown as Core;
}

/** A weight as a graph model's file describes it. */
interface WeightSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly quantization?: { readonly dtype: string };
}

/** Weights with half-precision ones decoded: tfjs takes 0.1 s for the mesh network's, with much garbage. */
function decoded(weightSpecs: readonly WeightSpec[], weights: Uint8Array) {
  const isHalf = ({ quantization }: WeightSpec) => quantization?.dtype === 'float16';
  const simple = ({ dtype, quantization }: WeightSpec) =>
    quantization
      ? dtype === 'float32' && quantization.dtype === 'float16'
      : dtype === 'float32' || dtype === 'int32';
  const given = ownBuffer(weights);
  if (!weightSpecs.some(isHalf) || !weightSpecs.every(simple)) return { weightSpecs, weightData: given };
  const count = ({ shape }: WeightSpec) => shape.reduce((all, n) => all * n, 1);
  const weightData = new ArrayBuffer(weightSpecs.reduce((all, spec) => all + 4 * count(spec), 0));
  const length = weightSpecs.reduce((all, spec) => all + (isHalf(spec) ? 2 : 4) * count(spec), 0);
  if (given.byteLength < length) throw new Error(`${given.byteLength} bytes of weights for ${length}`);
  let [from, to] = [0, 0];
  for (const spec of weightSpecs) {
    const n = count(spec);
    const bytes = isHalf(spec) ? 2 * n : 4 * n;
    if (isHalf(spec))
      decodeHalf(new Uint16Array(given.slice(from, from + bytes)), new Float32Array(weightData, to, n));
    else new Uint8Array(weightData, to, bytes).set(new Uint8Array(given, from, bytes));
    from += bytes;
    to += 4 * n;
  }
  return { weightSpecs: weightSpecs.map(({ name, shape, dtype }) => ({ name, shape, dtype })), weightData };
}

/** The bytes as an ArrayBuffer of their own (a Node Buffer may be a view of a shared pool). */
function ownBuffer(bytes: Uint8Array): ArrayBuffer {
  if (bytes.byteOffset === 0 && bytes.byteLength === bytes.buffer.byteLength)
    return bytes.buffer as ArrayBuffer;
  return bytes.slice().buffer as ArrayBuffer;
}

function joined(a: Float32Array, b: Float32Array): Float32Array {
  const out = new Float32Array(a.length + b.length);
  out.set(a);
  out.set(b, a.length);
  return out;
}
