/** What a caller may choose about a fit, and the energy's weights. */
import type { ImageF } from '../core/image.ts';
import type { ProgressListener } from '../core/progress.ts';
import type { FaceObservation, FacePerception } from '../perceive/types.ts';

/** A measurement, with a standard deviation of its own where the default will not do. */
export type Measured = number | { readonly value: number; readonly sd: number };

/** What may be said about one photo. */
export interface ViewOptions {
  readonly camera?: 'perspective' | 'orthographic';
  /** 35 mm equivalent focal length from EXIF, null or absent when not known. */
  readonly focal35mm?: number | null;
  /** Focal length of a calibrated camera in pixels of the photo, in place of EXIF's; deviation of the logarithm. */
  readonly focal?: Measured;
  /**
   * Metres from the centre of the camera to the root of the nose, between the eyes; deviation of the logarithm. Says how
   * large the head is where the focal length is known too.
   */
  readonly distance?: Measured;
  /**
   * Where the camera looks, pixels of the photo; its middle by default, which is wrong where the photo was cropped. Where
   * it is given, `focal35mm` does not count: EXIF's is that of the whole photo.
   */
  readonly principal?: readonly [number, number];
  /** Skin mask over the whole photo, one channel in [0, 1]: replaces the estimate. */
  readonly mask?: ImageF | null;
}

/** What may be said about the person. */
export interface PersonOptions {
  /** Interpupillary distance of eyes that look into the distance, metres; deviation in metres. */
  readonly ipd?: Measured;
}

/** Options of `fitPhoto`. */
export interface FitPhotoOptions extends ViewOptions, PersonOptions {
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
  /** Of the eyes' outlines, times `inner`; 1 where absent. */
  readonly eyes?: number;
  readonly contour: number;
  readonly mesh: number;
  readonly iris: number;
  /** Of each distance between the lids and the inner lips; see `landmark-gaps.ts`. */
  readonly gap: number;
  /** Weight of the photometric energy: the number of independent pixels' worth of evidence. */
  readonly photometric: number;
  /** Weight of comparing several photos of one person with each other, in points' worth of evidence. */
  readonly common: number;
  /** Colour noise, RGB in [0, 1]. */
  readonly photometricSigma: number;
  /** Width k of the photometric loss in σ where the model explains a photo best; 2 where it does not. */
  readonly explainedWidth: number;
  /**
   * Deviation of the 25 coefficients of white gloss (`light/gloss.ts`) that is taken off a photo, RGB in [0, 1]; 0 leaves it
   * out, which is the default of several photos (`fitPerson`).
   */
  readonly gloss: number;
  /**
   * Deviation of the coefficients of the skin's tint (`model/tint.ts`), a share of the albedo; 0 leaves it out, which is the
   * default of several photos (`fitPerson`).
   */
  readonly tint: number;
  readonly identity: number;
  /** Observations of the mean skull; see `skull-prior.ts`. */
  readonly skull: number;
  readonly expression: number;
  readonly texture: number;
}

/**
 * What is taken for a measurement, and the deviation of one that does not say. They are less than a tape measure's or an
 * optician's: against 1 mm between the eyes the statistics of heads, which know the size from the shape to 2 %, took back
 * more than half of what was measured.
 */
export const MEASURED = {
  /** Metres; children of a year and broad-faced adults. */
  ipd: { least: 0.04, most: 0.085, sd: 0.0003 },
  /** Metres. */
  distance: { least: 0.1, most: 100, sd: 0.003 },
  /** In diagonals of the photo: 9 mm to 4 m on 35 mm film. */
  focal: { least: 0.2, most: 100, sd: 0.002 },
} as const;

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
    explainedWidth: 4,
    gloss: 0.01,
    tint: 0.11,
    identity: 1.2,
    skull: 30,
    expression: 1,
    texture: 1,
  },
} as const;
