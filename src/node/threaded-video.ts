/**
 * A video decoded on a thread of its own, a few frames ahead: whoever solves a frame hears nothing from a decoder
 * meanwhile, and would wait for the next picture afterwards (5 ms for 512², of which reading it takes one). Pictures lie
 * in shared memory, so that the thread that looks for faces need not be sent a copy either.
 */
import { throwIfAborted } from '../core/errors.ts';
import type { FrameRange, VideoFrame } from '../core/video.ts';
import { startThread, type Thread } from './threads.ts';
import { isReadByFfmpeg, openVideo } from './video-source.ts';
import type { OpenVideo, VideoOptions } from './video-types.ts';

interface Read {
  readonly frame: VideoFrame | null;
  readonly warnings: readonly string[];
}

/** As {@link openVideo}, on a thread; on this one where the program runs from its sources. */
export async function openThreadedVideo(file: string, options: VideoOptions = {}): Promise<OpenVideo> {
  const { signal, ...plain } = options;
  throwIfAborted(signal);
  const thread = startThread('video-worker');
  if (!thread) return openVideo(file, options);
  // ffprobe is asked here: the thread takes as long to start as that to answer. Other readers hold on to what they open.
  const here = (await isReadByFfmpeg(file, options))
    ? await openVideo(file, options).catch(async (error) => {
        await thread.stop();
        throw error;
      })
    : null;
  const abort = () => void thread.stop();
  signal?.addEventListener('abort', abort, { once: true });
  try {
    const order = { file, options: { ...plain, ...(here && { probed: here.probed }) } };
    const facts = (await thread.ask('open', order)) as Omit<OpenVideo, 'frames' | 'close'>;
    const warnings = [...facts.warnings];
    let readings = 0;
    return {
      ...facts,
      warnings,
      frames: (range = {}) => framesOf(thread, readings++, range, warnings),
      reuse: (image) => void thread.ask('reuse', image).catch(() => {}),
      close: () => void thread.stop(),
    };
  } catch {
    // What fails there fails here in the same words, or it was the thread: not every decoder runs on one.
    await thread.stop();
    throwIfAborted(signal);
    return here ?? openVideo(file, options);
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}

/** As {@link openThreadedVideo}, with a thread when its frames are asked for: they may be there already. */
export async function openLater(file: string, options: VideoOptions = {}): Promise<OpenVideo> {
  const here = await openVideo(file, options);
  let there: Promise<OpenVideo> | null = null;
  return {
    ...here,
    async *frames(range) {
      there ??= openThreadedVideo(file, options);
      yield* (await there).frames(range);
    },
    close: () => {
      here.close();
      void there?.then(
        (video) => video.close(),
        () => {},
      );
    },
  };
}

async function* framesOf(
  thread: Thread,
  id: number,
  { signal, ...range }: FrameRange,
  warnings: string[],
): AsyncGenerator<VideoFrame, void, void> {
  throwIfAborted(signal);
  await thread.ask('begin', { id, range });
  try {
    for (;;) {
      const read = (await thread.ask('next', id)) as Read;
      warnings.splice(0, warnings.length, ...read.warnings);
      throwIfAborted(signal);
      if (!read.frame) return;
      yield read.frame;
      throwIfAborted(signal);
    }
  } finally {
    await thread.ask('end', id).catch(() => {});
  }
}
