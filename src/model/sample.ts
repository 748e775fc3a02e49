/**
 * Random heads of a model, for demonstrations, tests and synthetic data. Deterministic: the same seed and number give
 * the same head on every platform, whatever else is sampled beside it.
 *
 * Identity and texture are drawn from the model's own statistics, N(0, 1) per component. Expression components without
 * bounds (FLAME's) too; named blendshapes cannot be, since faces use a few at a time and mostly alike on both sides:
 * some of them are picked, left and right together.
 */
import { withDefaults } from '../core/defaults.ts';
import { InvalidArgumentError } from '../core/errors.ts';
import { createRandom, type Random } from '../core/random.ts';
import { type HeadModel, type HeadParams, headSizes, jointIndex } from './head-model.ts';

/** Spreads of {@link sampleHead}; 0 leaves at the mean. */
export interface SampleOptions {
  /** Standard deviation of identity coefficients. */
  readonly shape?: number;
  /** Strength of expressions: standard deviations of components, or the typical weight of blendshapes. */
  readonly expression?: number;
  /** Standard deviation of the head's yaw in radians; of pitch and gaze half, of roll a quarter; the jaw's opening. */
  readonly pose?: number;
  /** Standard deviation of texture coefficients. */
  readonly texture?: number;
}

/** Defaults of {@link SampleOptions}. */
export const SAMPLE_DEFAULTS = { shape: 1, expression: 0.5, pose: 0.2, texture: 1 } as const;

/** Blendshapes in use at a time, left and right counted once. */
const ACTIVE = 4;
/** Coefficients beyond are drawn again, in standard deviations. */
const MOST = 3;

/**
 * The `number`-th random head of a seed.
 * @param seed whole number, 0…2³²−1
 * @param number from 0
 * @throws {InvalidArgumentError} when an option is negative or not finite.
 */
export function sampleHead(
  model: HeadModel,
  seed: number,
  number: number,
  options: SampleOptions = {},
): HeadParams {
  const spread = withDefaults(SAMPLE_DEFAULTS, options);
  for (const [name, value] of Object.entries(spread))
    if (!(value >= 0 && value < Infinity))
      throw new InvalidArgumentError(`sampleHead: options.${name} must not be negative, got ${value}`);
  const { S, E, J, T } = headSizes(model);
  // A stream for each kind, so that another spread of one leaves the others as they were.
  const stream = (kind: number) => createRandom((seed ^ Math.imul(4 * number + kind + 1, 0x9e3779b1)) >>> 0);
  const draw = (n: number, sd: number, random: Random) =>
    Float32Array.from({ length: n }, () => sd * bounded(random));
  const pose = new Float32Array(3 * J);
  const random = stream(2);
  // x: pitch, y: yaw, z: roll.
  pose.set([0.5, 1, 0.25].map((k) => k * spread.pose * bounded(random)));
  const jaw = jointIndex(model, 'jaw');
  const opening = Math.abs(bounded(random));
  if (jaw > 0) pose[3 * jaw] = Math.min(0.25, 0.4 * spread.pose * opening);
  const gaze = [0.5 * spread.pose * bounded(random), 0.5 * spread.pose * bounded(random)];
  for (const name of ['left_eye', 'right_eye']) {
    const eye = jointIndex(model, name);
    if (eye > 0) pose.set(gaze, 3 * eye);
  }
  return {
    identity: draw(S, spread.shape, stream(0)),
    expression:
      spread.expression > 0 ? drawExpression(model, E, spread.expression, stream(1)) : new Float32Array(E),
    pose,
    texture: draw(T, spread.texture, stream(3)),
  };
}

function bounded(random: Random): number {
  for (;;) {
    const x = random.normal();
    if (Math.abs(x) <= MOST) return x;
  }
}

function drawExpression(model: HeadModel, E: number, strength: number, random: Random): Float32Array {
  const out = new Float32Array(E);
  const groups = new Map<string, number[]>();
  for (let e = 0; e < E; e++) {
    const [low, high] = model.expressionRange.subarray(2 * e, 2 * e + 2);
    if (Math.abs(low) > 1e30 && high > 1e30) {
      out[e] = strength * model.expressionSd[e] * bounded(random);
      continue;
    }
    const group = (model.expressionNames[e] ?? String(e)).replace(/_?(Left|Right|_L|_R)$/, '');
    groups.set(group, [...(groups.get(group) ?? []), e]);
  }
  const names = [...groups.keys()];
  for (let k = 0; k < Math.min(ACTIVE, names.length); k++) {
    const members = groups.get(names.splice(random.below(names.length), 1)[0]) ?? [];
    const weight = 2 * strength * random.uniform();
    for (const e of members) {
      const [low, high] = model.expressionRange.subarray(2 * e, 2 * e + 2);
      // A little more on one side, as faces do.
      out[e] = Math.min(Math.max(weight * (1 + 0.3 * (random.uniform() - 0.5)), low), high);
    }
  }
  return out;
}
