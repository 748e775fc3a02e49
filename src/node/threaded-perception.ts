/**
 * The built-in perception on a thread of its own, so that a frame is looked at while the one before it is solved. Pictures
 * are copied there (0.3 ms for 512², and some for the collector) unless they lie in shared memory (`threaded-video.ts`).
 *
 * A whole video can be watched there ahead of whoever solves its frames, also while nobody asks for one yet: the key
 * frames of a video are fitted for some five seconds in which a core would have nothing to do.
 */
import { throwIfAborted } from '../core/errors.ts';
import type { Image8 } from '../core/image.ts';
import type { Recognise } from '../fit/video/follow.ts';
import type { Seen, Watch } from '../fit/video/watch-video.ts';
import type { FaceObservation, FacePerception } from '../perceive/types.ts';
import { loadPerception } from './perception.ts';
import type { WatchNews, WatchOrder } from './perception-worker.ts';
import { startThread, type Thread } from './threads.ts';

/** Told what a frame looks like. */
export type OnSmall = (frame: number, picture: Image8) => void;

/** A perception that may be able to watch a video by itself. */
export interface ThreadedPerception extends FacePerception {
  /**
   * Begins to watch a video; one at a time. Absent where it is on no thread of its own. Other questions are answered
   * between frames, once the picture is looked at that is asked for ahead.
   * @param warnings gets what was odd about the video
   * @param onSmall is told of every frame, before it is given, the small picture that `order` asks for
   */
  watch?(order: WatchOrder, signal: AbortSignal, warnings: string[], onSmall?: OnSmall): Watch;
}

/** The perception on a thread; on this one where the program runs from its sources. */
export async function loadThreadedPerception(): Promise<ThreadedPerception> {
  const thread = startThread('perception-worker');
  if (!thread) return loadPerception();
  // Not waited for: the networks load while the caller prepares what it wants to ask.
  const started = thread.ask('start', null);
  started.catch(() => {});
  const ask = async <T>(name: string, argument: unknown, signal: AbortSignal | undefined): Promise<T> => {
    throwIfAborted(signal);
    await started;
    const value = await thread.ask(name, argument);
    throwIfAborted(signal);
    return value as T;
  };
  return {
    detect: (image, options) => ask<FaceObservation[]>('detect', image, options?.signal),
    track: (image, previous, options) =>
      ask<FaceObservation | null>('track', { image, previous }, options?.signal),
    describe: (image, face, options) => ask<Float32Array>('describe', { image, face }, options?.signal),
    watch: (...watched) => watchOn(thread, started, ...watched),
    dispose: () => void thread.stop(),
  };
}

/**
 * Has `thread` watch once it has started; until the frames are all taken, their taker leaves, or `signal` is aborted,
 * also where nobody has begun to take them.
 * @internal
 */
export function watchOn(
  thread: Pick<Thread, 'ask'>,
  started: Promise<unknown>,
  order: WatchOrder,
  signal: AbortSignal,
  warnings: string[],
  onSmall?: OnSmall,
): Watch {
  const begun = started.then(() => {
    throwIfAborted(signal);
    return thread.ask('watch', order);
  });
  // Awaited when the first frame is asked for.
  begun.catch(() => {});
  const end = async () => {
    signal.removeEventListener('abort', end);
    await begun.then(() => thread.ask('end', null)).catch(() => {});
  };
  signal.addEventListener('abort', end);
  return (recognise) => take(thread, begun, end, recognise, signal, warnings, onSmall);
}

async function* take(
  thread: Pick<Thread, 'ask'>,
  begun: Promise<unknown>,
  end: () => Promise<void>,
  recognise: Recognise,
  signal: AbortSignal,
  warnings: string[],
  onSmall: OnSmall | undefined,
): AsyncGenerator<Seen, void, undefined> {
  try {
    await begun;
    let coming = askNext(thread);
    for (;;) {
      throwIfAborted(signal);
      const news = await coming;
      for (const warning of news.warnings) if (!warnings.includes(warning)) warnings.push(warning);
      if ('choose' in news) {
        const chosen = await recognise(news.choose);
        await thread.ask('choose', chosen ? news.choose.indexOf(chosen) : -1);
        coming = askNext(thread);
        continue;
      }
      if (!news.seen) return;
      // While this frame is solved: the thread answers between two pictures only, some 20 ms each.
      coming = askNext(thread);
      if (news.small) onSmall?.(news.seen.frame.index, news.small);
      yield news.seen;
    }
  } finally {
    await end();
  }
}

function askNext(thread: Pick<Thread, 'ask'>): Promise<WatchNews> {
  const coming = thread.ask('next', null) as Promise<WatchNews>;
  // Awaited when the frame before is done, or never.
  coming.catch(() => {});
  return coming;
}
