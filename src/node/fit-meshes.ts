/**
 * The meshes of a fit's folder, as far as they go without its texture: a helper makes them while the texture is solved, see
 * `photo-helper.ts`.
 */
import { posedHeadMesh, riggedHeadMesh } from '../fit/head-mesh.ts';
import type { PhotoFit } from '../fit/types.ts';
import { draftGlb, type GlbDraft } from '../io/glb.ts';
import { writeObj } from '../io/obj-write.ts';
import type { HeadModel } from '../model/head-model.ts';

/** Names that `head.obj` refers to. */
export const OBJ_NAMES = { mtlFile: 'head.mtl', material: 'skin' } as const;

/** What of a fit its meshes are made of. */
export type MeshFitInput = Pick<PhotoFit, 'params' | 'camera' | 'image' | 'light'>;

/** `head.obj`, and `head.glb` without its texture. */
export interface FitMeshes {
  readonly obj: string;
  readonly glb: GlbDraft;
}

/**
 * Makes the meshes of `fit`. Its texture space is not needed.
 * @param vertices (V,3) of the fit as posed, where the caller has them
 */
export function makeFitMeshes(model: HeadModel, fit: MeshFitInput, vertices?: Float32Array): FitMeshes {
  return {
    obj: writeObj(posedHeadMesh(model, fit.params, {}, vertices), OBJ_NAMES),
    glb: draftGlb(riggedHeadMesh(model, fit.params, { view: fit })),
  };
}
