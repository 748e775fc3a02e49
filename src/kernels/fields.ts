/**
 * Least squares of smooth fields over pixels: what gloss and tint are found with. Sums and solution are in
 * `assembly/fields.ts`, plain TypeScript for reading in `reference/fields.ts`.
 */
import { jobOf, whole } from './job.ts';
import type { F64, Kernels } from './runtime.ts';

/** Robust loss, as `PhotometricLoss`, and the deviation of the coefficients. */
export interface FieldPrior {
  readonly sigma: number;
  readonly k: number;
  readonly weight: number;
  /** One for each colour that a field has. */
  readonly deviations: readonly number[];
}

/**
 * What kernels find coefficients with, in kernel memory.
 * @param n basis values of a pixel
 * @param pixels that are looked at, at most
 * @param rounds of re-weighting
 * @returns the structure, and where the coefficients will be: colour by colour
 */
export function takeFields(
  kernels: Kernels,
  n: number,
  pixels: number,
  { sigma, k, weight, deviations }: FieldPrior,
  rounds: number,
): { job: { ptr: number }; out: F64 } {
  const sets = deviations.length;
  const blocks = (sets * (sets + 1)) / 2;
  const padded = (n * sets + 3) & ~3;
  const out = kernels.f64(padded, false);
  const numbers = kernels.f64([sigma, k, weight, ...deviations]);
  const rows = kernels.f64(2 * (n + 2 + sets + blocks) * Math.ceil(pixels / 2), false);
  const sums = kernels.f64(blocks * n * (n + 1) + 2 * sets * n, false);
  const matrix = kernels.f64(padded * padded, false);
  const counts = [whole(n), whole(sets), whole(rounds)];
  const ptr = jobOf(kernels, [[...counts, numbers, rows, sums, matrix, whole(padded), out]]);
  return { job: { ptr }, out };
}
