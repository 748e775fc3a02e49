/**
 * The texture offset: what has to be added to the parametric albedo so that the rendered head looks as the photo does,
 * texel by texel, for fixed geometry and light.
 *
 *   E(d) = Σ_p w_p ‖A_p·(ā + d) − I_p/s_p‖² + λ Σ_ij ‖d_i − d_j‖² + μ Σ_i ‖d_i‖²
 *
 * A is the renderer's own texture sampling, four texels a pixel, s_p the shading of the pixel, w_p = (trust, see
 * `observe.ts`) · (mean shading)² · (robust weight): the residual is that of the picture, brought to albedo so that the
 * three colours share one matrix. Edges are those of `texel-graph.ts`. Solved coarse to fine by preconditioned conjugate
 * gradients over the texels that were seen; the rest is filled by `fill.ts`.
 */
import { withDefaults } from '../core/defaults.ts';
import { InvalidArgumentError, throwIfAborted } from '../core/errors.ts';
import type { Image8, ImageF } from '../core/image.ts';
import type { ProgressListener } from '../core/progress.ts';
import type { PhotoFit } from '../fit/types.ts';
import { albedoResiduals } from '../kernels/albedo-residuals.ts';
import { markSeen, renumberEvidence } from '../kernels/evidence.ts';
import type { F32, Kernels } from '../kernels/runtime.ts';
import { laplacianDiagonal, subgraph } from '../kernels/texel-levels.ts';
import { sampleTexels, splatPixels } from '../kernels/texels.ts';
import { composeMap, gatherTexels, resizeMap } from '../kernels/texture-map.ts';
import type { HeadModel } from '../model/head-model.ts';
import { poseHead } from '../model/pose.ts';
import { takeSkinAlbedo } from '../render/albedo.ts';
import { blendViews, eyeballNodes } from './blend-views.ts';
import { laplacianSystem, partLevels, solveLevels } from './coarse-levels.ts';
import { fillOffset } from './fill.ts';
import { colourMouth, mouthView, nodesInMouth } from './inner-mouth.ts';
import { addLashes, lashShade } from './lashes.ts';
import { measure, type SkinMatch, shadingShare } from './match.ts';
import { toneNeck } from './neck-tone.ts';
import { type Observation, observe } from './observe.ts';
import {
  type OffsetAtlas,
  offsetAtlas,
  offsetHeight,
  type ResidentAtlas,
  takeAtlas,
} from './offset-atlas.ts';
import { robustWeights } from './robust-pixels.ts';
import { flattenScalp, toneScalp } from './scalp-tone.ts';
import type { TextureView } from './texture-view.ts';

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
  /**
   * `still`: teeth, tongue and whatever lies between the lips are painted as the photo shows them, right as long as the mouth
   * stays as it is. `moving`: of the mouth's inside only the teeth's tone is the photo's.
   */
  readonly mouth?: 'still' | 'moving';
  readonly signal?: AbortSignal;
  readonly onProgress?: ProgressListener;
}

/** Defaults of {@link TextureOffsetOptions}. */
export const TEXTURE_OFFSET_DEFAULTS = {
  size: 512,
  smoothness: 0.05,
  prior: 0.005,
  iterations: 10,
  mouth: 'still',
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
 * the view that faces a place decides it (`blend-views.ts`). What no photo shows is filled as for one.
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
  const o = withDefaults(TEXTURE_OFFSET_DEFAULTS, options);
  if (views.length === 0) throw new InvalidArgumentError('solvePersonTexture: views must not be empty');
  for (const { fit, photo } of views) {
    check(fit, photo, model, o);
    const [first, own] = [views[0].fit.params, fit.params];
    if (differ(first.texture, own.texture) || differ(first.tint ?? [], own.tint ?? []))
      throw new InvalidArgumentError(
        'solvePersonTexture: the fits differ in their texture coefficients; fit the photos together with fitPerson',
      );
  }
  const step = (stage: string, fraction: number) => {
    throwIfAborted(options.signal);
    options.onProgress?.({ stage, fraction });
  };
  step('texture: unwrap', 0);
  const [width, height] = [o.size, offsetHeight(model, o.size)];
  const made = offsetAtlas(kernels, model, width, height);
  const { graph } = made;
  const n = graph.texels.length;
  const evidence = Math.min(EVIDENCE_SIZE, o.size);
  const result = kernels.scope(() => {
    const base = parametricMap(kernels, model, views[0].fit, width, height);
    const atlas = takeAtlas(kernels, made);
    const texels = kernels.u32(graph.texels);
    const mean = gatherTexels(kernels, texels, base);
    const solved = views.map(({ fit, photo, vertices }, i) => {
      step('texture: observe', 0.2 + (0.5 * i) / views.length);
      const posed = vertices ?? poseHead(model, fit.params).vertices;
      const offset = kernels.f32(4 * n);
      const seen = observe(kernels, fit, photo, model, posed, atlas, evidence, o.mouth === 'moving');
      step('texture: solve', 0.2 + (0.5 * (i + 0.4)) / views.length);
      solveSeen(kernels, atlas, made, seen, mean, offset, o, () => throwIfAborted(options.signal));
      return { seen, offset, visibility: seen.visibility };
    });
    step('texture: fill', 0.7);
    const inside = nodesInMouth(model, graph, mean.view);
    const view = mouthView(solved.map(({ seen }) => seen));
    const { offset, visibility } =
      solved.length === 1
        ? solved[0]
        : blendViews(kernels, solved, eyeballNodes(model, graph), { inside, view });
    const filled = kernels.f32(4 * n, false);
    const { scalp } = made;
    const flat = flattenScalp(kernels, scalp, visibility, mean, offset);
    const decided = fillOffset(kernels, atlas, offset, outside(kernels, visibility, inside), flat, filled);
    toneScalp(kernels, scalp, graph, { visibility, origin: decided }, mean, flat, filled);
    step('texture: finish', 0.95);
    colourMouth(inside, solved[view].seen.mouth, mean.view, offset.view, visibility.view, filled.view);
    toneNeck(
      made.neck,
      solved.map(({ seen }) => seen.neck),
      graph.nodes,
      mean.view,
      filled.view,
    );
    addLashes(made.lashes, lashShade(views), mean.view, filled.view);
    const around = kernels.u32(made.padding.texels);
    const nodes = kernels.u32(made.padding.nodes);
    const composed = composeMap(kernels, { base, texels, mean, offset: filled, around, nodes });
    const picture = (map: F32): ImageF => ({ width, height, channels: 3, data: map.view.slice() });
    const plane = new Float32Array(width * height);
    const origin = new Uint8Array(width * height);
    putAt(graph.texels, visibility.view, plane);
    putAt(graph.texels, decided, origin);
    const after = gatherTexels(kernels, texels, composed.albedo);
    const metrics = solved.map(({ seen }) => {
      const before = measure(kernels, seen, mean);
      return {
        before: before.match,
        after: measure(kernels, seen, after).match,
        skinPixels: before.pixels,
        shadingShare: shadingShare(kernels, seen, mean, after),
      };
    });
    const maps = { albedo: picture(composed.albedo), offset: picture(composed.change) };
    return { texture: { width, height, ...maps, visibility: plane, origin, metrics: metrics[0] }, metrics };
  });
  options.onProgress?.({ stage: 'texture: done', fraction: 1 });
  return result;
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

/** (H,W,3) the parametric albedo at the offset's size, in kernel memory. */
function parametricMap(
  kernels: Kernels,
  model: HeadModel,
  fit: PhotoFit,
  width: number,
  height: number,
): F32 {
  const base = kernels.f32(3 * width * height, false);
  kernels.scope(() => {
    const map = takeSkinAlbedo(kernels, model, fit.params);
    if (map) resizeMap(kernels, map, [model.texture!.width, model.texture!.height], base, [width, height]);
    else base.view.fill(GREY);
  });
  return base;
}

function differ(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  return a.length !== b.length || Array.from(a).some((x, i) => x !== b[i]);
}

/** (n) `visibility` without the mouth's inside, which nothing is continued from. */
function outside(kernels: Kernels, visibility: F32, inside: Uint8Array): F32 {
  const out = kernels.f32(inside.length, false);
  const values = out.view;
  values.set(visibility.view);
  for (let i = 0; i < inside.length; i++) if (inside[i] > 0) values[i] = 0;
  return out;
}

/** out[places[i]] = values[i]. A function of its own: V8 compiles it in time for a process's first photo. */
function putAt(places: Uint32Array, values: ArrayLike<number>, out: Float32Array | Uint8Array): void {
  for (let i = 0; i < places.length; i++) out[places[i]] = values[i];
}

/**
 * The offset over the seen nodes; zero elsewhere.
 * @param mean (n,4) parametric albedo.
 * @param out (n,4) zeros, filled where something was seen.
 */
function solveSeen(
  kernels: Kernels,
  atlas: ResidentAtlas,
  made: OffsetAtlas,
  { evidence, visibility }: Observation,
  mean: F32,
  out: F32,
  o: { smoothness: number; prior: number; iterations: number },
  check: () => void,
): void {
  const P = evidence.count;
  const n = atlas.graph.count;
  kernels.scope(() => {
    // Nodes that trusted pixels mix, and those that lie between them.
    const numbers = kernels.i32(n, false);
    const nodes = kernels.u32(n, false);
    markSeen(kernels, evidence, visibility, numbers);
    const part = subgraph(kernels, atlas.graph, numbers, nodes);
    const levels = partLevels(kernels, part, nodes.view, made.levels);
    // Pixels that are only measured touch other nodes: their weight is zero, so any node will do.
    const own = renumberEvidence(kernels, evidence, numbers);
    // Residual of the parametric texture in albedo, and weights without the robust factor.
    const residual = kernels.f32(4 * P, false);
    const weight = kernels.f32(P, false);
    sampleTexels(kernels, evidence, mean, residual);
    albedoResiduals(kernels, evidence, SATURATED, residual, weight);
    check();
    robustWeights(kernels, own, nodes, levels, residual, weight, o.smoothness, visibility);
    check();
    const pull = kernels.f32(part.count, false);
    pull.view.fill(o.prior);
    const system = laplacianSystem(kernels, part, o.smoothness, pull);
    const right = kernels.f32(4 * part.count);
    const squares = kernels.f32(part.count, false);
    laplacianDiagonal(kernels, part, o.smoothness, pull, squares);
    splatPixels(kernels, own, weight, residual, { right, lumped: pull, squares });
    const x = kernels.f32(4 * part.count, false);
    solveLevels(
      kernels,
      levels,
      {
        system: { ...system, data: { samples: own, values: weight, diagonal: squares } },
        lambda: o.smoothness,
        lumped: pull,
        right,
        steps: o.iterations,
        tolerance: 1e-5,
      },
      x,
    );
    const [solution, all, which] = [x.view, out.view, nodes.view];
    for (let i = 0; i < part.count; i++) {
      const at = 4 * which[i];
      all[at] = solution[4 * i];
      all[at + 1] = solution[4 * i + 1];
      all[at + 2] = solution[4 * i + 2];
    }
  });
}
