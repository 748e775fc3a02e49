/**
 * How good a texture space is, by number of components k (Davies et al. 2002; Styner et al. 2003):
 *
 *   compactness      variance held by the first k components, as a fraction of all where it is known
 *   generalisation   error of maps projected onto the mean and k components: least squares, then root mean square
 *   specificity      distance of random textures with k components, N(0,1), to the nearest of the maps
 *
 * Errors are root mean squares over the channels, weighted by area on the head; generalisation also by each map's
 * visibility, where it says more than that everything was seen. For each map the normal equations of all components are
 * factored once: the leading k×k block of a Cholesky factor is that of the first k components.
 *
 * All runs at most at 128²: both measures are averages over smooth differences, a full-size run of one space over 100
 * maps took 25 times as long for the same third digit.
 */
import { withDefaults } from '../core/defaults.ts';
import { InvalidArgumentError, throwIfAborted } from '../core/errors.ts';
import type { ProgressListener } from '../core/progress.ts';
import { createRandom } from '../core/random.ts';
import { matrixF32, syrkTN } from '../kernels/gemm.ts';
import { createKernels, type Kernels } from '../kernels/runtime.ts';
import type { HeadModel, TextureSpace } from '../model/head-model.ts';
import { resizeMap, resizeSpace } from '../model/resize-space.ts';
import { SPACE_COMPARE_DEFAULTS } from './space-defaults.ts';
import { texelAreas } from './texel-areas.ts';
import { buildTexelGraph } from './texel-graph.ts';
import type { TextureMapSource } from './texture-map.ts';

/** Options of {@link measureSpace}; defaults: `SPACE_COMPARE_DEFAULTS`. */
export interface MeasureOptions {
  /** Components looked at, at most. */
  readonly components?: number;
  /** Random textures for the specificity. */
  readonly samples?: number;
  /** Of the random textures. */
  readonly seed?: number;
  /** Maps that the space was not made from; without them compactness alone is measured. */
  readonly maps?: TextureMapSource;
  readonly onProgress?: ProgressListener;
  readonly signal?: AbortSignal;
}

/** Curves by number of components; errors in 1/255. */
export interface SpaceMeasures {
  /** (K) variance of each component, weighted by area, in (1/255)². */
  readonly variances: readonly number[];
  /** (K+1) error of the maps with 0…K components; null without maps. */
  readonly generalisation: readonly number[] | null;
  /** Component counts of `specificity`. */
  readonly specificityAt: readonly number[];
  /** Mean distance of random textures to the nearest map; null without maps. */
  readonly specificity: readonly number[] | null;
}

/** Width of the maps that measures are taken on. */
const SIZE = 128;
/** Width for the specificity, which compares every sample with every map. */
const COARSE = 64;
/** Component counts at which specificity is measured, as far as there are components. */
const COUNTS = [1, 2, 3, 5, 8, 12, 20, 30, 50, 80, 120, 200];

/**
 * Measures a space.
 * @throws {InvalidArgumentError} when there is no map, or an option is out of range
 * @throws {AbortedError} when cancelled
 */
export async function measureSpace(
  model: HeadModel,
  space: TextureSpace,
  options: MeasureOptions = {},
): Promise<SpaceMeasures> {
  const { components, samples, seed } = withDefaults(SPACE_COMPARE_DEFAULTS, options);
  for (const [name, value] of [
    ['components', components],
    ['samples', samples],
  ] as const)
    if (!Number.isInteger(value) || value < 1)
      throw new InvalidArgumentError(
        `measureSpace: options.${name} must be a positive integer, got ${value}`,
      );
  const kernels = await createKernels();
  const K = Math.min(components, space.names.length);
  const size = Math.min(SIZE, space.width);
  const small = resizeSpace(space, size, K);
  const places = usedTexels(kernels, model, size);
  const variances = Array.from(
    { length: K },
    (_, k) => 255 ** 2 * places.squares(small.basis, k * small.mean.length),
  );
  const { maps, signal, onProgress } = options;
  if (!maps) return { variances, generalisation: null, specificityAt: [], specificity: null };
  if (maps.names.length === 0) throw new InvalidArgumentError('measureSpace: options.maps holds no map');

  const random = randomTextures(resizeSpace(small, Math.min(COARSE, size), K), K, samples, seed);
  const coarse = usedTexels(kernels, model, Math.min(COARSE, size));
  const nearest = random.map(({ textures }) => new Float64Array(textures.length).fill(Infinity));
  const squares = new Float64Array(K + 1);
  for (let i = 0; i < maps.names.length; i++) {
    throwIfAborted(signal);
    onProgress?.({ stage: 'maps', fraction: i / maps.names.length });
    const map = await maps.read(i);
    const albedo = resizeMap(map.albedo, map.size, map.size, size);
    const seen = seenWeights(map.visibility, map.size, size, places.texels);
    const errors = projectionErrors(kernels, small, K, albedo, places, seen);
    for (let k = 0; k <= K; k++) squares[k] += errors[k];
    const tiny = resizeMap(albedo, size, size, coarse.size);
    random.forEach(({ textures }, j) => {
      textures.forEach((texture, s) => {
        nearest[j][s] = Math.min(nearest[j][s], coarse.distance(texture, tiny));
      });
    });
  }
  return {
    variances,
    generalisation: Array.from(squares, (s) => 255 * Math.sqrt(s / maps.names.length)),
    specificityAt: random.map(({ k }) => k),
    specificity: nearest.map((list) => (255 * list.reduce((s, d) => s + Math.sqrt(d), 0)) / list.length),
  };
}

/** Texels inside charts, with weights that make sums over three channels averages. */
interface UsedTexels {
  readonly size: number;
  readonly texels: Uint32Array;
  /** Sum to 1/3. */
  readonly weights: Float64Array;
  /** Weighted mean square of the map that begins at `at`. */
  squares(values: Float32Array, at: number): number;
  /** Weighted mean square of a − b. */
  distance(a: Float32Array, b: Float32Array): number;
}

function usedTexels(kernels: Kernels, model: HeadModel, size: number): UsedTexels {
  const graph = buildTexelGraph(kernels, model, size, size);
  const areas = texelAreas(graph, model);
  const kept = Array.from(areas.keys()).filter((i) => areas[i] > 0);
  const sum = kept.reduce((s, i) => s + areas[i], 0);
  const texels = Uint32Array.from(kept, (i) => graph.texels[i]);
  const weights = Float64Array.from(kept, (i) => areas[i] / (3 * sum));
  const overTexels = (of: (i: number) => number) => {
    let total = 0;
    for (let i = 0; i < texels.length; i++) {
      const o = 3 * texels[i];
      total += weights[i] * (of(o) ** 2 + of(o + 1) ** 2 + of(o + 2) ** 2);
    }
    return total;
  };
  return {
    size,
    texels,
    weights,
    squares: (values, at) => overTexels((i) => values[at + i]),
    distance: (a, b) => overTexels((i) => a[i] - b[i]),
  };
}

/** (texels) how well a map saw each of them, in [0, 1]; all 1 where it saw none or says nothing. */
function seenWeights(visibility: Uint8Array, from: number, size: number, texels: Uint32Array): Float64Array {
  const rgb = new Float32Array(3 * from * from);
  for (let t = 0; t < visibility.length; t++) rgb[3 * t] = visibility[t] / 255;
  const small = resizeMap(rgb, from, from, size);
  const seen = Float64Array.from(texels, (t) => small[3 * t]);
  return seen.some((v) => v > 0) ? seen : seen.fill(1);
}

/** (K+1) mean square of what is left of a map after projection onto the mean and 0…K components. */
function projectionErrors(
  kernels: Kernels,
  { mean, basis }: TextureSpace,
  K: number,
  albedo: Float32Array,
  { texels, weights }: UsedTexels,
  seen: Float64Array,
): Float64Array {
  const n = texels.length;
  // Columns: components, and the map's difference to the mean as the last; its products stand in the last row.
  const all = weights.reduce((s, w, i) => s + w * seen[i], 0);
  const gram = kernels.scope(() => {
    const a = kernels.f32(3 * n * (K + 1));
    const view = a.view;
    for (let i = 0, o = 0; i < n; i++) {
      // Normalised, so that every map's weights sum to 1/3.
      const w = Math.sqrt((weights[i] * seen[i]) / (3 * all));
      for (let c = 0; c < 3; c++, o += K + 1) {
        const at = 3 * texels[i] + c;
        for (let k = 0; k < K; k++) view[o + k] = w * basis[k * mean.length + at];
        view[o + K] = w * (albedo[at] - mean[at]);
      }
    }
    const c = kernels.f64((K + 1) ** 2);
    syrkTN(kernels, matrixF32(a, 3 * n, K + 1), c);
    return c.view.slice();
  });
  return residuals(gram, K);
}

/** From the Gram matrix of K columns and a right-hand side: |r|² after projection onto the first 0…K. @internal */
export function residuals(gram: Float64Array, K: number): Float64Array {
  const n = K + 1;
  const L = Float64Array.from(gram);
  const out = new Float64Array(n);
  out[0] = gram[n * n - 1];
  for (let k = 0; k < K; k++) {
    const whole = gram[k * n + k];
    let pivot = L[k * n + k];
    for (let j = 0; j < k; j++) pivot -= L[k * n + j] ** 2;
    // A component that the ones before it make up adds nothing.
    const usable = pivot > 1e-9 * whole && whole > 0;
    const root = usable ? Math.sqrt(pivot) : 0;
    for (let i = k + 1; i < n; i++) {
      let sum = L[i * n + k];
      for (let j = 0; j < k; j++) sum -= L[i * n + j] * L[k * n + j];
      L[i * n + k] = usable ? sum / root : 0;
    }
    L[k * n + k] = root;
    out[k + 1] = Math.max(out[k] - L[K * n + k] ** 2, 0);
  }
  return out;
}

/** Random textures by number of components: the same coefficients, cut off. */
function randomTextures(space: TextureSpace, K: number, samples: number, seed: number) {
  const { mean, basis } = space;
  const counts = [...new Set([...COUNTS.filter((k) => k < K), K])].filter((k) => k > 0);
  const textures = counts.map((): Float32Array[] => []);
  for (let s = 0; s < samples; s++) {
    const random = createRandom((seed ^ Math.imul(s + 1, 0x9e3779b1)) >>> 0);
    const texture = mean.slice();
    for (let k = 0; k < K; k++) {
      const a = random.normal();
      for (let i = 0; i < mean.length; i++) texture[i] += a * basis[k * mean.length + i];
      const at = counts.indexOf(k + 1);
      if (at >= 0) textures[at].push(texture.slice());
    }
  }
  return counts.map((k, i) => ({ k, textures: textures[i] }));
}
