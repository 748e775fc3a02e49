/**
 * How far a head's inner lips are apart: by it a talking face's moments with its mouth shut are found, and a driven mouth is
 * opened as far as the one that drives it. The same coefficients open one person's lips by a quarter less than another's: the
 * shapes of the mouth end at 0 and 1, where what they are added to counts, and jaws are of different lengths. So an opening is
 * passed on as a share of the face's height, and the jaw makes up for what the coefficients leave.
 */
import { arkitShape } from '../../model/arkit.ts';
import { type HeadModel, headSizes, type SurfacePoints } from '../../model/head-model.ts';
import { poseHead } from '../../model/pose.ts';
import { surfacePoint } from '../../model/surface-point.ts';

/** Pairs of the inner lips, numbers among the inner 51. */
const PAIRS = [
  [44, 50],
  [45, 49],
  [46, 48],
] as const;
/** Root of the nose and lower edge of the lower lip. */
const FACE = [10, 40] as const;
/** Halvings of the jaw's range: to some 0.02 mm. */
const HALVINGS = 12;

/** The lips of one person. */
export interface Lips {
  /** Mean distance of the inner lips, metres, for coefficients (E) and joint rotations (J,3). */
  apart(expression: ArrayLike<number>, pose: ArrayLike<number>): number;
  /** Metres from the root of the nose to the lower edge of the lower lip, at rest. */
  readonly face: number;
}

/** The lips of `identity`. */
export function lipsOf(model: HeadModel, identity: ArrayLike<number>): Lips {
  const { E, J } = headSizes(model);
  const part = partOf(model, [...PAIRS.flat(), ...FACE]);
  const points = (expression: ArrayLike<number>, pose: ArrayLike<number>) => {
    const still = Float32Array.from(pose).subarray(0, 3 * J);
    const { vertices } = poseHead(part.model, { identity, expression, pose: still });
    return (k: number) => surfacePoint(part.model, part.points, k, vertices);
  };
  const between = (at: (k: number) => readonly number[], k: number) => {
    const [p, q] = [at(k), at(k + 1)];
    return Math.hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2]);
  };
  return {
    apart(expression, pose) {
      const at = points(expression, pose);
      let sum = 0;
      for (let k = 0; k < PAIRS.length; k++) sum += between(at, 2 * k) / PAIRS.length;
      return sum;
    },
    face: between(points(new Float32Array(E), new Float32Array(3 * J)), 2 * PAIRS.length),
  };
}

/** Coefficients (E) and joint rotations (J,3). */
export interface JawMotion {
  readonly expression: Float32Array;
  readonly pose: Float32Array;
}

/**
 * Opens or shuts the jaw in `motion`, in place, until the lips are `wanted` metres apart, or the jaw is shut, or opened by as much
 * as ARKit's `jawOpen` means. Nothing happens for heads without a jaw.
 */
export function openJaw(model: HeadModel, lips: Lips, motion: JawMotion, wanted: number): void {
  const jaw = arkitShape(model, 'jawOpen');
  if (!jaw || !Number.isFinite(wanted)) return;
  const own = { expression: motion.expression.slice(), pose: motion.pose.slice() };
  const { joint, expressions } = jaw;
  const set = (t: number) => {
    if (joint)
      for (let a = 0; a < 3; a++)
        motion.pose[3 * joint.index + a] = own.pose[3 * joint.index + a] + t * joint.rotation[a];
    else for (const e of expressions) motion.expression[e] = Math.min(Math.max(own.expression[e] + t, 0), 1);
    return lips.apart(motion.expression, motion.pose) - wanted;
  };
  const opened = joint
    ? own.pose[3 * joint.index] / joint.rotation[0]
    : Math.max(...expressions.map((e) => own.expression[e]));
  let [low, high] = set(0) > 0 ? [-Math.max(opened, 0), 0] : [0, Math.max(1 - opened, 0)];
  if (set(low) >= 0) return;
  if (set(high) <= 0) return;
  for (let n = 0; n < HALVINGS; n++) {
    const middle = (low + high) / 2;
    if (set(middle) > 0) high = middle;
    else low = middle;
  }
}

/** The vertices that some of the inner 51 landmarks lie between as a head of its own, and the landmarks on it. */
function partOf(
  model: HeadModel,
  landmarks: readonly number[],
): { readonly model: HeadModel; readonly points: SurfacePoints } {
  const { faces, barycentrics } = model.landmarks.inner51;
  const corners = landmarks.flatMap((l) => [0, 1, 2].map((i) => model.faces[3 * faces[l] + i]));
  const { V, J } = headSizes(model);
  const take = (array: Float32Array, width: number) => {
    const rows = array.length / (width * V);
    const out = new Float32Array(rows * width * corners.length);
    for (let r = 0; r < rows; r++)
      for (const [k, v] of corners.entries())
        for (let a = 0; a < width; a++)
          out[width * (r * corners.length + k) + a] = array[width * (r * V + v) + a];
    return out;
  };
  return {
    model: {
      ...model,
      template: take(model.template, 3),
      faces: Uint32Array.from(corners, (_, k) => k),
      identityBasis: take(model.identityBasis, 3),
      expressionBasis: take(model.expressionBasis, 3),
      poseBasis: model.poseBasis && take(model.poseBasis, 3),
      skinWeights: take(model.skinWeights, J),
    },
    points: {
      faces: Uint32Array.from(landmarks, (_, k) => k),
      barycentrics: Float32Array.from(
        corners,
        (_, k) => barycentrics[3 * landmarks[Math.floor(k / 3)] + (k % 3)],
      ),
    },
  };
}
