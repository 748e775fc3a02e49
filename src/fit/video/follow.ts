/**
 * Following one face through a video: looked for where it was in the frame before; anew over the whole picture when it
 * is not there, after a cut, and while it is lost; now and then while nobody is to be seen for long (`absence.ts`). Where several
 * faces are found, the one that was followed goes on.
 */

import type { VideoFrame } from '../../core/video.ts';
import type { FaceObservation, FacePerception } from '../../perceive/types.ts';
import { Absence } from './absence.ts';

/** Whom to follow where there are several people: the largest face, or its number in order of size from 0. */
export type FaceChoice = 'largest' | number;

/** What a frame shows of the face followed. */
export interface Sighting {
  readonly observation: FaceObservation;
  /** Found where it was in the frame before. */
  readonly tracked: boolean;
}

/** The face chosen among `faces`, which are largest first; the first one where there are fewer. */
export function chooseFace(faces: readonly FaceObservation[], choice: FaceChoice): FaceObservation | null {
  return faces[choice === 'largest' ? 0 : choice] ?? faces[0] ?? null;
}

/** How far, in sizes of the face, and by what factor of size the same face may have moved. */
const NEAR = { distance: 1.5, size: 1.6 };

/** The face nearest to `previous` in place and size; null where none is near. */
export function nearestFace(
  faces: readonly FaceObservation[],
  previous: FaceObservation,
): FaceObservation | null {
  const place = ({ box }: FaceObservation) => ({
    x: box.x + box.width / 2,
    y: box.y + box.height / 2,
    size: Math.sqrt(Math.max(box.width * box.height, 1e-6)),
  });
  const from = place(previous);
  let [best, least] = [null as FaceObservation | null, Infinity];
  for (const face of faces) {
    const to = place(face);
    const distance = Math.hypot(to.x - from.x, to.y - from.y) / from.size;
    const growth = Math.abs(Math.log(to.size / from.size));
    if (distance > NEAR.distance || growth > Math.log(NEAR.size)) continue;
    if (distance + growth < least) [best, least] = [face, distance + growth];
  }
  return best;
}

/** Says which of several faces is the person followed, where place does not. */
export type Recognise = (
  faces: readonly FaceObservation[],
) => FaceObservation | null | Promise<FaceObservation | null>;

/** Follows one face, frame by frame. */
export class FaceFollower {
  /** The face seen last. */
  private last: FaceObservation | null;
  /** Whether it was seen in the frame before. */
  private seen: boolean;
  private readonly absence = new Absence();

  /** @param resume the face in the frame before the first one, where there is one. */
  constructor(
    private readonly perception: FacePerception,
    private readonly recognise: Recognise,
    resume: FaceObservation | null = null,
  ) {
    this.last = resume;
    this.seen = resume !== null;
  }

  /** The face in the next frame; null where there is none. */
  async next(frame: VideoFrame, cut: boolean, signal?: AbortSignal): Promise<Sighting | null> {
    const { perception, last } = this;
    if (last && this.seen && !cut && perception.track) {
      const observation = await perception.track(frame.image, last, { signal });
      if (observation) return this.found(observation, true);
    }
    if (!cut && !(await this.isWorthSearching(frame, signal))) return null;
    const faces = await perception.detect(frame.image, { signal });
    if (faces.length > 0) this.absence.end();
    else this.absence.nothingIn(frame);
    const near = last && this.seen && !cut ? nearestFace(faces, last) : null;
    const observation = near ?? (faces.length > 0 ? await this.recognise(faces) : null);
    if (observation) return this.found(observation, near !== null);
    this.seen = false;
    return null;
  }

  private async isWorthSearching(frame: VideoFrame, signal?: AbortSignal): Promise<boolean> {
    const effort = this.absence.effort(frame);
    if (effort !== 'glance') return effort === 'search';
    return this.last !== null && !!(await this.perception.track?.(frame.image, this.last, { signal }));
  }

  private found(observation: FaceObservation, tracked: boolean): Sighting {
    this.last = observation;
    this.seen = true;
    return { observation, tracked };
  }
}
