/**
 * A fit by the original's energy as a fit like any other: camera in pixels of the photo, the 224² picture as its crop,
 * the original's terms as its energy, so that it can be stored, drawn and exported, and `photofit energy --energy
 * original` prints for it what it ended with.
 */
import { projectPoints } from '../camera/project.ts';
import { InvalidArgumentError } from '../core/errors.ts';
import type { Kernels } from '../kernels/runtime.ts';
import { type HeadModel, headSizes } from '../model/head-model.ts';
import { poseHead } from '../model/pose.ts';
import type { FaceObservation } from '../perceive/types.ts';
import { albedoMap } from '../render/albedo.ts';
import { renderOriginal } from '../render/original.ts';
import { ORIGINAL_SIZE, type OriginalObservation, originalLandmarks } from './original-energy.ts';
import { ORIGINAL_SIZES } from './original-files.ts';
import type { OriginalFit } from './original-fit.ts';
import { asOriginal } from './original-problem.ts';
import type { FitMetrics, PhotoFit } from './types.ts';

/** `model` with no more components than the original uses: the first 100 of shape, 50 of expression and texture. */
export function originalModel(model: HeadModel): HeadModel {
  const { V, S, E, J, T } = headSizes(model);
  const { texture } = model;
  const s = Math.min(S, ORIGINAL_SIZES.shape);
  const e = Math.min(E, ORIGINAL_SIZES.exp);
  const t = Math.min(T, ORIGINAL_SIZES.tex);
  return {
    ...model,
    identityBasis: model.identityBasis.subarray(0, 3 * V * s),
    identityNames: model.identityNames.slice(0, s),
    jointIdentityBasis: model.jointIdentityBasis.subarray(0, 3 * J * s),
    expressionBasis: model.expressionBasis.subarray(0, 3 * V * e),
    expressionNames: model.expressionNames.slice(0, e),
    expressionSd: model.expressionSd.subarray(0, e),
    expressionRange: model.expressionRange.subarray(0, 2 * e),
    jointExpressionBasis: model.jointExpressionBasis.subarray(0, 3 * J * e),
    texture: texture && {
      ...texture,
      basis: texture.basis.subarray(0, t * texture.mean.length),
      names: texture.names.slice(0, t),
    },
  };
}

/**
 * The fit as a {@link PhotoFit}.
 * @param model as it was fitted, see {@link originalModel}.
 * @param image size of the photo in pixels; square, since the original's picture is.
 * @param face what was given or seen, in pixels of the photo.
 * @throws {InvalidArgumentError} when the photo is not square.
 */
export function originalResult(
  kernels: Kernels,
  model: HeadModel,
  { state, energy, curve }: OriginalFit,
  observation: OriginalObservation,
  image: { readonly width: number; readonly height: number },
  face: FaceObservation,
): Omit<PhotoFit, 'timingMs'> {
  if (image.width !== image.height)
    throw new InvalidArgumentError(
      `the original's energy needs a square picture, this one is ${image.width} × ${image.height}; crop it around the face`,
    );
  const { params, light } = asOriginal(state);
  const k = image.width / ORIGINAL_SIZE;
  const { camera } = state;
  if (camera.kind !== 'orthographic')
    throw new InvalidArgumentError("the original's camera is scaled orthographic");
  const { total, ...terms } = energy;
  return {
    modelName: model.name,
    modelHash: model.hash,
    params,
    camera: {
      ...camera,
      scale: k * camera.scale,
      principal: [k * camera.principal[0], k * camera.principal[1]],
    },
    light: Float32Array.from(light),
    image: { width: image.width, height: image.height },
    observation: face,
    energy: { total, terms: { ...terms }, curve },
    metrics: measure(kernels, model, { state, energy, curve }, observation),
    skin: {
      crop: { origin: [0, 0], scale: 1 / k, size: ORIGINAL_SIZE },
      mask: Uint8Array.from(observation.mask, (w) => (w > 0 ? 255 : 0)),
    },
    warnings: [],
  };
}

function measure(
  kernels: Kernels,
  model: HeadModel,
  { state }: OriginalFit,
  observation: OriginalObservation,
): FitMetrics {
  const head = poseHead(model, state);
  const points = projectPoints(state.camera, originalLandmarks(model, head));
  const wanted = observation.landmarks.map((x) => ((x + 1) * ORIGINAL_SIZE) / 2);
  const at = (l: number) => [wanted[2 * l], wanted[2 * l + 1]];
  const distance = (l: number) => Math.hypot(points[3 * l] - at(l)[0], points[3 * l + 1] - at(l)[1]);
  const eyes = Math.hypot(at(36)[0] - at(45)[0], at(36)[1] - at(45)[1]);
  let nme = 0;
  for (let l = 17; l < 68; l++) nme += distance(l) / 51 / eyes;
  let [l1, l2, pixels] = [0, 0, 0];
  if (model.texture) {
    const { alpha, image } = renderOriginal(kernels, {
      vertices: head.vertices,
      faces: model.faces,
      uvs: model.uvs,
      faceUvs: model.faceUvs,
      albedo: albedoMap(model.texture, state.texture),
      light: state.light,
      camera: state.camera,
      size: ORIGINAL_SIZE,
    });
    for (let p = 0; p < alpha.length; p++) {
      if (alpha[p] === 0 || observation.mask[p] === 0) continue;
      pixels++;
      for (let c = 0; c < 3; c++) {
        const d = image.data[3 * p + c] - observation.image.data[3 * p + c];
        l1 += Math.abs(d);
        l2 += d * d;
      }
    }
  }
  const n = Math.max(3 * pixels, 1);
  return {
    landmarkNmeInner51: nme,
    skinL1: l1 / n,
    skinPsnrDb: 10 * Math.log10(n / Math.max(l2, 1e-12)),
    skinPixels: pixels,
  };
}
