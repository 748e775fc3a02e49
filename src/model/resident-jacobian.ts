/**
 * Derivative rows of posed vertices as in `jacobian.ts`, the definition, for a head in kernel memory. Identity and
 * expression go through `skinRows`, joint rotations through `rotationRows` (`kernels/skinning.ts`); only what is small
 * (the joints' own motion) is computed here.
 */
import type { F32, Kernels, U32 } from '../kernels/runtime.ts';
import { type PointRows, packTransforms, rotationRows, skinRows } from '../kernels/skinning.ts';
import type { HeadModel } from './head-model.ts';
import { type GeometryColumns, type JointColumns, translationDerivatives } from './jacobian.ts';
import type { Skeleton } from './pose.ts';
import type { ResidentHead } from './resident-head.ts';

/**
 * Writes derivative rows of vertices of `head.ids` to `out`, row-major: metres per unit of each column, at the
 * state that `head` was posed in last. Only the columns of joints, identity and expression are written.
 * @param rows numbers in `head.ids` of the vertices wanted.
 * @param out (3R,stride) float32.
 */
export function residentJacobian(
  kernels: Kernels,
  head: ResidentHead,
  skeleton: Skeleton,
  columns: GeometryColumns,
  rows: U32,
  out: F32,
  stride: number,
): void {
  const { model } = head;
  const to: PointRows = { rows, ids: head.ids, out, stride };
  const component = (name: string, basis: F32, jointBasis: Float32Array) => {
    const block = columns.blocks.get(name);
    if (!block) return;
    kernels.scope(() => {
      const shift = translationDerivatives(model, skeleton, jointBasis, block.size);
      skinRows(
        kernels,
        head.skinning,
        to,
        {
          basis,
          components: basis.length / (3 * head.ids.length || 1),
          shift: shift ? kernels.f32(shift) : null,
        },
        block.offset,
        block.size,
      );
    });
  };
  component('identity', head.identityRows, model.jointIdentityBasis);
  component('expression', head.expressionRows, model.jointExpressionBasis);
  for (const joint of columns.joints) jointRows(kernels, head, skeleton, joint, to);
}

function jointRows(
  kernels: Kernels,
  head: ResidentHead,
  skeleton: Skeleton,
  { joint, offset, carriedOnly }: JointColumns,
  to: PointRows,
): void {
  const { model, skinning, bind, correctives } = head;
  const J = model.joints.length;
  const { rotations, translations, posed, local } = skeleton;
  const parent = model.joints[joint].parent;
  // Row i of `axes`: the world rotation vector of a unit perturbation about the parent's axis i.
  const axes = new Float64Array(9);
  for (let i = 0; i < 3; i++)
    for (let a = 0; a < 3; a++)
      axes[3 * i + a] = parent < 0 ? (a === i ? 1 : 0) : rotations[9 * parent + 3 * a + i];
  const carried = { rotations: new Float64Array(9 * J), translations: new Float64Array(3 * J) };
  for (const j of descendants(model, joint)) {
    carried.rotations.set(rotations.subarray(9 * j, 9 * j + 9), 9 * j);
    for (let a = 0; a < 3; a++)
      carried.translations[3 * j + a] = translations[3 * j + a] - posed[3 * joint + a];
  }
  kernels.scope(() => {
    const arms = kernels.f32(16 * J);
    packTransforms(carried.rotations, carried.translations, arms.view);
    rotationRows(
      kernels,
      skinning,
      to,
      {
        points: bind,
        arms,
        axes,
        correctives:
          correctives && joint > 0 && !carriedOnly
            ? {
                shapes: correctives,
                stride: 9 * (J - 1),
                first: 9 * (joint - 1),
                turn: turns(local, 9 * joint),
              }
            : null,
      },
      offset,
    );
  });
}

/** (3,9): derivative of the elements of exp(δ)·R with respect to δ_i at zero, [e_i]× R. */
function turns(rotation: Float64Array, offset: number): Float64Array {
  const out = new Float64Array(27);
  for (let i = 0; i < 3; i++) {
    const [p, q] = [(i + 1) % 3, (i + 2) % 3];
    for (let c = 0; c < 3; c++) {
      out[9 * i + 3 * p + c] = -rotation[offset + 3 * q + c];
      out[9 * i + 3 * q + c] = rotation[offset + 3 * p + c];
    }
  }
  return out;
}

function descendants(model: HeadModel, joint: number): number[] {
  const below = [joint];
  for (let j = joint + 1; j < model.joints.length; j++)
    if (below.includes(model.joints[j].parent)) below.push(j);
  return below;
}
