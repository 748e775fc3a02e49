/**
 * The texture offset: what has to be added to the parametric albedo so that the rendered head looks as the photo does,
 * texel by texel, for fixed geometry and light.
 *
 *   E(d) = Σ_p w_p ‖A_p·(ā + d) − I_p/s_p‖² + λ Σ_ij ‖d_i − d_j‖² + μ Σ_i ‖d_i‖²
 *
 * A is the renderer's own texture sampling (`sampling-operator.ts`), s_p the shading of the pixel, w_p = (trust, see
 * `observe.ts`) · (mean shading)² · (robust weight): the residual is that of the picture, brought to albedo so that the
 * three colours share one matrix. Edges are those of `texel-graph.ts`. Solved coarse to fine by preconditioned conjugate
 * gradients over the texels that were seen; the rest is filled by `fill.ts`.
 */
import { InvalidArgumentError, throwIfAborted } from '../core/errors.ts';
import type { Image8, ImageF } from '../core/image.ts';
import type { ProgressListener } from '../core/progress.ts';
import type { PhotoFit } from '../fit/types.ts';
import type { Kernels } from '../kernels/runtime.ts';
import type { HeadModel } from '../model/head-model.ts';
import { poseHead } from '../model/pose.ts';
import { albedoMap } from '../render/albedo.ts';
import { resize } from '../render/resample.ts';
import { buildLevels, solveCoarseToFine } from './coarse-levels.ts';
import { fillOffset } from './fill.ts';
import { measure, type SkinMatch, shadingShare } from './match.ts';
import { dataMatrix } from './normal-matrix.ts';
import { type Observation, observe } from './observe.ts';
import { offsetAtlas, offsetHeight } from './offset-atlas.ts';
import { robustWeights } from './robust-pixels.ts';
import { sampleNodes, splatPixels } from './sampling-operator.ts';
import { shadePixels } from './shade.ts';
import { subgraph } from './subgraph.ts';
import type { TexelGraph } from './texel-graph.ts';

/** Widths of maps that can be solved for. */
export const TEXTURE_SIZES = [128, 256, 512, 1024] as const;

/** Options of {@link solveTextureOffset}. */
export interface TextureOffsetOptions {
  /** Width of the map in texels, one of {@link TEXTURE_SIZES}; its height follows the model's texture. */
  readonly size?: (typeof TEXTURE_SIZES)[number];
  /** λ: a difference between neighbouring texels in units of a pixel's residual. */
  readonly smoothness?: number;
  /** μ: a texel's difference from the parametric texture, in the same units. */
  readonly prior?: number;
  /** Steps of conjugate gradients on the finest level. */
  readonly iterations?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: ProgressListener;
}

/** Defaults of {@link TextureOffsetOptions}. */
export const TEXTURE_OFFSET_DEFAULTS = {
  size: 512,
  smoothness: 0.05,
  prior: 0.005,
  iterations: 10,
} as const;

/** A texture that matches a photo. */
export interface TextureOffset {
  readonly width: number;
  readonly height: number;
  /** (H,W,3) the whole map, parametric + offset, filled; in [0, 1]. */
  readonly albedo: ImageF;
  /** (H,W,3) what was added to the parametric map. */
  readonly offset: ImageF;
  /** (H,W) float32 how well each texel was seen, in [0, 1]. */
  readonly visibility: Float32Array;
  /** (H,W) where each texel's colour comes from, values of `ORIGIN`. */
  readonly origin: Uint8Array;
  readonly metrics: {
    /** With the parametric texture. */
    readonly before: SkinMatch;
    readonly after: SkinMatch;
    readonly skinPixels: number;
    /**
     * Share of the smooth variation of brightness over the skin that the light's shading explains; the rest is in the
     * texture, as skin that really is lighter or darker, or as light that nine harmonics cannot express.
     */
    readonly shadingShare: number;
  };
}

/** A fit with the photo it was made from. */
export interface TextureView {
  readonly fit: PhotoFit;
  /** As it was decoded for the fit. */
  readonly photo: Image8;
}

/**
 * Solves for the offset.
 * @param photo the photo that `fit` was made from, as decoded then.
 * @param model the model that `fit` was made with.
 * @throws {InvalidArgumentError} on options out of range, or when photo or model are not those of the fit.
 * @throws {AbortedError} when `options.signal` is aborted.
 */
export function solveTextureOffset(
  kernels: Kernels,
  fit: PhotoFit,
  photo: Image8,
  model: HeadModel,
  options: TextureOffsetOptions = {},
): TextureOffset {
  return solvePersonTexture(kernels, [{ fit, photo }], model, options).texture;
}

/**
 * One offset from several photos of one person, whose fits share their texture coefficients (`fitPerson`): each photo's
 * offset is solved on its own and they are blended texel by texel, by the square of how well each photo shows it, so that
 * the view that faces a place decides it. What no photo shows is filled as for one.
 * @returns the texture, with metrics of the first photo, and the metrics of all.
 * @throws {InvalidArgumentError} as {@link solveTextureOffset}, and without views or for fits of different people.
 * @throws {AbortedError} when `options.signal` is aborted.
 */
export function solvePersonTexture(
  kernels: Kernels,
  views: readonly TextureView[],
  model: HeadModel,
  options: TextureOffsetOptions = {},
): { texture: TextureOffset; metrics: readonly TextureOffset['metrics'][] } {
  const o = { ...TEXTURE_OFFSET_DEFAULTS, ...options, size: options.size ?? TEXTURE_OFFSET_DEFAULTS.size };
  if (views.length === 0) throw new InvalidArgumentError('solvePersonTexture: views must not be empty');
  for (const { fit, photo } of views) {
    check(fit, photo, model, o);
    if (fit.params.texture.some((t, i) => t !== views[0].fit.params.texture[i]))
      throw new InvalidArgumentError(
        'solvePersonTexture: the fits differ in their texture coefficients; fit the photos together with fitPerson',
      );
  }
  const step = (stage: string, fraction: number) => {
    throwIfAborted(options.signal);
    options.onProgress?.({ stage, fraction });
  };
  step('texture: unwrap', 0);
  const base = parametricMap(model, views[0].fit, o.size);
  const { graph, levels } = offsetAtlas(kernels, model, base.width, base.height);
  const mean = nodeValues(graph, base);
  const evidence = Math.min(EVIDENCE_SIZE, o.size);
  const solved = views.map(({ fit, photo }, i) => {
    step('texture: observe', 0.2 + (0.5 * i) / views.length);
    const { vertices } = poseHead(model, fit.params);
    const seen = observe(kernels, fit, photo, model, vertices, graph, evidence);
    const shading = shadePixels(seen.basis, fit.light);
    const visibility = seen.visibility.slice();
    step('texture: solve', 0.2 + (0.5 * (i + 0.4)) / views.length);
    const offset = solveSeen(kernels, graph, seen, shading, mean, visibility, o, () =>
      throwIfAborted(options.signal),
    );
    return { seen, shading, visibility, offset };
  });
  step('texture: fill', 0.7);
  const { offset, visibility } = solved.length === 1 ? solved[0] : blend(solved);
  const filled = fillOffset(kernels, graph, levels, model, offset, visibility, mean);
  step('texture: finish', 0.95);
  const map = compose(graph, base, mean, filled.offset);
  const plane = new Float32Array(base.width * base.height);
  const origin = new Uint8Array(base.width * base.height);
  for (let i = 0; i < graph.texels.length; i++) {
    plane[graph.texels[i]] = visibility[i];
    origin[graph.texels[i]] = filled.origin[i];
  }
  const after = nodeValues(graph, map.albedo);
  const metrics = solved.map(({ seen, shading }) => {
    const before = measure(seen, shading, mean);
    return {
      before: before.match,
      after: measure(seen, shading, after).match,
      skinPixels: before.pixels,
      shadingShare: shadingShare(seen, shading, mean, after),
    };
  });
  options.onProgress?.({ stage: 'texture: done', fraction: 1 });
  const { width, height } = base;
  return { texture: { width, height, ...map, visibility: plane, origin, metrics: metrics[0] }, metrics };
}

/** Offsets of several views, (n,3) each, weighted by their visibility squared; a texel is as visible as it ever was. */
function blend(views: readonly { readonly offset: Float64Array; readonly visibility: Float32Array }[]): {
  offset: Float64Array;
  visibility: Float32Array;
} {
  const n = views[0].visibility.length;
  const offset = new Float64Array(3 * n);
  const visibility = new Float32Array(n);
  for (let i = 0; i < n; i++) {
    let total = 0;
    for (const v of views) {
      const w = v.visibility[i] ** 2;
      total += w;
      visibility[i] = Math.max(visibility[i], v.visibility[i]);
      for (let c = 0; c < 3; c++) offset[3 * i + c] += w * v.offset[3 * i + c];
    }
    if (total > 0) for (let c = 0; c < 3; c++) offset[3 * i + c] /= total;
  }
  return { offset, visibility };
}

/** Width and height of the photo crop that is the evidence, at most; smaller maps need no more pixels than they have. */
const EVIDENCE_SIZE = 512;
/** Photo values from here on are cut off. */
const SATURATED = 0.985;
/** Albedo of models without a texture space. */
const GREY = 0.6;

function check(
  fit: PhotoFit,
  photo: Image8,
  model: HeadModel,
  o: Required<Pick<TextureOffsetOptions, 'size' | 'smoothness' | 'prior' | 'iterations'>>,
): void {
  const fail = (message: string) => {
    throw new InvalidArgumentError(`solveTextureOffset: ${message}`);
  };
  if (!(TEXTURE_SIZES as readonly number[]).includes(o.size))
    fail(`options.size must be one of ${TEXTURE_SIZES.join(', ')}, got ${o.size}`);
  if (!(o.smoothness > 0)) fail(`options.smoothness must be positive, got ${o.smoothness}`);
  if (!(o.prior > 0)) fail(`options.prior must be positive, got ${o.prior}`);
  if (!Number.isInteger(o.iterations) || o.iterations < 1)
    fail(`options.iterations must be a positive integer, got ${o.iterations}`);
  if (fit.modelHash !== model.hash)
    fail(
      `the fit was made with another head model (${fit.modelName}), not with this ${model.name}; load that one`,
    );
  if (photo.width !== fit.image.width || photo.height !== fit.image.height)
    fail(
      `the fit was made from a photo of ${fit.image.width} × ${fit.image.height} pixels, this one has ${photo.width} × ${photo.height}; pass the photo as it was fitted`,
    );
}

/** The parametric albedo at the offset's size. */
function parametricMap(model: HeadModel, fit: PhotoFit, size: number): ImageF {
  if (!model.texture)
    return { width: size, height: size, channels: 3, data: new Float32Array(3 * size * size).fill(GREY) };
  const map = albedoMap(model.texture, fit.params.texture);
  const height = offsetHeight(model, size);
  return map.width === size && map.height === height ? map : resize(map, size, height);
}

/** (n,3) values of a map at the nodes. */
function nodeValues({ texels }: TexelGraph, { data }: ImageF): Float64Array {
  const out = new Float64Array(3 * texels.length);
  for (let i = 0; i < texels.length; i++) {
    const t = 3 * texels[i];
    out[3 * i] = data[t];
    out[3 * i + 1] = data[t + 1];
    out[3 * i + 2] = data[t + 2];
  }
  return out;
}

/** The offset over the seen nodes; zero elsewhere. */
function solveSeen(
  kernels: Kernels,
  graph: TexelGraph,
  seen: Observation,
  shading: Float32Array,
  mean: Float64Array,
  visibility: Float32Array,
  o: { smoothness: number; prior: number; iterations: number },
  check: () => void,
): Float64Array {
  const { operator, trust } = seen;
  const P = operator.rows;
  const part = subgraph(graph, seen);
  const levels = buildLevels(part.graph, part.places);
  const a = part.operator;
  // Residual of the parametric texture in albedo, and weights without the robust factor.
  const residual = new Float64Array(3 * P);
  const weight = new Float64Array(P);
  sampleNodes(operator, mean, residual);
  for (let p = 0; p < P; p++) {
    const s = (shading[3 * p] + shading[3 * p + 1] + shading[3 * p + 2]) / 3;
    let photo = 0;
    let rendered = 0;
    for (let c = 0; c < 3; c++) {
      photo += seen.photo.data[3 * seen.pixels[p] + c];
      rendered += shading[3 * p + c] * residual[3 * p + c];
    }
    const brighter = photo / Math.max(rendered, 1e-3) - 1;
    for (let c = 3 * p; c < 3 * p + 3; c++) {
      const value = seen.photo.data[3 * seen.pixels[p] + (c % 3)];
      let r = value / shading[c] - residual[c];
      // White is where the photo's range ends: the skin may be brighter than that, but not darker.
      if (value > SATURATED && r < 0) r = 0;
      // A channel with much less light than the others says little about hue: it follows them in brightness.
      const sure = Math.min(1, (2 * shading[c]) / s) ** 2;
      residual[c] = sure * r + (1 - sure) * brighter * residual[c];
    }
    weight[p] = trust[p] * s * s;
  }
  check();
  robustWeights(kernels, part, levels, seen, shading, residual, weight, o.smoothness, visibility);
  check();
  const n = part.count;
  const pull = new Float64Array(n).fill(o.prior);
  const matrix = dataMatrix(a, weight, part.graph, o.smoothness, pull);
  const b = new Float64Array(3 * n);
  const weighted = new Float64Array(3 * P);
  for (let p = 0, i = 0; p < P; p++) {
    const w = weight[p];
    weighted[i] = w * residual[i++];
    weighted[i] = w * residual[i++];
    weighted[i] = w * residual[i++];
  }
  splatPixels(a, weighted, b);
  const lumped = pull;
  for (let k = 0; k < 4 * P; k++) lumped[a.nodes[k]] += a.weights[k] * weight[k >> 2];
  check();
  const x = solveCoarseToFine(kernels, levels, matrix, o.smoothness, lumped, b, o.iterations);
  const out = new Float64Array(mean.length);
  for (let i = 0; i < n; i++) {
    const o = 3 * part.nodes[i];
    out[o] = x[3 * i];
    out[o + 1] = x[3 * i + 1];
    out[o + 2] = x[3 * i + 2];
  }
  return out;
}

/** Rings of texels around the charts that take the nearest texel's offset, for viewers that filter smaller maps. */
const PADDING = 6;

/** Adds an offset of nodes to the parametric map, clamped to [0, 1]. */
function compose(
  graph: TexelGraph,
  base: ImageF,
  mean: Float64Array,
  nodeOffset: Float64Array,
): { albedo: ImageF; offset: ImageF } {
  const { width, height } = base;
  const size = width * height;
  const data = new Float32Array(base.data.length);
  const source = new Int32Array(size).fill(-1);
  // Texels in the order they are reached.
  const reached = new Int32Array(size);
  let count = graph.texels.length;
  reached.set(graph.texels);
  for (let i = 0; i < count; i++) {
    const t = reached[i];
    source[t] = i;
    for (let c = 0; c < 3; c++) {
      // What leaves the range of colours is cut here, so that parametric + offset is the map.
      const m = mean[3 * i + c];
      data[3 * t + c] = Math.min(Math.max(m + nodeOffset[3 * i + c], 0), 1) - m;
    }
  }
  const grow = (t: number, to: number) => {
    if (to < 0 || to >= size || source[to] >= 0) return;
    source[to] = source[t];
    data[3 * to] = data[3 * t];
    data[3 * to + 1] = data[3 * t + 1];
    data[3 * to + 2] = data[3 * t + 2];
    reached[count++] = to;
  };
  for (let r = 0, begin = 0; r < PADDING; r++) {
    const end = count;
    for (let k = begin; k < end; k++) {
      const t = reached[k];
      const x = t % width;
      if (x > 0) grow(t, t - 1);
      if (x < width - 1) grow(t, t + 1);
      grow(t, t - width);
      grow(t, t + width);
    }
    begin = end;
  }
  const albedo = new Float32Array(data.length);
  for (let i = 0; i < albedo.length; i++) albedo[i] = Math.min(Math.max(base.data[i] + data[i], 0), 1);
  return {
    albedo: { width, height, channels: 3, data: albedo },
    offset: { width, height, channels: 3, data },
  };
}
