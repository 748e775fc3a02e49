/**
 * The forward function of a head: coefficients in, posed vertices out (Li et al. 2017, eq. 2-5).
 *
 *   bind   = template + Σ identity·B_S + Σ expression·B_E + Σ (R_j − I)·B_P
 *   rest_j = jointTemplate + Σ identity·J_S + Σ expression·J_E
 *   x      = Σ_j w_j (R_j·bind + t_j),  R_j = R_parent·R_local,  t_j = p_j − R_j·rest_j
 *
 * Sums run in float64 and are rounded once.
 */
import { InvalidArgumentError } from '../core/errors.ts';
import { type HeadModel, headSizes } from './head-model.ts';
import { multiply3, rotationFromAxisAngle } from './rotation.ts';

/** The joints' rigid motions for one set of parameters. */
export interface Skeleton {
  /** (J,3) float64 rest positions, metres. */
  readonly rest: Float64Array;
  /** (J,3) float64 posed positions, metres. */
  readonly posed: Float64Array;
  /** (J,9) float64 world rotations, row-major. */
  readonly rotations: Float64Array;
  /** (J,9) float64 rotations local to the parent, row-major. */
  readonly local: Float64Array;
  /** (J,3) float64 so that a bind point x of joint j goes to rotations_j·x + translations_j. */
  readonly translations: Float64Array;
}

/** A head in its pose. */
export interface PosedHead {
  /** (V,3) float32 metres, model space (the root's rotation included). */
  readonly vertices: Float32Array;
  /** (V,3) float32 metres before skinning. */
  readonly bind: Float32Array;
  readonly skeleton: Skeleton;
}

type Vector = ArrayLike<number>;
/** {@link HeadParams} with any numeric arrays. */
export interface PoseInput {
  readonly identity: Vector;
  readonly expression: Vector;
  readonly pose: Vector;
}

/**
 * Poses a head.
 * @throws {InvalidArgumentError} when a coefficient array has the wrong length.
 */
export function poseHead(model: HeadModel, params: PoseInput): PosedHead {
  checkLengths(model, params);
  const skeleton = poseSkeleton(model, params);
  const bind = bindVertices(model, params, skeleton);
  return { vertices: skinVertices(model, bind, skeleton), bind, skeleton };
}

/** Joints for the given coefficients. */
export function poseSkeleton(model: HeadModel, params: PoseInput): Skeleton {
  const J = model.joints.length;
  const rest = new Float64Array(model.jointTemplate);
  addBasis(rest, model.jointIdentityBasis, params.identity);
  addBasis(rest, model.jointExpressionBasis, params.expression);
  const local = new Float64Array(9 * J);
  const rotations = new Float64Array(9 * J);
  const posed = new Float64Array(3 * J);
  const translations = new Float64Array(3 * J);
  for (let j = 0; j < J; j++) {
    rotationFromAxisAngle(params.pose[3 * j], params.pose[3 * j + 1], params.pose[3 * j + 2], local, 9 * j);
    const p = model.joints[j].parent;
    if (p < 0) {
      rotations.set(local.subarray(9 * j, 9 * j + 9), 9 * j);
      posed.set(rest.subarray(3 * j, 3 * j + 3), 3 * j);
    } else {
      multiply3(rotations, 9 * p, local, 9 * j, rotations, 9 * j);
      for (let a = 0; a < 3; a++) {
        let s = posed[3 * p + a];
        for (let b = 0; b < 3; b++) s += rotations[9 * p + 3 * a + b] * (rest[3 * j + b] - rest[3 * p + b]);
        posed[3 * j + a] = s;
      }
    }
    for (let a = 0; a < 3; a++) {
      let s = posed[3 * j + a];
      for (let b = 0; b < 3; b++) s -= rotations[9 * j + 3 * a + b] * rest[3 * j + b];
      translations[3 * j + a] = s;
    }
  }
  return { rest, posed, rotations, local, translations };
}

/**
 * Vertices before skinning, (V,3) float32 metres.
 * @param shape from {@link shapeVertices} for `params.identity`, where several heads of one person are made.
 */
export function bindVertices(
  model: HeadModel,
  params: PoseInput,
  skeleton: Skeleton,
  shape: Float64Array = shapeVertices(model, params.identity),
): Float32Array {
  const sum = shape.slice();
  addBasis(sum, model.expressionBasis, params.expression);
  if (model.poseBasis) addBasis(sum, model.poseBasis, poseFeature(skeleton));
  return new Float32Array(sum);
}

/** Template with an identity, before expression and pose, (V,3) float64 metres. */
export function shapeVertices(model: HeadModel, identity: Vector): Float64Array {
  const sum = new Float64Array(model.template);
  addBasis(sum, model.identityBasis, identity);
  return sum;
}

/** The elements of R_j − I for joints 1…J−1, row-major: coefficients of the pose correctives, (9·(J−1)). */
export function poseFeature(skeleton: Skeleton): Float64Array {
  const feature = skeleton.local.slice(9);
  for (let i = 0; i < feature.length; i++) if (i % 9 === 0 || i % 9 === 4 || i % 9 === 8) feature[i] -= 1;
  return feature;
}

/** Linear blend skinning of `bind` (V,3) by `skeleton`; returns (V,3) float32. */
export function skinVertices(model: HeadModel, bind: Float32Array, skeleton: Skeleton): Float32Array {
  const J = model.joints.length;
  const V = bind.length / 3;
  const out = new Float32Array(3 * V);
  const m = new Float64Array(12);
  for (let v = 0; v < V; v++) {
    blendTransform(model, skeleton, v, J, m);
    const x = bind[3 * v];
    const y = bind[3 * v + 1];
    const z = bind[3 * v + 2];
    out[3 * v] = m[0] * x + m[1] * y + m[2] * z + m[9];
    out[3 * v + 1] = m[3] * x + m[4] * y + m[5] * z + m[10];
    out[3 * v + 2] = m[6] * x + m[7] * y + m[8] * z + m[11];
  }
  return out;
}

/** Weighted sum of the joints' transforms at vertex `v`: out = rotation-like 3×3 (9), translation (3). */
export function blendTransform(
  model: HeadModel,
  skeleton: Skeleton,
  v: number,
  J: number,
  out: Float64Array,
): void {
  out.fill(0);
  for (let j = 0; j < J; j++) {
    const w = model.skinWeights[v * J + j];
    if (w === 0) continue;
    for (let i = 0; i < 9; i++) out[i] += w * skeleton.rotations[9 * j + i];
    for (let i = 0; i < 3; i++) out[9 + i] += w * skeleton.translations[3 * j + i];
  }
}

/** out += Σ coefficients·basis; four components per pass over `out`, which halves the time of one by one. */
function addBasis(out: Float64Array, basis: Float32Array, coefficients: Vector): void {
  const n = out.length;
  const used: number[] = [];
  for (let k = 0; k < coefficients.length; k++) if (coefficients[k] !== 0) used.push(k);
  const weights = new Float64Array(4);
  const starts = new Int32Array(4);
  let u = 0;
  for (; u + 3 < used.length; u += 4) {
    for (let k = 0; k < 4; k++) {
      weights[k] = coefficients[used[u + k]];
      starts[k] = used[u + k] * n;
    }
    addFour(out, basis, weights, starts);
  }
  for (; u < used.length; u++) {
    const c = coefficients[used[u]];
    const o = used[u] * n;
    for (let i = 0; i < n; i++) out[i] += c * basis[o + i];
  }
}

/** A function of its own, so that V8 compiles this loop alone, once: 0.1 s less of it in a process that makes one head. */
function addFour(out: Float64Array, basis: Float32Array, weights: Float64Array, starts: Int32Array): void {
  const c0 = weights[0];
  const c1 = weights[1];
  const c2 = weights[2];
  const c3 = weights[3];
  const o0 = starts[0];
  const o1 = starts[1];
  const o2 = starts[2];
  const o3 = starts[3];
  for (let i = 0; i < out.length; i++)
    out[i] += c0 * basis[o0 + i] + c1 * basis[o1 + i] + c2 * basis[o2 + i] + c3 * basis[o3 + i];
}

function checkLengths(model: HeadModel, params: PoseInput): void {
  const { S, E, J } = headSizes(model);
  const wrong = (name: string, got: number, want: number) => {
    if (got > want)
      throw new InvalidArgumentError(
        `poseHead: params.${name} has ${got} numbers, the model ${model.name} takes ${want}`,
      );
  };
  wrong('identity', params.identity.length, S);
  wrong('expression', params.expression.length, E);
  if (params.pose.length !== 3 * J)
    throw new InvalidArgumentError(
      `poseHead: params.pose has ${params.pose.length} numbers, the model ${model.name} takes ${3 * J}`,
    );
}
