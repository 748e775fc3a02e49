/** How far a head's inner lips are apart: by it a talking face's moments with its mouth shut are found. */
import { type HeadModel, headSizes } from '../../model/head-model.ts';
import { poseHead } from '../../model/pose.ts';
import { surfacePoint } from '../../model/surface-point.ts';

/** Pairs of the inner lips, numbers among the inner 51. */
const PAIRS = [
  [44, 50],
  [45, 49],
  [46, 48],
] as const;

/** The lips of one person. */
export interface Lips {
  /** Mean distance of the inner lips, metres, for coefficients (E) and joint rotations (J,3). */
  apart(expression: ArrayLike<number>, pose: ArrayLike<number>): number;
}

/** The lips of `identity`. */
export function lipsOf(model: HeadModel, identity: ArrayLike<number>): Lips {
  const { J } = headSizes(model);
  return {
    apart(expression, pose) {
      const { vertices } = poseHead(model, {
        identity,
        expression,
        pose: Float32Array.from(pose).subarray(0, 3 * J),
      });
      let sum = 0;
      for (const pair of PAIRS) {
        const [p, q] = pair.map((l) => surfacePoint(model, model.landmarks.inner51, l, vertices));
        sum += Math.hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2]) / PAIRS.length;
      }
      return sum;
    },
  };
}
