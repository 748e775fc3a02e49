/**
 * `overlay.mp4` and `transfer.mp4`: every frame of a track beside its photo and its shape (`overlay-painter.ts`). Frames
 * that don't bring their photo are decoded again; they are painted on threads, and go to the encoder in order, only a few at a time.
 *
 * Films have a constant rate and videos may not: each picture is shown for as long as its frame is, in units of the
 * usual distance of the track's first frames.
 */
import { FormatError, throwIfAborted } from '../core/errors.ts';
import type { Image8 } from '../core/image.ts';
import { median } from '../core/quantile.ts';
import type { VideoFrame, VideoSource } from '../core/video.ts';
import type { OverlayLayout, PaintedFrame } from '../fit/video/overlay-painter.ts';
import type { HeadModel } from '../model/head-model.ts';
import { produceFileAtomically } from './atomic.ts';
import { encodeFilm, type FilmFormat, type FilmPictures } from './film.ts';
import { type Painters, startPainters } from './film-painters.ts';
import { giveBack } from './lent-pictures.ts';

/** Options of {@link writeOverlayFilm}. */
export interface OverlayFilmOptions {
  readonly layout?: OverlayLayout;
  /** Threads that paint. */
  readonly threads?: number;
  readonly signal?: AbortSignal;
  /** Frames painted so far. */
  readonly onFrame?: (done: number) => void;
}

/** Highest rate of a film, pictures a second. */
const MOST_RATE = 120;
/** Frames from which a film's rate is taken. */
const RATED_FRAMES = 48;
/** Seconds of a track that its film may lack at the end, where the video has no frames at the same times. */
const LACKING = 0.25;

/** A video to film over, as large as panels shall be; for the layout `alone` only how large that is. */
export type FilmedVideo = VideoSource | { readonly width: number; readonly height: number };

/** What of a frame is drawn, and when. */
export type FilmedFrame = PaintedFrame & {
  readonly time: number;
  /** The video's frame where the caller has it: it is read again otherwise, and where it is not as large as a panel. */
  readonly photo?: Image8;
};

/** What of a track is drawn. */
export interface FilmedTrack {
  readonly width: number;
  readonly frames: readonly FilmedFrame[];
}

/** A track of which frames are still to come. */
export interface ComingTrack {
  readonly width: number;
  readonly frames: Iterable<FilmedFrame> | AsyncIterable<FilmedFrame>;
}

/**
 * Writes the film of a track.
 * @param video its frames
 * @param person the model with the track's identity and texture in it, from `personalModel`
 * @throws {PhotofitError} when ffmpeg is missing or fails, or the file cannot be written
 * @throws {FormatError} when the video is over before the track is, or has none of its frames
 * @throws {AbortedError} when cancelled; nothing is left
 */
export async function writeOverlayFilm(
  out: string,
  video: FilmedVideo,
  person: HeadModel,
  track: FilmedTrack,
  options: OverlayFilmOptions = {},
): Promise<void> {
  const { signal, layout = 'over', threads } = options;
  const painters = await startPainters(person, video, layout, threads);
  try {
    await produceFileAtomically(
      out,
      (aside) => paintFilm({ file: aside, out }, video, painters, track, options),
      { signal },
    );
  } finally {
    await painters.stop();
  }
}

/**
 * Paints the film of a track into a file.
 * @param to.file which nobody removes when it fails
 * @param to.out what messages call it; its ending is the format
 * @internal
 */
export async function paintFilm(
  to: { readonly file: string; readonly out: string },
  video: FilmedVideo,
  painters: Painters,
  track: ComingTrack,
  options: Pick<OverlayFilmOptions, 'signal' | 'onFrame'>,
): Promise<void> {
  const { signal } = options;
  const scale = video.width / track.width;
  const { first, frames } = await begun(track.frames, RATED_FRAMES);
  throwIfAborted(signal);
  const fps = filmRate(first.map((f) => f.time));
  const film: FilmFormat = {
    ...{ width: painters.width, height: video.height, fps, signal },
    ...{ channels: painters.planes ? 'yuv420' : 4, preset: 'superfast', quality: 21 },
  };
  await encodeFilm(to.file, to.out, film, async (write) => {
    const waiting: { readonly pixels: Promise<Uint8Array>; readonly time: number }[] = [];
    const clock = filmClock(fps);
    let done = 0;
    let shown: Uint8Array | null = null;
    const flush = async (most: number) => {
      while (waiting.length > most) {
        const { pixels, time } = waiting.shift()!;
        // How long a picture is shown is known when the next one is.
        const times = clock(time);
        if (shown) await show(write, shown, times);
        shown = await pixels;
        done++;
        options.onFrame?.(done);
      }
    };
    try {
      const pictures = 'frames' in video ? pictured(to.out, video, frames, signal) : alone(frames, signal);
      for await (const { image, frame } of pictures) {
        const pixels = painters.paint(image, frame, scale);
        const { photo } = frame;
        pixels.finally(() => photo && giveBack(photo)).catch(() => {});
        waiting.push({ pixels, time: frame.time });
        await flush(painters.ahead);
      }
      await flush(0);
    } finally {
      await Promise.allSettled(waiting.map((w) => w.pixels));
    }
    if (!shown) throw new FormatError(`${to.out}: none of the track's frames could be read again`);
    await show(write, shown, 1);
  });
}

/** The first frames, as soon as there are so many or no more; and all of them. */
async function begun(frames: ComingTrack['frames'], most: number) {
  const first: FilmedFrame[] = [];
  const all = eachOf(frames);
  let next = await all.next();
  while (!next.done) {
    first.push(next.value);
    if (first.length === most) break;
    next = await all.next();
  }
  const again = async function* () {
    yield* first;
    yield* all;
  };
  return { first, frames: again() };
}

async function* eachOf(frames: ComingTrack['frames']): AsyncGenerator<FilmedFrame, void, undefined> {
  yield* frames;
}

/** Frames of the track without photos. */
async function* alone(frames: AsyncIterable<FilmedFrame>, signal: AbortSignal | undefined) {
  for await (const frame of frames) {
    throwIfAborted(signal);
    yield { image: null, frame };
  }
}

/** Frames with what the video shows at their time: what they bring, or read again. */
async function* pictured(
  out: string,
  video: VideoSource,
  frames: AsyncIterable<FilmedFrame>,
  signal: AbortSignal | undefined,
) {
  const again = new Rereading(out, video, signal);
  try {
    for await (const frame of frames) {
      throwIfAborted(signal);
      const { photo } = frame;
      const fits = photo && photo.width === video.width && photo.height === video.height;
      const image = fits ? photo : await again.at(frame.time);
      throwIfAborted(signal);
      if (image) yield { image, frame };
      else if (photo) giveBack(photo);
    }
  } finally {
    await again.end();
  }
}

/** Frames of a video by their times, in ascending order; begun when the first one is asked for. */
class Rereading {
  readonly #out: string;
  readonly #video: VideoSource;
  readonly #signal: AbortSignal | undefined;
  #frames: AsyncIterator<VideoFrame> | null = null;
  #next: VideoFrame | null = null;
  #reached = 0;

  constructor(out: string, video: VideoSource, signal: AbortSignal | undefined) {
    this.#out = out;
    this.#video = video;
    this.#signal = signal;
  }

  /**
   * Null where the video has none at that time.
   * @throws {FormatError} when it was over before: a decoder that was killed, or another file by now
   */
  async at(time: number): Promise<Image8 | null> {
    if (!this.#frames) {
      const range = { start: Math.max(0, time - 1e-3), signal: this.#signal };
      this.#frames = this.#video.frames(range)[Symbol.asyncIterator]();
      this.#reached = time;
      await this.#read();
    }
    while (this.#next && this.#next.time < time - 5e-4) await this.#read();
    if (this.#next) return this.#next.time > time + 5e-4 ? null : this.#next.image;
    if (time > this.#reached + LACKING)
      throw new FormatError(
        `${this.#out}: the video broke off after ${this.#reached.toFixed(2)} s when it was read again, before the track is over; if it is whole, run the same command again`,
      );
    return null;
  }

  async end(): Promise<void> {
    await this.#frames?.return?.();
  }

  async #read(): Promise<void> {
    const { done, value } = await this.#frames!.next();
    throwIfAborted(this.#signal);
    this.#next = done ? null : value;
    if (this.#next) this.#reached = this.#next.time;
  }
}

/** Pictures a second so that the usual distance of two frames is one picture. */
export function filmRate(times: readonly number[]): number {
  const gaps = times.slice(1).map((t, i) => t - times[i]);
  if (gaps.length === 0) return 25;
  return Math.min(MOST_RATE, Math.max(1, Math.round(1000 / Math.max(median(gaps), 1e-3)) / 1000));
}

/**
 * Says how many pictures lie between the frame of the time before and that of the time it is given, so that frames stay at
 * their times: none for a frame that is too short.
 */
export function filmClock(fps: number): (time: number) => number {
  let start: number | null = null;
  let place = 0;
  return (time) => {
    start ??= time;
    const before = place;
    place = Math.round((time - start) * fps);
    return place - before;
  };
}

async function show(write: FilmPictures, pixels: Uint8Array, times: number): Promise<void> {
  for (let n = 0; n < times; n++) await write(pixels);
}
