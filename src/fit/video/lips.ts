/** How far a head's inner lips are apart: by it a talking face's moments with its mouth shut are found. */
import { type HeadModel, headSizes } from '../../model/head-model.ts';
import { poseHead } from '../../model/pose.ts';

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
  const { faces, barycentrics } = model.landmarks.inner51;
  return {
    apart(expression, pose) {
      const { vertices } = poseHead(model, {
        identity,
        expression,
        pose: Float32Array.from(pose).subarray(0, 3 * J),
      });
      const at = (l: number, a: number) => {
        let x = 0;
        for (let i = 0; i < 3; i++)
          x += barycentrics[3 * l + i] * vertices[3 * model.faces[3 * faces[l] + i] + a];
        return x;
      };
      let sum = 0;
      for (const [upper, lower] of PAIRS)
        sum += Math.hypot(...[0, 1, 2].map((a) => at(upper, a) - at(lower, a))) / PAIRS.length;
      return sum;
    },
  };
}
