/**
 * Gloss over whole pictures: found, evaluated at every pixel, carried on beyond the skin's border, taken off. The method is in
 * `fit/gloss.ts`, the basis in `light/gloss.ts`, plain TypeScript for reading in `reference/gloss.ts`. In TypeScript it was
 * 0.1 s of a process's first photo, most of it before V8 had optimised it.
 */
import { type FieldPrior, takeFields } from './fields.ts';
import { jobOf, whole } from './job.ts';
import { type F32, type F64, type Kernels, requireLength, type U8 } from './runtime.ts';

/** Coefficients of gloss. */
const COUNT = 25;
/** A surface as a camera sees it. */
export interface GlossView {
  readonly width: number;
  readonly height: number;
  /** Focal length in pixels, infinite where rays are parallel. */
  readonly focal: number;
  readonly principal: readonly [number, number];
  /** (H,W,stride) float32: unit normals first, in camera space; zeros where there is no surface. */
  readonly normals: F32;
  readonly stride: number;
  /** (H,W) 1 where gloss is looked at; all of the surface where absent. */
  readonly region?: U8;
}

/** What {@link solveGloss} explains. */
export interface GlossInput extends GlossView {
  /** (H,W,3) float32 each. */
  readonly photo: F32;
  readonly render: F32;
  /** (H,W) float32 weights of pixels. */
  readonly mask: F32;
  readonly prior: FieldPrior;
  /** Of the pixels that count, one in so many is looked at. */
  readonly every: number;
  /** Re-weighted so often. */
  readonly rounds: number;
}

/**
 * The coefficients (25) that explain best what is left between photo and render; null where no pixel counts.
 * @throws {InvalidArgumentError} on shapes that do not match
 */
export function solveGloss(kernels: Kernels, input: GlossInput): Float64Array | null {
  const { photo, render, mask, prior, every } = input;
  const pixels = requireView('solveGloss', input);
  requireLength('solveGloss', 'photo', photo, 3 * pixels, '(H,W,3)');
  requireLength('solveGloss', 'render', render, 3 * pixels, '(H,W,3)');
  requireLength('solveGloss', 'mask', mask, pixels, '(H,W)');
  return kernels.scope(() => {
    const { job, out } = takeFields(kernels, COUNT, pixels / every + 1, prior, input.rounds);
    const fields = [photo, render, mask, whole(every), job];
    const count = kernels.raw.solveGloss(jobOf(kernels, [viewFields(kernels, input), fields]));
    return count > 0 ? out.view.slice(0, COUNT) : null;
  });
}

/**
 * The gloss that each pixel shows.
 * @param coefficients (25) float64
 * @param out (H,W) float32, overwritten; 0 where there is no surface
 * @throws {InvalidArgumentError} on shapes that do not match
 */
export function glossPlane(kernels: Kernels, view: GlossView, coefficients: F64, out: F32): void {
  const pixels = requireView('glossPlane', view);
  requireLength('glossPlane', 'coefficients', coefficients, COUNT, '(25)');
  requireLength('glossPlane', 'out', out, pixels, '(H,W)');
  kernels.scope(() => {
    const basis = kernels.f64(2 * COUNT, false);
    const job = jobOf(kernels, [viewFields(kernels, view)]);
    kernels.raw.glossPlane(job, coefficients.ptr, basis.ptr, out.ptr);
  });
}

/**
 * Carries values on beyond where they are known, `rounds` pixels far, in place: the mean of the neighbours that are known.
 * @param values (H,W) or (H,W,C)
 * @param known (H,W) 0 or 1, overwritten
 * @throws {InvalidArgumentError} on shapes that do not match
 */
export function growPlane(kernels: Kernels, values: F32, known: U8, width: number, rounds: number): void {
  const channels = Math.max(1, Math.floor(values.length / known.length));
  requireLength('growPlane', 'known', known, values.length / channels, '(H,W)');
  kernels.raw.growPlane(values.ptr, known.ptr, width, known.length / width, channels, rounds);
}

/**
 * Takes gloss (H,W) from colours (H,W,3), in place.
 * @param least what is left of a colour at least
 * @throws {InvalidArgumentError} on shapes that do not match
 */
export function takeGloss(
  kernels: Kernels,
  colours: F32,
  gloss: F32,
  least = Number.NEGATIVE_INFINITY,
): void {
  requireLength('takeGloss', 'colours', colours, 3 * gloss.length, '(H,W,3)');
  kernels.raw.takeGloss(colours.ptr, gloss.ptr, gloss.length, least);
}

function requireView(name: string, { width, height, normals, stride, region }: GlossView): number {
  const pixels = width * height;
  requireLength(name, 'normals', normals, stride * pixels, '(H,W,stride)');
  if (region) requireLength(name, 'region', region, pixels, '(H,W)');
  return pixels;
}

function viewFields(kernels: Kernels, view: GlossView) {
  const { width, height, focal, principal, normals, stride, region } = view;
  const camera = kernels.f64([focal, ...principal]);
  return [whole(width), camera, normals, whole(stride), region ?? whole(0), whole(width * height)];
}
