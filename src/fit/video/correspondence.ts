/**
 * Which expressions and joints of one head are which of another's, by their names: the same name (`_L` counts as
 * `Left`), or, through ARKit's shapes, several for one and a joint for an expression (`model/arkit.ts`). Heads of the
 * same names correspond one to one; what has no counterpart is told, not faked.
 */
import { ARKIT_NAMES, arkitShape, type NamedHead, sidedName } from '../../model/arkit.ts';

/** A linear map from one head's expressions and joint rotations to another's. */
export interface Correspondence {
  /** Expression `to` gets `weight` times the expression `from`. */
  readonly expressions: readonly { readonly from: number; readonly to: number; readonly weight: number }[];
  /** Joint `to` turns as joint `from`. */
  readonly joints: readonly { readonly from: number; readonly to: number }[];
  /** Joint `to` turns by `rotation` (axis-angle, radians) times the expression `from`. */
  readonly turns: readonly {
    readonly from: number;
    readonly to: number;
    readonly rotation: readonly [number, number, number];
  }[];
  /** Expression `to` gets what the rotation of joint `from` has along `rotation`. */
  readonly bends: readonly {
    readonly from: number;
    readonly to: number;
    readonly rotation: readonly [number, number, number];
  }[];
  /** Names of the first head's expressions without a counterpart. */
  readonly missing: readonly string[];
}

/** The correspondence of two heads; `exact` where all names are the same. */
export function correspond(
  source: NamedHead,
  target: NamedHead,
): Correspondence & { readonly exact: boolean } {
  const names = source.expressionNames.map(sidedName);
  const theirs = target.expressionNames.map(sidedName);
  const joints = source.joints.flatMap(({ name }, from) => {
    const to = target.joints.findIndex((joint) => joint.name === name);
    return to < 0 ? [] : [{ from, to }];
  });
  const expressions: Correspondence['expressions'][number][] = [];
  const turns: Correspondence['turns'][number][] = [];
  const bends: Correspondence['bends'][number][] = [];
  const used = new Set<number>();
  const taken = new Set<number>();
  const pass = (from: number, to: number, weight = 1) => {
    expressions.push({ from, to, weight });
    used.add(from);
    taken.add(to);
  };
  names.forEach((name, from) => {
    const to = theirs.indexOf(name);
    if (to >= 0) pass(from, to);
  });
  // What one head does by its own name and the other by several or by a joint, told by ARKit's shape between them.
  for (const name of ARKIT_NAMES) {
    const [a, b] = [arkitShape(source, name), arkitShape(target, name)];
    if (!a || !b) continue;
    const [from, to] = [
      a.expressions.filter((e) => !used.has(e)),
      b.expressions.filter((e) => !taken.has(e)),
    ];
    if (a.joint && b.joint) continue;
    if (b.joint)
      for (const e of from)
        turns.push({ from: e, to: b.joint.index, rotation: scaled(b.joint.rotation, 1 / from.length) });
    else if (a.joint)
      for (const e of to) bends.push({ from: a.joint.index, to: e, rotation: along(a.joint.rotation) });
    else
      for (const e of to) for (const f of from) expressions.push({ from: f, to: e, weight: 1 / from.length });
    for (const e of from) used.add(e);
    for (const e of to) taken.add(e);
  }
  const exact =
    names.length === theirs.length &&
    names.every((name, e) => name === theirs[e]) &&
    names.length === used.size;
  const missing = source.expressionNames.filter((_, e) => !used.has(e));
  return { expressions, joints, turns, bends, missing, exact };
}

function scaled(v: readonly [number, number, number], k: number): [number, number, number] {
  return [k * v[0], k * v[1], k * v[2]];
}

/** d so that ⟨r, d⟩ is 1 for r = `v`. */
function along(v: readonly [number, number, number]): [number, number, number] {
  return scaled(v, 1 / (v[0] ** 2 + v[1] ** 2 + v[2] ** 2));
}
