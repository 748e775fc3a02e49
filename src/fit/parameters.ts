/**
 * The unknowns of a fit: a state, and layouts that say which of its numbers a stage may change and where their
 * columns lie in the Jacobian. Joint rotations move by left perturbation, R ← exp(δ)·R, so that derivatives are
 * smooth everywhere; all other numbers move by addition.
 */
import type { Camera } from '../camera/camera.ts';
import { type HeadModel, headSizes } from '../model/head-model.ts';
import type { JointColumns } from '../model/jacobian.ts';
import { perturbAxisAngle } from '../model/rotation.ts';

/** All unknowns of one face, float64. */
export interface FitState {
  /** (S) standard deviations. */
  readonly identity: Float64Array;
  /** (E). */
  readonly expression: Float64Array;
  /** (J,3) axis-angle, radians. */
  readonly pose: Float64Array;
  /** (T) standard deviations. */
  readonly texture: Float64Array;
  /** (9,3) spherical-harmonics coefficients. */
  readonly light: Float64Array;
  /** In pixels of the fit's crop at scale 1 (the photo's pixels). */
  readonly camera: Camera;
}

/** A contiguous group of columns. */
export interface Block {
  readonly offset: number;
  readonly size: number;
}

/** Names of what a stage may solve for; `joint:<name>` is three columns of a joint's rotation. */
export type BlockName =
  | `joint:${string}`
  | 'translation'
  | 'focal'
  | 'identity'
  | 'expression'
  | 'texture'
  | 'light';

/** Columns of one stage. Geometry (all but texture and light) comes first. */
export interface ParameterLayout {
  /** Columns in total. */
  readonly size: number;
  /** Columns that move vertices: the first ones. */
  readonly geometrySize: number;
  readonly blocks: ReadonlyMap<BlockName, Block>;
  /** Each rotating joint. */
  readonly joints: readonly JointColumns[];
  /** Light columns: 27 for a light per channel, 9 for one shared by the channels. */
  readonly lightColumns: number;
}

/** Options of {@link createLayout}. */
export interface LayoutOptions {
  readonly light?: 'rgb' | 'mono';
  /** Components used, at most; all by default. */
  readonly identityComponents?: number;
  readonly textureComponents?: number;
}

/**
 * Where eyes look is seen on eyeballs alone. FLAME's eyes have pose correctives, and skin would turn them by 30° for the half
 * millimetre by which those move it.
 */
const EYES: readonly BlockName[] = ['joint:left_eye', 'joint:right_eye'];

const GEOMETRY = (name: BlockName) => name !== 'texture' && name !== 'light';

/** Lays out the columns for the named blocks; joints that the model lacks are left out. */
export function createLayout(
  model: HeadModel,
  names: readonly BlockName[],
  options: LayoutOptions = {},
): ParameterLayout {
  const { S, E, T } = headSizes(model);
  const lightColumns = options.light === 'mono' ? 9 : 27;
  const sizes: Record<string, number> = {
    translation: 3,
    focal: 1,
    identity: Math.min(S, options.identityComponents ?? S),
    expression: E,
    texture: Math.min(T, options.textureComponents ?? T),
    light: lightColumns,
  };
  const blocks = new Map<BlockName, Block>();
  const joints: JointColumns[] = [];
  let offset = 0;
  for (const name of [...names.filter(GEOMETRY), ...names.filter((n) => !GEOMETRY(n))]) {
    let size = sizes[name];
    if (name.startsWith('joint:')) {
      const joint = model.joints.findIndex((j) => j.name === name.slice(6));
      if (joint < 0) continue;
      size = 3;
      joints.push({ joint, offset, carriedOnly: EYES.includes(name) });
    }
    if (!size) continue;
    blocks.set(name, { offset, size });
    offset += size;
  }
  const geometrySize = [...blocks].filter(([n]) => GEOMETRY(n)).reduce((s, [, b]) => s + b.size, 0);
  return { size: offset, geometrySize, blocks, joints, lightColumns };
}

/** The state reached from `state` by the step (n), clamped to the expression's bounds. */
export function retractState(
  model: HeadModel,
  layout: ParameterLayout,
  state: FitState,
  step: Float64Array,
): FitState {
  let pose = state.pose;
  if (layout.joints.length > 0) {
    pose = pose.slice();
    for (const { joint, offset } of layout.joints)
      pose.set(
        perturbAxisAngle(pose.subarray(3 * joint, 3 * joint + 3), step.subarray(offset, offset + 3)),
        3 * joint,
      );
  }
  const expression = addBlock(layout, 'expression', state.expression, step);
  if (layout.blocks.has('expression'))
    for (let e = 0; e < expression.length; e++)
      expression[e] = Math.min(
        Math.max(expression[e], model.expressionRange[2 * e]),
        model.expressionRange[2 * e + 1],
      );
  return {
    identity: addBlock(layout, 'identity', state.identity, step),
    expression,
    pose,
    texture: addBlock(layout, 'texture', state.texture, step),
    light: addLight(layout, state.light, step),
    camera: moveCamera(layout, state.camera, step),
  };
}

/** `x` moved by its columns of `step`; as it is where the layout has none. */
function addBlock(
  layout: ParameterLayout,
  name: BlockName,
  x: Float64Array,
  step: Float64Array,
): Float64Array {
  const block = layout.blocks.get(name);
  if (!block) return x;
  const out = x.slice();
  for (let i = 0; i < block.size; i++) out[i] += step[block.offset + i];
  return out;
}

/** Lowest and highest admissible step of every column. */
export function stepBounds(
  model: HeadModel,
  layout: ParameterLayout,
  state: FitState,
): { lower: Float64Array; upper: Float64Array } {
  const lower = new Float64Array(layout.size).fill(Number.NEGATIVE_INFINITY);
  const upper = new Float64Array(layout.size).fill(Number.POSITIVE_INFINITY);
  const block = layout.blocks.get('expression');
  if (block)
    for (let e = 0; e < block.size; e++) {
      lower[block.offset + e] = model.expressionRange[2 * e] - state.expression[e];
      upper[block.offset + e] = model.expressionRange[2 * e + 1] - state.expression[e];
    }
  return { lower, upper };
}

function addLight(layout: ParameterLayout, light: Float64Array, step: Float64Array): Float64Array {
  const block = layout.blocks.get('light');
  if (!block) return light;
  const out = light.slice();
  for (let k = 0; k < 9; k++)
    for (let c = 0; c < 3; c++)
      out[3 * k + c] += step[block.offset + (layout.lightColumns === 27 ? 3 * k + c : k)];
  return out;
}

function moveCamera(layout: ParameterLayout, camera: Camera, step: Float64Array): Camera {
  const t = layout.blocks.get('translation')?.offset;
  const f = layout.blocks.get('focal')?.offset;
  const [x, y, z] = camera.translation;
  const translation =
    t === undefined ? camera.translation : ([x + step[t], y + step[t + 1], z + step[t + 2]] as const);
  const grow = f === undefined ? 1 : Math.exp(step[f]);
  return camera.kind === 'perspective'
    ? { ...camera, translation, focal: camera.focal * grow }
    : { ...camera, translation, scale: camera.scale * grow };
}
