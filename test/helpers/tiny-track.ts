/** A made-up track, for tests of what becomes of tracks. */
import type { TrackedFrame, VideoTrack } from '../../src/fit/video/types.ts';
import { type HeadModel, headSizes } from '../../src/model/head-model.ts';
import { makeTinyFit } from './tiny-fit.ts';

/** A moving, talking head over `count` frames with plausible, irregular float32 values; frame 4 is lost, 5 acquired. */
export function makeTinyTrack(model: HeadModel, count: number): VideoTrack {
  const { E, J } = headSizes(model);
  const fit = makeTinyFit(model);
  const wave = (n: number, amplitude: number, phase: number) =>
    Float32Array.from({ length: n }, (_, i) => amplitude * Math.sin(1.7 * i + phase));
  const frames = Array.from({ length: count }, (_, i): TrackedFrame => {
    const phase = 0.4 * i;
    const lost = i === 4;
    return {
      index: 3 + 2 * i,
      time: 0.12 + 0.08 * i,
      status: lost ? 'lost' : i === 0 || i === 5 ? 'acquired' : 'tracked',
      cut: i === 5,
      expression: wave(E, 0.4, phase).map((x) => 0.5 + x),
      pose: wave(3 * J, 0.25, phase),
      camera: { ...fit.camera, translation: [0.01 * i, -0.02, -0.7 + 0.003 * i] },
      light: fit.light,
      landmarkNme: lost ? Number.NaN : 0.02 + 0.001 * i,
      skinL1: lost ? Number.NaN : 0.03,
      confidence: lost ? 0 : 0.9,
      observation: lost ? null : fit.observation,
    };
  });
  return {
    identity: {
      modelName: model.name,
      modelHash: model.hash,
      identity: fit.params.identity,
      texture: fit.params.texture,
      camera: fit.camera,
      light: fit.light,
      keyFrames: [3, 7],
    },
    width: 1024,
    height: 768,
    frames,
  };
}
