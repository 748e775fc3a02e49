/**
 * Derivative of posed vertices with respect to joint rotations, identity and expression, for a chosen set of
 * vertices. With x = Σ_j w_j (R_j b + t_j):
 *
 *   component k:  ∂x = M·B_k + Σ_j w_j ∂t_j/∂k,  M = Σ_j w_j R_j   (joints move with the shape)
 *   joint a, R_a ← exp(δ)·R_a:  ∂x = (R_parent δ) × Σ_{j below a} w_j (x_j − p_a)  (+ pose correctives)
 *
 * Rows are laid out so that consecutive columns are consecutive in memory: every inner loop runs over columns.
 */
import type { HeadModel } from './head-model.ts';
import { blendTransform, type PosedHead, type Skeleton } from './pose.ts';

/** Which columns a Jacobian has; a `ParameterLayout` of fit is one. */
export interface GeometryColumns {
  /** Columns in all (row stride). */
  readonly geometrySize: number;
  readonly joints: readonly JointColumns[];
  readonly blocks: ReadonlyMap<string, { readonly offset: number; readonly size: number }>;
}

/** The three columns of a joint's rotation. */
export interface JointColumns {
  readonly joint: number;
  readonly offset: number;
  /** Only what the joint carries counts: what its pose correctives do elsewhere is no evidence of its rotation. */
  readonly carriedOnly?: boolean;
}

/** Vertices whose derivatives are wanted, with their part of the bases turned vertex-major. */
export interface VertexSet {
  /** (R) vertex numbers, ascending. */
  readonly ids: Uint32Array;
  /** (V) row of each vertex in this set, −1 for none. */
  readonly rowOf: Int32Array;
  /** (3R,S) float32. */
  readonly identity: Float32Array;
  /** (3R,E) float32. */
  readonly expression: Float32Array;
}

/** Gathers the bases of the vertices `ids` (ascending, unique). */
export function gatherVertices(model: HeadModel, ids: Uint32Array): VertexSet {
  const V = model.template.length / 3;
  const rowOf = new Int32Array(V).fill(-1);
  for (let r = 0; r < ids.length; r++) rowOf[ids[r]] = r;
  const gather = (basis: Float32Array): Float32Array => {
    const K = basis.length / (3 * V);
    const out = new Float32Array(3 * ids.length * K);
    for (let k = 0; k < K; k++)
      for (let r = 0; r < ids.length; r++)
        for (let a = 0; a < 3; a++) out[(3 * r + a) * K + k] = basis[k * 3 * V + 3 * ids[r] + a];
    return out;
  };
  return { ids, rowOf, identity: gather(model.identityBasis), expression: gather(model.expressionBasis) };
}

/**
 * Writes the derivative rows of the vertices of `set` to `out` (3R, geometrySize) float32, row-major: metres per
 * unit of each column. Columns of blocks other than joints, identity and expression are set to zero.
 */
export function vertexJacobian(
  model: HeadModel,
  set: VertexSet,
  posed: PosedHead,
  columns: GeometryColumns,
  out: Float32Array,
): void {
  const n = columns.geometrySize;
  const R = set.ids.length;
  out.fill(0, 0, 3 * R * n);
  const identity = columns.blocks.get('identity');
  const expression = columns.blocks.get('expression');
  if (identity) componentRows(model, set, posed, set.identity, model.jointIdentityBasis, identity, n, out);
  if (expression)
    componentRows(model, set, posed, set.expression, model.jointExpressionBasis, expression, n, out);
  for (const joint of columns.joints) jointRows(model, set, posed, joint, n, out);
}

function componentRows(
  model: HeadModel,
  set: VertexSet,
  posed: PosedHead,
  basis: Float32Array,
  jointBasis: Float32Array,
  block: { readonly offset: number; readonly size: number },
  n: number,
  out: Float32Array,
): void {
  const J = model.joints.length;
  const R = set.ids.length;
  const K = basis.length / (3 * R || 1);
  const dt = translationDerivatives(model, posed.skeleton, jointBasis, block.size);
  const m = new Float64Array(12);
  for (let r = 0; r < R; r++) {
    const v = set.ids[r];
    blendTransform(model, posed.skeleton, v, J, m);
    const b0 = 3 * r * K;
    for (let a = 0; a < 3; a++) {
      const [p, q, s] = [m[3 * a], m[3 * a + 1], m[3 * a + 2]];
      const o = (3 * r + a) * n + block.offset;
      for (let k = 0; k < block.size; k++)
        out[o + k] = p * basis[b0 + k] + q * basis[b0 + K + k] + s * basis[b0 + 2 * K + k];
      if (!dt) continue;
      for (let j = 0; j < J; j++) {
        const w = model.skinWeights[v * J + j];
        if (w === 0) continue;
        const d = (3 * j + a) * block.size;
        for (let k = 0; k < block.size; k++) out[o + k] += w * dt[d + k];
      }
    }
  }
}

/**
 * ∂t_j/∂k for all joints, (3J,K) float64; null when the joints do not move with these components.
 * @param jointBasis (≥K,J,3) how the joints' rest positions move.
 */
export function translationDerivatives(
  model: HeadModel,
  { rotations }: Skeleton,
  jointBasis: Float32Array,
  K: number,
): Float64Array | null {
  if (isZero(jointBasis)) return null;
  const J = model.joints.length;
  const position = new Float64Array(3 * J);
  const out = new Float64Array(3 * J * K);
  for (let k = 0; k < K; k++) {
    const o = k * 3 * J;
    for (let j = 0; j < J; j++) {
      const p = model.joints[j].parent;
      for (let a = 0; a < 3; a++) {
        let s = p < 0 ? jointBasis[o + 3 * j + a] : position[3 * p + a];
        if (p >= 0)
          for (let b = 0; b < 3; b++)
            s += rotations[9 * p + 3 * a + b] * (jointBasis[o + 3 * j + b] - jointBasis[o + 3 * p + b]);
        position[3 * j + a] = s;
      }
      for (let a = 0; a < 3; a++) {
        let s = position[3 * j + a];
        for (let b = 0; b < 3; b++) s -= rotations[9 * j + 3 * a + b] * jointBasis[o + 3 * j + b];
        out[(3 * j + a) * K + k] = s;
      }
    }
  }
  return out;
}

function isZero(numbers: Float32Array): boolean {
  for (let i = 0; i < numbers.length; i++) if (numbers[i] !== 0) return false;
  return true;
}

function jointRows(
  model: HeadModel,
  set: VertexSet,
  posed: PosedHead,
  { joint, offset, carriedOnly }: JointColumns,
  n: number,
  out: Float32Array,
): void {
  const J = model.joints.length;
  const V = model.template.length / 3;
  const { rotations, translations, posed: position, local } = posed.skeleton;
  const below = descendants(model, joint);
  const parent = model.joints[joint].parent;
  // Column i of `axes`: the world rotation vector of a unit perturbation about the parent's axis i.
  const axes = new Float64Array(9);
  for (let i = 0; i < 3; i++)
    for (let a = 0; a < 3; a++)
      axes[3 * a + i] = parent < 0 ? (a === i ? 1 : 0) : rotations[9 * parent + 3 * a + i];
  const m = new Float64Array(12);
  for (let r = 0; r < set.ids.length; r++) {
    const v = set.ids[r];
    const b = 3 * v;
    let [x, y, z] = [0, 0, 0];
    for (const j of below) {
      const w = model.skinWeights[v * J + j];
      if (w === 0) continue;
      const e = (a: number) =>
        rotations[9 * j + 3 * a] * posed.bind[b] +
        rotations[9 * j + 3 * a + 1] * posed.bind[b + 1] +
        rotations[9 * j + 3 * a + 2] * posed.bind[b + 2] +
        translations[3 * j + a] -
        position[3 * joint + a];
      x += w * e(0);
      y += w * e(1);
      z += w * e(2);
    }
    const row = 3 * r * n + offset;
    for (let i = 0; i < 3; i++) {
      const [wx, wy, wz] = [axes[i], axes[3 + i], axes[6 + i]];
      out[row + i] = wy * z - wz * y;
      out[row + n + i] = wz * x - wx * z;
      out[row + 2 * n + i] = wx * y - wy * x;
    }
    if (!model.poseBasis || joint === 0 || carriedOnly) continue;
    blendTransform(model, posed.skeleton, v, J, m);
    for (let i = 0; i < 3; i++) {
      const d = [0, 0, 0];
      for (let row3 = 0; row3 < 3; row3++)
        for (let c = 0; c < 3; c++) {
          // d(exp(δ)R)/dδ_i = [e_i]× R
          const p = (row3 + 2) % 3;
          const q = (row3 + 1) % 3;
          let dR = 0;
          if (q === i) dR = local[9 * joint + 3 * p + c];
          else if (p === i) dR = -local[9 * joint + 3 * q + c];
          if (dR === 0) continue;
          const o = (9 * (joint - 1) + 3 * row3 + c) * 3 * V + b;
          for (let a = 0; a < 3; a++) d[a] += dR * model.poseBasis[o + a];
        }
      for (let a = 0; a < 3; a++)
        out[row + a * n + i] += m[3 * a] * d[0] + m[3 * a + 1] * d[1] + m[3 * a + 2] * d[2];
    }
  }
}

function descendants(model: HeadModel, joint: number): number[] {
  const below = [joint];
  for (let j = joint + 1; j < model.joints.length; j++)
    if (below.includes(model.joints[j].parent)) below.push(j);
  return below;
}
