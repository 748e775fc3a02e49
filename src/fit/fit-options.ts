/** What a caller may choose about a fit, and the energy's weights. */
import type { ImageF } from '../core/image.ts';
import type { ProgressListener } from '../core/progress.ts';
import type { FaceObservation, FacePerception } from '../perceive/types.ts';

/** What may be said about one photo. */
export interface ViewOptions {
  readonly camera?: 'perspective' | 'orthographic';
  /** 35 mm equivalent focal length from EXIF, null or absent when not known. */
  readonly focal35mm?: number | null;
  /** Skin mask over the whole photo, one channel in [0, 1]: replaces the estimate. */
  readonly mask?: ImageF | null;
}

/** Options of `fitPhoto`. */
export interface FitPhotoOptions extends ViewOptions {
  /** Finds the face; not needed when `observation` is given. */
  readonly perception?: FacePerception;
  /** The face, where it is known already, in pixels of the photo. */
  readonly observation?: FaceObservation;
  /** Which face: the largest, or its number in order of size from 0. */
  readonly face?: 'largest' | number;
  /** One light for all channels or one per channel. */
  readonly light?: 'rgb' | 'mono';
  /** Pixels along the side of the crop that is fitted, a multiple of 4. */
  readonly size?: number;
  /** Landmarks only: no photometric stages (light and texture are still estimated). */
  readonly landmarksOnly?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: ProgressListener;
  /** Override weights; see {@link FIT_PHOTO_DEFAULTS}. */
  readonly weights?: Partial<FitWeights>;
}

/** Weights of the energy. Energies are negative log-likelihoods up to these factors. */
export interface FitWeights {
  /** Weight of the landmark energy: the number of landmarks' worth of evidence. */
  readonly landmarks: number;
  /** Landmark noise as a fraction of the outer-eye-corner distance. */
  readonly landmarkSigma: number;
  /** Relative weights of the landmark kinds. */
  readonly inner: number;
  readonly contour: number;
  readonly mesh: number;
  readonly iris: number;
  /** Of each distance between the lids and the inner lips; see `landmark-energy.ts`. */
  readonly gap: number;
  /** Weight of the photometric energy: the number of independent pixels' worth of evidence. */
  readonly photometric: number;
  /** Weight of comparing several photos of one person with each other, in points' worth of evidence. */
  readonly common: number;
  /** Colour noise, RGB in [0, 1]. */
  readonly photometricSigma: number;
  readonly identity: number;
  readonly expression: number;
  readonly texture: number;
}

/** Defaults of `fitPhoto`. */
export const FIT_PHOTO_DEFAULTS = {
  face: 'largest',
  camera: 'perspective',
  light: 'rgb',
  size: 224,
  weights: {
    landmarks: 60,
    landmarkSigma: 0.015,
    inner: 1,
    contour: 0.25,
    mesh: 0.4,
    iris: 0.6,
    gap: 0,
    photometric: 600,
    common: 3000,
    photometricSigma: 0.06,
    identity: 2,
    expression: 1,
    texture: 1,
  },
} as const;
