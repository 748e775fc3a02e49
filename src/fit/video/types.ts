/**
 * What tracking a face in a video takes and gives, as plain data: one identity and a motion.
 * Identity, texture and focal length belong to the person and the camera and are the same for every frame; pose,
 * expression, gaze and light belong to the frame.
 */
import type { Camera } from '../../camera/camera.ts';
import type { ImageF } from '../../core/image.ts';
import type { FaceObservation } from '../../perceive/types.ts';
import type { KnownValues } from '../types.ts';
import type { DetectorBias } from './detector-bias.ts';

/** What is found once for a whole video. */
export interface TrackIdentity {
  readonly modelName: string;
  readonly modelHash: string;
  /** (S) float32 standard deviations. */
  readonly identity: Float32Array;
  /** (T) float32 standard deviations. */
  readonly texture: Float32Array;
  /** In pixels of the frames; its translation is that of the sharpest key frame. */
  readonly camera: Camera;
  /** (9,3) float32 light that tracking starts from. */
  readonly light: Float32Array;
  /** Numbers of the key frames it was found from; empty when it was given. */
  readonly keyFrames: readonly number[];
  /** What was said about camera and size; absent where nothing was. */
  readonly known?: KnownValues;
  /** What the detector does wrong with this face; absent where it is not known. */
  readonly detectorBias?: DetectorBias;
  /** (H,W,3) of this person's albedo that the texture space has not; absent where it is not known. */
  readonly skin?: ImageF;
}

/**
 * How a frame came to its numbers: `tracked` from the frame before it; `acquired` without one (the first frame, after a
 * cut or a loss); `lost`, no face: parameters are those of the last frame that had one.
 */
export type FrameStatus = 'tracked' | 'acquired' | 'lost';

/** The head in one frame. */
export interface TrackedFrame {
  readonly index: number;
  /** Seconds. */
  readonly time: number;
  readonly status: FrameStatus;
  /** Whether the picture before this one belongs to another shot, or looks so: what covers most of a picture comes or goes. */
  readonly cut: boolean;
  /** (E) float32. */
  readonly expression: Float32Array;
  /** (J,3) float32 axis-angle, radians; the root's is the head's rotation. */
  readonly pose: Float32Array;
  /** In pixels of the frame; only the translation differs between frames. */
  readonly camera: Camera;
  /** (9,3) float32. */
  readonly light: Float32Array;
  /** Mean distance of the 51 inner landmarks over the outer-eye-corner distance; NaN when lost. */
  readonly landmarkNme: number;
  /** Mean absolute RGB difference over skin pixels, colours in [0, 1]; NaN when lost. */
  readonly skinL1: number;
  /** How far the frame can be trusted, 0 (lost) … 1. */
  readonly confidence: number;
  /** What perception saw, pixels of the frame; null when lost. */
  readonly observation: FaceObservation | null;
}

/** A tracked video. */
export interface VideoTrack {
  readonly identity: TrackIdentity;
  /** Pixels of the frames. */
  readonly width: number;
  readonly height: number;
  readonly frames: readonly TrackedFrame[];
}
