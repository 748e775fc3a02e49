/**
 * A head in kernel memory: its forward function as in `pose.ts`, the definition, and its derivative rows
 * (`resident-jacobian.ts`) without copies in between. Sums run in float32; `pose.ts` sums in float64.
 */
import { blendshapes } from '../kernels/blendshapes.ts';
import type { F32, Kernels, U8, U32 } from '../kernels/runtime.ts';
import { packTransforms, type Skinning, skinPoints } from '../kernels/skinning.ts';
import { eyesOf, sunkenLids } from './eyelids.ts';
import { type Eyes, type HeadModel, headSizes } from './head-model.ts';
import { type PoseInput, poseFeature, poseSkeleton, type Skeleton } from './pose.ts';

/** A model's arrays in kernel memory, for a chosen set of vertices with derivatives. */
export interface ResidentHead {
  readonly model: HeadModel;
  /** (F,3). */
  readonly faces: U32;
  /** (V,3). */
  readonly template: F32;
  /** (S + E + 9·(J−1), V,3): identity, expression and, where the model has them, pose correctives. */
  readonly basis: F32;
  /** Coefficients of `basis`. */
  readonly coefficients: F32;
  readonly skinning: Skinning;
  /** (V,3) before skinning, and posed; what {@link poseResident} wrote last. */
  readonly bind: F32;
  readonly vertices: F32;
  /** (R) vertices with derivatives. */
  readonly ids: U32;
  /** (3R,S) and (3R,E): the bases of those vertices, turned vertex-major. */
  readonly identityRows: F32;
  readonly expressionRows: F32;
  /** (R,9·(J−1),4) x, y, z, 0; null without pose correctives. */
  readonly correctives: F32 | null;
  /** Of a model whose lids sink into its eyeballs, with room for the kinds of its faces (F). */
  readonly lids: { readonly eyes: Eyes; readonly kinds: U8 } | null;
}

/** Copies `model` into kernel memory; `ids` (R) are the vertices whose derivatives will be wanted. */
export function takeHead(kernels: Kernels, model: HeadModel, ids: Uint32Array): ResidentHead {
  const { V, S, E, J } = headSizes(model);
  const C = model.poseBasis ? 9 * (J - 1) : 0;
  const basis = kernels.f32((S + E + C) * 3 * V);
  basis.view.set(model.identityBasis);
  basis.view.set(model.expressionBasis, S * 3 * V);
  if (model.poseBasis) basis.view.set(model.poseBasis, (S + E) * 3 * V);
  const rowsOf = (source: Float32Array, K: number): F32 => {
    const out = kernels.f32(3 * ids.length * K);
    gatherRows(source, V, ids, K, out.view);
    return out;
  };
  const eyes = eyesOf(model);
  return {
    model,
    faces: kernels.u32(model.faces),
    lids: eyes && { eyes, kinds: kernels.u8(model.faces.length / 3) },
    template: kernels.f32(model.template),
    basis,
    coefficients: kernels.f32(S + E + C),
    skinning: { joints: J, weights: kernels.f32(model.skinWeights), transforms: kernels.f32(16 * J) },
    bind: kernels.f32(3 * V),
    vertices: kernels.f32(3 * V),
    ids: kernels.u32(ids),
    identityRows: rowsOf(model.identityBasis, S),
    expressionRows: rowsOf(model.expressionBasis, E),
    correctives: model.poseBasis ? gatherCorrectives(kernels, model.poseBasis, V, ids, C) : null,
  };
}

/** Poses the head: fills in `bind`, `vertices` and the transforms. */
export function poseResident(kernels: Kernels, head: ResidentHead, params: PoseInput): Skeleton {
  const { model, coefficients, skinning } = head;
  const { S, E } = headSizes(model);
  const skeleton = poseSkeleton(model, params);
  const c = coefficients.view;
  c.fill(0);
  c.set(params.identity);
  c.set(params.expression, S);
  if (model.poseBasis) c.set(poseFeature(skeleton), S + E);
  packTransforms(skeleton.rotations, skeleton.translations, skinning.transforms.view);
  blendshapes(kernels, head.template, head.basis, coefficients, head.bind);
  skinPoints(kernels, skinning, head.bind, head.vertices);
  return skeleton;
}

/** Kinds of the faces of `head` as it was posed last, for `rasterize`: (F); null where depth alone decides. */
export function posedKinds({ lids, vertices }: ResidentHead): U8 | null {
  return lids && sunkenLids(lids.eyes, vertices.view, lids.kinds.view) ? lids.kinds : null;
}

/** (3R,K) from (K,V,3), in blocks of components so that both sides stay in the cache. */
function gatherRows(source: Float32Array, V: number, ids: Uint32Array, K: number, out: Float32Array): void {
  const BLOCK = 16;
  for (let k0 = 0; k0 < K; k0 += BLOCK) {
    const k1 = Math.min(k0 + BLOCK, K);
    for (let r = 0; r < ids.length; r++)
      for (let a = 0; a < 3; a++) {
        const from = 3 * ids[r] + a;
        const to = (3 * r + a) * K;
        for (let k = k0; k < k1; k++) out[to + k] = source[k * 3 * V + from];
      }
  }
}

function gatherCorrectives(
  kernels: Kernels,
  source: Float32Array,
  V: number,
  ids: Uint32Array,
  C: number,
): F32 {
  const array = kernels.f32(4 * ids.length * C);
  const out = array.view;
  for (let f = 0; f < C; f++)
    for (let r = 0; r < ids.length; r++)
      for (let a = 0; a < 3; a++) out[4 * (r * C + f) + a] = source[3 * (f * V + ids[r]) + a];
  return array;
}
