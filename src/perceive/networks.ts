/**
 * Loading and running the three networks: MediaPipe's short-range face detector ("back camera" variant, 256²),
 * face mesh (192², 468 points) and iris (64², 71 eye contour points and 5 iris points), Apache-2.0, as tfjs graph
 * models. Everything comes in as bytes: no fetch and no file access of our own, so the same code serves Node and
 * browsers. They run on kernels of our own (`nn/graph-network.ts`). tfjs' WebAssembly, which ran them before, gives the
 * same numbers to a millionth; processor time with it and now: detector 39 and 12 ms, mesh 10.5 and 2.5 ms, irises 18.2 and
 * 6.0 ms, start 0.35 and 0.09 s.
 */
import { FormatError, InvalidArgumentError } from '../core/errors.ts';
import { readTfjsGraph } from '../io/tfjs-graph.ts';
import { createKernels } from '../kernels/runtime.ts';
import { type GraphNetwork, planGraph } from '../nn/graph-network.ts';

/** Gives the bytes of one of {@link MEDIAPIPE_ASSETS}; rejects when it has none. */
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

/** The three networks, ready to run. Inputs are RGB, outputs as the networks give them. */
export interface Networks {
  /** Input (256,256,3) in [−1, 1]; outputs logits (896) and boxes (896,16), see detector.ts. */
  detect(input: Float32Array): { logits: Float32Array; boxes: Float32Array };
  /** Input (192,192,3) in [0, 1]; outputs (468,3) in crop pixels and the presence of a face in [0, 1]. */
  mesh(input: Float32Array): { points: Float32Array; presence: number };
  /** Input (2,64,64,3) in [0, 1]: two eyes; output (2,76,3) in crop pixels. */
  iris(input: Float32Array): Float32Array;
  /** Frees the weights; may be called more than once. */
  dispose(): void;
}

/** Outputs wanted, by network in the order of {@link MEDIAPIPE_ASSETS}. */
const OUTPUTS = [
  ['Identity:0', 'Identity_1:0', 'Identity_2:0', 'Identity_3:0'],
  ['output_mesh', 'output_faceflag'],
  ['Identity:0'],
] as const;
/** Numbers of one eye's crop. */
const EYE = 64 * 64 * 3;

/**
 * Loads the networks.
 * @throws {FormatError} when a file is not what it should be; rejections of `assets` pass through.
 */
export async function loadNetworks(assets: AssetLoader): Promise<Networks> {
  const [kernels, ...bytes] = await Promise.all([
    createKernels(),
    ...MEDIAPIPE_ASSETS.map((name) => assets(name)),
  ]);
  let networks: readonly GraphNetwork[] | null = OUTPUTS.map((outputs, k) => {
    const name = MEDIAPIPE_ASSETS[2 * k];
    try {
      return planGraph(kernels, readTfjsGraph(bytes[2 * k], bytes[2 * k + 1], name), outputs);
    } catch (cause) {
      throw new FormatError(
        `${name}: not a readable tfjs graph model with its .bin; take both files from the models folder of @vladmandic/human`,
        { cause },
      );
    }
  });
  const run = (k: number, input: Float32Array): Float32Array[] => {
    if (!networks)
      throw new InvalidArgumentError('detect: this perception has been disposed; load another one');
    return networks[k].run(input);
  };
  return {
    detect(input) {
      const [logitsA, logitsB, boxesA, boxesB] = run(0, input);
      return { logits: joined(logitsA, logitsB), boxes: joined(boxesA, boxesB) };
    },
    mesh(input) {
      const [points, flag] = run(1, input);
      return { points, presence: flag[0] };
    },
    iris(input) {
      const [right] = run(2, input.subarray(0, EYE));
      const [left] = run(2, input.subarray(EYE));
      return joined(right, left);
    },
    dispose() {
      networks = null;
    },
  };
}

function joined(a: Float32Array, b: Float32Array): Float32Array {
  const out = new Float32Array(a.length + b.length);
  out.set(a);
  out.set(b, a.length);
  return out;
}
