/**
 * ARKit's 52 blend shapes (https://developer.apple.com/documentation/arkit/arfaceanchor/blendshapelocation) in terms of a
 * head: expressions of the same name, several expressions together, or a rotation of the jaw or an eye.
 *
 * A head is told by the names of its expressions and joints, so that any model with blendshapes takes part: names that
 * end in `_L` and `_R` (ICT-FaceKit) count as `Left` and `Right`. Principal components (FLAME) have no meaning one by
 * one; such heads get what joints do, and the rest has no equivalent. Left and right are the subject's, as in ARKit.
 *
 * What no head here can do is left out rather than faked: `jawForward` (the jaw joint turns, it does not slide),
 * `mouthClose` (lips closed over an open jaw), `mouthDimple…`, `mouthPress…` (open-head's `mouthCompress…` also lifts the corners, by
 * 9 mm: a smirk), `mouthRoll…`, `mouthShrug…`, `tongueOut`.
 */
/** The 52 names, in alphabetical order as Apple lists them. */
export const ARKIT_NAMES = [
  'browDownLeft',
  'browDownRight',
  'browInnerUp',
  'browOuterUpLeft',
  'browOuterUpRight',
  'cheekPuff',
  'cheekSquintLeft',
  'cheekSquintRight',
  'eyeBlinkLeft',
  'eyeBlinkRight',
  'eyeLookDownLeft',
  'eyeLookDownRight',
  'eyeLookInLeft',
  'eyeLookInRight',
  'eyeLookOutLeft',
  'eyeLookOutRight',
  'eyeLookUpLeft',
  'eyeLookUpRight',
  'eyeSquintLeft',
  'eyeSquintRight',
  'eyeWideLeft',
  'eyeWideRight',
  'jawForward',
  'jawLeft',
  'jawOpen',
  'jawRight',
  'mouthClose',
  'mouthDimpleLeft',
  'mouthDimpleRight',
  'mouthFrownLeft',
  'mouthFrownRight',
  'mouthFunnel',
  'mouthLeft',
  'mouthLowerDownLeft',
  'mouthLowerDownRight',
  'mouthPressLeft',
  'mouthPressRight',
  'mouthPucker',
  'mouthRight',
  'mouthRollLower',
  'mouthRollUpper',
  'mouthShrugLower',
  'mouthShrugUpper',
  'mouthSmileLeft',
  'mouthSmileRight',
  'mouthStretchLeft',
  'mouthStretchRight',
  'mouthUpperUpLeft',
  'mouthUpperUpRight',
  'noseSneerLeft',
  'noseSneerRight',
  'tongueOut',
] as const;

/** One of the 52. */
export type ArkitName = (typeof ARKIT_NAMES)[number];

/** What a blend shape at weight 1 is on a head. */
export interface ArkitShape {
  readonly name: ArkitName;
  /**
   * `same`: an expression of that name. `expressions`: one or several of other names. `joint`: a rotation.
   */
  readonly kind: 'same' | 'expressions' | 'joint';
  /** Numbers of the expressions, each at weight 1; none for `joint`. */
  readonly expressions: readonly number[];
  /** Joint and its axis-angle rotation in radians, local to its parent. */
  readonly joint: { readonly index: number; readonly rotation: readonly [number, number, number] } | null;
}

const DEGREE = Math.PI / 180;

/**
 * Rotations that stand for blend shapes: joint, axis-angle in degrees. How far 1 goes is ours to say, ARKit gives no
 * angles: 20° lower the chin by some 33 mm, 6° move it by 9 mm to a side; eyes reach 30° sideways, 25° up and down.
 */
const ROTATIONS: Partial<Record<ArkitName, readonly [string, readonly [number, number, number]]>> = {
  jawOpen: ['jaw', [20, 0, 0]],
  jawLeft: ['jaw', [0, 6, 0]],
  jawRight: ['jaw', [0, -6, 0]],
  eyeLookDownLeft: ['left_eye', [25, 0, 0]],
  eyeLookDownRight: ['right_eye', [25, 0, 0]],
  eyeLookUpLeft: ['left_eye', [-25, 0, 0]],
  eyeLookUpRight: ['right_eye', [-25, 0, 0]],
  eyeLookInLeft: ['left_eye', [0, -30, 0]],
  eyeLookInRight: ['right_eye', [0, 30, 0]],
  eyeLookOutLeft: ['left_eye', [0, 30, 0]],
  eyeLookOutRight: ['right_eye', [0, -30, 0]],
};

/** Expressions of other names that stand for a blend shape. */
const OTHER_NAMES: Partial<Record<ArkitName, readonly string[]>> = {
  browInnerUp: ['browInnerUpLeft', 'browInnerUpRight'],
  cheekPuff: ['cheekPuffLeft', 'cheekPuffRight'],
  mouthFunnel: ['mouthFunnelLeft', 'mouthFunnelRight'],
  mouthPucker: ['mouthPuckerLeft', 'mouthPuckerRight'],
};

/** `mouthSmile_L` as `mouthSmileLeft`; other names as they are. */
export function sidedName(name: string): string {
  return name.replace(/_L$/, 'Left').replace(/_R$/, 'Right');
}

/** What of a head tells how it makes ARKit's shapes; a head model is one. */
export interface NamedHead {
  readonly expressionNames: readonly string[];
  readonly joints: readonly { readonly name: string; readonly parent?: number }[];
}

/** What `name` is on `model`; null where the model has no equivalent. */
export function arkitShape(model: NamedHead, name: ArkitName): ArkitShape | null {
  const names = model.expressionNames.map(sidedName);
  const same = names.indexOf(name);
  if (same >= 0) {
    const kind = model.expressionNames[same] === name ? 'same' : 'expressions';
    return { name, kind, expressions: [same], joint: null };
  }
  const parts = (OTHER_NAMES[name] ?? []).map((part) => names.indexOf(part));
  if (parts.length > 0 && parts.every((e) => e >= 0)) {
    return { name, kind: 'expressions', expressions: parts, joint: null };
  }
  const turn = ROTATIONS[name];
  const index = turn ? model.joints.findIndex((joint) => joint.name === turn[0]) : -1;
  if (!turn || index < 0) return null;
  const [x, y, z] = turn[1];
  const rotation = [DEGREE * x, DEGREE * y, DEGREE * z] as const;
  return { name, kind: 'joint', expressions: [], joint: { index, rotation } };
}

/** The blend shapes that `model` has an equivalent of, in the order of {@link ARKIT_NAMES}. */
export function arkitShapes(model: NamedHead): ArkitShape[] {
  return ARKIT_NAMES.flatMap((name) => arkitShape(model, name) ?? []);
}
