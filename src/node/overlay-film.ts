/**
 * `overlay.mp4` and `transfer.mp4`: every frame of a track beside its photo and its shape (`overlay-painter.ts`). Frames
 * are decoded again, painted on threads, and go to the encoder in order; only a few are in memory at a time.
 *
 * Films have a constant rate and videos may not: each picture is shown for as long as its frame is, in units of the
 * track's usual distance of frames.
 */
import { availableParallelism } from 'node:os';
import { FormatError, throwIfAborted } from '../core/errors.ts';
import type { Image8 } from '../core/image.ts';
import type { VideoFrame, VideoSource } from '../core/video.ts';
import {
  OVERLAY_PANELS,
  type OverlayLayout,
  OverlayPainter,
  type PaintedFrame,
} from '../fit/video/overlay-painter.ts';
import type { VideoTrack } from '../fit/video/types.ts';
import { createKernels } from '../kernels/runtime.ts';
import type { HeadModel } from '../model/head-model.ts';
import { type FilmFormat, type FilmPictures, writeFilm } from './film.ts';
import { startThread, type Thread } from './threads.ts';

/** Options of {@link writeOverlayFilm}. */
export interface OverlayFilmOptions {
  readonly layout?: OverlayLayout;
  /** Threads that paint. */
  readonly threads?: number;
  readonly signal?: AbortSignal;
  /** Frames painted so far. */
  readonly onFrame?: (done: number) => void;
}

/** Most threads that are of use: decoder and encoder work beside them, and take a core of two for themselves. */
const MOST_THREADS = 4;
/** Highest rate of a film, pictures a second. */
const MOST_RATE = 120;

/**
 * Writes the film of a track.
 * @param video its frames, as large as panels shall be; for the layout `alone` only how large that is
 * @param person the model with the track's identity and texture in it, from `personalModel`
 * @throws {PhotofitError} when ffmpeg is missing or fails, or the file cannot be written
 * @throws {AbortedError} when cancelled; nothing is left
 */
export async function writeOverlayFilm(
  out: string,
  video: VideoSource | { readonly width: number; readonly height: number },
  person: HeadModel,
  track: VideoTrack,
  options: OverlayFilmOptions = {},
): Promise<void> {
  const { width, height } = video;
  const { frames } = track;
  const { signal, layout = 'over' } = options;
  const scale = width / track.width;
  const fps = filmRate(frames.map((f) => f.time));
  const painters = await startPainters(person, { width, height }, layout, options.threads);
  const film: FilmFormat = {
    ...{ width: OVERLAY_PANELS[layout] * width, height, channels: 4, fps, signal },
    ...{ preset: 'superfast', quality: 21 },
  };
  try {
    await writeFilm(out, film, async (write) => {
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
          options.onFrame?.(++done);
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
          await flush(painters.count);
        }
        await flush(0);
      } finally {
        await Promise.allSettled(waiting.map((w) => w.pixels));
      }
      if (done === 0) throw new FormatError(`${out}: none of the track's frames could be read again`);
    });
  } finally {
    await painters.stop();
  }
}

/** Frames of the track without photos. */
async function* alone({ frames }: VideoTrack, signal: AbortSignal | undefined) {
  for (const frame of frames) {
    throwIfAborted(signal);
    yield { image: null, frame };
  }
}

/** Frames of the video with what the track has at their time. */
async function* matched(video: VideoSource, { frames }: VideoTrack, signal: AbortSignal | undefined) {
  if (frames.length === 0) return;
  const end = frames[frames.length - 1].time;
  let i = 0;
  for await (const { time, image } of readBetween(video, frames[0].time, end, signal)) {
    throwIfAborted(signal);
    while (i < frames.length && frames[i].time < time - 5e-4) i++;
    if (i === frames.length) return;
    if (Math.abs(frames[i].time - time) <= 5e-4) yield { image, frame: frames[i++] };
  }
}

function readBetween(
  video: VideoSource,
  start: number,
  end: number,
  signal: AbortSignal | undefined,
): AsyncIterable<VideoFrame> {
  return video.frames({ start: Math.max(0, start - 1e-3), end: end + 0.5, signal });
}

/** Pictures a second so that the usual distance of two frames is one picture. */
export function filmRate(times: readonly number[]): number {
  const gaps = times.slice(1).map((t, i) => t - times[i]);
  if (gaps.length === 0) return 25;
  const usual = gaps.sort((a, b) => a - b)[gaps.length >> 1];
  return Math.min(MOST_RATE, Math.max(1, Math.round(1000 / Math.max(usual, 1e-3)) / 1000));
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

interface Painters {
  readonly count: number;
  paint(photo: Image8 | null, frame: PaintedFrame, scale: number): Promise<Uint8Array>;
  stop(): Promise<void>;
}

async function startPainters(
  person: HeadModel,
  panel: { readonly width: number; readonly height: number },
  layout: OverlayLayout,
  wanted: number = Math.min(Math.max(availableParallelism() - 1, 1), MOST_THREADS),
): Promise<Painters> {
  const started = Array.from({ length: wanted }, () => startThread('overlay-worker'));
  const threads = started.filter((thread): thread is Thread => thread !== null);
  if (threads.length === 0) {
    const painter = new OverlayPainter(await createKernels(), person, panel, layout);
    return {
      count: 1,
      paint: async (photo, frame, scale) => painter.paint(photo, frame, scale),
      stop: async () => {},
    };
  }
  const stop = async () => {
    await Promise.all(threads.map((thread) => thread.stop()));
  };
  try {
    await Promise.all(threads.map((thread) => thread.ask('start', { person, panel, layout })));
  } catch (error) {
    await stop();
    throw error;
  }
  let turn = 0;
  return {
    count: 2 * threads.length,
    paint: (photo, { expression, pose, camera, light, status }, scale) => {
      const thread = threads[turn++ % threads.length];
      const frame = { expression, pose, camera, light, status };
      // The picture changes hands, nobody needs it here afterwards; part of a larger buffer is copied.
      const whole = photo && photo.data.byteLength === photo.data.buffer.byteLength;
      const asked = thread.ask(
        'paint',
        { photo, frame, scale },
        // Shared memory (`openThreadedVideo`) needs no moving, and can't be.
        whole && photo.data.buffer instanceof ArrayBuffer ? [photo.data.buffer] : [],
      );
      return asked as Promise<Uint8Array>;
    },
    stop,
  };
}
