/**
 * `overlay.mp4` and `transfer.mp4`: every frame of a track beside its photo and its shape (`overlay-painter.ts`). Frames
 * are decoded again, painted on threads, and go to the encoder in order; only a few are in memory at a time.
 *
 * Films have a constant rate and videos may not: each picture is shown for as long as its frame is, in units of the
 * track's usual distance of frames.
 */
import { FormatError, throwIfAborted } from '../core/errors.ts';
import { median } from '../core/quantile.ts';
import type { VideoFrame, VideoSource } from '../core/video.ts';
import type { OverlayLayout, PaintedFrame } from '../fit/video/overlay-painter.ts';
import type { HeadModel } from '../model/head-model.ts';
import { produceFileAtomically } from './atomic.ts';
import { encodeFilm, type FilmFormat, type FilmPictures } from './film.ts';
import { type Painters, startPainters } from './film-painters.ts';

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

/** A video to film over, as large as panels shall be; for the layout `alone` only how large that is. */
export type FilmedVideo = VideoSource | { readonly width: number; readonly height: number };

/** What of a track is drawn. */
export interface FilmedTrack {
  readonly width: number;
  readonly frames: readonly (PaintedFrame & { readonly time: number })[];
}

/**
 * Writes the film of a track.
 * @param video its frames
 * @param person the model with the track's identity and texture in it, from `personalModel`
 * @throws {PhotofitError} when ffmpeg is missing or fails, or the file cannot be written
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
  track: FilmedTrack,
  options: Pick<OverlayFilmOptions, 'signal' | 'onFrame'>,
): Promise<void> {
  const { frames } = track;
  const { signal } = options;
  const scale = video.width / track.width;
  const fps = filmRate(frames.map((f) => f.time));
  const film: FilmFormat = {
    ...{ width: painters.width, height: video.height, fps, signal },
    ...{ channels: painters.planes ? 'yuv420' : 4, preset: 'superfast', quality: 21 },
  };
  await encodeFilm(to.file, to.out, film, async (write) => {
    const waiting: { readonly pixels: Promise<Uint8Array>; readonly times: number }[] = [];
    const shown = picturesOf(
      frames.map((f) => f.time),
      fps,
    );
    let done = 0;
    const flush = async (most: number) => {
      while (waiting.length > most) {
        const { pixels, times } = waiting.shift()!;
        await show(write, await pixels, times);
        done++;
        options.onFrame?.(done);
      }
    };
    try {
      let next = 0;
      const pictures = 'frames' in video ? matched(video, track, signal) : alone(track, signal);
      for await (const { image, frame } of pictures) {
        const i = frames.indexOf(frame, next);
        next = i + 1;
        const pixels = painters.paint(image, frame, scale);
        pixels.catch(() => {});
        waiting.push({ pixels, times: shown[i] });
        await flush(painters.ahead);
      }
      await flush(0);
    } finally {
      await Promise.allSettled(waiting.map((w) => w.pixels));
    }
    if (done === 0) throw new FormatError(`${to.out}: none of the track's frames could be read again`);
  });
}

/** Frames of the track without photos. */
async function* alone({ frames }: FilmedTrack, signal: AbortSignal | undefined) {
  for (const frame of frames) {
    throwIfAborted(signal);
    yield { image: null, frame };
  }
}

/** Frames of the video with what the track has at their time. */
async function* matched(video: VideoSource, { frames }: FilmedTrack, signal: AbortSignal | undefined) {
  if (frames.length === 0) return;
  let i = 0;
  for await (const { time, image } of video.frames({ ...filmedRange(frames), signal })) {
    throwIfAborted(signal);
    while (i < frames.length && frames[i].time < time - 5e-4) i++;
    if (i === frames.length) return;
    if (Math.abs(frames[i].time - time) <= 5e-4) yield { image, frame: frames[i++] };
  }
}

/** What of the video is read for these frames. */
function filmedRange(frames: readonly { readonly time: number }[]): { start: number; end: number } {
  return { start: Math.max(0, frames[0].time - 1e-3), end: frames[frames.length - 1].time + 0.5 };
}

/** A video of which the frames of a film are being read already. */
export interface VideoReadAhead extends VideoSource {
  /** Ends that reading; nothing where the film has taken the frames. */
  stopReading(): Promise<void>;
}

/**
 * Begins to read the frames that a film of frames at these times takes first, so that a decoder that works by itself
 * (`openThreadedVideo`) is at work before they are asked for.
 */
export function readAhead(video: VideoSource, frames: readonly { readonly time: number }[]): VideoReadAhead {
  let begun = frames.length > 0 ? video.frames(filmedRange(frames))[Symbol.asyncIterator]() : null;
  const first = begun?.next();
  // Awaited when it is asked for; a failure meanwhile must not count as unhandled.
  first?.catch(() => {});
  const take = () => {
    const taken = begun;
    begun = null;
    return taken;
  };
  return {
    ...video,
    frames: (range) => {
      const taken = take();
      return taken && first ? resumed(taken, first) : video.frames(range);
    },
    stopReading: async () => {
      await take()?.return?.();
    },
  };
}

/** Frames of an iterator whose first one was asked for. */
async function* resumed(frames: AsyncIterator<VideoFrame>, first: Promise<IteratorResult<VideoFrame>>) {
  try {
    for (let next = await first; !next.done; next = await frames.next()) yield next.value;
  } finally {
    await frames.return?.();
  }
}

/** Pictures a second so that the usual distance of two frames is one picture. */
export function filmRate(times: readonly number[]): number {
  const gaps = times.slice(1).map((t, i) => t - times[i]);
  if (gaps.length === 0) return 25;
  return Math.min(MOST_RATE, Math.max(1, Math.round(1000 / Math.max(median(gaps), 1e-3)) / 1000));
}

/** How many pictures each frame is shown for, so that frames stay at their times; none for one that is too short. */
export function picturesOf(times: readonly number[], fps: number): number[] {
  const start = times[0] ?? 0;
  const place = (t: number) => Math.round((t - start) * fps);
  return times.map((t, i) => (i + 1 < times.length ? place(times[i + 1]) - place(t) : 1));
}

async function show(write: FilmPictures, pixels: Uint8Array, times: number): Promise<void> {
  for (let n = 0; n < times; n++) await write(pixels);
}
