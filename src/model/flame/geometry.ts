/**
 * FLAME's geometry pickle (generic_model.pkl, flame2023.pkl, …) into the arrays of a `HeadModel`.
 *
 * Official layout: v_template (V,3), f (F,3), shapedirs (V,3,K) with identity first, posedirs (V,3,36),
 * J_regressor (J,V) sparse or dense, kintree_table (2,J), weights (V,J); chumpy objects or plain arrays, float64.
 * The joints' bases are J_regressor times the template and each component (Li et al. 2017, eq. 4): FLAME regresses
 * joints from the shaped and expressed but unposed head.
 */
import { FormatError, InvalidArgumentError } from '../../core/errors.ts';
import { toFloat64, toUint32 } from '../../io/npy.ts';
import { PickledArray, type PickleValue, SparseMatrix } from '../../io/pickle.ts';
import type { Joint } from '../head-model.ts';

/** Identity components come first in shapedirs; expressions from here on. */
export const FLAME_IDENTITY_COUNT = 300;

const JOINT_NAMES = ['root', 'neck', 'jaw', 'left_eye', 'right_eye'];
const REQUIRED = ['v_template', 'f', 'shapedirs', 'posedirs', 'J_regressor', 'kintree_table', 'weights'];

/** The geometric half of a FLAME head. */
export interface FlameGeometry {
  /** (V,3) float32 metres. */
  readonly template: Float32Array;
  /** (F,3) uint32. */
  readonly faces: Uint32Array;
  /** (S,V,3) float32. */
  readonly identityBasis: Float32Array;
  /** (E,V,3) float32. */
  readonly expressionBasis: Float32Array;
  readonly joints: readonly Joint[];
  /** (J,3) float32. */
  readonly jointTemplate: Float32Array;
  /** (S,J,3) float32. */
  readonly jointIdentityBasis: Float32Array;
  /** (E,J,3) float32. */
  readonly jointExpressionBasis: Float32Array;
  /** (9·(J−1),V,3) float32. */
  readonly poseBasis: Float32Array;
  /** (V,J) float32. */
  readonly skinWeights: Float32Array;
}

/** How many components to keep; undefined keeps all that are not zero. */
export interface FlameGeometryOptions {
  readonly identityComponents?: number;
  readonly expressionComponents?: number;
}

/** Whether a pickle's value looks like a FLAME geometry file. */
export function isFlameGeometry(value: PickleValue): boolean {
  return value instanceof Map && value.has('v_template') && value.has('shapedirs');
}

/**
 * Reads the geometry.
 * @throws {FormatError} naming everything that is missing, or the array whose shape is wrong.
 * @throws {InvalidArgumentError} when more components are asked for than there are.
 */
export function flameGeometry(
  value: PickleValue,
  name: string,
  options: FlameGeometryOptions,
): FlameGeometry {
  if (!(value instanceof Map))
    throw new FormatError(`${name}: a dictionary was expected; is it a FLAME geometry file?`);
  const missing = REQUIRED.filter((key) => !value.has(key));
  const names = [...value.keys()].filter((key) => typeof key === 'string');
  if (missing.length > 0)
    throw new FormatError(
      `${name}: ${missing.join(', ')} missing; it has ${names.slice(0, 20).join(', ')}. Is it a FLAME geometry file?`,
    );
  const array = (key: string, axes: number): PickledArray => {
    const a = value.get(key);
    if (!(a instanceof PickledArray) || a.items || a.shape.length !== axes)
      throw new FormatError(`${name}: ${key} must be an array of ${axes} dimensions`);
    return a;
  };
  const template = array('v_template', 2);
  const [V] = template.shape;
  const faces = array('f', 2);
  const shapes = array('shapedirs', 3);
  const poses = array('posedirs', 3);
  const weights = array('weights', 2);
  const J = weights.shape[1];
  const expectShape = (key: string, a: PickledArray, shape: readonly number[]) => {
    if (shape.some((n, d) => n >= 0 && a.shape[d] !== n))
      throw new FormatError(
        `${name}: ${key} has shape (${a.shape}), (${shape.map((n) => (n < 0 ? '…' : n))}) expected`,
      );
  };
  expectShape('v_template', template, [V, 3]);
  expectShape('f', faces, [-1, 3]);
  expectShape('shapedirs', shapes, [V, 3, -1]);
  expectShape('posedirs', poses, [V, 3, 9 * (J - 1)]);
  expectShape('weights', weights, [V, J]);
  const K = shapes.shape[2];
  const split = Math.min(FLAME_IDENTITY_COUNT, K);
  const directions = toFloat64(shapes, name);
  const used = usedComponents(directions, K);
  const S = count('identityComponents', options.identityComponents, used, 0, split);
  const E = count('expressionComponents', options.expressionComponents, used, split, K);
  const identityBasis = takeComponents(directions, K, 0, S);
  const expressionBasis = takeComponents(directions, K, split, E);
  const rest = toFloat64(template, name);
  const regressor = readRegressor(value.get('J_regressor') ?? null, J, V, name);
  return {
    template: Float32Array.from(rest),
    faces: toUint32(faces, `${name}: f`),
    identityBasis,
    expressionBasis,
    joints: readJoints(array('kintree_table', 2), J, name),
    jointTemplate: Float32Array.from(regress(regressor, rest, J)),
    jointIdentityBasis: regressComponents(regressor, directions, K, 0, S, J),
    jointExpressionBasis: regressComponents(regressor, directions, K, split, E, J),
    poseBasis: takeComponents(toFloat64(poses, name), 9 * (J - 1), 0, 9 * (J - 1)),
    skinWeights: Float32Array.from(toFloat64(weights, name)),
  };
}

/** For each of the K innermost components, whether any of its values is not zero. */
function usedComponents(values: Float64Array, K: number): Uint8Array {
  const used = new Uint8Array(K);
  for (let i = 0, k = 0; i < values.length; i++, k = k + 1 === K ? 0 : k + 1)
    if (values[i] !== 0) used[k] = 1;
  return used;
}

/** Number of components to take from [from, to): as asked, or without the zero ones at the end. */
function count(
  option: string,
  wanted: number | undefined,
  used: Uint8Array,
  from: number,
  to: number,
): number {
  if (wanted === undefined) {
    let end = to;
    while (end > from && !used[end - 1]) end--;
    return end - from;
  }
  if (!Number.isInteger(wanted) || wanted < 0 || wanted > to - from)
    throw new InvalidArgumentError(
      `readFlame: options.${option} must be a whole number from 0 to ${to - from}, got ${wanted}`,
    );
  return wanted;
}

/** (…,K) float64, component innermost, to (n,…) float32, component outermost. */
function takeComponents(values: Float64Array, K: number, from: number, n: number): Float32Array {
  const rows = values.length / K;
  const out = new Float32Array(n * rows);
  for (let r = 0; r < rows; r++) {
    const source = r * K + from;
    for (let k = 0; k < n; k++) out[k * rows + r] = values[source + k];
  }
  return out;
}

interface Regressor {
  readonly joint: Uint32Array;
  readonly vertex: Uint32Array;
  readonly weight: Float64Array;
}

function readRegressor(value: PickleValue, J: number, V: number, name: string): Regressor {
  const joint: number[] = [];
  const vertex: number[] = [];
  const weight: number[] = [];
  const add = (r: number, c: number, w: number) => {
    if (w === 0) return;
    joint.push(r);
    vertex.push(c);
    weight.push(w);
  };
  if (value instanceof SparseMatrix) {
    if (value.shape[0] !== J || value.shape[1] !== V)
      throw new FormatError(`${name}: J_regressor is ${value.shape.join('×')}, ${J}×${V} expected`);
    value.forEach(add);
  } else if (value instanceof PickledArray && value.shape[0] === J && value.shape[1] === V) {
    toFloat64(value, name).forEach((w, i) => {
      add(Math.floor(i / V), i % V, w);
    });
  } else throw new FormatError(`${name}: J_regressor must be a ${J}×${V} matrix`);
  return {
    joint: Uint32Array.from(joint),
    vertex: Uint32Array.from(vertex),
    weight: Float64Array.from(weight),
  };
}

/** (J,3) joints of (V,3) vertices. */
function regress(r: Regressor, vertices: Float64Array, J: number): Float64Array {
  const out = new Float64Array(3 * J);
  for (let i = 0; i < r.weight.length; i++)
    for (let a = 0; a < 3; a++) out[3 * r.joint[i] + a] += r.weight[i] * vertices[3 * r.vertex[i] + a];
  return out;
}

/** (n,J,3) joints of the components from…from+n of (V,3,K). */
function regressComponents(
  r: Regressor,
  values: Float64Array,
  K: number,
  from: number,
  n: number,
  J: number,
): Float32Array {
  const out = new Float64Array(n * J * 3);
  for (let i = 0; i < r.weight.length; i++)
    for (let a = 0; a < 3; a++) {
      const source = (3 * r.vertex[i] + a) * K + from;
      for (let k = 0; k < n; k++) out[(k * J + r.joint[i]) * 3 + a] += r.weight[i] * values[source + k];
    }
  return Float32Array.from(out);
}

/** Row 0 of kintree_table is each joint's parent; the root's is −1, or that as an unsigned number. */
function readJoints(table: PickledArray, J: number, name: string): Joint[] {
  if (table.shape[0] !== 2 || table.shape[1] !== J)
    throw new FormatError(`${name}: kintree_table has shape (${table.shape}), (2,${J}) expected`);
  const parents = toFloat64(table, name);
  return Array.from({ length: J }, (_, j) => {
    const parent = j === 0 ? -1 : parents[j];
    if (j > 0 && !(parent >= 0 && parent < j))
      throw new FormatError(
        `${name}: kintree_table: joint ${j} has parent ${parents[j]}, which does not come before it`,
      );
    return { name: J === JOINT_NAMES.length ? JOINT_NAMES[j] : `joint_${j}`, parent };
  });
}
