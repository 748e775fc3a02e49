/**
 * Key frames: a few pictures of a video that say most about who is in it. Sharp ones, seen from different sides and with
 * different faces made. Frames are offered one after another and only a small pool is kept, so that memory does not
 * depend on the video's length: of the two that are most alike, the less sharp one goes.
 */
import { median } from '../../core/quantile.ts';
import type { VideoFrame } from '../../core/video.ts';
import type { HeadModel } from '../../model/head-model.ts';
import type { FaceObservation } from '../../perceive/types.ts';
import { faceCrop } from '../face-crop.ts';
import { faceSharpness } from '../face-sharpness.ts';
import { FIT_PHOTO_DEFAULTS } from '../fit-options.ts';
import { initialPose } from '../initial-pose.ts';

/** A frame with its face, and what makes it worth choosing. */
export interface KeyFrame {
  readonly frame: VideoFrame;
  readonly observation: FaceObservation;
  /** See `face-sharpness.ts`; comparable between frames of one person. */
  readonly sharpness: number;
  /** Yaw, pitch, mouth, eyes and brows, each in units of a difference worth having. */
  readonly features: Float64Array;
}

/** Frames kept while searching. */
const POOL = 16;
/** A frame this much less sharp than the median of the pool is blurred by motion. */
const BLURRED = 0.7;
/** Differences worth a unit: radians, and fractions of the outer-eye-corner distance. */
const UNITS = { yaw: 0.2, pitch: 0.15, mouthOpen: 0.08, mouthWidth: 0.08, eyesOpen: 0.04, brows: 0.05 };

/** Looks at a frame's face. */
export function keyFrame(model: HeadModel, frame: VideoFrame, observation: FaceObservation): KeyFrame {
  const l = observation.landmarks68;
  const { width, height } = frame.image;
  const { rotation } = initialPose(model, l, {
    kind: 'perspective',
    principal: [width / 2, height / 2],
    focal: null,
    distance: 0.9,
  });
  const distance = (a: number, b: number) => Math.hypot(l[2 * a] - l[2 * b], l[2 * a + 1] - l[2 * b + 1]);
  const eyes = Math.max(distance(36, 45), 1e-6);
  const open = (distance(37, 41) + distance(38, 40) + distance(43, 47) + distance(44, 46)) / 4;
  const brows = (distance(19, 37) + distance(24, 44)) / 2;
  return {
    frame,
    observation,
    sharpness: faceSharpness(frame.image, faceCrop(observation, FIT_PHOTO_DEFAULTS.size), l),
    features: Float64Array.of(
      rotation[1] / UNITS.yaw,
      rotation[0] / UNITS.pitch,
      distance(62, 66) / eyes / UNITS.mouthOpen,
      distance(48, 54) / eyes / UNITS.mouthWidth,
      open / eyes / UNITS.eyesOpen,
      brows / eyes / UNITS.brows,
    ),
  };
}

/** A pool of the frames that differ most. */
export class KeyFramePool {
  private frames: KeyFrame[] = [];

  /** Offers a frame; it may be kept. */
  offer(candidate: KeyFrame): void {
    this.frames.push(candidate);
    if (this.frames.length <= POOL) return;
    let [worst, least] = [0, Infinity];
    for (let i = 0; i < this.frames.length; i++)
      for (let j = 0; j < i; j++) {
        const d = difference(this.frames[i], this.frames[j]);
        if (d < least) {
          least = d;
          worst = this.frames[i].sharpness < this.frames[j].sharpness ? i : j;
        }
      }
    this.frames.splice(worst, 1);
  }

  /** Frames in the pool. */
  get size(): number {
    return this.frames.length;
  }

  /** The best `count` frames in order of time: the sharpest that looks ahead, then always the most different one. */
  choose(count: number): KeyFrame[] {
    const usual = median(this.frames.map((f) => f.sharpness));
    const left = this.frames.filter((f) => f.sharpness >= BLURRED * usual);
    const chosen: KeyFrame[] = [];
    const ahead = (f: KeyFrame) => (f.sharpness / usual) ** 2 / (1 + f.features[0] ** 2 + f.features[1] ** 2);
    while (left.length > 0 && chosen.length < count) {
      const score = left.map((f) =>
        chosen.length === 0
          ? ahead(f)
          : Math.min(...chosen.map((c) => difference(f, c))) * (f.sharpness / usual),
      );
      const best = score.indexOf(Math.max(...score));
      chosen.push(...left.splice(best, 1));
    }
    return chosen.sort((a, b) => a.frame.index - b.frame.index);
  }
}

function difference(a: KeyFrame, b: KeyFrame): number {
  return Math.hypot(...a.features.map((x, i) => x - b.features[i]));
}
