/**
 * A motion as curves of ARKit's blend shapes, for whatever is driven by a phone's face tracker: each shape's weight over
 * time, of the shapes that the head has an equivalent of (`model/arkit.ts`). A shape made of several expressions gets
 * their mean; one made by a joint the part of the joint's rotation that points its way. Weights are held in 0…1, as
 * ARKit's are.
 */
import { arkitShapes } from '../../model/arkit.ts';
import type { HeadModel } from '../../model/head-model.ts';
import type { TrackedFrame } from './types.ts';

/** Curves over the frames of a motion. */
export interface ArkitCurves {
  readonly names: readonly string[];
  /** (N) number of each frame. */
  readonly index: readonly number[];
  /** (N) seconds. */
  readonly time: readonly number[];
  /** (N) rows of weights in the order of `names`. */
  readonly weights: readonly (readonly number[])[];
}

/** The part of a tracked frame that moves a face. */
export type CurveFrame = Pick<TrackedFrame, 'index' | 'time' | 'expression' | 'pose'>;

/** Curves of `frames`; no names where the head has no equivalent of any shape. */
export function arkitCurves(model: HeadModel, frames: readonly CurveFrame[]): ArkitCurves {
  const shapes = arkitShapes(model);
  const weigh = (frame: CurveFrame) =>
    shapes.map(({ expressions, joint }) => {
      if (!joint)
        return held(expressions.reduce((sum, e) => sum + frame.expression[e], 0) / expressions.length);
      let [along, length] = [0, 0];
      for (let a = 0; a < 3; a++) {
        along += frame.pose[3 * joint.index + a] * joint.rotation[a];
        length += joint.rotation[a] ** 2;
      }
      return held(along / length);
    });
  return {
    names: shapes.map((shape) => shape.name),
    index: frames.map((f) => f.index),
    time: frames.map((f) => Math.round(1e6 * f.time) / 1e6),
    weights: frames.map(weigh),
  };
}

/** One line per frame: its number, time in seconds, and the weights. */
export function arkitCsv({ names, index, time, weights }: ArkitCurves): string {
  const lines = weights.map((row, i) => [index[i], time[i], ...row].join(','));
  return [['frame', 'time', ...names].join(','), ...lines, ''].join('\n');
}

/** Text of the curves as JSON, one line per frame. */
export function arkitJson({ names, index, time, weights }: ArkitCurves): string {
  const lines = weights.map(
    (row, i) => `  ${JSON.stringify({ frame: index[i], time: time[i], weights: row })}`,
  );
  return `{\n "names": ${JSON.stringify(names)},\n "frames": [\n${lines.join(',\n')}\n ]\n}\n`;
}

/** In 0…1, with four digits. */
function held(weight: number): number {
  return Math.round(1e4 * Math.min(1, Math.max(0, weight))) / 1e4;
}
