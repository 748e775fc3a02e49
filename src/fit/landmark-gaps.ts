/**
 * Gaps are a finer measure of a few pairs: how far the lids, and the inner lips, are apart across the eye and the mouth.
 * Detectors place a lid no better than any other point, but both lids wrong together: a shut eye has its lids on each
 * other wherever it is drawn. So the distance of two landmarks counts with a smaller σ than their places do.
 *
 * The inner lips' landmarks do not lie where lips touch: on open-head's neutral face they are 4.6 mm apart, up to 5 % of the
 * eye distance as one looks, where detectors draw shut lips 1 to 2 % apart. So how far lips have moved apart since the neutral
 * face is compared with how far they are drawn apart beyond that. Detectors are the worse the wider a mouth is open, above
 * all at its upper lip: rendered ones raised theirs by 1 % of the eye distance and were seen to do 0.1 to 0.3 of that. So the
 * gap of lips drawn apart counts next to nothing. What else is known of lips, as from teeth between them, says how far to
 * believe what is drawn, and whether they touch (`LipTrust`).
 */
import { projectPoints } from '../camera/project.ts';
import type { HeadModel } from '../model/head-model.ts';
import { rotationFromAxisAngle } from '../model/rotation.ts';
import type { FaceObservation } from '../perceive/types.ts';
import type { FitState } from './parameters.ts';

/** Two targets by their numbers, and how far they should be apart in the direction in which that counts. */
export interface LandmarkGap {
  readonly first: number;
  readonly second: number;
  /** Unit vector in the picture. */
  readonly across: readonly [number, number];
  /** Pixels of the first from the second. */
  readonly apart: number;
  readonly weight: number;
}

/** What is known of lips beyond how far they are drawn apart. */
export interface LipTrust {
  /** (3) how far each drawn distance of {@link INNER_LIPS} is believed, 0 … 1. */
  readonly drawn: readonly number[];
  /** Weight that the gaps of lips have in any case, over that of lips that touch. */
  readonly contact: number;
}

/** Where a head stands. */
export interface StandingHead {
  /** (J,3) axis-angle. */
  readonly pose: ArrayLike<number>;
  readonly camera: FitState['camera'];
}

/** σ of a gap over that of a place. */
export const GAP_SIGMA = 0.3;
/** Weight of a gap of the lids: a blink is short, and little else shows it. */
const LIDS = 2;
/** Weight of a gap of lips that touch. */
const LIPS = 3;
/** Distance of lips, over the eye distance, at which their gap counts half. */
const LIPS_HALF = 0.02;
/** Distance over the eye distance up to which lips may touch as detectors draw them. */
export const TOUCHING = 0.015;
/** iBUG-68 numbers of upper and lower inner lip. */
export const INNER_LIPS = [
  [61, 67],
  [62, 66],
  [63, 65],
] as const;
/** iBUG-68 pairs with the corners that they lie between: lids of the right and of the left eye, inner lips. */
const GAPS = [
  {
    weight: LIDS,
    touch: false,
    corners: [36, 39],
    pairs: [
      [37, 41],
      [38, 40],
    ],
  },
  {
    weight: LIDS,
    touch: false,
    corners: [42, 45],
    pairs: [
      [43, 47],
      [44, 46],
    ],
  },
  {
    weight: LIPS,
    touch: true,
    corners: [60, 64],
    pairs: INNER_LIPS,
  },
] as const;

/**
 * The gaps for a head as it stands now; none for `weight` 0.
 * @param model whose template is the neutral face: the person's own, in tracking.
 * @param observation in pixels of the picture that `head.camera` is of.
 * @param lips null: lips are where they are drawn, as far as `LIPS_HALF` has it.
 */
export function landmarkGaps(
  model: HeadModel,
  { landmarks68: l }: FaceObservation,
  head: StandingHead,
  weight: number,
  lips: LipTrust | null = null,
): LandmarkGap[] {
  if (weight === 0) return [];
  const eyes = Math.hypot(l[72] - l[90], l[73] - l[91]);
  return GAPS.flatMap(({ weight: own, touch, corners: [a, b], pairs }) => {
    const [dx, dy] = [l[2 * b] - l[2 * a], l[2 * b + 1] - l[2 * a + 1]];
    const length = Math.hypot(dx, dy);
    if (!(length > 0)) return [];
    const across = [-dy / length, dx / length] as const;
    return pairs.map(([first, second], k) => {
      const drawn =
        across[0] * (l[2 * first] - l[2 * second]) + across[1] * (l[2 * first + 1] - l[2 * second + 1]);
      if (!Number.isFinite(drawn)) return { first, second, across, apart: 0, weight: 0 };
      if (!touch) return { first, second, across, apart: drawn, weight: own * weight };
      // The second lies below the first.
      const opened = Math.max(-drawn - TOUCHING * eyes, 0);
      const apart = Math.min(neutralGap(model, head, first, second, across), 0) - opened;
      const doubt = (drawn / (LIPS_HALF * eyes)) ** 4;
      const trust = (lips ? lips.drawn[k] : 1) / (1 + doubt) + (lips ? lips.contact : 0);
      return { first, second, across, apart, weight: own * weight * trust };
    });
  });
}

/** How far two of the inner 51 landmarks of the neutral face are apart in the picture, along `across`. */
function neutralGap(
  model: HeadModel,
  { pose, camera }: StandingHead,
  first: number,
  second: number,
  across: readonly [number, number],
): number {
  const { faces, barycentrics } = model.landmarks.inner51;
  const r = rotationFromAxisAngle(pose[0], pose[1], pose[2]);
  const points = new Float32Array(6);
  for (const [k, l] of [first - 17, second - 17].entries())
    for (let i = 0; i < 3; i++) {
      const v = 3 * model.faces[3 * faces[l] + i];
      for (let a = 0; a < 3; a++)
        for (let b = 0; b < 3; b++)
          points[3 * k + a] += barycentrics[3 * l + i] * r[3 * a + b] * model.template[v + b];
    }
  const p = projectPoints(camera, points);
  return across[0] * (p[0] - p[3]) + across[1] * (p[1] - p[4]);
}

/** Residual of a gap in pixels; `projected` (L,3) as `projectPoints` of the targets. */
export function gapResidual({ first, second, across, apart }: LandmarkGap, projected: Float32Array): number {
  let r = -apart;
  for (let a = 0; a < 2; a++) r += across[a] * (projected[3 * first + a] - projected[3 * second + a]);
  return r;
}
