/**
 * Figures of heads and texture spaces: the mean and its components at ±2 standard deviations, as the original project
 * shows its space, and sheets of random heads. All in one light and through one camera, so that tiles compare.
 */

import type { PerspectiveCamera } from '../camera/camera.ts';
import { withDefaults } from '../core/defaults.ts';
import { InvalidArgumentError, throwIfAborted } from '../core/errors.ts';
import type { Image8, ImageF } from '../core/image.ts';
import type { ProgressListener } from '../core/progress.ts';
import { renderView } from '../fit/render-view.ts';
import type { Kernels } from '../kernels/runtime.ts';
import { createKernels } from '../kernels/runtime.ts';
import { lampLight } from '../light/presets.ts';
import { type HeadModel, type HeadParams, headSizes, neutralParams } from '../model/head-model.ts';
import { type SheetTile, tileSheetPng } from './tile-sheet.ts';

/** Options of {@link spaceFigurePng} and {@link headsSheetPng}. */
export interface FigureOptions {
  /** Width and height of one head in pixels. */
  readonly size?: number;
  /** Components shown. */
  readonly components?: number;
  /** How far along them, standard deviations. */
  readonly deviations?: number;
  readonly title?: string;
  /** What each component explains, where that is known; else its share of the space's variance over all texels. */
  readonly explained?: readonly number[];
  readonly onProgress?: ProgressListener;
  readonly signal?: AbortSignal;
}

/** Defaults of {@link FigureOptions}. */
export const FIGURE_DEFAULTS = { size: 256, components: 5, deviations: 2 } as const;

/** A metre away, the principal point anywhere: pictures are cropped to the head. */
const CAMERA: PerspectiveCamera = {
  kind: 'perspective',
  focal: 1000,
  principal: [0, 0],
  translation: [0, 0, -1.2],
};
/** Shading of what faces the viewer is near 1, so that albedo looks as it is. */
const LIGHT = lampLight([0.3, 0.5, 1], 0.55, 0.45);
const SAMPLES = 2;

/** A head as it looks in these figures. */
export function drawHead(
  kernels: Kernels,
  model: HeadModel,
  params: HeadParams,
  size: number,
  look: { readonly clay?: boolean; readonly albedo?: ImageF } = {},
): Image8 {
  const head = { params, camera: CAMERA, light: LIGHT, image: { width: size, height: size } };
  const coloured = !look.clay && model.texture !== null;
  return renderView(kernels, model, head, {
    size,
    samples: SAMPLES,
    show: coloured ? 'colour' : 'shape',
    albedo: look.albedo ?? null,
  });
}

/**
 * The texture space as a PNG file: a column for each of the first components, −2 sd above the mean above +2 sd.
 * @throws {InvalidArgumentError} when the model has no texture space.
 * @throws {AbortedError} when cancelled.
 */
export async function spaceFigurePng(model: HeadModel, options: FigureOptions = {}): Promise<Uint8Array> {
  const { size, components, deviations } = withDefaults(FIGURE_DEFAULTS, options);
  requireTexture(model, 'spaceFigurePng');
  const { T } = headSizes(model);
  const count = Math.min(components, T);
  const kernels = await createKernels();
  const mean = { picture: drawHead(kernels, model, neutralParams(model), size) };
  const steps = [-deviations, 0, deviations];
  let done = 0;
  const rows = steps.map((step) =>
    Array.from({ length: count }, (_, t): SheetTile => {
      throwIfAborted(options.signal);
      options.onProgress?.({ stage: 'draw', fraction: done++ / (3 * count) });
      if (step === 0) return mean;
      const params = neutralParams(model);
      params.texture[t] = step;
      return { picture: drawHead(kernels, model, params, size) };
    }),
  );
  const share = options.explained?.length ? options.explained : componentShares(model);
  return tileSheetPng({
    rows,
    title: options.title ?? `${model.name}: mean and first ${count} of ${T} texture components`,
    columnTitles: Array.from(
      { length: count },
      (_, t) => `${model.texture?.names[t] ?? `texture ${t + 1}`} · ${(100 * share[t]).toFixed(0)} %`,
    ),
    rowTitles: steps.map((step) => (step === 0 ? 'mean' : `${step < 0 ? '−' : '+'}${Math.abs(step)} sd`)),
  });
}

/** Random or other heads as a sheet, a PNG file; with `clay` each has its bare shape below it. */
export async function headsSheetPng(
  model: HeadModel,
  heads: readonly { readonly params: HeadParams; readonly caption: string }[],
  options: FigureOptions & { readonly columns?: number; readonly clay?: boolean } = {},
): Promise<Uint8Array> {
  const { size } = withDefaults(FIGURE_DEFAULTS, options);
  const columns = options.columns ?? Math.min(8, Math.max(1, Math.ceil(Math.sqrt(heads.length))));
  const kernels = await createKernels();
  const rows: SheetTile[][] = [];
  for (let at = 0; at < heads.length; at += columns) {
    const row = heads.slice(at, at + columns);
    const draw = (clay: boolean) =>
      row.map(({ params, caption }, i): SheetTile => {
        throwIfAborted(options.signal);
        options.onProgress?.({ stage: 'draw', fraction: (at + i) / heads.length });
        return { picture: drawHead(kernels, model, params, size, { clay }), ...(!clay && { caption }) };
      });
    rows.push(draw(false));
    if (options.clay && model.texture) rows.push(draw(true));
  }
  return tileSheetPng({ rows, title: options.title });
}

/** Fraction of the space's variance in each component, summed over all texels. */
function componentShares(model: HeadModel): number[] {
  const { texture } = model;
  if (!texture) return [];
  const n = texture.mean.length;
  const sums = Array.from({ length: texture.basis.length / n }, (_, t) => {
    let s = 0;
    for (let i = t * n; i < (t + 1) * n; i++) s += texture.basis[i] ** 2;
    return s;
  });
  const all = sums.reduce((s, x) => s + x, 0);
  return sums.map((s) => (all > 0 ? s / all : 0));
}

/** @throws {InvalidArgumentError} when the model has no texture space. */
export function requireTexture(model: HeadModel, caller: string): void {
  if (!model.texture || headSizes(model).T === 0)
    throw new InvalidArgumentError(
      `${caller}: ${model.name} has no texture space; take a head that has one, or import it with --texture`,
    );
}
