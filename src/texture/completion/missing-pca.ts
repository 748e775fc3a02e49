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
 * Both steps are products of weights (N,n) with the K(K+1)/2 distinct products of coefficients, which run at the speed of
 * `gemmTN`.
 *
 * Faces are as often seen from the one side as from the other: with a mirror, every map counts twice.
 */
import { InvalidArgumentError, throwIfAborted } from '../../core/errors.ts';
import type { ProgressListener } from '../../core/progress.ts';
import { createRandom } from '../../core/random.ts';
import { gemmTN, matrixF32 } from '../../kernels/gemm.ts';
import type { Kernels } from '../../kernels/runtime.ts';
import { choleskyFactor, choleskyInverse, choleskySolve } from '../../linalg/cholesky.ts';
import type { TexelGraph } from '../texel-graph.ts';
import type { KnownTexture } from './atlas.ts';

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
  readonly smooth?: Pick<TexelGraph, 'starts' | 'neighbours'> & {
    readonly strength: number;
    /** (n,3) a texture from which the mean deviates alike at neighbouring texels; without it the mean is each texel's own. */
    readonly base?: Float32Array;
  };
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

const CHUNK = 64;
/** Passes of Gauss-Seidel over the texels in an M step, from the loadings of the step before. */
const SWEEPS = 6;

/** Components that so many maps can tell. */
export function mostComponents(maps: number): number {
  return Math.max(1, Math.floor(maps / 4));
}

/**
 * Learns a texture space.
 * @param maps all over the same nodes.
 * @throws {InvalidArgumentError} on fewer than two maps or options out of range
 * @throws {AbortedError} when `options.signal` is aborted
 */
export function fitMissingPca(
  kernels: Kernels,
  maps: readonly KnownTexture[],
  options: MissingPcaOptions = {},
): MissingPca {
  const o = { ...MISSING_PCA_DEFAULTS, ...options };
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
  return kernels.scope(() => {
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
      throwIfAborted(o.signal);
      o.onProgress?.({ stage: 'principal components', fraction: i / o.iterations });
      model.iterate();
    }
    return scatter(model, data, active, shown);
  });
}

interface Data {
  /** Maps. */
  readonly N: number;
  /** Active texels. */
  readonly m: number;
  /** (N,m) weights; (N,m) weight · (value − centre) of each channel. */
  readonly v: ReturnType<typeof matrixF32>;
  readonly vx: readonly ReturnType<typeof matrixF32>[];
  /** (m,3) what values are counted from: their weighted mean. */
  readonly centre: Float64Array;
  /** (m) sums over maps of weight, and of weight · deviation² over the channels. */
  readonly weight: Float64Array;
  readonly square: Float64Array;
}

function gather(kernels: Kernels, maps: readonly KnownTexture[], active: Uint32Array): Data {
  const [N, m] = [maps.length, active.length];
  const centre = new Float64Array(3 * m);
  const weight = new Float64Array(m);
  const square = new Float64Array(m);
  for (const { values, weights } of maps)
    for (let d = 0; d < m; d++) {
      const w = weights[active[d]];
      if (w === 0) continue;
      weight[d] += w;
      for (let c = 0; c < 3; c++) centre[3 * d + c] += w * values[3 * active[d] + c];
    }
  for (let d = 0; d < m; d++) for (let c = 0; c < 3; c++) centre[3 * d + c] /= weight[d];
  const v = kernels.f32(N * m);
  const vx = [0, 1, 2].map(() => kernels.f32(N * m));
  maps.forEach(({ values, weights }, i) => {
    const row = v.view.subarray(i * m, (i + 1) * m);
    const rows = vx.map((x) => x.view.subarray(i * m, (i + 1) * m));
    for (let d = 0; d < m; d++) {
      const w = weights[active[d]];
      row[d] = w;
      if (w === 0) continue;
      for (let c = 0; c < 3; c++) {
        const x = values[3 * active[d] + c] - centre[3 * d + c];
        rows[c][d] = w * x;
        square[d] += w * x * x;
      }
    }
  });
  return {
    N,
    m,
    v: matrixF32(v, N, m),
    vx: vx.map((x) => matrixF32(x, N, m)),
    centre,
    weight,
    square,
  };
}

class ExpectationMaximisation {
  readonly k: number;
  noise = 1;
  /** (m,3,K) loadings and, last, the mean counted from the centre. */
  readonly w: Float32Array;
  readonly #kernels: Kernels;
  readonly #data: Data;
  readonly #prior: number;
  readonly #inflation: number;
  readonly #edges: Edges | null;
  /** (N,K) coefficients with a 1 behind; (N,K(K+1)/2) their expected products. */
  #z: Float32Array;
  readonly #x: Float64Array;
  readonly #zz: Float32Array;

  constructor(
    kernels: Kernels,
    data: Data,
    k: number,
    { prior, inflation }: { prior: number; inflation: number },
    edges: Edges | null,
  ) {
    this.#kernels = kernels;
    this.#data = data;
    this.k = k;
    this.#prior = prior;
    this.#inflation = inflation;
    this.#edges = edges;
    const K = k + 1;
    this.w = new Float32Array(3 * data.m * K);
    this.#z = new Float32Array(data.N * K);
    this.#x = new Float64Array(K);
    this.#zz = new Float32Array(data.N * ((K * (K + 1)) / 2));
  }

  /** Begins with given coefficients, as if they were certain. */
  start(z: Float32Array): void {
    const K = this.k + 1;
    this.#z = z;
    for (let i = 0; i < this.#data.N; i++) this.#products(i, null, K);
    this.#maximise();
  }

  iterate(): void {
    this.#expect();
    this.#maximise();
  }

  /** Row i of the expected products: z zᵀ + covariance. */
  #products(i: number, covariance: Float64Array | null, K: number): void {
    const z = this.#z.subarray(i * K, (i + 1) * K);
    let at = (i * K * (K + 1)) / 2;
    for (let p = 0; p < K; p++)
      for (let q = 0; q <= p; q++, at++)
        this.#zz[at] = z[p] * z[q] + (covariance && p < this.k ? covariance[p * this.k + q] : 0);
  }

  #expect(): void {
    const { k, w } = this;
    const { N, m, v, vx } = this.#data;
    const noise = this.noise * this.#inflation;
    const K = k + 1;
    const pairs = (k * (k + 1)) / 2;
    const kernels = this.#kernels;
    kernels.scope(() => {
      // Per texel: products of loadings, and loadings times the mean.
      const stride = pairs + k;
      const products = kernels.f32(m * stride);
      const p = products.view;
      for (let d = 0, at = 0; d < m; d++) {
        const o = 3 * d * K;
        for (let a = 0; a < K; a++)
          for (let b = 0; b <= Math.min(a, k - 1); b++, at++)
            p[at] = w[o + a] * w[o + b] + w[o + K + a] * w[o + K + b] + w[o + 2 * K + a] * w[o + 2 * K + b];
      }
      const loadings = [0, 1, 2].map((c) => {
        const l = kernels.f32(m * k);
        const view = l.view;
        for (let d = 0; d < m; d++) for (let a = 0; a < k; a++) view[d * k + a] = w[(3 * d + c) * K + a];
        return matrixF32(l, m, k);
      });
      const normal = kernels.f64(CHUNK * stride);
      const right = kernels.f64(CHUNK * k);
      const transposed = kernels.f32(m * CHUNK);
      const [A, rhs] = [new Float64Array(k * k), new Float64Array(k)];
      for (let first = 0; first < N; first += CHUNK) {
        const count = Math.min(CHUNK, N - first);
        const turn = (from: Data['v']) => {
          const [source, to] = [from.data.view, transposed.view];
          for (let i = 0; i < count; i++)
            for (let d = 0, s = (first + i) * m; d < m; d++, s++) to[d * CHUNK + i] = source[s];
          return matrixF32(transposed, m, CHUNK);
        };
        gemmTN(kernels, turn(v), matrixF32(products, m, stride), normal, { accumulate: false });
        vx.forEach((x, c) => {
          gemmTN(kernels, turn(x), loadings[c], right, { accumulate: c > 0 });
        });
        for (let i = 0; i < count; i++) {
          const row = normal.view.subarray(i * stride, (i + 1) * stride);
          for (let a = 0, at = 0; a < k; a++)
            for (let b = 0; b <= a; b++, at++) A[a * k + b] = A[b * k + a] = row[at] + (a === b ? noise : 0);
          for (let a = 0; a < k; a++) rhs[a] = right.view[i * k + a] - row[pairs + a];
          const covariance = solveInPlace(A, rhs, k);
          const z = this.#z.subarray((first + i) * K, (first + i + 1) * K);
          for (let a = 0; a < k; a++) z[a] = rhs[a];
          z[k] = 1;
          for (let a = 0; a < k * k; a++) covariance[a] *= noise;
          this.#products(first + i, covariance, K);
        }
      }
    });
  }

  /** Loadings of texel d by its factorised normal equations and, where there are edges, the loadings of its neighbours. */
  #solve(factor: Float64Array, right: readonly Float64Array[], d: number): void {
    const { k, w } = this;
    const K = k + 1;
    const edges = this.#edges;
    const x = this.#x;
    for (let c = 0; c < 3; c++) {
      for (let p = 0; p < K; p++) x[p] = right[c][d * K + p];
      if (edges)
        for (let e = edges.starts[d]; e < edges.starts[d + 1]; e++) {
          const from = (3 * edges.neighbours[e] + c) * K;
          for (let p = 0; p < k; p++) x[p] += edges.strength * w[from + p];
          if (edges.offset)
            x[k] +=
              edges.strength *
              (w[from + k] + edges.offset[3 * edges.neighbours[e] + c] - edges.offset[3 * d + c]);
        }
      choleskySolve(factor, K, x, x);
      w.set(x, (3 * d + c) * K);
    }
  }

  #maximise(): void {
    const { k, w } = this;
    const { N, m, v, vx, weight, square } = this.#data;
    const K = k + 1;
    const pairs = (K * (K + 1)) / 2;
    const kernels = this.#kernels;
    kernels.scope(() => {
      const a = kernels.f64(m * pairs);
      gemmTN(kernels, v, matrixF32(kernels.f32(this.#zz), N, pairs), a, { accumulate: false });
      const z = matrixF32(kernels.f32(this.#z), N, K);
      const b = vx.map((x) => {
        const out = kernels.f64(m * K);
        gemmTN(kernels, x, z, out, { accumulate: false });
        return out;
      });
      const [A, full] = [new Float64Array(K * K), new Float64Array(K * K)];
      const at = (d: number) => {
        for (let p = 0, from = d * pairs; p < K; p++)
          for (let q = 0; q <= p; q++, from++) full[p * K + q] = full[q * K + p] = a.view[from];
      };
      const right = b.map((out) => out.view);
      const edges = this.#edges;
      const factors = edges && new Float64Array(m * K * K);
      for (let d = 0; d < m; d++) {
        at(d);
        A.set(full);
        const alike = edges ? edges.strength * (edges.starts[d + 1] - edges.starts[d]) : 0;
        for (let p = 0; p < k; p++) A[p * K + p] += this.#prior + alike;
        A[k * K + k] += 1e-3 + (edges?.offset ? alike : 0);
        choleskyFactor(A, K);
        if (factors) factors.set(A, d * K * K);
        else this.#solve(A, right, d);
      }
      for (let sweep = 0; factors && sweep < SWEEPS; sweep++)
        for (let d = 0; d < m; d++) this.#solve(factors.subarray(d * K * K, (d + 1) * K * K), right, d);
      let [error, total] = [0, 0];
      for (let d = 0; d < m; d++) {
        at(d);
        error += square[d];
        total += 3 * weight[d];
        for (let c = 0; c < 3; c++) {
          const x = w.subarray((3 * d + c) * K, (3 * d + c + 1) * K);
          // Σ v (x − w z)² + v w·cov·w = Σ v x² − 2 w·b + w·A·w.
          for (let p = 0; p < K; p++) {
            let sum = -2 * right[c][d * K + p];
            for (let q = 0; q < K; q++) sum += full[p * K + q] * x[q];
            error += x[p] * sum;
          }
        }
      }
      this.noise = Math.max(error / Math.max(total, 1e-9), 1e-6);
    });
  }
}

/** Edges between active texels. */
interface Edges {
  /** (m+1), and neighbours of d: `neighbours[starts[d] … starts[d+1]−1]`. */
  readonly starts: Uint32Array;
  readonly neighbours: Uint32Array;
  readonly strength: number;
  /** (m,3) what means are counted from, less the base. */
  readonly offset: Float64Array | null;
}

function edgesBetween(
  active: Uint32Array,
  centre: Float64Array,
  n: number,
  smooth: MissingPcaOptions['smooth'],
): Edges | null {
  if (!smooth || smooth.strength === 0) return null;
  const place = new Int32Array(n).fill(-1);
  active.forEach((i, d) => {
    place[i] = d;
  });
  const starts = new Uint32Array(active.length + 1);
  const neighbours: number[] = [];
  active.forEach((i, d) => {
    for (let e = smooth.starts[i]; e < smooth.starts[i + 1]; e++)
      if (place[smooth.neighbours[e]] >= 0) neighbours.push(place[smooth.neighbours[e]]);
    starts[d + 1] = neighbours.length;
  });
  const { base, strength } = smooth;
  const offset = base ? centre.map((x, c) => x - base[3 * active[Math.floor(c / 3)] + (c % 3)]) : null;
  return { starts, neighbours: Uint32Array.from(neighbours), strength, offset };
}

/** x = A⁻¹x and the inverse of A, which is overwritten. */
function solveInPlace(a: Float64Array, x: Float64Array, n: number): Float64Array {
  choleskyFactor(a, n);
  choleskySolve(a, n, x, x);
  return choleskyInverse(a, n);
}

function scatter(
  model: ExpectationMaximisation,
  data: Data,
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
