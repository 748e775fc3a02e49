/**
 * A track smoothed while it is made, on a thread of its own: its frames are as they will be in the result some three seconds
 * of film after they were tracked.
 */
import type { FrameEvidence } from '../fit/video/evidence.ts';
import { createSmoother } from '../fit/video/smooth-track.ts';
import type { TrackedFrame } from '../fit/video/types.ts';
import type { SmoothingOrder } from './smooth-worker.ts';
import { startThread } from './threads.ts';

/** A track that is being made into a result, frame by frame. */
export interface Settling {
  /** The next frame, in order, and its evidence. Done when it is taken; whoever has many at once waits for that. */
  put(frame: TrackedFrame, said: FrameEvidence | null): Promise<void>;
  /** No more frames: done when all of them are settled. Fails with what went wrong on the way. */
  end(): Promise<void>;
  /** Gives up. */
  stop(): Promise<void>;
}

/** Told frames in order, each once, as they are in the result. */
export type OnSettled = (frames: readonly TrackedFrame[]) => void;

/** Frames that are as they will be when they are tracked. */
export function asTracked(onSettled: OnSettled): Settling {
  return { put: async (frame) => onSettled([frame]), end: async () => {}, stop: async () => {} };
}

/** Begins to smooth; on the caller's thread where the program runs from its sources. */
export function openSmoothing(order: SmoothingOrder, onSettled: OnSettled): Settling {
  const { put, end, stop } = onThread(order) ?? onThisThread(order);
  let told = Promise.resolve();
  const tell = (settling: Promise<readonly TrackedFrame[]>) => {
    told = told.then(async () => onSettled(await settling));
    // Told when the end is asked for; meanwhile neither counts as unhandled.
    for (const promise of [settling, told]) promise.catch(() => {});
    return told;
  };
  return { put: (frame, said) => tell(put(frame, said)), end: () => tell(end()), stop };
}

/** Who smooths. */
interface Smoother {
  put(frame: TrackedFrame, said: FrameEvidence | null): Promise<readonly TrackedFrame[]>;
  end(): Promise<readonly TrackedFrame[]>;
  stop(): Promise<void>;
}

function onThread(order: SmoothingOrder): Smoother | null {
  const thread = startThread('smooth-worker');
  if (!thread) return null;
  const begun = thread.ask('begin', order);
  begun.catch(() => {});
  const ask = async (name: string, argument: unknown) => {
    const asked = thread.ask(name, argument) as Promise<TrackedFrame[]>;
    asked.catch(() => {});
    await begun;
    return asked;
  };
  return {
    put: (frame, said) => ask('put', { frame, said }),
    end: () => ask('end', null),
    stop: () => thread.stop(),
  };
}

function onThisThread({ identity, model }: SmoothingOrder): Smoother {
  const smoother = createSmoother(identity, model);
  smoother.catch(() => {});
  return {
    put: async (frame, said) => (await smoother).put(frame, said),
    end: async () => (await smoother).end(),
    stop: async () => {},
  };
}
