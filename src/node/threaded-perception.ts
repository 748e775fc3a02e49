/**
 * The built-in perception on a thread of its own, so that a frame is looked at while the one before it is solved. Pictures
 * are copied there (0.3 ms for 512², and some for the collector) unless they lie in shared memory (`threaded-video.ts`).
 */
import { throwIfAborted } from '../core/errors.ts';
import type { FaceObservation, FacePerception } from '../perceive/types.ts';
import { loadPerception } from './perception.ts';
import { startThread } from './threads.ts';

/** The perception on a thread; on this one where the program runs from its sources. */
export async function loadThreadedPerception(): Promise<FacePerception> {
  const thread = startThread('perception-worker');
  if (!thread) return loadPerception();
  await thread.ask('start', null);
  const ask = async <T>(name: string, argument: unknown, signal: AbortSignal | undefined): Promise<T> => {
    throwIfAborted(signal);
    const value = await thread.ask(name, argument);
    throwIfAborted(signal);
    return value as T;
  };
  return {
    detect: (image, options) => ask<FaceObservation[]>('detect', image, options?.signal),
    track: (image, previous, options) =>
      ask<FaceObservation | null>('track', { image, previous }, options?.signal),
    describe: (image, face, options) => ask<Float32Array>('describe', { image, face }, options?.signal),
    dispose: () => void thread.stop(),
  };
}
