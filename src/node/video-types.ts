/** What Node's video readers have in common. */
import type { VideoSource } from '../core/video.ts';

/** What reads a video. */
export type VideoDecoderName = 'ffmpeg' | 'mediabunny' | 'pictures';

/** A video that was opened. */
export interface OpenVideo extends VideoSource {
  readonly decoder: VideoDecoderName;
  /** Frames a second in the mean; null when not known. */
  readonly rate: number | null;
  /** What was odd, for the user; grows while frames are read. */
  readonly warnings: readonly string[];
  /** Gives back what is held; reading ends. */
  close(): void;
}

/** Options of {@link openVideo}. */
export interface VideoOptions {
  /** Longest side of the frames in pixels; larger ones are shrunk. */
  readonly maxDimension?: number;
  /** Reader for files; the first that is there unless given. */
  readonly decoder?: 'auto' | 'ffmpeg' | 'mediabunny';
  /** Pictures a second of a folder of pictures. */
  readonly pictureRate?: number;
  readonly signal?: AbortSignal;
}
