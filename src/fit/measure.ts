/** How well a state explains the photo it was fitted to: the numbers under `metrics` in `fit.json`. */
import type { ImageF } from '../core/image.ts';
import type { Kernels } from '../kernels/runtime.ts';
import type { FaceObservation } from '../perceive/types.ts';
import { headYaw, landmarks68, projectTargets } from './landmark-energy.ts';
import type { FitState } from './parameters.ts';
import { renderSkin, type SkinPicture } from './render-skin.ts';
import type { ResidentModel } from './resident.ts';
import type { FitMetrics } from './types.ts';

/** Weight from which a pixel counts as skin in the metrics. */
const SKIN = 0.5;

/**
 * Metrics of `state` against the photo crop it was fitted to.
 * @param observation in pixels of the crop.
 * @param mask (size,size) skin weights.
 * @returns the metrics and the number of pixels in which the skin region is seen at all.
 */
export function measureFit(
  kernels: Kernels,
  resident: ResidentModel,
  state: FitState,
  observation: FaceObservation,
  photo: ImageF,
  mask: Float32Array,
): { metrics: FitMetrics; region: number } {
  const rendered = renderSkin(kernels, resident, state, photo.width, 1);
  const { l1, l2, pixels, region } = difference(rendered, photo, mask);
  return {
    region,
    metrics: {
      landmarkNmeInner51: landmarkError(resident, state, observation),
      skinL1: pixels > 0 ? l1 / (3 * pixels) : 1,
      skinPsnrDb: pixels > 0 && l2 > 0 ? -10 * Math.log10(l2 / (3 * pixels)) : 0,
      skinPixels: pixels,
    },
  };
}

/**
 * Sums over the skin's pixels. By itself: together with the render, V8 compiled it anew for the same person's every frame.
 */
function difference({ region: seen, rgb }: SkinPicture, photo: ImageF, mask: Float32Array) {
  const a = rgb.data;
  const b = photo.data;
  let l1 = 0;
  let l2 = 0;
  let pixels = 0;
  let region = 0;
  for (let p = 0; p < mask.length; p++) {
    if (!seen[p]) continue;
    region++;
    if (mask[p] < SKIN) continue;
    pixels++;
    for (let i = 3 * p; i < 3 * p + 3; i++) {
      const d = a[i] - b[i];
      l1 += Math.abs(d);
      l2 += d * d;
    }
  }
  return { l1, l2, pixels, region };
}

/**
 * Mean distance of the 51 inner landmarks to the observed ones, over the outer-eye-corner distance.
 * @param observation in pixels of the state's camera.
 */
export function landmarkError(
  resident: ResidentModel,
  state: FitState,
  { landmarks68: y }: Pick<FaceObservation, 'landmarks68'>,
): number {
  const { model } = resident.prepared;
  resident.pose(state);
  const vertices = resident.head.vertices.view;
  const points = landmarks68(model, headYaw(model, state.pose));
  const corners = new Uint32Array(3 * 68);
  for (let l = 0; l < 68; l++)
    for (let a = 0; a < 3; a++) corners[3 * l + a] = model.faces[3 * points.faces[l] + a];
  const projected = projectTargets({ corners, barycentrics: points.barycentrics }, vertices, state.camera);
  let distance = 0;
  for (let l = 17; l < 68; l++)
    distance += Math.hypot(projected[3 * l] - y[2 * l], projected[3 * l + 1] - y[2 * l + 1]) / 51;
  const eyes = Math.hypot(y[72] - y[90], y[73] - y[91]);
  return distance / Math.max(eyes, 1e-6);
}
