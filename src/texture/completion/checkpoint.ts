/**
 * A trained (or half-trained) completion as a safetensors file: parameters by name, Adam's memory, the principal
 * components, and in the metadata everything that must agree before it may be used: the network's shape, the head
 * model, the texture maps it learns from. What was written by another network is refused by name, not by crash.
 */
import { FormatError } from '../../core/errors.ts';
import { readSafetensors, type Tensor, writeSafetensors } from '../../io/safetensors.ts';
import type { ParameterShape } from '../../nn/network.ts';
import type { MissingPca } from './missing-pca.ts';
import { INPUT_CHANNELS, OUTPUT_CHANNELS } from './network.ts';
import { initialState, resolveTraining, type TrainingOptions, type TrainingState } from './training.ts';

/** Mean absolute error over what was hidden from the network, after some steps. */
export interface TrainingCheck {
  readonly step: number;
  readonly error: number;
}

/** What a checkpoint holds. */
export interface Checkpoint {
  /** The head model whose UV map it is for. */
  readonly model: { readonly name: string; readonly hash: string };
  /** Hash of the UV layout that its maps lie on. */
  readonly layout: string;
  /** Texels along each side of the maps it was trained at. */
  readonly size: number;
  readonly options: Required<TrainingOptions>;
  /** SHA-256 over the names of the maps it is trained on. */
  readonly maps: string;
  readonly state: TrainingState;
  /** What held-out questions said in the course of the training. */
  readonly checks: readonly TrainingCheck[];
  /** In the order of `state.parameters`. */
  readonly shapes: readonly ParameterShape[];
  /** (n) nodes of the whole atlas that are looked at. */
  readonly keep: Uint8Array;
  readonly pca: MissingPca;
  readonly folds: readonly MissingPca[];
}

const FORMAT = 'photofit-completion';
const VERSION = 1;

/** The checkpoint as bytes; the same content, the same bytes. */
export function encodeCheckpoint(c: Checkpoint): Uint8Array {
  const tensors: [string, Tensor][] = [];
  const f32 = (name: string, shape: readonly number[], data: Float32Array) =>
    tensors.push([
      name,
      // A copy: what lies on shared memory may change while a file is written.
      { dtype: 'F32', shape, bytes: new Uint8Array(Float32Array.from(data).buffer) },
    ]);
  let at = 0;
  for (const { name, shape } of c.shapes) {
    const length = shape.reduce((a, b) => a * b, 1);
    for (const part of ['parameters', 'first', 'second'] as const)
      f32(`${part}.${name}`, shape, c.state[part].subarray(at, at + length));
    at += length;
  }
  const components = (prefix: string, pca: MissingPca) => {
    const n = pca.shown.length;
    f32(`${prefix}.mean`, [n, 3], pca.mean);
    f32(`${prefix}.basis`, [n, 3, pca.components], pca.basis);
    f32(`${prefix}.shown`, [n], pca.shown);
    f32(`${prefix}.noise`, [1], Float32Array.of(pca.noise));
  };
  components('pca', c.pca);
  c.folds.forEach((fold, i) => {
    components(`fold${i}`, fold);
  });
  f32('losses', [c.state.losses.length], Float32Array.from(c.state.losses));
  f32(
    'checks',
    [c.checks.length, 2],
    Float32Array.from(c.checks.flatMap(({ step, error }) => [step, error])),
  );
  tensors.push(['keep', { dtype: 'U8', shape: [c.keep.length], bytes: c.keep }]);
  return writeSafetensors(tensors, {
    format: FORMAT,
    version: String(VERSION),
    network: JSON.stringify({
      kind: 'gmcnn',
      base: c.options.base,
      inputs: INPUT_CHANNELS,
      outputs: OUTPUT_CHANNELS,
    }),
    size: String(c.size),
    model: JSON.stringify(c.model),
    layout: c.layout,
    options: JSON.stringify(c.options),
    maps: c.maps,
    step: String(c.state.step),
  });
}

/**
 * Reads a checkpoint.
 * @param shapes parameters that the network of given options has, in order.
 * @param source what to call it in messages.
 * @param shared put the training state on shared memory.
 * @throws {FormatError} when it is none, of another network, or damaged
 */
export function decodeCheckpoint(
  bytes: Uint8Array,
  source: string,
  shapes: (base: number) => readonly ParameterShape[],
  shared = false,
): Checkpoint {
  const fail = (what: string): never => {
    throw new FormatError(`${source}: ${what}`);
  };
  const { metadata, tensors } = readSafetensors(bytes, source);
  if (metadata.format !== FORMAT)
    fail('is not a checkpoint of a completion network; give the file that `photofit space complete` wrote');
  if (metadata.version !== String(VERSION))
    fail(`is a checkpoint of version ${metadata.version}, this program reads ${VERSION}; train anew`);
  const json = <T>(key: string): T => {
    try {
      return JSON.parse(metadata[key] ?? '') as T;
    } catch {
      return fail(`its ${key} cannot be read; the file is damaged`);
    }
  };
  const network = json<{ kind: string; base: number; inputs: number; outputs: number }>('network');
  if (network.kind !== 'gmcnn' || network.inputs !== INPUT_CHANNELS || network.outputs !== OUTPUT_CHANNELS)
    fail(
      `belongs to another network (${network.kind} with ${network.inputs} channels in and ${network.outputs} out, ` +
        `here gmcnn with ${INPUT_CHANNELS} and ${OUTPUT_CHANNELS}); train anew`,
    );
  const tensor = (name: string, shape?: readonly number[], dtype = 'F32'): Tensor => {
    const t = tensors.get(name) ?? fail(`holds no '${name}'; it belongs to another network, or is damaged`);
    if (t.dtype !== dtype || (shape && t.shape.join() !== shape.join()))
      fail(
        `'${name}' is ${t.dtype} [${t.shape}], this network has ${dtype} [${shape ?? ''}]; it belongs to another one`,
      );
    return t;
  };
  const f32 = (name: string, shape?: readonly number[]) => {
    const { bytes: b } = tensor(name, shape);
    // Not slice(): that of Node's Buffer does not copy.
    return new Float32Array(new Uint8Array(b).buffer);
  };
  const options = resolveTraining(json<TrainingOptions>('options'));
  const expected = shapes(network.base);
  const size = expected.reduce((sum, p) => sum + p.shape.reduce((a, b) => a * b, 1), 0);
  const state = initialState(new Float32Array(size), shared);
  let at = 0;
  for (const { name, shape } of expected) {
    for (const part of ['parameters', 'first', 'second'] as const)
      state[part].set(f32(`${part}.${name}`, shape), at);
    at += shape.reduce((a, b) => a * b, 1);
  }
  const components = (prefix: string): MissingPca => {
    const [n, , k] = tensor(`${prefix}.basis`).shape;
    return {
      components: k,
      mean: f32(`${prefix}.mean`, [n, 3]),
      basis: f32(`${prefix}.basis`, [n, 3, k]),
      shown: f32(`${prefix}.shown`, [n]),
      noise: f32(`${prefix}.noise`, [1])[0],
    };
  };
  const folds: MissingPca[] = [];
  while (tensors.has(`fold${folds.length}.mean`)) folds.push(components(`fold${folds.length}`));
  const checks = f32('checks');
  return {
    model: json('model'),
    layout: metadata.layout,
    size: Number(metadata.size),
    options,
    maps: metadata.maps,
    state: { ...state, step: Number(metadata.step), losses: Array.from(f32('losses')) },
    checks: Array.from({ length: checks.length / 2 }, (_, i) => ({
      step: checks[2 * i],
      error: checks[2 * i + 1],
    })),
    shapes: expected,
    keep: new Uint8Array(tensor('keep', undefined, 'U8').bytes),
    pca: components('pca'),
    folds,
  };
}
