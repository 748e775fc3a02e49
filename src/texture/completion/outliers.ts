/**
 * What many maps show that is not skin: frames of glasses, hair, a hand, lids on eyeballs where a fit slipped. One photo
 * does not tell a frame from a brow; many do, because it is in few of them and no combination of what the others have in
 * common explains it.
 *
 * Principal components are learned by iteratively re-weighted least squares over the maps at training size
 * (`missing-pca.ts`; De la Torre and Black 2003, "A framework for robust subspace learning"): a texel's weight is its
 * visibility times 1/(1 + (r/3s)²)², r its distance in colour to what the components of this map say, s the median of r
 * over the maps at that texel, within limits of the median over all.
 *
 * Few components first: 30 learned at once from 150 people, a quarter of them with glasses, have glasses among them, and
 * the weights never fall. Error of unseen textures with 20 components (`bench/space-population.ts`, on small maps of the
 * face alone): 10.3 untouched, 10.1 with 30 at once, 9.5 with 8 first, 9.4 with 4. Beginning with the distances to the
 * initial space's texture of each fit instead: 9.5, and maps of other sources have none.
 *
 * Then more components, of which neighbouring texels have alike shares, and with textures of the head's own space as further
 * people: what they say of a map is skin also where hardly any map shows it (`--method robust`; docs/texture-space.md).
 */
import type { ProgressListener } from '../../core/progress.ts';
import { median } from '../../core/quantile.ts';
import { sha256Hex } from '../../core/sha256.ts';
import type { Kernels } from '../../kernels/runtime.ts';
import type { HeadModel, TextureSpace } from '../../model/head-model.ts';
import { resize } from '../../render/resample.ts';
import { smoothstep } from '../grids.ts';
import { facesInSkin } from '../skin-trust.ts';
import type { TextureMapSource } from '../texture-map.ts';
import type { CompletionAtlas, KnownTexture } from './atlas.ts';
import { completeByPca, fitMissingPca, type MissingPca } from './missing-pca.ts';
import { createTrainingSet, textureOf } from './training-set.ts';

/** Tuning of {@link findOutliers}; distances in units of what is usual at a texel. */
export const OUTLIER_DEFAULTS = {
  /** Components to begin with and rounds with them; the same with those that are learned then. */
  few: 4,
  fewRounds: 4,
  components: 30,
  rounds: 4,
  /** Steps of expectation maximisation of a first round and of the others. */
  first: 14,
  next: 5,
  /** Distance at which a texel counts a quarter while components are learned. */
  cut: 3,
  /** A texel stays as it is up to the first distance and is replaced from the second on. */
  gate: [3, 6],
  /** The same for maps that are to make a space: nothing of one person alone is in its first components. */
  softGate: [1, 3],
  /** And the share that such maps keep of what the components do not say of them, in detail that small texels show. */
  softShare: 0.5,
  /** Weight of what is not in the head's skin region. */
  other: 0.1,
  /** What is usual at a texel, at least and at most, over what is usual anywhere. */
  usual: [0.7, 2],
  /** σ² is multiplied by this on a map of 128², while components are learned and when a map's own texture is asked for. */
  inflation: 16,
  /** How alike the components of neighbouring texels are, see `MissingPcaOptions.smooth`, on a map of 128². */
  smoothness: 100,
  /** Weight of each of the textures that stand for the space that is known already. */
  known: 0.05,
} as const;

/** Fewest maps that tell what is common. */
export const OUTLIER_MAPS = 40;

/** Options of {@link findOutliers}. */
export interface OutlierOptions {
  /** A texel stays as it is up to the first distance and is replaced from the second on. */
  readonly gate?: readonly [number, number];
  /** Share that skin keeps of its difference to what is most likely; default all. */
  readonly share?: number;
  /** The head: its space, that photos were fitted with, says what is known of skin; eyes and scalp tell little of skin. */
  readonly head?: HeadModel;
  readonly signal?: AbortSignal;
  readonly onProgress?: ProgressListener;
}

/** What of a map is skin, over the n nodes of {@link Outliers.atlas}. */
export interface MapSkin {
  /** (n) how far its texels are skin, in [0, 1]. */
  readonly skin: Float32Array;
  /** (n,3) the most likely skin there. */
  readonly likely: Float32Array;
  /** (n,3) what skin that is kept is too far from it, zero where the map shows nothing; null for nothing anywhere. */
  readonly excess: Float32Array | null;
}

/** What of each map is skin, and what would be there. */
export interface Outliers {
  /** The part of the atlas that any map shows. */
  readonly atlas: CompletionAtlas;
  /** Share of the texels seen that is replaced. */
  readonly share: number;
  /** Of map `index`. */
  map(index: number): MapSkin;
  /** Of what was learned: other maps give another one. */
  hash(): Promise<string>;
}

/**
 * Finds them.
 * @param whole the model's atlas at the size to look at.
 * @throws {InvalidArgumentError} as `createTrainingSet`
 * @throws {AbortedError} when cancelled
 */
export async function findOutliers(
  kernels: Kernels,
  whole: CompletionAtlas,
  source: TextureMapSource,
  options: OutlierOptions = {},
): Promise<Outliers> {
  const o = OUTLIER_DEFAULTS;
  const { signal, onProgress, share = 1 } = options;
  const { set, atlas } = await createTrainingSet(kernels, whole, source, {
    components: o.few,
    folds: 0,
    ...(signal && { signal }),
    onProgress: ({ stage, fraction }) => onProgress?.({ stage, fraction: 0.3 * fraction }),
  });
  const N = set.count;
  const n = atlas.graph.texels.length;
  // Larger texels are fewer that miss alike, and each of them weighs more against its edges.
  const density = (atlas.size / 128) ** 2;
  const inflation = Math.max(1, o.inflation * density);
  const { starts, neighbours } = atlas.graph;
  const smooth = { starts, neighbours, strength: o.smoothness * density };
  const inSkin = options.head && facesInSkin(options.head);
  const base = set.weights.map((w, k) => w * (inSkin && !inSkin[atlas.graph.faces[k % n]] ? o.other : 1));
  const weights = base.slice();
  const weighted = (i: number): KnownTexture => ({
    values: textureOf(set, i).values,
    weights: weights.subarray(i * n, (i + 1) * n),
  });
  const distance = new Float32Array(N * n);
  const step = (pca: MissingPca) => {
    for (let i = 0; i < N; i++) {
      const known = weighted(i);
      const likely = completeByPca(pca, known, inflation);
      for (let d = 0; d < n; d++) distance[i * n + d] = colourDistance(known.values, likely, 3 * d);
    }
    inUsual(distance, set.weights, N, n);
    for (let k = 0; k < weights.length; k++) weights[k] = base[k] / (1 + (distance[k] / o.cut) ** 2) ** 2;
  };
  const space = options.head?.texture;
  const mean = space && planeOf(space, space.mean, atlas);
  const known = mean ? texturesOf(space, atlas, mean) : [];
  const learn = async (components: number, iterations: number, start?: MissingPca) => {
    const maps = [...Array.from({ length: N }, (_, i) => weighted(i)), ...known];
    const pca = await fitMissingPca(kernels, maps, {
      components,
      iterations,
      inflation,
      ...(components > o.few && { smooth: { ...smooth, ...(mean && { base: mean }) } }),
      ...(start && { start }),
      ...(signal && { signal }),
    });
    step(pca);
    return pca;
  };
  step(set.pca);
  let { pca } = set;
  const all = o.fewRounds - 1 + o.rounds;
  for (let round = 1; round <= all; round++) {
    const few = round < o.fewRounds;
    const fresh = round === o.fewRounds;
    pca = await learn(few ? o.few : o.components, fresh ? o.first : o.next, fresh ? undefined : pca);
    onProgress?.({ stage: 'outliers', fraction: 0.3 + (0.7 * round) / all });
  }
  const [least, most] = options.gate ?? o.gate;
  const skinOf = (i: number) =>
    Float32Array.from(distance.subarray(i * n, (i + 1) * n), (r) => 1 - smoothstep(least, most, r));
  let [seen, replaced] = [0, 0];
  for (let i = 0; i < N; i++)
    skinOf(i).forEach((skin, d) => {
      const w = set.weights[i * n + d];
      seen += w;
      replaced += w * (1 - skin);
    });
  return {
    atlas,
    share: replaced / Math.max(seen, 1e-9),
    map(i) {
      const likely = completeByPca(pca, weighted(i), inflation);
      const { values, weights: seen } = textureOf(set, i);
      const excess =
        share === 1
          ? null
          : likely.map((x, c) => (seen[Math.floor(c / 3)] > 0 ? (1 - share) * (values[c] - x) : 0));
      return { skin: skinOf(i), likely, excess };
    },
    hash: () => sha256Hex(new Uint8Array(pca.basis.slice().buffer)),
  };
}

/**
 * Textures whose mean and covariance are those of a space: ± √T times each of its first T components about its mean. Where maps
 * show little, components that are learned from both go on as those of the space do (a conjugate prior, as further people).
 */
function texturesOf(space: TextureSpace, atlas: CompletionAtlas, mean: Float32Array): KnownTexture[] {
  const size = space.mean.length;
  const T = Math.min(space.basis.length / size, OUTLIER_DEFAULTS.components);
  const weights = new Float32Array(mean.length / 3).fill(OUTLIER_DEFAULTS.known);
  return Array.from({ length: T }, (_, t) =>
    planeOf(space, space.basis.subarray(t * size, (t + 1) * size), atlas),
  ).flatMap((component) =>
    [1, -1].map((sign) => {
      const scale = sign * Math.sqrt(T);
      return { values: mean.map((m, c) => m + scale * component[c]), weights };
    }),
  );
}

/** (n,3) the mean or a component (H,W,3) of a space, at the nodes of an atlas. */
function planeOf(
  { width, height }: TextureSpace,
  data: Float32Array,
  { graph, size }: CompletionAtlas,
): Float32Array {
  const map = resize({ width, height, channels: 3, data }, size, size).data;
  return Float32Array.from(
    { length: 3 * graph.texels.length },
    (_, c) => map[3 * graph.texels[Math.floor(c / 3)] + (c % 3)],
  );
}

function colourDistance(a: Float32Array, b: Float32Array, at: number): number {
  return Math.hypot(a[at] - b[at], a[at + 1] - b[at + 1], a[at + 2] - b[at + 2]);
}

/** Divides distances (N,n) by what is usual at their texel; 0 where nothing is seen. */
function inUsual(distance: Float32Array, weights: Float32Array, N: number, n: number): void {
  const medians = new Float64Array(n);
  const anywhere: number[] = [];
  for (let d = 0; d < n; d++) {
    const seen: number[] = [];
    for (let i = 0; i < N; i++) if (weights[i * n + d] > 0.3) seen.push(distance[i * n + d]);
    for (let k = 0; k < seen.length; k += 4) anywhere.push(seen[k]);
    // Fewer say nothing about what is usual.
    medians[d] = seen.length > 8 ? median(seen) : Number.NaN;
  }
  const usual = Math.max(median(anywhere), 1e-4);
  const [least, most] = OUTLIER_DEFAULTS.usual;
  for (let d = 0; d < n; d++) {
    const here = Number.isNaN(medians[d])
      ? usual
      : Math.min(Math.max(medians[d], least * usual), most * usual);
    for (let i = 0; i < N; i++) {
      const k = i * n + d;
      distance[k] = weights[k] > 0 ? distance[k] / here : 0;
    }
  }
}
