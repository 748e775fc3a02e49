/**
 * How far a head's eyes are open, and the blink that opens them as far as asked. A weight of 0.6 shuts one person's eyes
 * and leaves another's half open, and an eye that does not quite shut is what one sees first on a driven face; so blinks
 * are passed on as the share of the lids' distance that is left, not as weights.
 */
import { sidedName } from '../../model/arkit.ts';
import { type HeadModel, headSizes } from '../../model/head-model.ts';
import { poseHead } from '../../model/pose.ts';
import { surfacePoint } from '../../model/surface-point.ts';

/** Upper and lower lid landmarks, numbers among the inner 51: right eye, left eye. */
const PAIRS = [
  [
    [20, 24],
    [21, 23],
  ],
  [
    [26, 30],
    [27, 29],
  ],
] as const;
const BLINKS = ['eyeBlinkRight', 'eyeBlinkLeft'] as const;
/** Halvings of the range of a weight: to a thousandth. */
const HALVINGS = 10;

/** The lids of one person. */
export interface Lids {
  /** Distance of the lids of the right and the left eye, metres, for coefficients (E). */
  open(expression: ArrayLike<number>): readonly [number, number];
  /** What of it a blink leaves, metres: landmarks of lids lie beside their edges. None where the head has no blinks by name. */
  readonly shut: readonly [number, number];
}

/** Steps of a blink that are looked at for where lids meet. */
const STEPS = 20;

/** The lids of `identity`. */
export function lidsOf(model: HeadModel, identity: ArrayLike<number>): Lids {
  const { V, E, J } = headSizes(model);
  const { vertices } = poseHead(model, { identity, expression: [], pose: new Float32Array(3 * J) });
  const difference = (array: Float32Array, from: number, [upper, lower]: readonly [number, number]) => {
    const [p, q] = [upper, lower].map((l) => surfacePoint(model, model.landmarks.inner51, l, array, from));
    return p.map((x, a) => x - q[a]);
  };
  // A pair's difference is linear in the coefficients: at rest, and per unit of each.
  const rows = PAIRS.map((pairs) =>
    pairs.map((pair) => ({
      rest: difference(vertices, 0, pair),
      basis: Array.from({ length: E }, (_, e) => difference(model.expressionBasis, 3 * V * e, pair)),
    })),
  );
  const gap = (pairs: (typeof rows)[number], expression: ArrayLike<number>) => {
    let sum = 0;
    for (const { rest, basis } of pairs) {
      const d = [...rest];
      for (let e = 0; e < expression.length; e++)
        for (let a = 0; a < 3; a++) d[a] += expression[e] * basis[e][a];
      sum += Math.hypot(d[0], d[1], d[2]) / pairs.length;
    }
    return sum;
  };
  const blinks = blinksOf(model);
  // Beyond the point where lids meet a blink may lay them over each other.
  const shut = (side: 0 | 1) => {
    if (!blinks) return 0;
    const gaps = Array.from({ length: STEPS + 1 }, (_, i) => {
      const expression = new Float32Array(E);
      expression[blinks[side]] = i / STEPS;
      return gap(rows[side], expression);
    });
    return Math.min(...gaps);
  };
  return {
    open: (expression) => [gap(rows[0], expression), gap(rows[1], expression)],
    shut: [shut(0), shut(1)],
  };
}

/** Numbers of a head's blinks, right and left; null where it has none by name. */
export function blinksOf(model: Pick<HeadModel, 'expressionNames'>): readonly [number, number] | null {
  const names = model.expressionNames.map(sidedName);
  const [right, left] = BLINKS.map((name) => names.indexOf(name));
  return right < 0 || left < 0 ? null : [right, left];
}

/**
 * Raises the blinks in `expression`, in place, until the lids are no farther open than `shares` (right, left) say, of 0 for shut to 1 for
 * how they are at rest, or the weight is 1. They are never lowered.
 */
export function shutLids(
  lids: Lids,
  blinks: readonly [number, number],
  expression: Float32Array,
  shares: readonly [number, number],
): void {
  const rest = lids.open(new Float32Array(expression.length));
  for (const side of [0, 1] as const) {
    const e = blinks[side];
    const shut = lids.shut[side];
    const wanted = shut + Math.max(shares[side], 0) * (rest[side] - shut);
    const opening = (weight: number) => {
      expression[e] = weight;
      return lids.open(expression)[side];
    };
    const own = expression[e];
    let [low, high] = [own, 1];
    if (own >= 1 || opening(own) <= wanted) {
      expression[e] = own;
      continue;
    }
    for (let n = 0; n < HALVINGS; n++) {
      const middle = (low + high) / 2;
      if (opening(middle) > wanted) low = middle;
      else high = middle;
    }
    expression[e] = high;
  }
}
