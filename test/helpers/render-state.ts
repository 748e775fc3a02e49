/** A picture of a fit's state, as the renderer draws it. */
import type { FitState } from '../../src/fit/parameters.ts';
import type { Kernels } from '../../src/kernels/runtime.ts';
import type { HeadModel } from '../../src/model/head-model.ts';
import { poseHead } from '../../src/model/pose.ts';
import { albedoMap } from '../../src/render/albedo.ts';
import { renderHead } from '../../src/render/render-head.ts';

/** Renders `state` of a model with texture, `size` pixels along a side. */
export function renderState(kernels: Kernels, model: HeadModel, state: FitState, size: number) {
  return renderHead(kernels, {
    vertices: poseHead(model, state).vertices,
    faces: model.faces,
    uvs: model.uvs,
    faceUvs: model.faceUvs,
    albedo: albedoMap(model.texture!, state.texture),
    light: state.light,
    camera: state.camera,
    width: size,
    height: size,
  });
}
