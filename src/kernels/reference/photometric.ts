/**
 * Reference of `kernels/photometric.ts`, float64: residuals at surface samples, their robust energy and their normal
 * equations in vertex space, one sample after the other. See there for the mathematics.
 */
import type { ImageF } from '../../core/image.ts';
import type { PhotometricLoss } from '../photometric.ts';
import { sampleCubic } from './cubic.ts';

/** Numbers per vertex that a sample depends on: u, v, n_x, n_y, n_z. */
export const Q = 5;
/** Unique entries of a symmetric 5×5 block, upper triangle row by row. */
export const BLOCK = 15;

/** The triangles samples lie on, with their vertices and edges numbered. */
export interface ActiveMesh {
  /** (A) vertex numbers in the head model. */
  readonly vertices: Uint32Array;
  /** (G,3) corners as positions in `vertices`. */
  readonly corners: Uint32Array;
  /** (G,3) numbers of the edges (0,1), (1,2), (2,0) in `edges`. */
  readonly triangleEdges: Uint32Array;
  /** (D,2) positions in `vertices`. */
  readonly edges: Uint32Array;
}

/** Points on the surface at which the photo is compared. */
export interface SurfaceSamples {
  readonly count: number;
  /** (N) triangle of the active mesh. */
  readonly triangles: Uint32Array;
  /** (N,3) float32. */
  readonly barycentrics: Float32Array;
  /** (N) float32 weight of the sample in [0, 1]: how surely it is skin. */
  readonly mask: Float32Array;
  /** (N,3) float32 mean albedo. */
  readonly albedo: Float32Array;
  /** (N,3,T) float32 albedo basis. */
  readonly albedoBasis: Float32Array;
}

/** What the residuals depend on besides the samples. */
export interface PhotometricState {
  /** (A,5) float32 u, v in pixels of `photo`, unit normal. */
  readonly q: Float32Array;
  /** (9,3). */
  readonly light: Float64Array;
  /** (9) factors of the polynomials 1, x, y, z, xy, xz, yz, x²−y², 3z²−1. */
  readonly basis: ArrayLike<number>;
  /** (T). */
  readonly texture: Float64Array;
  /** (H,W,3) in [0, 1]. */
  readonly photo: ImageF;
}

/** Sums over all samples; the energy's factor weight/(σ²·Σ mask) is already in. */
export interface PhotometricBlocks {
  readonly cost: number;
  /** (A,15) and (D,15): 5×5 blocks of H, upper triangles. */
  readonly vertexBlocks: Float64Array;
  readonly edgeBlocks: Float64Array;
  /** (A,5) gradient with respect to q. */
  readonly gradient: Float64Array;
  /** (A,5,27+T) mixed block of q with light (column 3k+c) and texture. */
  readonly mixed: Float32Array;
  /** (27+T,27+T) block of light and texture, symmetric. */
  readonly appearance: Float64Array;
  /** (27+T). */
  readonly appearanceGradient: Float64Array;
}

/** Residuals' robust energy alone, for the same frozen samples. */
export function photometricCostReference(
  mesh: ActiveMesh,
  samples: SurfaceSamples,
  state: PhotometricState,
  loss: PhotometricLoss,
): number {
  const T = state.texture.length;
  const s = createScratch();
  let sum = 0;
  let total = 0;
  for (let p = 0; p < samples.count; p++) {
    const m = samples.mask[p];
    if (m === 0) continue;
    evaluateSample(mesh, samples, state, p, T, s);
    const e = (s.r[0] ** 2 + s.r[1] ** 2 + s.r[2] ** 2) / loss.sigma ** 2;
    sum += (m * e) / (1 + e / loss.k ** 2);
    total += m;
  }
  return total > 0 ? (0.5 * loss.weight * sum) / total : 0;
}

/** Accumulates the normal equations' blocks; see the header. */
export function photometricBlocksReference(
  mesh: ActiveMesh,
  samples: SurfaceSamples,
  state: PhotometricState,
  loss: PhotometricLoss,
): PhotometricBlocks {
  const T = state.texture.length;
  const X = 27 + T;
  const A = mesh.vertices.length;
  const D = mesh.edges.length / 2;
  const vertexBlocks = new Float64Array(A * BLOCK);
  const edgeBlocks = new Float64Array(D * BLOCK);
  const gradient = new Float64Array(A * Q);
  const mixed = new Float32Array(A * Q * X);
  const appearance = new Float64Array(X * X);
  const appearanceGradient = new Float64Array(X);
  let total = 0;
  for (let p = 0; p < samples.count; p++) total += samples.mask[p];
  const scale = total > 0 ? loss.weight / (loss.sigma ** 2 * total) : 0;
  const s = createScratch();
  const K = new Float64Array(15);
  const M = new Float64Array(BLOCK);
  const row = new Float64Array(3 * X);
  let cost = 0;
  for (let p = 0; p < samples.count; p++) {
    const m = samples.mask[p];
    if (m === 0) continue;
    evaluateSample(mesh, samples, state, p, T, s);
    const e = (s.r[0] ** 2 + s.r[1] ** 2 + s.r[2] ** 2) / loss.sigma ** 2;
    const d = 1 + e / loss.k ** 2;
    cost += (m * e) / d;
    const w = (scale * m) / (d * d);
    linearizeSample(samples, state, p, s, K, row);
    let i = 0;
    for (let a = 0; a < Q; a++)
      for (let b = a; b < Q; b++) M[i++] = w * (K[a] * K[b] + K[5 + a] * K[5 + b] + K[10 + a] * K[10 + b]);
    const tri = samples.triangles[p];
    for (let v = 0; v < 3; v++) {
      const beta = samples.barycentrics[3 * p + v];
      const next = samples.barycentrics[3 * p + ((v + 1) % 3)];
      const corner = mesh.corners[3 * tri + v];
      const edge = mesh.triangleEdges[3 * tri + v];
      for (let j = 0; j < BLOCK; j++) {
        vertexBlocks[corner * BLOCK + j] += beta * beta * M[j];
        edgeBlocks[edge * BLOCK + j] += beta * next * M[j];
      }
      for (let a = 0; a < Q; a++) {
        const k0 = w * beta * K[a];
        const k1 = w * beta * K[5 + a];
        const k2 = w * beta * K[10 + a];
        gradient[corner * Q + a] += k0 * s.r[0] + k1 * s.r[1] + k2 * s.r[2];
        const o = (corner * Q + a) * X;
        for (let x = 0; x < X; x++) mixed[o + x] += k0 * row[x] + k1 * row[X + x] + k2 * row[2 * X + x];
      }
    }
    for (let x = 0; x < X; x++) {
      const [a0, a1, a2] = [w * row[x], w * row[X + x], w * row[2 * X + x]];
      appearanceGradient[x] += a0 * s.r[0] + a1 * s.r[1] + a2 * s.r[2];
      for (let y = 0; y <= x; y++)
        appearance[x * X + y] += a0 * row[y] + a1 * row[X + y] + a2 * row[2 * X + y];
    }
  }
  for (let x = 0; x < X; x++) for (let y = 0; y < x; y++) appearance[y * X + x] = appearance[x * X + y];
  return {
    cost: total > 0 ? (0.5 * loss.weight * cost) / total : 0,
    vertexBlocks,
    edgeBlocks,
    gradient,
    mixed,
    appearance,
    appearanceGradient,
  };
}

/**
 * JᵀWJ and JᵀWr pixel by pixel, from full Jacobian rows [light 27 | texture T | geometry n].
 * @param P (5A,n) derivatives of the vertices' numbers.
 * @returns (27+T+n)² and 27+T+n numbers, float64.
 */
export function photometricDenseReference(
  mesh: ActiveMesh,
  samples: SurfaceSamples,
  state: PhotometricState,
  loss: PhotometricLoss,
  P: ArrayLike<number>,
  n: number,
): { hessian: Float64Array; gradient: Float64Array } {
  const T = state.texture.length;
  const X = 27 + T;
  const N = X + n;
  const hessian = new Float64Array(N * N);
  const gradient = new Float64Array(N);
  let total = 0;
  for (let p = 0; p < samples.count; p++) total += samples.mask[p];
  const s = createScratch();
  const K = new Float64Array(15);
  const row = new Float64Array(3 * X);
  const J = new Float64Array(N);
  for (let p = 0; p < samples.count; p++) {
    evaluateSample(mesh, samples, state, p, T, s);
    const d = 1 + (s.r[0] ** 2 + s.r[1] ** 2 + s.r[2] ** 2) / (loss.sigma * loss.k) ** 2;
    const w = (loss.weight * samples.mask[p]) / (loss.sigma ** 2 * total * d * d);
    linearizeSample(samples, state, p, s, K, row);
    for (let c = 0; c < 3; c++) {
      J.fill(0);
      J.set(row.subarray(c * X, (c + 1) * X));
      for (let v = 0; v < 3; v++)
        for (let a = 0; a < Q; a++) {
          const k = samples.barycentrics[3 * p + v] * K[5 * c + a];
          const from = (mesh.corners[3 * samples.triangles[p] + v] * Q + a) * n;
          for (let x = 0; x < n; x++) J[X + x] += k * P[from + x];
        }
      for (let i = 0; i < N; i++) {
        gradient[i] += w * J[i] * s.r[c];
        for (let j = 0; j < N; j++) hessian[i * N + j] += w * J[i] * J[j];
      }
    }
  }
  return { hessian, gradient };
}

/** Derivatives of an evaluated sample: `K` (3,5) by Σβq, `row` (3,27+T) by light and texture. */
function linearizeSample(
  samples: SurfaceSamples,
  state: PhotometricState,
  p: number,
  s: SampleScratch,
  K: Float64Array,
  row: Float64Array,
): void {
  const T = state.texture.length;
  const X = 27 + T;
  for (let c = 0; c < 3; c++) {
    shadingGradient(s.n, state, c, s.g);
    const dot = s.g[0] * s.n[0] + s.g[1] * s.n[1] + s.g[2] * s.n[2];
    K[5 * c] = -s.photo[3 * c + 1];
    K[5 * c + 1] = -s.photo[3 * c + 2];
    for (let a = 0; a < 3; a++) K[5 * c + 2 + a] = (s.albedo[c] * (s.g[a] - dot * s.n[a])) / s.length;
    row.fill(0, c * X, (c + 1) * X);
    for (let k = 0; k < 9; k++) row[c * X + 3 * k + c] = s.albedo[c] * s.basis[k];
    const o = (3 * p + c) * T;
    for (let t = 0; t < T; t++) row[c * X + 27 + t] = s.shading[c] * samples.albedoBasis[o + t];
  }
}

/**
 * Y = H·P: the sparse block matrix times dense rows.
 * @param P (5A,n) float32.
 * @returns (5A,n) float32.
 */
export function multiplyBlocks(
  mesh: ActiveMesh,
  blocks: Pick<PhotometricBlocks, 'vertexBlocks' | 'edgeBlocks'>,
  P: Float32Array,
  n: number,
): Float32Array {
  const Y = new Float32Array(P.length);
  const add = (block: Float64Array, o: number, to: number, from: number) => {
    for (let a = 0; a < Q; a++)
      for (let b = 0; b < Q; b++) {
        const h = block[o + (a <= b ? upper(a, b) : upper(b, a))];
        if (h === 0) continue;
        const y = (to * Q + a) * n;
        const x = (from * Q + b) * n;
        for (let k = 0; k < n; k++) Y[y + k] += h * P[x + k];
      }
  };
  for (let i = 0; i < mesh.vertices.length; i++) add(blocks.vertexBlocks, i * BLOCK, i, i);
  for (let e = 0; e < mesh.edges.length / 2; e++) {
    add(blocks.edgeBlocks, e * BLOCK, mesh.edges[2 * e], mesh.edges[2 * e + 1]);
    add(blocks.edgeBlocks, e * BLOCK, mesh.edges[2 * e + 1], mesh.edges[2 * e]);
  }
  return Y;
}

/** Position of entry (a, b), a ≤ b, in a packed upper triangle. */
function upper(a: number, b: number): number {
  return a * Q - (a * (a - 1)) / 2 + b - a;
}

/** What a sample looks like at one state. */
interface SampleScratch {
  /** (3,3) photo value, ∂x, ∂y per channel. */
  readonly photo: Float64Array;
  readonly albedo: Float64Array;
  readonly shading: Float64Array;
  readonly basis: Float64Array;
  /** Unit normal. */
  readonly n: Float64Array;
  readonly g: Float64Array;
  readonly r: Float64Array;
  /** |Σβ_i n_i|. */
  length: number;
}

function createScratch(): SampleScratch {
  const f = (n: number) => new Float64Array(n);
  return { photo: f(9), albedo: f(3), shading: f(3), basis: f(9), n: f(3), g: f(3), r: f(3), length: 1 };
}

/** Fills in `s` for sample `p`. */
function evaluateSample(
  mesh: ActiveMesh,
  samples: SurfaceSamples,
  state: PhotometricState,
  p: number,
  T: number,
  s: SampleScratch,
): void {
  const tri = 3 * samples.triangles[p];
  let [u, v, x, y, z] = [0, 0, 0, 0, 0];
  for (let i = 0; i < 3; i++) {
    const b = samples.barycentrics[3 * p + i];
    const o = Q * mesh.corners[tri + i];
    u += b * state.q[o];
    v += b * state.q[o + 1];
    x += b * state.q[o + 2];
    y += b * state.q[o + 3];
    z += b * state.q[o + 4];
  }
  s.length = Math.max(Math.hypot(x, y, z), 1e-12);
  s.n[0] = x / s.length;
  s.n[1] = y / s.length;
  s.n[2] = z / s.length;
  basisValues(s.n, state.basis, s.basis);
  sampleCubic(state.photo, u, v, s.photo);
  for (let c = 0; c < 3; c++) {
    let a = samples.albedo[3 * p + c];
    const o = (3 * p + c) * T;
    for (let t = 0; t < T; t++) a += samples.albedoBasis[o + t] * state.texture[t];
    let sh = 0;
    for (let k = 0; k < 9; k++) sh += state.light[3 * k + c] * s.basis[k];
    s.albedo[c] = a;
    s.shading[c] = sh;
    s.r[c] = a * sh - s.photo[3 * c];
  }
}

function basisValues([x, y, z]: Float64Array, factors: ArrayLike<number>, out: Float64Array): void {
  const polynomials = [1, x, y, z, x * y, x * z, y * z, x * x - y * y, 3 * z * z - 1];
  for (let k = 0; k < 9; k++) out[k] = factors[k] * polynomials[k];
}

/** Gradient of one channel's shading with respect to the unconstrained normal. */
function shadingGradient(
  [x, y, z]: Float64Array,
  { light, basis }: PhotometricState,
  channel: number,
  out: Float64Array,
): void {
  const l = (k: number) => light[3 * k + channel] * basis[k];
  out[0] = l(1) + l(4) * y + l(5) * z + l(7) * 2 * x;
  out[1] = l(2) + l(4) * x + l(6) * z - l(7) * 2 * y;
  out[2] = l(3) + l(5) * x + l(6) * y + l(8) * 6 * z;
}
