/**
 * A texture space out of many maps: their mean and the principal components of what differs from it, out of core.
 *
 * With X (N,M) the maps less their arithmetic mean and W the texels' weights, G = X W Xᵀ (N,N) has the eigenvalues of
 * the weighted covariance times N − 1; component k, scaled to one standard deviation, is Xᵀvₖ/√(N−1) (Sirovich 1987,
 * "snapshots"). G is exact: blocks of 8,192 values of all maps go through the WebAssembly SYRK, sums in float64. A
 * randomised SVD was rejected: it saves the eigenvectors of G (19 s at N = 1,500), but takes five passes over the maps
 * for two, and its last components are not the true ones.
 *
 * A texel's weight is its area on the template times how well the maps saw it (0.05 where none did: what completion made
 * up should not decide what the components are), a tenth of that outside the model's skin region: eyes, teeth and what lies
 * behind hair are seen through fits that slip there, and with full weight they take 28 % of all and components 10 to 20
 * (error of unseen faces with 20 components 10.1, so 9.7, over the face alone 9.6; `bench/space-population.ts`, 150 people,
 * small maps). The mean is weighted by each map's own visibility.
 *
 * Results are the same on every machine: plain SIMD kernels, fixed order, and each component's sign is such that it
 * brightens the skin.
 */
import { InvalidArgumentError, throwIfAborted } from '../core/errors.ts';
import type { ProgressListener } from '../core/progress.ts';
import { encodeHalf } from '../io/half.ts';
import type { Tensor } from '../io/safetensors.ts';
import { gemmTN, matrixF32, syrkTN } from '../kernels/gemm.ts';
import { createKernels, type Kernels } from '../kernels/runtime.ts';
import { symmetricEigen } from '../linalg/eigen.ts';
import type { HeadModel } from '../model/head-model.ts';
import { type SpaceInput, uvLayoutHash } from '../model/space-pack.ts';
import { leaveOutErrors } from './leave-out.ts';
import {
  collectMaps,
  type MapMatrix,
  memoryScratch,
  type Scratch,
  scratchBytes,
  VALUE_LOW,
  VALUE_STEP,
} from './map-matrix.ts';
import { facesInSkin } from './skin-trust.ts';
import { SPACE_PCA_DEFAULTS } from './space-defaults.ts';
import type { SpaceAbout } from './space-init.ts';
import { texelAreas } from './texel-areas.ts';
import { buildTexelGraph, type TexelGraph } from './texel-graph.ts';
import type { TextureMapSource } from './texture-map.ts';

/** Options of {@link textureSpaceOf}; defaults: `SPACE_PCA_DEFAULTS`. */
export interface SpacePcaOptions {
  /** Components kept; at most one less than there are maps. */
  readonly components?: number;
  /** Makes room for so many bytes aside; memory unless given. */
  readonly scratch?: (bytes: number) => Promise<Scratch>;
  readonly onProgress?: ProgressListener;
  readonly signal?: AbortSignal;
}

/** Weight of a texel that no map saw, beside 1 of one that all saw. */
const UNSEEN_WEIGHT = 0.05;
/** Weight of what is not skin, beside 1 of skin. */
const OTHER_WEIGHT = 0.1;
/** Components with less than this fraction of the variance are rounding. */
const LEAST_SHARE = 1e-9;

/**
 * Makes a texture space.
 * @param source maps on `model`'s UV layout
 * @throws {InvalidArgumentError} when there are fewer than two maps, or all are alike, or an option is out of range
 * @throws {FormatError} when a map is damaged
 * @throws {AbortedError} when cancelled
 */
export async function textureSpaceOf(
  source: TextureMapSource,
  model: HeadModel,
  about: SpaceAbout,
  options: SpacePcaOptions = {},
): Promise<SpaceInput> {
  const wanted = options.components ?? SPACE_PCA_DEFAULTS.components;
  if (!Number.isInteger(wanted) || wanted < 1)
    throw new InvalidArgumentError(`space pca: components must be a positive integer, got ${wanted}`);
  const { signal, onProgress } = options;
  const { size } = source;
  const kernels = await createKernels();
  const graph = buildTexelGraph(kernels, model, size, size);
  const bytes = scratchBytes(source.names.length, graph);
  const scratch = await (options.scratch ?? (async (n: number) => memoryScratch(n)))(bytes);
  const maps = await collectMaps(source, graph, scratch, {
    signal,
    onMap: (done) => onProgress?.({ stage: 'read maps', fraction: (0.4 * done) / source.names.length }),
  });
  const weights = texelWeights(graph, model, maps.visibility);
  const { N, M } = maps;
  const gram = await gramMatrix(kernels, maps, weights, signal, (part) =>
    onProgress?.({ stage: 'products', fraction: 0.4 + 0.4 * part }),
  );
  throwIfAborted(signal);
  onProgress?.({ stage: 'eigenvectors', fraction: 0.8 });
  const { values, vectors } = symmetricEigen(gram, N);
  const total = values.reduce((s, x) => s + Math.max(x, 0), 0);
  if (!(total / (N - 1) > 1e-10))
    throw new InvalidArgumentError('space pca: all maps are alike; there is nothing that a space could vary');
  let T = Math.min(wanted, N - 1);
  while (T > 1 && values[T - 1] < LEAST_SHARE * total) T--;
  throwIfAborted(signal);
  const basis = await components(
    kernels,
    maps,
    graph,
    vectors.subarray(0, T * N),
    T,
    weights,
    signal,
    (part) => onProgress?.({ stage: 'components', fraction: 0.9 + 0.1 * part }),
  );
  const mean = new Float32Array(3 * size * size);
  graph.texels.forEach((t, i) => {
    for (let c = 0; c < 3; c++) mean[3 * t + c] = maps.seenMean[3 * i + c];
  });
  fillOutside(mean, graph, weights);
  const coverage = new Uint8Array(size * size);
  graph.texels.forEach((t, i) => {
    if (graph.rings[i] === 0) coverage[t] = Math.round(255 * maps.visibility[i]);
  });
  const leaveOut = leaveOutErrors(gram, N, T);
  return {
    ...about,
    model: { name: model.name, hash: model.hash },
    layout: await uvLayoutHash(model),
    explained: Array.from(values.subarray(0, T), (x) => Number((x / total).toPrecision(6))),
    maps: N,
    provenance: {
      ...about.provenance,
      /** Weighted root mean square over all texels and maps, per component count from 0, in 1/255. */
      ...(leaveOut && {
        leave_out: { ...leaveOut, rms: leaveOut.rms.map((x) => Number((255 * x).toPrecision(5))) },
      }),
      sd: Number((255 * Math.sqrt(total / (N - 1))).toPrecision(5)),
      values: M,
    },
    texture: {
      width: size,
      height: size,
      mean,
      basis,
      names: Array.from({ length: T }, (_, t) => `texture_${String(t + 1).padStart(3, '0')}`),
    },
    coverage,
  };
}

/** (n) weights of the nodes that sum to 1/3: sums over the three channels are then averages. */
function texelWeights(graph: TexelGraph, model: HeadModel, visibility: Float64Array): Float64Array {
  const skin = facesInSkin(model);
  const w = texelAreas(graph, model).map(
    (a, i) =>
      a * (skin[graph.faces[i]] ? 1 : OTHER_WEIGHT) * (UNSEEN_WEIGHT + (1 - UNSEEN_WEIGHT) * visibility[i]),
  );
  const sum = w.reduce((s, x) => s + x, 0);
  return w.map((x) => x / (3 * sum));
}

/** X W Xᵀ, (N,N). */
async function gramMatrix(
  kernels: Kernels,
  maps: MapMatrix,
  weights: Float64Array,
  signal: AbortSignal | undefined,
  onPart: (part: number) => void,
): Promise<Float64Array> {
  const { N, M, block, mean } = maps;
  const mark = kernels.mark();
  try {
    const gram = kernels.f64(N * N);
    const a = kernels.f32(block * N);
    for (let from = 0; from < M; ) {
      throwIfAborted(signal);
      const { values, to } = await maps.read(from);
      const m = to - from;
      const view = a.view;
      const scale = Float64Array.from({ length: m }, (_, i) =>
        Math.sqrt(weights[Math.floor((from + i) / 3)]),
      );
      const shift = scale.map((w, i) => w * (VALUE_LOW - mean[from + i]));
      for (let i = 0; i < m; i++) scale[i] *= VALUE_STEP;
      // Transposed in tiles: rows are values, columns maps.
      for (let i0 = 0; i0 < m; i0 += 32)
        for (let r = 0; r < N; r++)
          for (let i = i0, end = Math.min(i0 + 32, m); i < end; i++)
            view[i * N + r] = shift[i] + scale[i] * values[r * m + i];
      syrkTN(kernels, matrixF32(a, m, N), gram);
      from = to;
      onPart(from / M);
    }
    return gram.view.slice();
  } finally {
    kernels.release(mark);
  }
}

/** The components as a float16 tensor (T,size,size,3): Xᵀvₖ/√(N−1), brightening. */
async function components(
  kernels: Kernels,
  maps: MapMatrix,
  graph: TexelGraph,
  vectors: Float64Array,
  T: number,
  weights: Float64Array,
  signal: AbortSignal | undefined,
  onPart: (part: number) => void,
): Promise<Tensor> {
  const { N, M, block, mean } = maps;
  const size = graph.width;
  const plane = 3 * size * size;
  const halves = new Uint16Array(T * plane);
  const brightness = new Float64Array(T);
  const mark = kernels.mark();
  try {
    const u = kernels.f32(N * T);
    for (let t = 0; t < T; t++)
      for (let r = 0; r < N; r++) u.view[r * T + t] = vectors[t * N + r] / Math.sqrt(N - 1);
    const x = kernels.f32(N * block);
    for (let from = 0; from < M; ) {
      throwIfAborted(signal);
      const { values, to } = await maps.read(from);
      const m = to - from;
      const view = x.view;
      for (let r = 0, k = 0; r < N; r++)
        for (let i = from; i < to; i++, k++) view[k] = VALUE_LOW + VALUE_STEP * values[k] - mean[i];
      const out = kernels.scope(() => {
        const c = kernels.f64(T * m);
        gemmTN(kernels, matrixF32(u, N, T), matrixF32(x, N, m), c);
        return Float32Array.from(c.view);
      });
      // Where in a map each value of the block belongs, and what it weighs.
      const target = Uint32Array.from({ length: m }, (_, i) => {
        const node = Math.floor((from + i) / 3);
        return 3 * graph.texels[node] + from + i - 3 * node;
      });
      const weight = Float64Array.from(target, (_, i) => weights[Math.floor((from + i) / 3)]);
      const half = encodeHalf(out);
      for (let t = 0; t < T; t++)
        for (let i = 0, k = t * m; i < m; i++, k++) {
          brightness[t] += weight[i] * out[k];
          halves[t * plane + target[i]] = half[k];
        }
      from = to;
      onPart(from / M);
    }
  } finally {
    kernels.release(mark);
  }
  for (let t = 0; t < T; t++)
    // The sign bit; zeros stay plain zeros.
    if (brightness[t] < 0)
      for (let i = t * plane; i < (t + 1) * plane; i++) if ((halves[i] & 0x7fff) !== 0) halves[i] ^= 0x8000;
  const bytes = new Uint8Array(halves.buffer);
  return { dtype: 'F16', shape: [T, size, size, 3], bytes };
}

/** Texels that no chart uses get the skin's average, which blurred copies of the map may bleed in. */
function fillOutside(mean: Float32Array, graph: TexelGraph, weights: Float64Array): void {
  const average = [0, 0, 0];
  graph.texels.forEach((t, i) => {
    for (let c = 0; c < 3; c++) average[c] += 3 * weights[i] * mean[3 * t + c];
  });
  for (let t = 0; t < graph.nodes.length; t++)
    if (graph.nodes[t] < 0) for (let c = 0; c < 3; c++) mean[3 * t + c] = average[c];
}
