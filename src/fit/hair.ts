/**
 * Hair that lies over the face: strands, fringes and curls, which `skin.ts` takes for skin where they are as bright as it.
 *
 * Hair and skin differ in colour, and what colour this person's hair has is seen around the face. Two colours stand against
 * each other, both learnt from the photo itself:
 *
 *   skin  how far the photo's colour is from the render's, over the face that is surely face: a Student distribution
 *   hair  the colours in a ring around the upper face, by brightness, less the share of it that is skin
 *
 * Colour is 2((r − g)/(r + g), (g − b)/(g + b)), logarithms of ratios to first order, photo less render: shadows, folds and
 * shading that is wrong leave it as it is. Hair is compared with at a pixel's own brightness only, so that darkness by itself
 * is evidence of nothing; a lit strand has the colour of other lit hair. The logarithm of the two densities' ratio is averaged
 * over a neighbourhood, and what is more like hair and hangs together with the ring through such pixels is hair. So moles,
 * lips and beards stay, which the hair does not reach. Brows and lids may have hair's colour: through them it is
 * followed only downwards, as a strand that crosses them hangs.
 *
 * Where the ring shows skin, as around bald heads, no colours are left for hair and nothing is found. The ring taken from
 * the render's skull instead found half of a strand that lies over dark hair (40 % for 71).
 */
import type { ImageF } from '../core/image.ts';
import { hairFlags } from '../kernels/hair.ts';
import type { Kernels } from '../kernels/runtime.ts';

/** What hair is told by. */
export interface HairEvidence {
  /** (H,W,3) each. */
  readonly photo: ImageF;
  readonly render: ImageF;
  /** (H,W) 1 where the skin region is seen. */
  readonly region: Uint8Array;
  /** (H,W) 1 where the face is, hair or not: see `faceHull`. */
  readonly core: Uint8Array;
  /** (68,2) pixels of a picture `scale` times as large. */
  readonly landmarks68: ArrayLike<number>;
  readonly scale: number;
}

/** Fractions of the width: the ring, neighbourhoods, half width of a brow. */
const RING = 0.09;
const RADIUS = 0.009;
const BROW = 0.022;

/** iBUG-68 landmarks. */
const CHIN = 8;
const BROWS: readonly Line[] = [
  { first: 17, last: 21, closed: false },
  { first: 22, last: 26, closed: false },
];
const EYES: readonly Line[] = [
  { first: 36, last: 41, closed: true },
  { first: 42, last: 47, closed: true },
];

interface Line {
  readonly first: number;
  readonly last: number;
  readonly closed: boolean;
}

/** Flags (H,W): 1 where hair lies over the region. */
export function findHair(kernels: Kernels, evidence: HairEvidence): Uint8Array {
  const { width, height } = evidence.photo;
  const points = Float64Array.from(evidence.landmarks68, (x) => x * evidence.scale);
  const pixels = (share: number) => Math.max(1, Math.round(share * width));
  return hairFlags(kernels, {
    ...evidence,
    lines: drawLines(points, width, height),
    up: upwards(points),
    ring: pixels(RING),
    radius: pixels(RADIUS),
    brow: pixels(BROW),
  });
}

/** From the chin to the middle of the brows. */
function upwards(points: Float64Array): [number, number] {
  const up: [number, number] = [-points[2 * CHIN], -points[2 * CHIN + 1]];
  for (const { first, last } of BROWS)
    for (let l = first; l <= last; l++) for (let a = 0; a < 2; a++) up[a] += points[2 * l + a] / 10;
  return up;
}

/** Flags (H,W) along brows and lids. */
function drawLines(points: Float64Array, width: number, height: number): Uint8Array {
  const flags = new Uint8Array(width * height);
  for (const { first, last, closed } of [...BROWS, ...EYES])
    for (let l = first; l <= last; l++) {
      const next = l < last ? l + 1 : closed ? first : l;
      const [x0, y0, x1, y1] = [points[2 * l], points[2 * l + 1], points[2 * next], points[2 * next + 1]];
      const steps = Math.ceil(Math.hypot(x1 - x0, y1 - y0)) + 1;
      for (let i = 0; i <= steps; i++) {
        const x = Math.floor(x0 + ((x1 - x0) * i) / steps);
        const y = Math.floor(y0 + ((y1 - y0) * i) / steps);
        if (x >= 0 && y >= 0 && x < width && y < height) flags[y * width + x] = 1;
      }
    }
  return flags;
}
