/**
 * `photofit`: everything that runs in a browser and in Node alike. Reading photos, finding faces and storing
 * results need a platform: `photofit/node` and `photofit/web` add that, and re-export this.
 */
export type { Camera, OrthographicCamera, PerspectiveCamera } from './camera/camera.ts';
export {
  AbortedError,
  FormatError,
  InvalidArgumentError,
  NoFaceError,
  PhotofitError,
} from './core/errors.ts';
export type { Image8, ImageF } from './core/image.ts';
export type { ProgressEvent, ProgressListener } from './core/progress.ts';
export type { CropTransform, EnergyPoint, FitMetrics, PhotoFit } from './fit/types.ts';
export {
  type HeadModel,
  type HeadParams,
  type HeadSizes,
  headSizes,
  type Joint,
  jointIndex,
  type LandmarkEmbedding,
  neutralParams,
  type SurfacePoints,
  type TextureSpace,
} from './model/head-model.ts';
export type { FaceObservation, FacePerception } from './perceive/types.ts';
