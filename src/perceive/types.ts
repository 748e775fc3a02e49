/** What perception tells fitting about a photo; any detector that fills this in will do. */
import type { Image8, ImageF } from '../core/image.ts';

/** One face found in a photo. Pixel coordinates of the photo as given, centre of the top left pixel (0.5, 0.5). */
export interface FaceObservation {
  /** Axis-aligned box of the face in pixels. */
  readonly box: { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
  /** Detector confidence in [0, 1]. */
  readonly score: number;
  /** (68,2) float32 iBUG-68 landmarks, pixels; left and right as in iBUG (0 is the subject's right jaw). */
  readonly landmarks68: Float32Array;
  /** (478,3) float32 MediaPipe face-mesh landmarks, pixels (z in pixels too, smaller is nearer); null if not known. */
  readonly mesh: Float32Array | null;
}

/** Finds faces and their landmarks. */
export interface FacePerception {
  /** All faces in the picture, largest first; empty when there is none. */
  detect(image: Image8, options?: { readonly signal?: AbortSignal }): Promise<FaceObservation[]>;
  /**
   * The face of `previous` in the next picture of a video, looked for where it was; null where it is not. Absent where
   * a perception can only search anew.
   */
  track?(
    image: Image8,
    previous: FaceObservation,
    options?: { readonly signal?: AbortSignal },
  ): Promise<FaceObservation | null>;
  /**
   * What tells this face from other people's, as (1024) float32 of unit length: the dot product of two is near 1 for one
   * person. Absent where a perception has no network for it.
   */
  describe?(
    image: Image8,
    face: FaceObservation,
    options?: { readonly signal?: AbortSignal },
  ): Promise<Float32Array>;
  /** Frees the networks. */
  dispose(): void;
}

/** A face's axis-aligned box in pixels of the photo, top left corner and size, with the detector's score in [0, 1]. */
export interface FaceBox {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly score: number;
}

/** Finds faces, boxes only. */
export interface FaceBoxDetector {
  /** All faces in the picture, largest first; empty when there is none. */
  detectBoxes(image: Image8, options?: { readonly signal?: AbortSignal }): Promise<FaceBox[]>;
  /** Frees the network. */
  dispose(): void;
}

/** Finds the landmarks of a face whose box is known. */
export interface LandmarkDetector {
  /** (68,2) float32 iBUG-68 landmarks, pixels of the photo. */
  landmarks68(
    image: Image8,
    box: FaceBox,
    options?: { readonly signal?: AbortSignal },
  ): Promise<Float32Array>;
  /** Frees the network. */
  dispose(): void;
}

/** Tells skin from what covers it. */
export interface SkinParser {
  /** (H,W,1) in [0, 1] over the whole photo: 1 on the face's skin; the `mask` of a fit. */
  skinMask(
    image: Image8,
    face: FaceObservation,
    options?: { readonly signal?: AbortSignal },
  ): Promise<ImageF>;
  /** Frees the network. */
  dispose(): void;
}
