/**
 * Tint of a skin (`model/tint.ts`): found, evaluated at pixels, taken off a photo, worn by albedo maps. The method is in
 * `fit/tint.ts`, plain TypeScript for reading in `reference/tint.ts`.
 */
import { type FieldPrior, takeFields } from './fields.ts';
import { jobOf, whole } from './job.ts';
import { type F32, type Kernels, requireLength, type U32 } from './runtime.ts';

/** What {@link solveTint} explains. */
export interface TintInput {
  /** (H,W,3) float32 each. */
  readonly photo: F32;
  readonly render: F32;
  /** (H,W) float32 weights of pixels. */
  readonly mask: F32;
  /** (N) uint32 pixels that are looked at, and (N,n) float32 the functions there. */
  readonly pixels: U32;
  readonly basis: F32;
  /** (S,3) relative changes of a colour. */
  readonly colours: readonly number[];
  readonly prior: FieldPrior;
  /** Re-weighted so often. */
  readonly rounds: number;
}

/**
 * The coefficients (S,n) that explain best what is left between photo and render; null where no pixel counts.
 * @throws {InvalidArgumentError} on shapes that do not match
 */
export function solveTint(kernels: Kernels, input: TintInput): Float64Array | null {
  const { photo, render, mask, pixels, basis, colours, prior } = input;
  const N = pixels.length;
  if (N === 0) return null;
  const n = Math.floor(basis.length / N);
  const sets = prior.deviations.length;
  requireLength('solveTint', 'basis', basis, n * N, '(N,n)');
  requireLength('solveTint', 'photo', photo, 3 * mask.length, '(H,W,3)');
  requireLength('solveTint', 'render', render, 3 * mask.length, '(H,W,3)');
  requireLength('solveTint', 'colours', colours, 3 * sets, '(S,3)');
  return kernels.scope(() => {
    const { job, out } = takeFields(kernels, n, N, prior, input.rounds);
    const solved = kernels.raw.solveTint(
      jobOf(kernels, [[whole(N), pixels, basis, photo, render, mask, kernels.f64(colours), job]]),
    );
    return solved ? out.view.slice(0, sets * n) : null;
  });
}

/**
 * How far a render (H,W,3) changes at pixels (N), to `out` (H,W,3); elsewhere `out` stays.
 * @param change (N,3) float32 relative change of the colours
 * @throws {InvalidArgumentError} on shapes that do not match
 */
export function tintPlane(kernels: Kernels, pixels: U32, change: F32, render: F32, out: F32): void {
  requireLength('tintPlane', 'change', change, 3 * pixels.length, '(N,3)');
  requireLength('tintPlane', 'out', out, render.length, '(H,W,3)');
  kernels.raw.tintPlane(pixels.length, pixels.ptr, change.ptr, render.ptr, out.ptr);
}

/**
 * map ∘ (1 + change), in place; (H,W,3) float32.
 * @throws {InvalidArgumentError} on shapes that do not match
 */
export function tintMap(kernels: Kernels, map: F32, change: F32): void {
  requireLength('tintMap', 'change', change, map.length, '(H,W,3)');
  kernels.raw.tintMap(map.ptr, change.ptr, map.length);
}

/**
 * Takes a plane from values of its shape, in place.
 * @throws {InvalidArgumentError} on shapes that do not match
 */
export function takePlane(kernels: Kernels, values: F32, plane: F32): void {
  requireLength('takePlane', 'plane', plane, values.length, '(H,W,C)');
  kernels.raw.takePlane(values.ptr, plane.ptr, values.length);
}
