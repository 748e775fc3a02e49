/** What a user can ask of `photofit track`, after parsing; the defaults are those of the command line. */
import type { NetworkOptions } from './network-options.ts';

/** Options that say how a video is read. */
export interface VideoInputOptions {
  /** Frames a second at most. */
  readonly fps?: number;
  /** Seconds. */
  readonly start?: number;
  readonly end?: number;
  /** Pictures a second of a folder of pictures. */
  readonly pictureRate?: number;
}

/** Options of `photofit track`. */
export interface TrackOptions extends NetworkOptions, VideoInputOptions {
  /** Folder the result folder goes to. */
  readonly out: string;
  /** Head; open-head, or that of `from`, unless given. */
  readonly model?: string;
  /** A fit whose shape and texture are taken. */
  readonly from?: string;
  /** Whom to follow: the largest face, or the N-th largest (from 1). */
  readonly face: 'largest' | number;
  /** Focal length of a calibrated camera, pixels of the frames. */
  readonly focal?: number;
  /** Metres from the camera to the root of the nose, throughout. */
  readonly distance?: number;
  /** Interpupillary distance, millimetres. */
  readonly ipd?: number;
  readonly smooth: boolean;
  readonly overlay: boolean;
  /** Longest side of the overlay's panels, pixels. */
  readonly overlaySize: number;
  /** Solve for a texture that matches the key frames. */
  readonly offset: boolean;
  /** Go on where an earlier run was broken off. */
  readonly resume: boolean;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly debug: boolean;
}
