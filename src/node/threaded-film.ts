/**
 * The film of a track on a thread of its own: it paints frames as soon as they are as they will be in the result, while
 * others are still being tracked and the caller makes the other files.
 */
import { AbortedError } from '../core/errors.ts';
import { produceFileAtomically } from './atomic.ts';
import type { FilmBegin, FilmNews, FilmOrder } from './film-worker.ts';
import { type FilmedFrame, writeOverlayFilm } from './overlay-film.ts';
import { startThread, type Thread } from './threads.ts';
import { openVideo } from './video-source.ts';

/** How a film is finished. */
export interface FilmFinish {
  /** Frames painted so far. */
  readonly onFrame: (done: number) => void;
  /** The film is put in place after this. */
  readonly when: Promise<unknown>;
}

/** A film in the making. */
export interface OverlayFilm {
  /** It no longer needs the caller's thread for what it has been given, or has failed. */
  readonly begun: Promise<void>;
  /** The next frames, in order, as they are in the result. */
  add(frames: readonly FilmedFrame[]): void;
  /**
   * There are no more frames: done when the film is in place.
   * @throws {PhotofitError} when ffmpeg fails, or it cannot be written
   * @throws {AbortedError} when it was given up; nothing is left
   */
  finish(finish: FilmFinish): Promise<void>;
  /** Gives up a film that is not in place, and ends the thread. */
  stop(): Promise<void>;
}

/**
 * Begins a film, to be put at `out`. Where the program runs from its sources there is no thread: it is made when it is
 * finished, after `when`.
 */
export function openOverlayFilm(out: string, order: FilmOrder): OverlayFilm {
  const thread = startThread('film-worker');
  return thread ? filmOnThread(thread, out, order) : filmHere(out, order);
}

function filmOnThread(thread: Thread, out: string, order: FilmOrder): OverlayFilm {
  const stopping = new AbortController();
  const { signal } = stopping;
  const givenUp = abortion(signal);
  const begun = promised<void>();
  const finishing = promised<FilmFinish>();
  // What fails is told when the film is wanted.
  const tell = (name: string, argument: unknown) => void thread.ask(name, argument).catch(() => {});
  const making = async (file: string) => {
    await thread.ask('begin', { ...order, file, out } satisfies FilmBegin);
    begun.resolve();
    try {
      const { onFrame } = await Promise.race([finishing.promise, givenUp]);
      await follow(thread, onFrame, signal);
    } catch (error) {
      // Its encoder has ended before its file is taken away.
      await thread.ask('cancel', null).catch(() => {});
      throw error;
    }
  };
  // Whoever gives up a film that is whole does not wait for its place.
  const when = Promise.race([finishing.promise.then((finish) => finish.when), givenUp]);
  const done = produceFileAtomically(out, making, { signal, when }).finally(begun.resolve);
  for (const promise of [done, when]) promise.catch(() => {});
  let stopped: Promise<void> | null = null;
  const stop = async () => {
    stopping.abort();
    await done.catch(() => {});
    // Ended in order, it leaves its code cache.
    await thread.ask('end', null).catch(() => {});
    await thread.stop();
  };
  return {
    begun: begun.promise,
    add: (frames) => tell('frames', frames.map(filmed)),
    finish: (finish) => {
      tell('last', null);
      finishing.resolve(finish);
      return done;
    },
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
  };
}

/** Until the film is whole. */
async function follow(thread: Thread, onFrame: (done: number) => void, signal: AbortSignal): Promise<void> {
  const cancel = () => void thread.ask('cancel', null).catch(() => {});
  signal.addEventListener('abort', cancel, { once: true });
  try {
    for (;;) {
      const { done, over } = (await thread.ask('next', null)) as FilmNews;
      if (over) return;
      onFrame(done);
    }
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}

/** What of a frame the thread needs: not what perception saw. */
function filmed({ time, status, expression, pose, camera, light, photo }: FilmedFrame): FilmedFrame {
  return { time, status, expression, pose, camera, light, photo };
}

function filmHere(out: string, { video: file, options, person, layout, width }: FilmOrder): OverlayFilm {
  const stopping = new AbortController();
  const { signal } = stopping;
  const givenUp = abortion(signal);
  const frames: FilmedFrame[] = [];
  const make = async ({ onFrame, when }: FilmFinish) => {
    await Promise.race([when, givenUp]);
    const video = await openVideo(file, options);
    try {
      await writeOverlayFilm(out, video, person, { width, frames }, { layout, signal, onFrame });
    } finally {
      video.close();
    }
  };
  let made: Promise<void> | null = null;
  return {
    begun: Promise.resolve(),
    add: (more) => void frames.push(...more),
    finish: (finish) => {
      made = make(finish);
      return made;
    },
    stop: async () => {
      stopping.abort();
      await made?.catch(() => {});
    },
  };
}

/** A promise to be kept later. */
function promised<T>() {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((kept) => {
    resolve = kept;
  });
  return { promise, resolve };
}

/** Fails when `signal` is aborted. */
function abortion(signal: AbortSignal): Promise<never> {
  const promise = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(new AbortedError('cancelled')), { once: true });
  });
  promise.catch(() => {});
  return promise;
}
