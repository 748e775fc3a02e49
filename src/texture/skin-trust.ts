/**
 * Which pixels of a head show its skin, eyes and mouth rather than something in front of them: the first factor of the
 * trust in `observe.ts`. The fit's skin mask, with holes closed where the face around them is seen.
 */
import { faceHull } from '../fit/skin.ts';
import type { CropTransform, PhotoFit } from '../fit/types.ts';
import { chamferDistances, PIXEL, type SkinPlanes } from '../kernels/pixel-surface.ts';
import type { Kernels } from '../kernels/runtime.ts';
import type { HeadModel } from '../model/head-model.ts';
import { boxMean } from '../render/box-mean.ts';
import { smoothstep } from './grids.ts';
import { drawLine, fillPolygon } from './outlines.ts';

/** Tuning of {@link skinTrust}; lengths are fractions of the crop's width. */
export const SKIN_TRUST_DEFAULTS = {
  /** Half the side of the window in which the skin mask must agree for holes in it to be closed. */
  hole: 0.09,
  /** Share of it that must agree: nothing is closed below, everything above. */
  agree: [0.5, 0.7],
  /** Holes are closed so far inside the landmarks' hull: hair hangs over its rim, cloth touches the chin. */
  hull: 0.05,
  /** So far inside it hair is no more expected; nearer to its rim pixels are judged by colour as well. */
  inner: 0.06,
  /** Half the height of brows, in which holes are closed too. */
  brow: 0.03,
  /** How far the landmarks' outlines of eyes and mouth are grown. */
  aperture: 0.015,
  /** Skin of the model that lies so near to an eye's outline, or within it, shows the eye in the photo. */
  eye: 0.004,
  /** So near to the edge of an upper lid it shows lashes and their shadow; a blink would stretch them over the lid. */
  lashes: 0.014,
} as const;

/** (F) 1 where all corners of a face are in the skin region. */
export function facesInSkin(model: HeadModel): Uint8Array {
  const inside = new Uint8Array(model.template.length / 3);
  for (const v of model.regions.get('skin') ?? model.regions.get('face') ?? []) inside[v] = 1;
  const out = new Uint8Array(model.faces.length / 3);
  for (let f = 0; f < out.length; f++)
    out[f] = inside[model.faces[3 * f]] & inside[model.faces[3 * f + 1]] & inside[model.faces[3 * f + 2]];
  return out;
}

/** What of a fit tells its skin, for `skinPixels`, in memory that the caller gives back. */
export function skinTrust(
  kernels: Kernels,
  fit: PhotoFit,
  crop: CropTransform,
  faceIndex: Int32Array,
  skinFaces: Uint8Array,
): SkinPlanes {
  const { size } = crop;
  const { mask, crop: own } = fit.skin;
  const s = own.size;
  const o = SKIN_TRUST_DEFAULTS;
  // Everything about neighbourhoods is smooth: at the fit's resolution.
  const seen = new Float32Array(s * s);
  const agreed = new Float32Array(s * s);
  markSeen(faceIndex, size, skinFaces, mask, s, seen, agreed);
  const radius = Math.max(1, Math.round(o.hole * s));
  const [around, agreeing] = [boxMean(seen, s, radius), boxMean(agreed, s, radius)];
  const local = Float32Array.from(fit.observation.landmarks68, (x, i) => (x - own.origin[i % 2]) * own.scale);
  const outside = faceHull(local, 1, s);
  for (let p = 0; p < outside.length; p++) outside[p] = 1 - outside[p];
  const toRim = chamferDistances(kernels, outside, s, s);
  const eyes = new Uint8Array(s * s);
  for (const [first, end] of EYES) fillPolygon(local.subarray(2 * first, 2 * end), s, eyes);
  const openings = eyes.slice();
  fillPolygon(local.subarray(2 * MOUTH[0], 2 * MOUTH[1]), s, openings);
  const upper = new Uint8Array(s * s);
  for (const [first, end] of UPPER_LIDS) drawLine(local.subarray(2 * first, 2 * end), s, upper);
  const [toEye, toOpening, toLashes] = [eyes, openings, upper].map((set) =>
    chamferDistances(kernels, set, s, s),
  );
  const lines = new Uint8Array(s * s);
  for (const [first, end] of BROWS) drawLine(local.subarray(2 * first, 2 * end), s, lines);
  const toBrow = chamferDistances(kernels, lines, s, s);
  const planes = kernels.f32(4 * s * s);
  const marks = kernels.u8(s * s);
  const known = { mask, around, agreeing, toRim, toEye, toOpening, toLashes, toBrow };
  fillPlanes(known, s, planes.view, marks.view);
  return { side: s, planes, marks };
}

// Loops in functions of their own, which V8 compiles once.

/** Pixels of the fit's resolution that see skin, and how far the mask agrees. */
function markSeen(
  faceIndex: Int32Array,
  size: number,
  skinFaces: Uint8Array,
  mask: Uint8Array,
  s: number,
  seen: Float32Array,
  agreed: Float32Array,
): void {
  const k = s / size;
  for (let y = 0; y < s; y++)
    for (let x = 0; x < s; x++) {
      const f = faceIndex[Math.floor((y + 0.5) / k) * size + Math.floor((x + 0.5) / k)];
      if (f < 0 || !skinFaces[f]) continue;
      seen[y * s + x] = 1;
      agreed[y * s + x] = mask[y * s + x] / 255;
    }
}

/** What is known of each pixel of the fit's resolution; distances in pixels. */
interface Neighbourhood {
  readonly mask: Uint8Array;
  readonly around: Float32Array;
  readonly agreeing: Float32Array;
  readonly toRim: Float32Array;
  readonly toEye: Float32Array;
  readonly toOpening: Float32Array;
  readonly toLashes: Float32Array;
  readonly toBrow: Float32Array;
}

function fillPlanes(known: Neighbourhood, s: number, values: Float32Array, flags: Uint8Array): void {
  const { mask, around, agreeing, toRim, toEye, toOpening, toLashes, toBrow } = known;
  const o = SKIN_TRUST_DEFAULTS;
  for (let p = 0; p < s * s; p++) {
    const aperture = toOpening[p] <= o.aperture * s;
    const brow = toBrow[p] <= o.brow * s;
    flags[p] =
      (mask[p] >= 128 ? PIXEL.measured : 0) |
      (toRim[p] >= o.inner * s || brow || aperture ? PIXEL.inner : 0) |
      (aperture ? PIXEL.aperture : 0);
    const eye = toEye[p] <= o.eye * s || toLashes[p] <= o.lashes * s;
    if (!eye) values[4 * p + 2] = mask[p] / 255;
    if (around[p] < 0.02) continue;
    const sure = smoothstep(o.agree[0], o.agree[1], agreeing[p] / around[p]);
    if (aperture) values[4 * p + 1] = sure;
    if (!eye && (aperture || brow || toRim[p] >= o.hull * s)) values[4 * p] = sure;
  }
}

/** First landmark and end of the outlines of eyes and mouth, and of the lines of upper lids and brows, in iBUG-68. */
const EYES = [
  [36, 42],
  [42, 48],
] as const;
const MOUTH = [48, 60] as const;
const UPPER_LIDS = [
  [36, 40],
  [42, 46],
] as const;
const BROWS = [
  [17, 22],
  [22, 27],
] as const;
