/**
 * The gloss of a photo (`light/gloss.ts`), found from what a fit leaves unexplained, and taken off the photo before the next
 * stage compares it: highlights are then explained neither by the skin's colour nor by the shape.
 *
 *   E(γ) = ½ · W / Σm · Σ_i m_i ρ_G(‖r_i − γᵀY(r̂_i)·1‖² / σ²) + ½ ‖γ/s‖²
 *
 * r_i is photo minus render, the rest as in the photometric energy. Being the same in all channels, the γ are linear least
 * squares of 25 unknowns; a fifth of the pixels will do.
 *
 * It is held while a stage runs. Where the fit is down to the picture's noise there is nothing to explain, but a stage
 * begins where the last one ended, at half of the size, and what is left there is shape that this would take away: the
 * model's own heads lost 7 %. So s falls to zero where residuals are small, and they lose 1 %.
 */
import type { Camera } from '../camera/camera.ts';
import type { ImageF } from '../core/image.ts';
import { type GlossInput, glossPlane, growPlane, solveGloss, takeGloss } from '../kernels/gloss.ts';
import type { PhotometricLoss } from '../kernels/photometric.ts';
import type { Kernels } from '../kernels/runtime.ts';
import { glossRays } from '../light/gloss.ts';

/** What the gloss is found from: pictures of one size. */
export interface GlossEvidence {
  readonly photo: ImageF;
  /** Render of the current state without gloss, and its normals. */
  readonly render: ImageF;
  readonly normals: ImageF;
  /** (H,W) 1 where the skin region is seen. */
  readonly region: Uint8Array;
  /** (H,W) skin weights. */
  readonly mask: Float32Array;
  /** In pixels of the pictures. */
  readonly camera: Camera;
}

/** Of the pixels, one in so many is looked at. */
const EVERY = 5;
/** Re-weighted least squares. */
const ROUNDS = 3;
/** Pixels around the region that the gloss goes on for: what is seen at its border is interpolated between pixels. */
const BORDER = 4;

/** The gloss of a photo, and the photo without it. */
export interface Gloss {
  /** (25). */
  readonly coefficients: Float64Array;
  readonly matte: ImageF;
}

/**
 * Finds the gloss; null where no skin counts.
 * @param sd s: deviation of the coefficients.
 */
export function findGloss(
  kernels: Kernels,
  evidence: GlossEvidence,
  loss: PhotometricLoss,
  sd: number,
): Gloss | null {
  const { photo } = evidence;
  const { width, height } = photo;
  return kernels.scope(() => {
    const data = kernels.f32(photo.data);
    const region = kernels.u8(evidence.region);
    const input: GlossInput = {
      width,
      height,
      ...glossRays(evidence.camera),
      photo: data,
      render: kernels.f32(evidence.render.data),
      normals: kernels.f32(evidence.normals.data),
      stride: 3,
      region,
      mask: kernels.f32(evidence.mask),
      prior: { sigma: loss.sigma, k: loss.k, weight: loss.weight, deviations: [sd] },
      every: EVERY,
      rounds: ROUNDS,
    };
    const coefficients = solveGloss(kernels, input);
    if (!coefficients) return null;
    const gloss = kernels.f32(width * height, false);
    glossPlane(kernels, input, kernels.f64(coefficients), gloss);
    growPlane(kernels, gloss, region, width, BORDER);
    takeGloss(kernels, data, gloss);
    return { coefficients, matte: { ...photo, data: data.view.slice() } };
  });
}
