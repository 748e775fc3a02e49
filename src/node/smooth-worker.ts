/** The thread that smooths a track while it is made; see `threaded-smoothing.ts`. */
import type { FrameEvidence } from '../fit/video/evidence.ts';
import { createSmoother, type TrackSmoother } from '../fit/video/smooth-track.ts';
import type { TrackedFrame, TrackIdentity } from '../fit/video/types.ts';
import type { HeadModel } from '../model/head-model.ts';
import { giveWay, serve } from './threads.ts';

/** Whose track it is. */
export interface SmoothingOrder {
  readonly model: HeadModel;
  readonly identity: TrackIdentity;
}

/** A tracked frame, and what it said. */
export interface SmoothingFrame {
  readonly frame: TrackedFrame;
  readonly said: FrameEvidence | null;
}

let smoother: TrackSmoother | null = null;

serve({
  begin: async ({ model, identity }: SmoothingOrder) => {
    // Frames are tracked meanwhile.
    giveWay();
    smoother = await createSmoother(identity, model);
    return { value: null };
  },
  put: ({ frame, said }: SmoothingFrame) => ({ value: smoother!.put(frame, said) }),
  end: () => ({ value: smoother!.end() }),
});
