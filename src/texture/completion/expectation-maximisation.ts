/**
 * The steps of expectation maximisation for principal components of incomplete maps (`missing-pca.ts` has the model). Both
 * are products of weights (N,n) with the K(K+1)/2 distinct products of coefficients, which run at the speed of `gemmTN`.
 */
import { gemmTN, matrixF32 } from '../../kernels/gemm.ts';
import type { Kernels } from '../../kernels/runtime.ts';
import { choleskyFactor, choleskyInverse, choleskySolve } from '../../linalg/cholesky.ts';
import type { TexelGraph } from '../texel-graph.ts';
import type { KnownTexture } from './atlas.ts';

/** How alike loadings, and means, of neighbouring texels are. */
export interface Smoothness extends Pick<TexelGraph, 'starts' | 'neighbours'> {
  readonly strength: number;
  /** (n,3) a texture from which the mean deviates alike at neighbouring texels; without it the mean is each texel's own. */
  readonly base?: Float32Array;
}

/** Maps of an E step at a time. */
const CHUNK = 64;
/** Passes of Gauss-Seidel over the texels in an M step, from the loadings of the step before. */
const SWEEPS = 6;

/** What the maps know of the texels that any of them shows, the active ones. */
export interface KnownTexels {
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

/** Gathers it in kernel memory; `active` are numbers of nodes. */
export function gather(kernels: Kernels, maps: readonly KnownTexture[], active: Uint32Array): KnownTexels {
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

/** Loadings and noise, a step at a time. */
export class ExpectationMaximisation {
  /** Components; K is one more, the mean. */
  readonly k: number;
  /** σ² per channel of a texel. */
  noise = 1;
  /** (m,3,K) loadings and, last, the mean counted from the centre. */
  readonly w: Float32Array;
  readonly #kernels: Kernels;
  readonly #data: KnownTexels;
  readonly #prior: number;
  readonly #inflation: number;
  readonly #edges: Edges | null;
  /** (N,K) coefficients with a 1 behind; (N,K(K+1)/2) their expected products. */
  #z: Float32Array;
  readonly #x: Float64Array;
  readonly #zz: Float32Array;

  constructor(
    kernels: Kernels,
    data: KnownTexels,
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

  /** Begins with given coefficients, (N,K) with a 1 behind each map's, as if they were certain. */
  start(z: Float32Array): void {
    const K = this.k + 1;
    this.#z = z;
    for (let i = 0; i < this.#data.N; i++) this.#products(i, null, K);
    this.#maximise();
  }

  /** An E step, and the M step with what it finds. */
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
        const turn = (from: KnownTexels['v']) => {
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
export interface Edges {
  /** (m+1), and neighbours of d: `neighbours[starts[d] … starts[d+1]−1]`. */
  readonly starts: Uint32Array;
  readonly neighbours: Uint32Array;
  readonly strength: number;
  /** (m,3) what means are counted from, less the base. */
  readonly offset: Float64Array | null;
}

/** Those among the active of the n nodes; null for none. */
export function edgesBetween(
  active: Uint32Array,
  centre: Float64Array,
  n: number,
  smooth: Smoothness | undefined,
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
