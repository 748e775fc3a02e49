/**
 * The tint of a skin (`model/tint.ts`), found from what a fit and its gloss leave unexplained, and taken off the photo before
 * the next stage compares it:
 *
 *   E(x) = ½ · W / Σm · Σ_i m_i ρ_G(‖r_i − render_i ∘ Σ_d Σ_k x_dk φ_k colour_d‖² / σ²) + ½ Σ (x_dk / s_d)²
 *
 * r_i is photo minus gloss minus render, the rest as in the photometric energy. Linear least squares, as gloss is, with s falling
 * to zero where residuals are small. It is found after gloss, and apart: what is white and moves with the view is gloss, what
 * is the same on both cheeks and has a colour of skin is skin.
 */
import type { ImageF } from '../core/image.ts';
import { growPlane } from '../kernels/gloss.ts';
import type { PhotometricLoss } from '../kernels/photometric.ts';
import type { Kernels } from '../kernels/runtime.ts';
import { sampleBilinear } from '../kernels/sample.ts';
import { solveTint, takePlane, tintPlane } from '../kernels/tint.ts';
import { TINT_COLOURS, TINT_MODES, tintChange } from '../model/tint.ts';
import type { SkinPicture } from './render-skin.ts';

/** What the tint is found from: pictures of one size. */
export interface TintEvidence {
  /** Without its gloss. */
  readonly photo: ImageF;
  /** Render of the current state without tint, and where its pixels lie on the UV map. */
  readonly render: ImageF;
  readonly points: NonNullable<SkinPicture['points']>;
  /** (H,W) 1 where the skin region is seen. */
  readonly region: Uint8Array;
  /** (H,W) skin weights. */
  readonly mask: Float32Array;
  /** (h,w,TINT_MODES) functions on the UV map. */
  readonly maps: ImageF;
}

/** Of the pixels, one in so many is looked at: a thousand are enough for 48 unknowns, and what kernels are slow at first. */
const EVERY = 11;
/** Re-weighted least squares. */
const ROUNDS = 3;
/** Pixels around the region that the tint goes on for: what is seen at its border is interpolated between pixels. */
const BORDER = 4;
/** Deviation of red over that of brown. */
const RED = 0.8;

/** The tint of a skin, and the photo without it. */
export interface Tint {
  /** (TINT_COUNT). */
  readonly coefficients: Float64Array;
  readonly photo: ImageF;
}

/**
 * Finds the tint; null where no skin counts.
 * @param sd s of brown: deviation of the coefficients.
 */
export function findTint(
  kernels: Kernels,
  evidence: TintEvidence,
  loss: PhotometricLoss,
  sd: number,
): Tint | null {
  const { photo, maps, points } = evidence;
  return kernels.scope(() => {
    const render = kernels.f32(evidence.render.data);
    const data = kernels.f32(photo.data);
    const some = pick(evidence);
    const map = { ...maps, data: kernels.f32(maps.data) };
    const basis = kernels.f32(TINT_MODES * some.pixels.length, false);
    sampleBilinear(kernels, map, kernels.f32(some.places), basis);
    const coefficients = solveTint(kernels, {
      photo: data,
      render,
      mask: kernels.f32(evidence.mask),
      pixels: kernels.u32(some.pixels),
      basis,
      colours: TINT_COLOURS,
      prior: { sigma: loss.sigma, k: loss.k, weight: loss.weight, deviations: [sd, RED * sd] },
      rounds: ROUNDS,
    });
    if (!coefficients) return null;
    const tinted = tintChange(maps, coefficients);
    const change = kernels.f32(3 * points.pixels.length, false);
    sampleBilinear(
      kernels,
      { ...tinted, data: kernels.f32(tinted.data) },
      kernels.f32(points.places),
      change,
    );
    const plane = kernels.f32(render.length);
    tintPlane(kernels, kernels.u32(points.pixels), change, render, plane);
    growPlane(kernels, plane, kernels.u8(evidence.region), photo.width, BORDER);
    takePlane(kernels, data, plane);
    return { coefficients, photo: { ...photo, data: data.view.slice() } };
  });
}

/** The pixels that are looked at, and (N,2) where on the maps they lie. */
function pick({ points, region, mask }: TintEvidence): { pixels: Uint32Array; places: Float32Array } {
  const pixels = new Uint32Array(Math.ceil(points.pixels.length / EVERY));
  const places = new Float32Array(2 * pixels.length);
  let [met, count] = [0, 0];
  for (let i = 0; i < points.pixels.length; i++) {
    const p = points.pixels[i];
    if (!region[p] || !(mask[p] > 0) || met++ % EVERY !== 0) continue;
    pixels[count] = p;
    places[2 * count] = points.places[2 * i];
    places[2 * count + 1] = points.places[2 * i + 1];
    count++;
  }
  return { pixels: pixels.slice(0, count), places: places.slice(0, 2 * count) };
}
