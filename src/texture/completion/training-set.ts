/**
 * Many textures, of which parts are known, as the network is trained on them: on the part of the map that any of them
 * shows, with principal components learned once from all and once without each fold. An example is completed by
 * components that have not seen its map, as a new photo would be: else the network learns to trust them too much.
 *
 * Everything large is in plain arrays, on shared memory where `shared` is asked for, so that threads can use one copy.
 */
import { withDefaults } from '../../core/defaults.ts';
import { InvalidArgumentError, throwIfAborted } from '../../core/errors.ts';
import type { ProgressListener } from '../../core/progress.ts';
import type { Kernels } from '../../kernels/runtime.ts';
import { TRAINING_SET_DEFAULTS } from '../space-defaults.ts';
import type { TextureMapSource } from '../texture-map.ts';
import {
  type CompletionAtlas,
  type KnownTexture,
  mirrorTexture,
  reduceMap,
  restrictAtlas,
  restrictTexture,
} from './atlas.ts';
import { fitMissingPca, type MissingPca, mostComponents } from './missing-pca.ts';

/** Options of {@link createTrainingSet}; defaults: `TRAINING_SET_DEFAULTS`. */
export interface TrainingSetOptions {
  readonly components?: number;
  /** Of expectation maximisation. */
  readonly iterations?: number;
  /**
   * (n of the whole atlas,3) the head's mean texture (`headMean`): where few maps show anything, their mean and components go
   * on as those of the neighbours do, see `MissingPcaOptions.smooth`. Without it each texel is for itself.
   */
  readonly base?: Float32Array;
  /** The set is about the texels that more maps than this show, counted by weight, on the side where more is seen of each. */
  readonly least?: number;
  readonly folds?: number;
  /** Maps at the end that nothing is learned from. */
  readonly heldOut?: number;
  /** Components of an earlier run on the same maps: they are not learned again. */
  readonly learned?: Pick<TrainingSet, 'keep' | 'pca' | 'folds'>;
  /** Put arrays on shared memory. */
  readonly shared?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: ProgressListener;
}

/** Maps over the nodes of one atlas. */
export interface TrainingSet {
  readonly count: number;
  /** The first so many are learned from. */
  readonly trained: number;
  /** (n of the whole atlas) 1 for the nodes that any map, or its mirror image, shows. */
  readonly keep: Uint8Array;
  /** (N,n,3) and (N,n) float32. */
  readonly values: Float32Array;
  readonly weights: Float32Array;
  /** Of all maps learned from. */
  readonly pca: MissingPca;
  /** Without the maps i ≡ fold (mod folds). */
  readonly folds: readonly MissingPca[];
}

/**
 * How alike the components and means of neighbouring texels are on a map of 128², in maps that show a texel. Of 0, 1, 2, 4
 * the best on 40 people of `bench/completion.ts`, see docs/texture-completion.md.
 */
const SMOOTHNESS = 4;
/**
 * `least` where the set is to complete maps: what up to three people show says more about them and their light than about a
 * face, and is completed like what nobody shows.
 */
export const LEAST_MAPS = 3;
/** Above so many maps their mirror images are not counted as further ones; memory doubles with them. */
const MIRROR_LIMIT = 600;

/** Components of a set that learns from `trained` maps when `wanted` are asked for. */
export function learnedComponents(wanted: number, trained: number): number {
  return Math.min(wanted, mostComponents(trained <= MIRROR_LIMIT ? 2 * trained : trained));
}

/**
 * Reads all maps of `source` and learns their components.
 * @param whole the atlas of the model at the training size.
 * @returns the set, and the part of the atlas that it is about.
 * @throws {InvalidArgumentError} on fewer than 8 maps, or maps of which no more than `options.least` show any texel
 */
export async function createTrainingSet(
  kernels: Kernels,
  whole: CompletionAtlas,
  source: TextureMapSource,
  options: TrainingSetOptions = {},
): Promise<{ set: TrainingSet; atlas: CompletionAtlas }> {
  const o = withDefaults(TRAINING_SET_DEFAULTS, options);
  const N = source.names.length;
  if (N < 8)
    throw new InvalidArgumentError(
      `createTrainingSet: needs at least 8 texture maps to learn from, got ${N}; complete few maps by mirror and harmonic fill`,
    );
  const total = whole.graph.texels.length;
  const keep = new Uint8Array(total);
  const support = new Float32Array(total);
  const read: KnownTexture[] = [];
  for (let i = 0; i < N; i++) {
    throwIfAborted(o.signal);
    o.onProgress?.({ stage: 'read maps', fraction: (0.3 * i) / N });
    const known = reduceMap(whole, await source.read(i));
    read.push(known);
    const { weights } = mirrorTexture(whole, known);
    for (let d = 0; d < total; d++) support[d] += Math.max(known.weights[d], weights[d]);
  }
  if (o.learned) keep.set(o.learned.keep);
  else for (let d = 0; d < total; d++) keep[d] = support[d] > o.least ? 1 : 0;
  const atlas = restrictAtlas(kernels, whole, keep);
  const n = atlas.graph.texels.length;
  if (n === 0)
    throw new InvalidArgumentError(
      o.least > 0
        ? `createTrainingSet: no texel is shown by more than ${o.least} maps; complete such maps by mirror`
        : 'createTrainingSet: no map shows anything; the visibility of all is zero',
    );
  const array = (length: number) =>
    new Float32Array(o.shared ? new SharedArrayBuffer(4 * length) : new ArrayBuffer(4 * length));
  const values = array(3 * N * n);
  const weights = array(N * n);
  read.forEach((known, i) => {
    const part = restrictTexture(known, keep);
    values.set(part.values, 3 * i * n);
    weights.set(part.weights, i * n);
  });
  read.length = 0;
  const trained = N - o.heldOut;
  const set = { count: N, trained, keep, values, weights };
  const kept = (a: Float32Array) => {
    const to = array(a.length);
    to.set(a);
    return to;
  };
  const own = (pca: MissingPca) => ({
    ...pca,
    mean: kept(pca.mean),
    basis: kept(pca.basis),
    shown: kept(pca.shown),
    // As a checkpoint holds it: a training taken up again goes on to the same bits.
    noise: Math.fround(pca.noise),
  });
  if (o.learned) return { set: { ...set, pca: own(o.learned.pca), folds: o.learned.folds.map(own) }, atlas };
  const both = trained <= MIRROR_LIMIT;
  const { starts, neighbours } = atlas.graph;
  const smooth = o.base && {
    starts,
    neighbours,
    strength: SMOOTHNESS * (atlas.size / 128) ** 2,
    base: restrictTexture({ values: o.base, weights: new Float32Array(total) }, keep).values,
  };
  const learn = async (fold: number, from: number, share: number, start?: MissingPca) => {
    const maps: KnownTexture[] = [];
    for (let i = 0; i < trained; i++) {
      if (i % o.folds === fold) continue;
      const known = textureOf(set, i);
      maps.push(known);
      if (both) maps.push(mirrorTexture(atlas, known));
    }
    const pca = await fitMissingPca(kernels, maps, {
      components: o.components,
      iterations: start ? Math.ceil(o.iterations / 3) : o.iterations,
      ...(smooth && { smooth }),
      ...(start && { start }),
      ...(o.signal && { signal: o.signal }),
      onProgress: ({ stage, fraction }) => o.onProgress?.({ stage, fraction: from + share * fraction }),
    });
    return own(pca);
  };
  const pca = await learn(-1, 0.3, 0.35);
  const folds: MissingPca[] = [];
  for (let f = 0; f < o.folds; f++)
    folds.push(await learn(f, 0.65 + (0.35 * f) / o.folds, 0.35 / o.folds, pca));
  return { set: { ...set, pca, folds }, atlas };
}

/**
 * Components that learned nothing from map `index`: those of all maps if it is held out, else those of its fold's others
 * (of all maps where there are no folds).
 */
export function componentsWithout(
  { folds, trained, pca }: Pick<TrainingSet, 'folds' | 'trained' | 'pca'>,
  index: number,
): MissingPca {
  return (index < trained && folds[index % folds.length]) || pca;
}

/** Map `index` of a set. */
export function textureOf(
  set: Pick<TrainingSet, 'values' | 'weights' | 'count'>,
  index: number,
): KnownTexture {
  const n = set.weights.length / set.count;
  return {
    values: set.values.subarray(3 * index * n, 3 * (index + 1) * n),
    weights: set.weights.subarray(index * n, (index + 1) * n),
  };
}
