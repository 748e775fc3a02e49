/** Tracked frames as states of the personal model, which fitting works with. */
import type { FitState } from '../parameters.ts';
import type { TrackedFrame } from './types.ts';

/** A tracked frame as the state of the personal model; camera in pixels of the frame. */
export function stateOf({ expression, pose, camera, light }: TrackedFrame): FitState {
  return {
    identity: new Float64Array(0),
    expression: Float64Array.from(expression),
    pose: Float64Array.from(pose),
    texture: new Float64Array(0),
    light: Float64Array.from(light),
    camera,
  };
}
