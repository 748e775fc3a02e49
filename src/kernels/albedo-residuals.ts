/**
 * How far pixels are from what was expected, and by sums over cells of a coarse grid how far that is to be believed. The
 * method is in `texture/solve-offset.ts` and `texture/robust-pixels.ts`, plain TypeScript for reading in
 * `reference/evidence.ts`.
 */
import type { Evidence } from './evidence.ts';
import { type F32, type Kernels, requireLength, type U32 } from './runtime.ts';

/**
 * Residuals of the parametric texture in albedo, photo/shading − albedo, and weights trust·(mean shading)², so that weighted
 * residuals are those of the picture. White is where a photo's range ends: where it is above `saturated`, gloss included,
 * only brighter counts. A channel with much less light than the others follows them in brightness.
 *
 * @param rendered (P,4) float32 albedo, overwritten by the residuals
 * @param weight (P) float32, overwritten
 */
export function albedoResiduals(
  kernels: Kernels,
  evidence: Evidence,
  saturated: number,
  rendered: F32,
  weight: F32,
): void {
  const { count, shading, colours, trust } = evidence;
  requireLength('albedoResiduals', 'rendered', rendered, 4 * count, '(P,4)');
  requireLength('albedoResiduals', 'weight', weight, count, '(P)');
  kernels.raw.albedoResiduals(
    count,
    rendered.ptr,
    shading.ptr,
    colours.ptr,
    trust.ptr,
    saturated,
    weight.ptr,
  );
}

/** Pixels with what cell of a coarse grid each lies in. */
export interface CellPixels {
  readonly evidence: Evidence;
  /** (P) uint32. */
  readonly cells: U32;
  /** (P) float32. */
  readonly weight: F32;
  /** (P,4) float32. */
  readonly residual: F32;
  /** (P) float32: what weights are multiplied by. */
  readonly factor: F32;
}

/** pull (cells) += weight·factor, right (cells,4) += weight·factor·residual. */
export function sumCells(kernels: Kernels, pixels: CellPixels, pull: F32, right: F32): void {
  requireCells('sumCells', pixels);
  requireLength('sumCells', 'right', right, 4 * pull.length, '(cells,4)');
  const { evidence, cells, weight, residual, factor } = pixels;
  kernels.raw.sumCells(evidence.count, cells.ptr, weight.ptr, factor.ptr, residual.ptr, pull.ptr, right.ptr);
}

/** out (P) = the cell of each pixel's heaviest tap. @param cells (n) uint32 */
export function heaviestCells(kernels: Kernels, evidence: Evidence, cells: U32, out: U32): void {
  const { count, taps, weights } = evidence;
  requireLength('heaviestCells', 'out', out, count, '(P)');
  kernels.raw.heaviestCells(count, taps.ptr, weights.ptr, cells.ptr, out.ptr);
}

/** out (n) = mean of `value` (P) over the trusted pixels that sample each node; 0 without any. */
export function nodeMeans(kernels: Kernels, evidence: Evidence, value: F32, out: F32): void {
  const { count, taps, weights, trust } = evidence;
  requireLength('nodeMeans', 'value', value, count, '(P)');
  kernels.scope(() => {
    const total = kernels.f32(out.length, false);
    kernels.raw.nodeMeans(count, taps.ptr, weights.ptr, trust.ptr, value.ptr, out.length, total.ptr, out.ptr);
  });
}

/** Scales of {@link robustFactors}, RGB in [0, 1]. */
export interface RobustScales {
  readonly free: number;
  readonly width: number;
  readonly outside: number;
}

/**
 * Robust factors of skin pixels against their cells' surroundings; those of other pixels stay.
 * @param around (cells,4) float32
 * @param foreign (P) float32: how surely each shows something else than skin
 */
export function robustFactors(
  kernels: Kernels,
  pixels: CellPixels,
  around: F32,
  scales: RobustScales,
  foreign: F32,
): void {
  requireCells('robustFactors', pixels);
  requireLength('robustFactors', 'foreign', foreign, pixels.evidence.count, '(P)');
  const { evidence, cells, weight, residual, factor } = pixels;
  kernels.raw.robustFactors(
    evidence.count,
    cells.ptr,
    weight.ptr,
    evidence.flags.ptr,
    residual.ptr,
    evidence.shading.ptr,
    around.ptr,
    scales.free,
    scales.width,
    scales.outside,
    factor.ptr,
    foreign.ptr,
  );
}

function requireCells(kernel: string, { evidence, cells, weight, residual, factor }: CellPixels): void {
  for (const [key, array] of Object.entries({ cells, weight, factor }))
    requireLength(kernel, key, array, evidence.count, '(P)');
  requireLength(kernel, 'residual', residual, 4 * evidence.count, '(P,4)');
}
