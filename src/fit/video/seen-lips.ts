/**
 * What a picture shows between the lips, where the detector draws them near to each other.
 *
 * Lips that are drawn shut may be parted: of rendered heads' with half of the teeth in sight they were drawn 0.1 to 1 % of
 * the eye distance apart, as shut ones are. Shut lips that the fit leaves apart show teeth that are not there. So where the
 * detector draws the lips shut, and the picture shows no teeth between them, their gap counts much more; where it shows some,
 * the detector is not believed. Neither alone will do: that gap counted three times wherever lips are drawn shut took the
 * least curve of three rendered heads from 0.911, 0.911 and 0.919 to 0.906, 0.895 and 0.893, with teeth looked for it left
 * them what they were, and those not believed had 0.911, 0.939 and 0.932.
 *
 * Teeth are told as for textures (`inner-mouth.ts`): much less red than these lips, as far as the light is not red itself,
 * and hardly darker. They are looked for along three lines across the mouth, those of the pairs of the inner lips, as far as
 * lips go. A picture without colours, or with lips as pale as teeth, says nothing.
 */
import type { Image8 } from '../../core/image.ts';
import type { FaceObservation } from '../../perceive/types.ts';
import { INNER_LIPS, type LipTrust, TOUCHING } from '../landmark-gaps.ts';
import { lipDistance } from './detector-bias.ts';

/** Pairs of the outline of the lips around {@link INNER_LIPS}. */
const OUTER_LIPS = [
  [50, 58],
  [51, 57],
  [52, 56],
] as const;
/** Weight of the gap of lips in contact, over that of others that are drawn so. */
const CONTACT = 2;
/** Distance over that at which shut lips are drawn, from which on there is no contact; up to that one it is whole. */
const PARTING = 1.5;
/** Teeth as wide as this over the eye distance, in the mean of the lines, and lips are parted for sure. */
export const PARTED = 0.005;
/** The same of one line, where its gap is not believed at all. */
const WRONG = 0.01;
/** Redness between that of white in this light (0) and of the lips (1): teeth below, lips above. */
const RED = [0.3, 0.5] as const;
/** Brightness over that of the lips: no tooth below, one above. */
const BRIGHT = [0.5, 0.8] as const;
/** Least redness of lips, log red over green, by which anything can be told. */
const LEAST_RED = 0.15;
/** Share of the way to the outlines in which teeth are looked for. */
const WITHIN = 0.7;
/** Distance of two samples over the eye distance. */
const STEP = 0.005;
/** Samples of lips, as shares of the way from the inner to the outer outline. */
const ON_LIPS = [0.3, 0.5, 0.7] as const;

/**
 * How far the distances of the inner lips are to be believed; null where the picture does not tell.
 * @param observation in pixels of `image`
 * @param light (9,3)
 * @param shut distance over the eye distance at which this person's shut lips are drawn
 */
export function lipTrust(
  image: Image8,
  observation: Pick<FaceObservation, 'landmarks68'>,
  light: ArrayLike<number>,
  shut = TOUCHING,
): LipTrust | null {
  const widths = teethBetween(image, observation.landmarks68, light);
  if (!widths) return null;
  const drawn = lipDistance(observation) / shut;
  const near = clamped((PARTING - drawn) / (PARTING - 1));
  const mean = (widths[0] + widths[1] + widths[2]) / 3;
  return {
    contact: CONTACT * near * (1 - clamped(mean / PARTED)),
    drawn: Array.from(widths, (width) => 1 - clamped(width / WRONG)),
  };
}

/**
 * (3) how wide teeth are seen across the mouth along each of {@link INNER_LIPS}, over the eye distance; null where colours do
 * not tell.
 */
export function teethBetween(
  image: Image8,
  landmarks: Float32Array,
  light: ArrayLike<number>,
): Float64Array | null {
  const colours = mouthColours(image, landmarks, light);
  if (!colours) return null;
  const out = new Float64Array(INNER_LIPS.length);
  for (let k = 0; k < out.length; k++) out[k] = teethAlong(image, landmarks, k, colours);
  return out;
}

/** What colours of a mouth are compared with: white in its light, and medians of its lips. */
export interface MouthColours {
  /** Log of red over green of white. */
  readonly white: number;
  /** Log of red over green, less than that of white. */
  readonly red: number;
  /** Sum of the channels. */
  readonly bright: number;
}

/** Those of a picture; null where nothing can be told by them. @param light (9,3) */
export function mouthColours(image: Image8, l: Float32Array, light: ArrayLike<number>): MouthColours | null {
  const white = Math.log(Math.max(light[0], 1e-3) / Math.max(light[1], 1e-3));
  const reds = new Float64Array(2 * OUTER_LIPS.length * ON_LIPS.length);
  const brights = new Float64Array(reds.length);
  const colour = new Float64Array(3);
  let n = 0;
  for (let k = 0; k < OUTER_LIPS.length; k++)
    for (let side = 0; side < 2; side++) {
      const outer = 2 * OUTER_LIPS[k][side];
      const inner = 2 * INNER_LIPS[k][side];
      for (const share of ON_LIPS) {
        const x = l[inner] + share * (l[outer] - l[inner]);
        const y = l[inner + 1] + share * (l[outer + 1] - l[inner + 1]);
        sampleAt(image, x, y, colour);
        reds[n] = redness(colour) - white;
        brights[n++] = brightness(colour);
      }
    }
  const red = reds.sort()[n >> 1];
  return red >= LEAST_RED ? { white, red, bright: brights.sort()[n >> 1] } : null;
}

/** Width of teeth over the eye distance along pair `k` of the inner lips. */
function teethAlong(image: Image8, l: Float32Array, k: number, colours: MouthColours): number {
  const eyes = Math.hypot(l[72] - l[90], l[73] - l[91]);
  const [first, second] = INNER_LIPS[k];
  const x = (l[2 * first] + l[2 * second]) / 2;
  const y = (l[2 * first + 1] + l[2 * second + 1]) / 2;
  const [top, bottom] = OUTER_LIPS[k];
  const colour = new Float64Array(2);
  let sum = 0;
  for (const end of [top, bottom]) {
    const [dx, dy] = [l[2 * end] - x, l[2 * end + 1] - y];
    const steps = Math.floor((WITHIN * Math.hypot(dx, dy)) / (STEP * eyes));
    const length = Math.max(Math.hypot(dx, dy), 1e-6);
    // The middle belongs to both halves.
    for (let s = 0; s <= steps; s++) {
      const away = (s * STEP * eyes) / length;
      colourAt(image, x + away * dx, y + away * dy, colours, colour);
      const [red, bright] = colour;
      const tooth =
        clamped((RED[1] - red) / (RED[1] - RED[0])) * clamped((bright - BRIGHT[0]) / (BRIGHT[1] - BRIGHT[0]));
      sum += s === 0 ? tooth / 2 : tooth;
    }
  }
  return sum * STEP;
}

const RGB = new Float64Array(3);

/** Redness between that of white (0) and of the lips (1), and brightness over that of the lips, at a place in pixels. */
export function colourAt(
  image: Image8,
  x: number,
  y: number,
  { white, red, bright }: MouthColours,
  out: Float64Array,
): void {
  sampleAt(image, x, y, RGB);
  out[0] = (redness(RGB) - white) / red;
  out[1] = brightness(RGB) / bright;
}

function clamped(x: number): number {
  return Math.min(Math.max(x, 0), 1);
}

function redness(colour: Float64Array): number {
  return Math.log((colour[0] + 1) / (colour[1] + 1));
}

function brightness(colour: Float64Array): number {
  return colour[0] + colour[1] + colour[2];
}

/** RGB at a place in pixels, whose centres are at halves; what lies outside is as the border. */
function sampleAt({ width, height, data }: Image8, x: number, y: number, out: Float64Array): void {
  const column = Math.min(Math.max(x - 0.5, 0), width - 1);
  const row = Math.min(Math.max(y - 0.5, 0), height - 1);
  const left = Math.min(Math.floor(column), width - 2);
  const top = Math.min(Math.floor(row), height - 2);
  const [u, v] = [column - left, row - top];
  const at = 4 * (top * width + left);
  const below = at + 4 * width;
  for (let c = 0; c < 3; c++)
    out[c] =
      (1 - v) * ((1 - u) * data[at + c] + u * data[at + 4 + c]) +
      v * ((1 - u) * data[below + c] + u * data[below + 4 + c]);
}
