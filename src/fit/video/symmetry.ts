/**
 * Both sides of a face mostly move alike: a prior on the difference of each expression of the left side and its
 * counterpart of the right, ½ Σ ρ((e_L − e_R)²/σ²), with Cauchy's loss: what a picture shows on one side only, a crooked
 * smile or a wink, costs little. A face that turns shows its sides in turn, and whatever is wrong with its shape and
 * texture then wanders from one side's curves to the other's; together they say what they share.
 *
 * Pairs are found by their names, and kept where each expression moves its own side: `mouthLeft` and `mouthRight` move
 * the whole mouth, and not at the same time. Where expressions have no names, as FLAME's, each one of the left side is paired
 * with the one of the right that moves its mirror image alike; components that move both sides have no counterpart.
 */
import { InvalidArgumentError } from '../../core/errors.ts';
import { createHit, createNearest } from '../../geometry/nearest.ts';
import { sidedName } from '../../model/arkit.ts';
import type { HeadModel } from '../../model/head-model.ts';
import type { NormalEquations } from '../../solve/levenberg-marquardt.ts';
import { cauchy, cauchyWeight } from '../../solve/robust.ts';
import type { FitState, ParameterLayout } from '../parameters.ts';

/** Share of its squared displacement that an expression of one side has there. */
const OWN_SIDE = 0.75;

/** Least cosine between an expression of one side and the mirror image of its counterpart, both without names. */
const MIRRORED = 0.9;

type Pair = readonly [left: number, right: number];

/** Numbers of the expressions of the left side, each with its counterpart of the right. */
export function sidePairs(model: HeadModel): readonly Pair[] {
  const named = namedPairs(model);
  return named.length > 0 ? named : mirroredPairs(model);
}

function namedPairs(model: HeadModel): readonly Pair[] {
  const names = model.expressionNames.map(sidedName);
  return names.flatMap((name, left) => {
    const right = name.endsWith('Left') ? names.indexOf(name.replace(/Left$/, 'Right')) : -1;
    if (right < 0) return [];
    const shares = [left, right].map((e) => shareOnLeft(model, e));
    return shares[0] > OWN_SIDE && 1 - shares[1] > OWN_SIDE ? [[left, right] as const] : [];
  });
}

/** Pairs of expressions that are each other's nearest mirror image. */
function mirroredPairs(model: HeadModel): readonly Pair[] {
  const { template, expressionBasis } = model;
  const n = template.length;
  const share = model.expressionNames.map((_, e) => shareOnLeft(model, e));
  const moved = share.map((_, e) => expressionBasis.subarray(e * n, (e + 1) * n));
  const sided = (least: (s: number) => boolean) =>
    share.flatMap((s, e) => (least(s) && moved[e].some((x) => x !== 0) ? [e] : []));
  const [left, right] = [sided((s) => s > OWN_SIDE), sided((s) => 1 - s > OWN_SIDE)];
  if (left.length === 0 || right.length === 0) return [];
  const images = right.map((e) => mirrored(template, moved[e]));
  const cosines = left.map((e) => images.map((image) => cosine(moved[e], image)));
  return left.flatMap((e, i) => {
    const k = cosines[i].indexOf(Math.max(...cosines[i]));
    const mutual = cosines.every((row, j) => j === i || row[k] < cosines[i][k]);
    return cosines[i][k] > MIRRORED && mutual ? [[e, right[k]] as const] : [];
  });
}

const opposites = new WeakMap<Float32Array, Uint32Array>();

/** (V,3) displacements as the other side of the face would show them. */
function mirrored(template: Float32Array, displacement: Float32Array): Float32Array {
  let others = opposites.get(template);
  if (!others) {
    const nearest = createNearest(template, null);
    const hit = createHit();
    others = Uint32Array.from(
      { length: template.length / 3 },
      (_, v) => nearest.find(-template[3 * v], template[3 * v + 1], template[3 * v + 2], Infinity, hit).face,
    );
    opposites.set(template, others);
  }
  const found = others;
  return Float32Array.from(
    displacement,
    (_, i) => (i % 3 === 0 ? -1 : 1) * displacement[3 * found[Math.floor(i / 3)] + (i % 3)],
  );
}

function cosine(a: Float32Array, b: Float32Array): number {
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    ab += a[i] * b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
  }
  return ab / Math.max(Math.sqrt(aa * bb), 1e-30);
}

/** Share of an expression's squared displacement at vertices with x > 0, the subject's left. */
function shareOnLeft({ template, expressionBasis }: HeadModel, e: number): number {
  let [left, all] = [0, 0];
  for (let i = 0, o = e * template.length; i < template.length; i++, o++) {
    const square = expressionBasis[o] ** 2;
    all += square;
    if (template[i - (i % 3)] > 0) left += square;
  }
  return left / Math.max(all, 1e-30);
}

/** The prior over the columns of a layout that has expressions. */
export interface SymmetryPrior {
  /** Its energy. */
  cost(state: FitState): number;
  /** `equations` with those of the prior at `state` added, in the same arrays. */
  add(equations: NormalEquations, state: FitState): NormalEquations;
}

/**
 * Makes the prior.
 * @param sd standard deviation of the difference, in those of the expressions.
 * @param k width of the loss in `sd`.
 * @throws {InvalidArgumentError} when `sd` is not positive
 */
export function symmetryPrior(
  model: HeadModel,
  layout: ParameterLayout,
  { sd, k }: { readonly sd: number; readonly k: number },
): SymmetryPrior {
  if (!(sd > 0)) throw new InvalidArgumentError(`symmetry must be a positive number, got ${sd}`);
  const offset = layout.blocks.get('expression')?.offset;
  const found = offset === undefined ? [] : sidePairs(model);
  const pairs: ScaledPairs = {
    left: Int32Array.from(found, ([left]) => left),
    right: Int32Array.from(found, ([, right]) => right),
    scale: Float64Array.from(found, ([left]) => 1 / (sd * model.expressionSd[left])),
    k,
  };
  return {
    cost: ({ expression }) => pairsCost(pairs, expression),
    add(equations, { expression }) {
      addPairs(pairs, expression, offset ?? 0, layout.size, equations);
      return { ...equations, cost: equations.cost + pairsCost(pairs, expression) };
    },
  };
}

/** Pairs of expressions, 1 over the deviation of their difference, and the width of the loss in it. */
interface ScaledPairs {
  readonly left: Int32Array;
  readonly right: Int32Array;
  readonly scale: Float64Array;
  readonly k: number;
}

function pairsCost({ left, right, scale, k }: ScaledPairs, expression: Float64Array): number {
  let sum = 0;
  for (let p = 0; p < left.length; p++)
    sum += 0.5 * cauchy(((expression[left[p]] - expression[right[p]]) * scale[p]) ** 2, k);
  return sum;
}

/** Adds the equations of the pairs; expressions' columns begin at `offset` of `n`. */
function addPairs(
  { left, right, scale, k }: ScaledPairs,
  expression: Float64Array,
  offset: number,
  n: number,
  { hessian, gradient }: NormalEquations,
): void {
  for (let p = 0; p < left.length; p++) {
    const s = scale[p];
    const difference = (expression[left[p]] - expression[right[p]]) * s;
    const w = cauchyWeight(difference ** 2, k) * s;
    const i = offset + left[p];
    const j = offset + right[p];
    hessian[i * n + i] += w * s;
    hessian[j * n + j] += w * s;
    hessian[i * n + j] -= w * s;
    hessian[j * n + i] -= w * s;
    gradient[i] += w * difference;
    gradient[j] -= w * difference;
  }
}
