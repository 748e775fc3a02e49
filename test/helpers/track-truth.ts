/** How well a track follows the truth of `filmed-head.ts`. */
import type { TrackedFrame, TrackIdentity } from '../../src/fit/video/types.ts';
import { type HeadModel, jointIndex } from '../../src/model/head-model.ts';
import { poseHead } from '../../src/model/pose.ts';
import { perturbAxisAngle } from '../../src/model/rotation.ts';
import type { TalkingHead } from './filmed-head.ts';

/** A curve of the truth and of the track over the same frames. */
export interface Curve {
  readonly name: string;
  readonly correlation: number;
  /** Frames by which the track is late; fractions by a parabola through the correlations around the best one. */
  readonly lag: number;
}

/** Curves of the active expressions and of the jaw, over frames that have a face and whose neighbours have one. */
export function curves(model: HeadModel, film: TalkingHead, frames: readonly TrackedFrame[]): Curve[] {
  const jaw = jointIndex(model, 'jaw');
  const kept = frames.filter((f) => f.status !== 'lost');
  const curve = (name: string, wanted: (i: number) => number, got: (f: TrackedFrame) => number): Curve => {
    const at = (shift: number) => {
      const pairs = kept.filter(({ index }) => film.truths[index - shift]);
      return correlation(
        pairs.map(({ index }) => wanted(index - shift)),
        pairs.map(got),
      );
    };
    const REACH = 4;
    const values = Array.from({ length: 2 * REACH + 1 }, (_, i) => at(i - REACH));
    const best = Math.min(Math.max(values.indexOf(Math.max(...values)), 1), 2 * REACH - 1);
    const [a, b, c] = values.slice(best - 1, best + 2);
    const lag = best - REACH + (a - c) / (2 * (a - 2 * b + c) || 1);
    return { name, correlation: values[REACH], lag };
  };
  const out = film.active.map((e) =>
    curve(
      model.expressionNames[e],
      (i) => film.truths[i].params.expression[e],
      (f) => f.expression[e],
    ),
  );
  if (jaw >= 0)
    out.push(
      curve(
        'jaw',
        (i) => film.truths[i].params.pose[3 * jaw],
        (f) => f.pose[3 * jaw],
      ),
    );
  return out;
}

/** Mean over frames and vertices of the face, in millimetres, and the head's rotation in degrees. */
export interface MotionError {
  /** Of each vertex' displacement from its mean place, in the head's own frame. */
  readonly face: number;
  readonly rotation: number;
}

/** Errors of motion over the frames that have a face; what is wrong all the time counts as identity. */
export function motionError(
  model: HeadModel,
  film: TalkingHead,
  identity: TrackIdentity,
  frames: readonly TrackedFrame[],
): MotionError {
  const kept = frames.filter((f) => f.status !== 'lost');
  const region = model.regions.get('face')!;
  const places = kept.map((f) => faceVertices(model, region, { ...f, identity: identity.identity }));
  const truths = kept.map((f) => faceVertices(model, region, film.truths[f.index].params));
  const [mean, meanTruth] = [average(places), average(truths)];
  let [face, rotation] = [0, 0];
  for (const [t, frame] of kept.entries()) {
    for (let i = 0; i < mean.length; i += 3) {
      const d = [0, 1, 2].map((a) => places[t][i + a] - mean[i + a] - truths[t][i + a] + meanTruth[i + a]);
      face += (1000 * Math.hypot(...d)) / (region.length * kept.length);
    }
    const back = film.truths[frame.index].params.pose.slice(0, 3).map((x) => -x);
    const turn = perturbAxisAngle(back, frame.pose.subarray(0, 3));
    rotation += ((180 / Math.PI) * Math.hypot(...turn)) / kept.length;
  }
  return { face, rotation };
}

/**
 * Root mean square second difference of the face's vertices as the camera sees them, millimetres, within shots.
 */
export function jitter(model: HeadModel, identity: TrackIdentity, frames: readonly TrackedFrame[]): number {
  const region = model.regions.get('face')!;
  const places = frames.map((f) => {
    if (f.status === 'lost') return null;
    const { vertices } = poseHead(model, { ...f, identity: identity.identity });
    const [x, y, z] = f.camera.translation;
    return Float64Array.from({ length: 3 * region.length }, (_, i) => {
      const a = i % 3;
      return vertices[3 * region[(i - a) / 3] + a] + [x, y, z][a];
    });
  });
  let [sum, count] = [0, 0];
  for (let t = 1; t + 1 < places.length; t++) {
    const [a, b, c] = [places[t - 1], places[t], places[t + 1]];
    if (!a || !b || !c || frames[t].status === 'acquired' || frames[t + 1].status === 'acquired') continue;
    // Depth is left out: it is the same for a head that is a little larger and further away.
    for (let i = 0; i < b.length; i++)
      if (i % 3 !== 2) {
        sum += (a[i] - 2 * b[i] + c[i]) ** 2;
        count++;
      }
  }
  return 1000 * Math.sqrt(sum / Math.max(count / 2, 1));
}

function faceVertices(
  model: HeadModel,
  region: Uint32Array,
  params: {
    readonly identity: ArrayLike<number>;
    readonly expression: ArrayLike<number>;
    readonly pose: Float32Array;
  },
): Float64Array {
  const pose = params.pose.slice();
  pose.fill(0, 0, 3);
  const { vertices } = poseHead(model, { ...params, pose });
  return Float64Array.from(
    { length: 3 * region.length },
    (_, i) => vertices[3 * region[Math.floor(i / 3)] + (i % 3)],
  );
}

function average(rows: readonly Float64Array[]): Float64Array {
  const out = new Float64Array(rows[0]?.length ?? 0);
  for (const row of rows) for (let i = 0; i < out.length; i++) out[i] += row[i] / rows.length;
  return out;
}

function correlation(a: readonly number[], b: readonly number[]): number {
  const [ma, mb] = [a, b].map((x) => x.reduce((s, v) => s + v, 0) / x.length);
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    ab += (a[i] - ma) * (b[i] - mb);
    aa += (a[i] - ma) ** 2;
    bb += (b[i] - mb) ** 2;
  }
  return ab / Math.sqrt(Math.max(aa * bb, 1e-300));
}
