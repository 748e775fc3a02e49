/**
 * The second classical completion: principal components learned from textures of which only parts are known, by
 * expectation maximisation (Tipping and Bishop 1999, "Probabilistic principal component analysis", with missing data as
 * in Roweis 1998), and the best guess of the rest of a texture under them.
 *
 *   x_d = W_d z + μ_d + noise,  z ~ N(0, 1),  noise ~ N(0, σ²/v_d) for a texel of weight v_d
 *   E: z and its covariance from the known texels of each map;  M: W_d and μ_d from the maps that know texel d
 *
 * μ is part of the M step (a constant coefficient), so that where only dark faces show a place its mean is not too dark.
 * A prior of variance `prior⁻¹` on loadings keeps texels that few maps show near the mean, or `smooth` near the loadings of
 * their neighbours: the M step's equations of all texels are then one system, solved by Gauss-Seidel. With a base texture the
 * mean goes on like that too, with the base's own steps: a texel that one dark person shows is no dark place of everybody's.
 *
 * Faces are as often seen from the one side as from the other: with a mirror, every map counts twice.
 */
import { withDefaults } from '../../core/defaults.ts';
import { InvalidArgumentError, throwIfAborted } from '../../core/errors.ts';
import { eventsHandled, type ProgressListener } from '../../core/progress.ts';
import { createRandom } from '../../core/random.ts';
import type { Kernels } from '../../kernels/runtime.ts';
import { choleskyFactor, choleskySolve } from '../../linalg/cholesky.ts';
import type { KnownTexture } from './atlas.ts';
import {
  ExpectationMaximisation,
  edgesBetween,
  gather,
  type KnownTexels,
  type Smoothness,
} from './expectation-maximisation.ts';

/** Options of {@link fitMissingPca}. */
export interface MissingPcaOptions {
  /** At most a quarter of the maps. */
  readonly components?: number;
  readonly iterations?: number;
  /** Of loadings, in maps that show a texel and say zero. */
  readonly prior?: number;
  readonly seed?: number;
  /**
   * Loadings of neighbouring texels are alike: Σ strength·|W_d − W_e|² over the edges of a graph of the maps' nodes, in
   * the same unit as `prior`. What few maps show then goes on from what many do.
   */
  readonly smooth?: Smoothness;
  /** σ² is multiplied by this while coefficients are learned: neighbouring texels miss alike, and tell less than so many. */
  readonly inflation?: number;
  /** Begin with the components of other maps of the same kind instead of random coefficients. */
  readonly start?: MissingPca;
  readonly signal?: AbortSignal;
  readonly onProgress?: ProgressListener;
}

/** Defaults of {@link MissingPcaOptions}. */
export const MISSING_PCA_DEFAULTS = {
  components: 24,
  iterations: 20,
  prior: 1,
  inflation: 1,
  seed: 1,
} as const;

/** A texture space learned from incomplete maps. */
export interface MissingPca {
  /** k. */
  readonly components: number;
  /** (n,3) float32. */
  readonly mean: Float32Array;
  /** (n,3,k) float32 in standard deviations; zero at texels that no map shows. */
  readonly basis: Float32Array;
  /** σ², per channel of a texel. */
  readonly noise: number;
  /** (n) float32 number of maps that show each texel. */
  readonly shown: Float32Array;
}

/**
 * σ² is multiplied by this when a texture is completed: what the components miss (blotches, spots) covers many texels
 * at once and is no independent noise. Chosen on held-out strokes, see `bench/completion.ts`.
 */
export const NOISE_INFLATION = 256;

/** Components that so many maps can tell. */
export function mostComponents(maps: number): number {
  return Math.max(1, Math.floor(maps / 4));
}

/**
 * Learns a texture space. Events are handled between iterations; meanwhile nobody else may take arrays of `kernels`.
 * @param maps all over the same nodes.
 * @throws {InvalidArgumentError} on fewer than two maps or options out of range
 * @throws {AbortedError} when `options.signal` is aborted
 */
export async function fitMissingPca(
  kernels: Kernels,
  maps: readonly KnownTexture[],
  options: MissingPcaOptions = {},
): Promise<MissingPca> {
  const o = withDefaults(MISSING_PCA_DEFAULTS, options);
  if (maps.length < 2)
    throw new InvalidArgumentError(`fitMissingPca: needs at least two maps, got ${maps.length}`);
  for (const key of ['components', 'iterations'] as const)
    if (!Number.isInteger(o[key]) || o[key] < 1)
      throw new InvalidArgumentError(`fitMissingPca: ${key} must be a positive integer, got ${o[key]}`);
  const N = maps.length;
  const k = Math.min(o.components, mostComponents(N));
  const n = maps[0].weights.length;
  const shown = new Float32Array(n);
  for (const { weights } of maps) for (let i = 0; i < n; i++) if (weights[i] > 0) shown[i]++;
  const active = Uint32Array.from(shown.keys()).filter((i) => shown[i] > 0);
  const mark = kernels.mark();
  try {
    const data = gather(kernels, maps, active);
    const model = new ExpectationMaximisation(
      kernels,
      data,
      k,
      o,
      edgesBetween(active, data.centre, n, o.smooth),
    );
    const random = createRandom(o.seed);
    const z = new Float32Array(N * (k + 1));
    for (let i = 0; i < N; i++) {
      const known = o.start?.components === k ? pcaCoefficients(o.start, maps[i], 1) : null;
      for (let j = 0; j < k; j++) z[i * (k + 1) + j] = known ? known[j] : random.normal();
      z[i * (k + 1) + k] = 1;
    }
    model.start(z);
    for (let i = 0; i < o.iterations; i++) {
      await eventsHandled();
      throwIfAborted(o.signal);
      o.onProgress?.({ stage: 'principal components', fraction: i / o.iterations });
      model.iterate();
    }
    return scatter(model, data, active, shown);
  } finally {
    kernels.release(mark);
  }
}

function scatter(
  model: ExpectationMaximisation,
  data: KnownTexels,
  active: Uint32Array,
  shown: Float32Array,
): MissingPca {
  const { k, w, noise } = model;
  const K = k + 1;
  const n = shown.length;
  const mean = new Float32Array(3 * n);
  const basis = new Float32Array(3 * n * k);
  for (let d = 0; d < active.length; d++)
    for (let c = 0; c < 3; c++) {
      const from = (3 * d + c) * K;
      const to = 3 * active[d] + c;
      mean[to] = data.centre[3 * d + c] + w[from + k];
      for (let a = 0; a < k; a++) basis[to * k + a] = w[from + a];
    }
  return { components: k, mean, basis, noise, shown };
}

/**
 * The most likely whole texture given what is known of it.
 * @returns (n,3) float32: mean + basis · coefficients, also where `known` says otherwise.
 */
export function completeByPca(
  pca: MissingPca,
  known: KnownTexture,
  inflation: number = NOISE_INFLATION,
): Float32Array {
  const { components: k, mean, basis } = pca;
  const z = pcaCoefficients(pca, known, inflation);
  const out = mean.slice();
  for (let i = 0, at = 0; i < out.length; i++) {
    let sum = 0;
    for (let a = 0; a < k; a++, at++) sum += basis[at] * z[a];
    out[i] += sum;
  }
  return out;
}

/** (k) expected coefficients of a texture. */
function pcaCoefficients(pca: MissingPca, known: KnownTexture, inflation: number): Float64Array {
  const { components: k, mean, basis, noise } = pca;
  const A = new Float64Array(k * k);
  const b = new Float64Array(k);
  for (let i = 0; i < known.weights.length; i++) {
    const v = known.weights[i];
    if (v === 0) continue;
    for (let c = 3 * i; c < 3 * i + 3; c++) {
      const x = v * (known.values[c] - mean[c]);
      const o = c * k;
      for (let p = 0; p < k; p++) {
        const w = basis[o + p];
        b[p] += x * w;
        const vw = v * w;
        for (let q = 0, row = p * k; q <= p; q++) A[row + q] += vw * basis[o + q];
      }
    }
  }
  for (let p = 0; p < k; p++) {
    A[p * k + p] += noise * inflation;
    for (let q = 0; q < p; q++) A[q * k + p] = A[p * k + q];
  }
  choleskyFactor(A, k);
  choleskySolve(A, k, b, b);
  return b;
}
