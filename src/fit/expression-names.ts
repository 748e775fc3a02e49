/**
 * Expressions by name: the model's own names, ARKit's, or a word that they end in (`smile`, `blink`), for both sides of
 * the face where no side is said. What ARKit makes with the jaw or an eye turns that joint.
 */
import { InvalidArgumentError } from '../core/errors.ts';
import { nearNames } from '../core/near-names.ts';
import { ARKIT_NAMES, arkitShape, sidedName } from '../model/arkit.ts';
import type { HeadModel, HeadParams } from '../model/head-model.ts';

/** What a name stands for. */
interface Meaning {
  /** Numbers of expressions. */
  readonly expressions: readonly number[];
  readonly joint: { readonly index: number; readonly rotation: readonly number[] } | null;
}

/** Weights are at most this: blendshapes are meant for 0…1, principal components for ±3. */
const LARGEST = 10;

/**
 * `params` with the expressions named set to the given weights, the others as they are. A joint that takes part loses
 * the rotation it had; several names that turn one joint add up.
 * @throws {InvalidArgumentError} for a name that the model has no expression for, saying which are near; for one that
 * could be several; for a weight that is no number
 */
export function setExpressions(
  model: HeadModel,
  params: HeadParams,
  values: Iterable<readonly [string, number]>,
): HeadParams {
  const expression = params.expression.slice();
  const pose = params.pose.slice();
  const turned = new Set<number>();
  for (const [name, weight] of values) {
    if (!Number.isFinite(weight) || Math.abs(weight) > LARGEST)
      throw new InvalidArgumentError(
        `expression ${name}: the weight must be a number from −${LARGEST} to ${LARGEST}, got ${weight}`,
      );
    const { expressions, joint } = meaning(model, name);
    for (const e of expressions) expression[e] = weight;
    if (!joint) continue;
    if (!turned.has(joint.index)) pose.fill(0, 3 * joint.index, 3 * joint.index + 3);
    turned.add(joint.index);
    for (let a = 0; a < 3; a++) pose[3 * joint.index + a] += weight * joint.rotation[a];
  }
  return { ...params, expression, pose };
}

/** All names that {@link setExpressions} takes, the model's first. */
export function expressionNames(model: HeadModel): string[] {
  const own = model.expressionNames.map(sidedName);
  const others = ARKIT_NAMES.filter((name) => !own.includes(name) && arkitShape(model, name));
  return [...own, ...others];
}

function meaning(model: HeadModel, name: string): Meaning {
  const names = expressionNames(model);
  const lower = name.toLowerCase();
  const exact = model.expressionNames.indexOf(name);
  if (exact >= 0) return { expressions: [exact], joint: null };
  const same = names.find((n) => n.toLowerCase() === lower);
  if (same) return meaningOfFull(model, same);
  const stem = (n: string) => n.replace(/(Left|Right)$/, '');
  const stems = [...new Set(names.map(stem))];
  const whole = stems.filter((s) => s.toLowerCase() === lower);
  // "smile" is mouthSmile: the last word of a name in camel case.
  const found =
    whole.length > 0 ? whole : stems.filter((s) => s.replace(/^[a-z]+/, '').toLowerCase() === lower);
  if (found.length === 1) {
    const sides = names.filter((n) => stem(n) === found[0]).map((n) => meaningOfFull(model, n));
    // Left and right make no one rotation: eyeLookIn turns two eyes, jaw to both sides means nothing.
    if (sides.every(({ joint }) => joint === null)) {
      return { expressions: sides.flatMap(({ expressions }) => expressions), joint: null };
    }
  }
  if (found.length > 0) {
    const several = names.filter((n) => found.includes(stem(n)));
    throw new InvalidArgumentError(`expression ${name}: could be any of ${several.join(', ')}; name one`);
  }
  const near = nearNames(name, names);
  const hint =
    near.length > 0
      ? `did you mean ${near.join(', ')}?`
      : `it has ${names.slice(0, 12).join(', ')}${names.length > 12 ? ', …' : ''}`;
  throw new InvalidArgumentError(`expression ${name}: the head ${model.name} has none of that name; ${hint}`);
}

function meaningOfFull(model: HeadModel, name: string): Meaning {
  const own = model.expressionNames.map(sidedName).indexOf(name);
  if (own >= 0) return { expressions: [own], joint: null };
  const shape = arkitShape(model, name as (typeof ARKIT_NAMES)[number]);
  return { expressions: shape?.expressions ?? [], joint: shape?.joint ?? null };
}
