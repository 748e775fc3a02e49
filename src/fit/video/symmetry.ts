/**
 * Both sides of a face mostly move alike: a prior on the difference of each expression of the left side and its
 * counterpart of the right, ½ Σ ρ((e_L − e_R)²/σ²), with Cauchy's loss: what a picture shows on one side only, a crooked
 * smile or a wink, costs little. A face that turns shows its sides in turn, and whatever is wrong with its shape and
 * texture then wanders from one side's curves to the other's; together they say what they share.
 *
 * Pairs are found by their names, and kept where each expression moves its own side: `mouthLeft` and `mouthRight` move
 * the whole mouth, and not at the same time. Heads whose expressions have no names have no pairs.
 */
import { InvalidArgumentError } from '../../core/errors.ts';
import { sidedName } from '../../model/arkit.ts';
import type { HeadModel } from '../../model/head-model.ts';
import type { NormalEquations } from '../../solve/levenberg-marquardt.ts';
import { cauchy, cauchyWeight } from '../../solve/robust.ts';
import type { FitState, ParameterLayout } from '../parameters.ts';

/** Share of its squared displacement that an expression of one side has there. */
const OWN_SIDE = 0.75;

/** Numbers of the expressions of the left side, each with its counterpart of the right. */
export function sidePairs(model: HeadModel): readonly (readonly [left: number, right: number])[] {
  const names = model.expressionNames.map(sidedName);
  return names.flatMap((name, left) => {
    const right = name.endsWith('Left') ? names.indexOf(name.replace(/Left$/, 'Right')) : -1;
    if (right < 0) return [];
    const shares = [left, right].map((e) => shareOnLeft(model, e));
    return shares[0] > OWN_SIDE && 1 - shares[1] > OWN_SIDE ? [[left, right] as const] : [];
  });
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
  /** `equations` with those of the prior at `state` added. */
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
  const pairs = offset === undefined ? [] : sidePairs(model);
  const n = layout.size;
  const between = ({ expression }: FitState, [a, b]: readonly [number, number]) => {
    const scale = 1 / (sd * model.expressionSd[a]);
    return { scale, difference: (expression[a] - expression[b]) * scale };
  };
  const cost = (state: FitState) =>
    pairs.reduce((sum, pair) => sum + 0.5 * cauchy(between(state, pair).difference ** 2, k), 0);
  return {
    cost,
    add(equations, state) {
      const hessian = equations.hessian.slice();
      const gradient = equations.gradient.slice();
      for (const pair of pairs) {
        const { scale, difference } = between(state, pair);
        const w = cauchyWeight(difference ** 2, k) * scale;
        const [i, j] = pair.map((e) => offset! + e);
        hessian[i * n + i] += w * scale;
        hessian[j * n + j] += w * scale;
        hessian[i * n + j] -= w * scale;
        hessian[j * n + i] -= w * scale;
        gradient[i] += w * difference;
        gradient[j] -= w * difference;
      }
      return { ...equations, cost: equations.cost + cost(state), hessian, gradient };
    },
  };
}
