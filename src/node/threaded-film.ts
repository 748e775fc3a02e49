/**
 * The film of a track on a thread of its own: it gets ready (video opened, head in kernel memory) while frames are still
 * being tracked, and paints while the caller makes the other files.
 */
import type { VideoTrack } from '../fit/video/types.ts';
import { produceFileAtomically } from './atomic.ts';
import type { FilmBegin, FilmNews, FilmOrder } from './film-worker.ts';
import { type FilmedTrack, writeOverlayFilm } from './overlay-film.ts';
import { startThread, type Thread } from './threads.ts';
import { openVideo } from './video-source.ts';

/** How a film is made. */
export interface FilmMaking {
  readonly signal: AbortSignal;
  /** Frames painted so far. */
  readonly onFrame: (done: number) => void;
  /** The film is put in place after this. */
  readonly when: Promise<unknown>;
}

/** A film in the making. */
export interface FilmUnderway {
  /** It no longer needs the caller's thread, or has failed. */
  readonly begun: Promise<void>;
  /**
   * It is in place.
   * @throws {PhotofitError} when ffmpeg fails, or it cannot be written
   * @throws {AbortedError} when cancelled; nothing is left
   */
  readonly done: Promise<void>;
}

/** A thread that is ready to make a film. */
export interface OverlayFilm {
  /** The film will be of frames at these times: where it is made on a thread, that begins to read the video. */
  expect(frames: readonly { readonly time: number }[]): void;
  /** Makes it, once. */
  make(out: string, track: VideoTrack, making: FilmMaking): FilmUnderway;
  stop(): Promise<void>;
}

/** Gets ready on a thread; where the program runs from its sources there is none, and films wait for `when`. */
export function openOverlayFilm(order: FilmOrder): OverlayFilm {
  const thread = startThread('film-worker');
  if (!thread)
    return {
      expect: () => {},
      make: (out, track, making) => ({ begun: Promise.resolve(), done: makeHere(out, order, track, making) }),
      stop: async () => {},
    };
  const prepared = thread.ask('prepare', order);
  // What fails is told when the film is wanted.
  prepared.catch(() => {});
  return {
    expect: (frames) => {
      const times = frames.map(({ time }) => ({ time }));
      void prepared.then(() => thread.ask('read', times)).catch(() => {});
    },
    make: (out, track, making) => {
      let begin = () => {};
      const begun = new Promise<void>((resolve) => {
        begin = resolve;
      });
      const { signal, when } = making;
      const done = produceFileAtomically(
        out,
        async (file) => {
          await prepared;
          await thread.ask('begin', { to: { file, out }, track: filmed(track) } satisfies FilmBegin);
          begin();
          await follow(thread, making);
        },
        { signal, when },
      ).finally(begin);
      done.catch(() => {});
      return { begun, done };
    },
    stop: async () => {
      // Ended in order, it leaves its code cache.
      await prepared.then(() => thread.ask('end', null)).catch(() => {});
      await thread.stop();
    },
  };
}

/** Until the film is whole. */
async function follow(thread: Thread, { signal, onFrame }: FilmMaking): Promise<void> {
  const cancel = () => void thread.ask('cancel', null).catch(() => {});
  signal.addEventListener('abort', cancel, { once: true });
  try {
    // It has begun by now: let it end its encoder before its file is taken away.
    if (signal.aborted) cancel();
    for (;;) {
      const { done, over } = (await thread.ask('next', null)) as FilmNews;
      if (over) return;
      onFrame(done);
    }
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}

/** What of a track the thread needs: not what perception saw. */
function filmed({ width, frames }: VideoTrack): FilmedTrack {
  return {
    width,
    frames: frames.map(({ time, status, expression, pose, camera, light }) => {
      return { time, status, expression, pose, camera, light };
    }),
  };
}

async function makeHere(
  out: string,
  { video: file, options, person, layout }: FilmOrder,
  track: VideoTrack,
  { signal, onFrame, when }: FilmMaking,
): Promise<void> {
  await when;
  const video = await openVideo(file, options);
  try {
    await writeOverlayFilm(out, video, person, track, { layout, signal, onFrame });
  } finally {
    video.close();
  }
}
