/**
 * The first half of tracking: where the face is in every frame, and where cuts are. It needs no identity (but to tell
 * apart several people where one was lost, see `recognise`), so that it may run ahead of the solve, on another thread,
 * and while the identity is being found.
 */
import type { FrameRange, VideoFrame, VideoSource } from '../../core/video.ts';
import type { FaceObservation, FacePerception } from '../../perceive/types.ts';
import { chooseFace, type FaceChoice, FaceFollower, type Recognise, type Sighting } from './follow.ts';
import { isCut, type Scene, sceneOf } from './scene.ts';
import type { TrackedFrame } from './types.ts';

/** A frame that was looked at. */
export interface Seen {
  readonly frame: VideoFrame;
  /** Another shot begins here. */
  readonly cut: boolean;
  /** The face followed; null where it was not seen. */
  readonly sighting: Sighting | null;
}

/** The frame after which watching goes on. */
export interface WatchResume extends Pick<TrackedFrame, 'index' | 'time' | 'observation'> {
  /** Whether the face had been seen by then. */
  readonly known: boolean;
}

/** Options of {@link watchVideo}. */
export interface WatchOptions extends FrameRange {
  readonly perception: FacePerception;
  /** Whom to follow where there are several people. */
  readonly face: FaceChoice;
  /** Go on after this frame. */
  readonly resume?: WatchResume | null;
  /** Which of several faces is the one followed, after a cut or a loss. */
  readonly recognise: Recognise;
}

/** Times of one frame, read twice, differ by less, seconds. */
const SAME_FRAME = 5e-5;

/** Looks at a video's frames for whoever recognises the face: {@link watchVideo}, here or on another thread. */
export type Watch = (recognise: Recognise) => AsyncIterable<Seen>;

/**
 * Looks at the frames of a range in order. While the caller is busy with one, perception is at the next one, where it
 * lives on another thread, and the one after that is read.
 * @throws {AbortedError} when `options.signal` is aborted.
 */
export async function* watchVideo(
  source: VideoSource,
  { perception, face, resume, recognise, start, end, fps, signal }: WatchOptions,
): AsyncGenerator<Seen, void, undefined> {
  let known = resume?.known ?? false;
  const choose = (faces: readonly FaceObservation[]) =>
    faces.length === 1 || !known ? chooseFace(faces, face) : recognise(faces);
  const follower = new FaceFollower(perception, choose, resume?.observation ?? null);
  const from = resume ? Math.max(start ?? 0, resume.time) : start;
  const decoded = source.frames({ start: from, end, fps, signal })[Symbol.asyncIterator]();
  let scene: Scene | null = null;
  // Where reading starts within the video, frames may be numbered by their times.
  let renumbered = 0;

  const look = (frame: VideoFrame): Promise<Seen> => {
    const now = sceneOf(frame.image);
    const cut = scene !== null && isCut(scene, now);
    scene = now;
    const seen = follower.next(frame, cut, signal).then((sighting) => ({ frame, cut, sighting }));
    // Awaited later; a failure meanwhile must not count as unhandled.
    seen.catch(() => {});
    return seen;
  };
  const read = async (): Promise<VideoFrame | null> => {
    for (;;) {
      const { done, value } = await decoded.next();
      if (done) return null;
      if (!resume) return value;
      if (Math.abs(value.time - resume.time) < SAME_FRAME) {
        // The frame gone on from, again: the next one may be another shot.
        renumbered = resume.index - value.index;
        scene = sceneOf(value.image);
      } else if (value.time > resume.time) return { ...value, index: value.index + renumbered };
    }
  };

  try {
    const first = await read();
    let pending = first && look(first);
    let next = read();
    next.catch(() => {});
    while (pending) {
      const seen = await pending;
      known ||= seen.sighting !== null;
      const following = await next;
      // Starts before the caller keeps this thread busy.
      pending = following && look(following);
      next = following ? read() : Promise.resolve(null);
      next.catch(() => {});
      yield seen;
    }
  } finally {
    await decoded.return?.();
  }
}
