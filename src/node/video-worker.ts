/** The thread that decodes a video ahead of whoever asks; see `threaded-video.ts`. */
import type { Image8 } from '../core/image.ts';
import type { FrameRange, VideoFrame } from '../core/video.ts';
import { serve } from './threads.ts';
import { openVideo } from './video-source.ts';
import type { OpenVideo, VideoOptions } from './video-types.ts';

/** Frames decoded and not yet asked for, at most. */
const AHEAD = 4;

let video: OpenVideo | null = null;
const readings = new Map<number, Reading>();

/** Frames of one range: decoded while the asker is busy, a few at a time. */
class Reading {
  readonly #frames: AsyncIterator<VideoFrame>;
  readonly #ahead: Promise<VideoFrame | null>[] = [];
  #last: Promise<VideoFrame | null> = Promise.resolve(null);

  constructor(frames: AsyncIterable<VideoFrame>) {
    this.#frames = frames[Symbol.asyncIterator]();
    this.#fill();
  }

  next(): Promise<VideoFrame | null> {
    const frame = this.#ahead.shift()!;
    this.#fill();
    return frame;
  }

  async end(): Promise<void> {
    await this.#last.catch(() => {});
    await this.#frames.return?.();
  }

  #fill(): void {
    while (this.#ahead.length < AHEAD) {
      // One after the other: what reads from a pipe cannot be asked twice at a time.
      this.#last = this.#last.then(() => this.#read());
      // Awaited when asked for; a failure meanwhile must not count as unhandled.
      this.#last.catch(() => {});
      this.#ahead.push(this.#last);
    }
  }

  async #read(): Promise<VideoFrame | null> {
    const { done, value } = await this.#frames.next();
    if (done) return null;
    const { width, height, data } = value.image;
    // In memory that threads share: several look at it.
    if (data.buffer instanceof SharedArrayBuffer) return value;
    const shared = new Uint8ClampedArray(new SharedArrayBuffer(data.length));
    shared.set(data);
    return { ...value, image: { width, height, data: shared } };
  }
}

serve({
  open: async ({ file, options }: { file: string; options: VideoOptions }) => {
    video = await openVideo(file, { ...options, shared: true });
    const { frames: _, close: __, reuse: ___, warnings, ...facts } = video;
    return { value: { ...facts, warnings: [...warnings] } };
  },
  begin: ({ id, range }: { id: number; range: FrameRange }) => {
    readings.set(id, new Reading(video!.frames(range)));
    return { value: null };
  },
  next: async (id: number) => {
    const frame = await readings.get(id)!.next();
    return { value: { frame, warnings: [...video!.warnings] } };
  },
  reuse: (image: Image8) => {
    video?.reuse?.(image);
    return { value: null };
  },
  end: async (id: number) => {
    await readings.get(id)?.end();
    readings.delete(id);
    return { value: null };
  },
});
