/** What Node's video readers have in common. */
import type { Image8 } from '../core/image.ts';
import type { VideoSource } from '../core/video.ts';

/** What reads a video. */
export type VideoDecoderName = 'ffmpeg' | 'mediabunny' | 'pictures';

/** What ffprobe found in a file, as plain data: another thread need not ask again, which takes three processes. */
export interface ProbedVideo {
  /** Of the ffmpeg that reads it. */
  readonly version: string;
  /** Number of the stream. */
  readonly index: number;
  /** Pixels, upright and square. */
  readonly width: number;
  readonly height: number;
  /** Time stamp of the first frame, seconds. */
  readonly first: number;
  readonly duration: number | null;
  /** Frames, and frames a second. */
  readonly count: number | null;
  readonly rate: number | null;
}

/** A video that was opened. */
export interface OpenVideo extends VideoSource {
  readonly decoder: VideoDecoderName;
  /** Frames a second in the mean; null when not known. */
  readonly rate: number | null;
  /** What was odd, for the user; grows while frames are read. */
  readonly warnings: readonly string[];
  /** For whoever opens the same file again. @internal */
  readonly probed?: ProbedVideo;
  /**
   * Takes the memory of a frame that nobody looks at any more, for a later one: memory that is new to a process costs more than
   * what is put into it. Absent where it is of no use.
   */
  reuse?(image: Image8): void;
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
  /** Frames in memory that threads share, from decoders that can put them there. @internal */
  readonly shared?: boolean;
  /** What was found in the same file just before. @internal */
  readonly probed?: ProbedVideo;
  readonly signal?: AbortSignal;
}
