/** A picture of a fit's state, as the renderer draws it. */
import type { Kernels } from '../../src/kernels/runtime.ts';
import type { HeadModel } from '../../src/model/head-model.ts';
import { poseHead } from '../../src/model/pose.ts';
import { albedoMap } from '../../src/render/albedo.ts';
import { renderHead } from '../../src/render/render-head.ts';

type Shown = Parameters<typeof poseHead>[1] &
  Pick<Parameters<typeof renderHead>[1], 'light' | 'camera'> & {
    readonly texture: ArrayLike<number>;
  };

/** Renders `state` of a model with texture; pixels, square unless the height is given. */
export function renderState(kernels: Kernels, model: HeadModel, state: Shown, width: number, height = width) {
  return renderHead(kernels, {
    vertices: poseHead(model, state).vertices,
    faces: model.faces,
    uvs: model.uvs,
    faceUvs: model.faceUvs,
    albedo: albedoMap(model.texture!, state.texture),
    light: state.light,
    camera: state.camera,
    width,
    height,
  });
}
