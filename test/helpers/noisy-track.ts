/** A made-up track whose frames say something, for tests of smoothing. */
import { createRandom } from '../../src/core/random.ts';
import type { FrameEvidence } from '../../src/fit/video/evidence.ts';
import { motionDeviations, motionLayout } from '../../src/fit/video/motion.ts';
import { personalModel } from '../../src/fit/video/personal-model.ts';
import { ACCELERATION } from '../../src/fit/video/smooth-track.ts';
import type { TrackedFrame, VideoTrack } from '../../src/fit/video/types.ts';
import type { HeadModel } from '../../src/model/head-model.ts';
import { makeTinyTrack } from './tiny-track.ts';

/**
 * `count` frames of 25 a second around one state, each sure of some of it and off by its noise, `noise` times the usual; frame
 * `lost` shows no face.
 */
export function makeNoisyTrack(
  model: HeadModel,
  count: number,
  lost: number,
  noise = 1,
): { readonly track: VideoTrack; readonly said: ReadonlyMap<number, FrameEvidence> } {
  const random = createRandom(7);
  const [first] = makeTinyTrack(model, 1).frames;
  const { identity, ...rest } = makeTinyTrack(model, 1);
  const person = personalModel(model, identity);
  const layout = motionLayout(person);
  const n = layout.size;
  const sd = motionDeviations(person, layout, ACCELERATION);
  const said = new Map<number, FrameEvidence>();
  const frames = Array.from({ length: count }, (_, i): TrackedFrame => {
    const status = i === lost ? 'lost' : i === 0 || i === lost + 1 ? 'acquired' : 'tracked';
    const frame: TrackedFrame = {
      ...first,
      ...{ index: i, time: i / 25, status, cut: false },
      expression: first.expression.map((e) => e + noise * 0.2 * random.normal()),
      pose: first.pose.map((p) => p + noise * 0.01 * random.normal()),
    };
    if (status === 'lost') return { ...frame, observation: null };
    const information = new Float32Array((n * (n + 1)) / 2);
    // At least what the expressions' prior alone says, in their deviation.
    for (let c = 0; c < n; c++)
      information[(c * (c + 3)) / 2] = (0.03 + 30 * random.uniform() ** 4) / sd[c] ** 2;
    said.set(i, {
      index: i,
      information,
      gradient: Float32Array.from(sd, (s) => (noise * random.normal()) / s),
    });
    return frame;
  });
  return { track: { ...rest, identity, frames }, said };
}
