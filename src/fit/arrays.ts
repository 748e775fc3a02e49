/** `fit.npz`: a fit as arrays for Python, vertices and faces included, so that no model is needed to look at it. */
import { type NpyArray, npyArray } from '../io/npy.ts';
import { type HeadModel, headSizes } from '../model/head-model.ts';
import { poseHead } from '../model/pose.ts';
import type { PhotoFit } from './types.ts';

/**
 * Arrays of `fit.npz` by name, for `writeNpz`; docs/fit-file.md says what each is.
 * @param model the model that `fit` was made with
 * @param vertices (V,3) of the fit as posed, where the caller has them
 */
export function fitArrays(
  fit: PhotoFit,
  model: HeadModel,
  vertices: Float32Array = poseHead(model, fit.params).vertices,
): Record<string, NpyArray> {
  const { params, camera, observation, skin } = fit;
  const { V, F, J } = headSizes(model);
  const perspective = camera.kind === 'perspective';
  return {
    shape: npyArray(params.identity),
    expression: npyArray(params.expression),
    pose: npyArray(params.pose, [J, 3]),
    texture: npyArray(params.texture),
    ...(params.tint && { tint: npyArray(params.tint) }),
    light: npyArray(fit.light, [9, 3]),
    ...(fit.gloss && { gloss: npyArray(fit.gloss) }),
    camera: npyArray(
      Float64Array.of(perspective ? camera.focal : camera.scale, ...camera.principal, ...camera.translation),
    ),
    camera_perspective: npyArray(Uint8Array.of(perspective ? 1 : 0), []),
    vertices: npyArray(vertices, [V, 3]),
    faces: npyArray(model.faces, [F, 3]),
    landmarks: npyArray(observation.landmarks68, [68, 2]),
    ...(observation.mesh && { face_mesh: npyArray(observation.mesh, [478, 3]) }),
    skin_mask: npyArray(skin.mask, [skin.crop.size, skin.crop.size]),
    crop: npyArray(Float64Array.of(...skin.crop.origin, skin.crop.scale)),
    energy_curve: npyArray(Float64Array.from(fit.energy.curve, (point) => point.energy)),
  };
}
