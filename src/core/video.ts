/** Frames of a video and where they come from, as plain data: what decoders give and tracking takes. */
import type { Image8 } from './image.ts';

/** One decoded picture of a video. */
export interface VideoFrame {
  /** Number in order of presentation, from 0; ascending, gaps are allowed. */
  readonly index: number;
  /** Seconds from the start of the video; ascending, not necessarily in equal steps. */
  readonly time: number;
  /** Upright, all frames of one size. */
  readonly image: Image8;
}

/** Part of a video, and how densely to take it. */
export interface FrameRange {
  /** Seconds; the whole video by default. */
  readonly start?: number;
  readonly end?: number;
  /** Frames a second at most; all by default. */
  readonly fps?: number;
  readonly signal?: AbortSignal;
}

/** A video that can be read more than once, without ever being in memory as a whole. */
export interface VideoSource {
  /** Pixels of the frames, upright. */
  readonly width: number;
  readonly height: number;
  /** Seconds; null when only reading to the end would tell. */
  readonly duration: number | null;
  /** Frames expected over the whole video; null when not known. */
  readonly frameCount: number | null;
  /** Reads from the beginning of the range; may be called again. */
  frames(range?: FrameRange): AsyncIterable<VideoFrame>;
}
