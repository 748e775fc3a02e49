/**
 * Which frames of a video are taken: those from `start` to before `end`, and of these the first in every 1/fps seconds.
 * A grid of time rather than "every n-th": it is right for variable frame rates too, and where two decoders disagree
 * about a frame, one frame differs and not all that follow.
 */
import { InvalidArgumentError } from '../core/errors.ts';
import type { FrameRange } from '../core/video.ts';

/** Times are taken for equal within this, seconds: containers round them to their own ticks, 1/90000 or 1/1000 s. */
export const TIME_SLACK = 1e-3;

/** What becomes of a frame: not yet, taken, left out, or the first one beyond the end. */
export type FrameVerdict = 'before' | 'taken' | 'skipped' | 'after';

/**
 * Judges frames by their times, in ascending order.
 * @throws {InvalidArgumentError} when the range is none
 */
export function frameGate(range: FrameRange = {}): (time: number) => FrameVerdict {
  const { start, end, fps } = checkRange(range);
  let cell = Number.NEGATIVE_INFINITY;
  return (time) => {
    if (time < start - TIME_SLACK) return 'before';
    if (time >= end - TIME_SLACK) return 'after';
    if (fps === null) return 'taken';
    const now = Math.floor((time + TIME_SLACK) * fps);
    if (now === cell) return 'skipped';
    cell = now;
    return 'taken';
  };
}

/**
 * `range` with its defaults.
 * @throws {InvalidArgumentError} when a number is out of range, or the end not after the start
 */
export function checkRange(range: FrameRange): { start: number; end: number; fps: number | null } {
  const { start = 0, end = Infinity, fps = null } = range;
  if (!(start >= 0) || start === Infinity)
    throw new InvalidArgumentError(`frames: start must be a number of seconds from 0, got ${start}`);
  if (!(end > start))
    throw new InvalidArgumentError(`frames: end must be after the start, ${start} s, got ${end}`);
  if (fps !== null && !(fps > 0 && fps < Infinity))
    throw new InvalidArgumentError(`frames: fps must be a positive number, got ${fps}`);
  return { start, end, fps };
}

/** Pixels that a picture of `width` × `height` is shrunk to so that its longer side is at most `most`; not enlarged. */
export function fitInside(width: number, height: number, most: number): { width: number; height: number } {
  const k = Math.min(1, most / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * k)), height: Math.max(1, Math.round(height * k)) };
}
