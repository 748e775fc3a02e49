/**
 * How faces move from frame to frame: coordinates of a frame's state relative to another one, and the prior on them.
 *
 * Coordinates follow the layout's columns: rotations as log(R·R₀ᵀ), all else as differences, so that a small step d of
 * `retractState` from the reference has the coordinates d.
 *
 * The prior of tracking is Σ ρ((x_c − p_c)²/σ_c²)/2 per column c around a prediction p, with ρ Geman-McClure-like but
 * unbounded (Cauchy: k²·log(1 + s/k²)): a small difference is noise and is pulled in, a large one is motion and costs
 * next to nothing more, so that a blink of two frames survives.
 */
import type { HeadModel } from '../../model/head-model.ts';
import { inverseLeftJacobian, perturbAxisAngle } from '../../model/rotation.ts';
import type { LeastSquaresProblem, NormalEquations } from '../../solve/levenberg-marquardt.ts';
import { cauchy, cauchyWeight } from '../../solve/robust.ts';
import {
  type Block,
  type BlockName,
  createLayout,
  type FitState,
  type ParameterLayout,
} from '../parameters.ts';

/** What moves from frame to frame, light apart. */
export const MOTION_BLOCKS: readonly BlockName[] = [
  'joint:root',
  'translation',
  'joint:jaw',
  'joint:left_eye',
  'joint:right_eye',
  'expression',
];

/** The columns of motion; those of a frame's solve begin with them. */
export function motionLayout(model: HeadModel): ParameterLayout {
  return createLayout(model, MOTION_BLOCKS);
}

/** Coordinates (n) of `state` around `reference`. */
export function relativeCoordinates(
  layout: ParameterLayout,
  state: FitState,
  reference: FitState,
): Float64Array {
  const x = new Float64Array(layout.size);
  for (const { joint, offset } of layout.joints) {
    x.set(turnBetween(reference.pose, state.pose, joint), offset);
  }
  const t = layout.blocks.get('translation')?.offset;
  if (t !== undefined)
    for (let a = 0; a < 3; a++) x[t + a] = state.camera.translation[a] - reference.camera.translation[a];
  putDifferences(x, layout.blocks.get('expression'), state.expression, reference.expression);
  putDifferences(x, layout.blocks.get('light'), state.light, reference.light);
  return x;
}

function putDifferences(
  x: Float64Array,
  block: Block | undefined,
  to: Float64Array,
  from: Float64Array,
): void {
  if (block) for (let i = 0; i < block.size; i++) x[block.offset + i] = to[i] - from[i];
}

/** log(R·R₀ᵀ) of a joint, axis-angle. */
function turnBetween(from: Float64Array, to: Float64Array, joint: number): [number, number, number] {
  const at = 3 * joint;
  const back = [-from[at], -from[at + 1], -from[at + 2]];
  return perturbAxisAngle(back, to.subarray(at, at + 3));
}

/** Deviations of the change from one frame to the next at 25 frames a second, by column. */
export interface MotionDeviations {
  /** Radians. */
  readonly root: number;
  readonly jaw: number;
  readonly eyes: number;
  /** Metres. */
  readonly translation: number;
  /** Of the distance to the camera alone, which a picture says least about, metres. */
  readonly depth: number;
  /** Of an expression's prior deviation. */
  readonly expression: number;
  /** Shading. */
  readonly light: number;
}

/** (n) deviations by column of `layout`. */
export function motionDeviations(
  model: HeadModel,
  layout: ParameterLayout,
  sd: MotionDeviations,
): Float64Array {
  const out = new Float64Array(layout.size).fill(Number.POSITIVE_INFINITY);
  for (const { joint, offset } of layout.joints) {
    const { name } = model.joints[joint];
    out.fill(name === 'root' ? sd.root : name === 'jaw' ? sd.jaw : sd.eyes, offset, offset + 3);
  }
  const t = layout.blocks.get('translation')?.offset;
  if (t !== undefined) out.set([sd.translation, sd.translation, sd.depth], t);
  const expression = layout.blocks.get('expression');
  if (expression)
    for (let e = 0; e < expression.size; e++)
      out[expression.offset + e] = sd.expression * model.expressionSd[e];
  const light = layout.blocks.get('light');
  if (light) out.fill(sd.light, light.offset, light.offset + light.size);
  return out;
}

/** A prediction and how far to trust it. */
export interface MotionPrior {
  readonly prediction: FitState;
  /** (n) deviations by column; infinite for no prior. */
  readonly deviations: Float64Array;
  /** Width of the robust loss in deviations. */
  readonly k: number;
  /** (n,n) where the Hessian is put, until the next linearisation; a new array each time where absent. */
  readonly room?: Float64Array;
}

/** `problem` with the energy of `prior` added. */
export function withMotionPrior(
  problem: LeastSquaresProblem<FitState>,
  layout: ParameterLayout,
  prior: MotionPrior,
): LeastSquaresProblem<FitState> {
  const { prediction } = prior;
  return {
    ...problem,
    linearize: (state) =>
      addMotion(problem.linearize(state), layout, relativeCoordinates(layout, state, prediction), prior),
    cost: (state) => problem.cost(state) + motionCost(relativeCoordinates(layout, state, prediction), prior),
  };
}

/**
 * Energy at the coordinates `x` around the prediction. By itself, as all that follows: what V8 has compiled of closures that
 * are made for every frame is gone with the next collection of garbage, and it compiled them twenty times over.
 */
function motionCost(x: Float64Array, { deviations, k }: MotionPrior): number {
  let sum = 0;
  for (let c = 0; c < x.length; c++) sum += 0.5 * cauchy((x[c] / deviations[c]) ** 2, k);
  return sum;
}

/** `equations` with those of the prior at the coordinates `x` added. */
function addMotion(
  equations: NormalEquations,
  layout: ParameterLayout,
  x: Float64Array,
  prior: MotionPrior,
): NormalEquations {
  const n = layout.size;
  const hessian = prior.room ?? new Float64Array(n * n);
  hessian.set(equations.hessian);
  const gradient = equations.gradient.slice();
  const weights = motionWeights(x, prior);
  const turning = new Uint8Array(n);
  for (const { offset } of layout.joints) {
    turning.fill(1, offset, offset + 3);
    const d = inverseLeftJacobian(x.subarray(offset, offset + 3));
    for (let a = 0; a < 3; a++) {
      const w = weights[offset + a];
      for (let i = 0; i < 3; i++) {
        gradient[offset + i] += w * x[offset + a] * d[3 * a + i];
        for (let j = 0; j < 3; j++) hessian[(offset + i) * n + offset + j] += w * d[3 * a + i] * d[3 * a + j];
      }
    }
  }
  for (let c = 0; c < n; c++) {
    if (turning[c]) continue;
    hessian[c * n + c] += weights[c];
    gradient[c] += weights[c] * x[c];
  }
  return { cost: equations.cost + motionCost(x, prior), hessian, gradient };
}

/** (n) weights of the coordinates' squares. */
function motionWeights(x: Float64Array, { deviations, k }: MotionPrior): Float64Array {
  const weights = new Float64Array(x.length);
  for (let c = 0; c < x.length; c++) {
    const s = 1 / deviations[c] ** 2;
    weights[c] = s * cauchyWeight(x[c] ** 2 * s, k);
  }
  return weights;
}

/**
 * The state `share` of the way on from `before` over `now`: rotations and translation go on as they moved, faces stay as
 * they are (expressions turn round too fast for that to help).
 */
export function predict(now: FitState, before: FitState | null, share: number): FitState {
  if (!before) return now;
  const move = [0, 1, 2].map((a) => share * (now.camera.translation[a] - before.camera.translation[a]));
  const pose = now.pose.slice();
  const turn = turnBetween(before.pose, now.pose, 0).map((x) => share * x);
  pose.set(perturbAxisAngle(pose.subarray(0, 3), turn), 0);
  const [x, y, z] = now.camera.translation;
  return {
    ...now,
    pose,
    camera: { ...now.camera, translation: [x + move[0], y + move[1], z + move[2]] },
  };
}
