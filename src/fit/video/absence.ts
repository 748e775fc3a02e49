/**
 * How hard a face is looked for that is away. A search of the whole picture takes up to 1.2 s where there is nothing to be
 * found (`search.ts`), a frame with a face 20 ms. In the first half second of an absence every frame is searched, since a hand
 * before the face is soon gone again; then every fourth one, so that a face is found at the latest in the fourth frame that
 * shows it. In between, where it was seen last is looked at, for 6 ms. A picture like the one that was searched in vain has no
 * face either: an empty room, a title.
 */
import type { VideoFrame } from '../../core/video.ts';
import { blocksOf, hasNews } from './scene.ts';

/** When pictures are searched during an absence. */
export const ABSENCE_DEFAULTS = {
  /** Every one, from its first frame on, seconds. */
  first: 0.5,
  /** Then one of so many frames, or one in so many seconds, where that is sooner. */
  frames: 4,
  seconds: 0.16,
  /** One at least in so many seconds, though nothing changes. */
  still: 1,
} as const;

/** Times of frames are rounded, seconds. */
const SLACK = 1e-3;

/** What to do with a picture: search all of it, look at the place where the face was last, or nothing. */
export type Effort = 'search' | 'glance' | 'none';

/** The frames in a row in which a search saw no face at all. */
export class Absence {
  private since: number | null = null;
  /** The last picture that was searched in vain. */
  private searched: { readonly time: number; readonly blocks: Float32Array } | null = null;
  /** Frames since then. */
  private passed = 0;

  /** What to do with the next frame. */
  effort({ time, image }: VideoFrame): Effort {
    const { since, searched } = this;
    const { first, frames, seconds, still } = ABSENCE_DEFAULTS;
    if (since === null || searched === null || time < since + first - SLACK) return 'search';
    const waited = time - searched.time + SLACK;
    this.passed++;
    if (waited >= still) return 'search';
    if (!hasNews(searched.blocks, blocksOf(image))) return 'none';
    return this.passed >= frames || waited >= seconds ? 'search' : 'glance';
  }

  /** A search saw no face in this frame. */
  nothingIn({ time, image }: VideoFrame): void {
    this.since ??= time;
    this.searched = { time, blocks: blocksOf(image) };
    this.passed = 0;
  }

  /** Somebody's face was seen. */
  end(): void {
    this.since = null;
    this.searched = null;
  }
}
