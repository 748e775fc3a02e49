/** Pictures of a finished fit, for overlays and previews. */
import { cropCamera } from '../camera/project.ts';
import type { ImageF } from '../core/image.ts';
import type { Kernels } from '../kernels/runtime.ts';
import { faceKinds } from '../model/eyelids.ts';
import type { HeadModel } from '../model/head-model.ts';
import { poseHead } from '../model/pose.ts';
import { skinAlbedo } from '../render/albedo.ts';
import { renderHead } from '../render/render-head.ts';
import { headYaw, landmarks68, projectTargets } from './landmark-energy.ts';
import type { CropTransform, PhotoFit } from './types.ts';

/** What part of the photo to render, and how large. */
export interface RenderFitOptions {
  /** Defaults to the crop the fit was made on. */
  readonly crop?: Pick<CropTransform, 'origin' | 'scale'>;
  /** Width and height in pixels. */
  readonly size: number;
  /** (H,W,3) albedo map instead of the parametric one, e.g. that of a texture offset. */
  readonly albedo?: ImageF;
  /** (V,3) vertices of the fit as posed, where the caller has them. */
  readonly vertices?: Float32Array;
}

/** Pictures of a fit, (size,size,3) float32 each. */
export interface FitPictures {
  readonly rgb: ImageF;
  readonly albedo: ImageF;
  readonly shading: ImageF;
  /** Grey clay, zero where there is no head. */
  readonly shape: ImageF;
  /** (size,size) 1 where the head is seen. */
  readonly mask: Float32Array;
  /** (68,2) float32 the model's landmarks in pixels of these pictures. */
  readonly landmarks68: Float32Array;
}

/** Renders `fit` as its photo shows it. `model` must be the one it was fitted with. */
export function renderFit(
  kernels: Kernels,
  fit: PhotoFit,
  model: HeadModel,
  options: RenderFitOptions,
): FitPictures {
  const { size } = options;
  const own = fit.skin.crop;
  const crop = options.crop ?? { origin: own.origin, scale: (own.scale * size) / own.size };
  const camera = cropCamera(fit.camera, crop.origin, crop.scale);
  const vertices = options.vertices ?? poseHead(model, fit.params).vertices;
  const rendered = renderHead(kernels, {
    vertices,
    faces: model.faces,
    uvs: model.uvs,
    faceUvs: model.faceUvs,
    albedo: options.albedo ?? skinAlbedo(model, fit.params),
    light: fit.light,
    gloss: fit.gloss,
    kinds: faceKinds(model, vertices),
    camera,
    width: size,
    height: size,
  });
  const points = landmarks68(model, headYaw(model, fit.params.pose));
  const corners = new Uint32Array(3 * 68);
  for (let l = 0; l < 68; l++)
    for (let a = 0; a < 3; a++) corners[3 * l + a] = model.faces[3 * points.faces[l] + a];
  const projected = projectTargets({ corners, barycentrics: points.barycentrics }, vertices, camera);
  const landmarks = new Float32Array(136);
  for (let l = 0; l < 68; l++) landmarks.set(projected.subarray(3 * l, 3 * l + 2), 2 * l);
  const { faceIndex } = rendered.raster;
  const mask = new Float32Array(faceIndex.length);
  for (let p = 0; p < mask.length; p++) if (faceIndex[p] >= 0) mask[p] = 1;
  return {
    rgb: rendered.rgb,
    albedo: rendered.albedo,
    shading: rendered.shading,
    shape: rendered.shape,
    mask,
    landmarks68: landmarks,
  };
}
