/** A made-up fit of the tiny head, for tests of what becomes of fits. */
import type { PhotoFit } from '../../src/fit/types.ts';
import type { HeadModel } from '../../src/model/head-model.ts';
import { headSizes } from '../../src/model/head-model.ts';

/** A fit with every field filled with plausible, irregular float32 values. */
export function makeTinyFit(model: HeadModel): PhotoFit {
  const { S, E, J, T } = headSizes(model);
  const wave = (n: number, amplitude: number, offset = 0) =>
    Float32Array.from({ length: n }, (_, i) => offset + amplitude * Math.sin(1.7 * i + 0.3));
  const size = 16;
  return {
    modelName: model.name,
    modelHash: model.hash,
    params: {
      identity: wave(S, 1.3),
      expression: wave(E, 0.4, 0.5),
      pose: wave(3 * J, 0.2),
      texture: wave(T, 0.9),
      tint: wave(48, 0.05),
    },
    camera: {
      kind: 'perspective',
      focal: 1234.5,
      principal: [512.25, 384.5],
      translation: [0.01, -0.02, -0.7],
    },
    light: wave(27, 0.5),
    image: { width: 1024, height: 768 },
    observation: {
      box: { x: 300.5, y: 200.25, width: 220, height: 260 },
      score: 0.97,
      landmarks68: wave(136, 100, 400),
      mesh: wave(478 * 3, 120, 420),
    },
    energy: {
      total: 812.5,
      terms: { landmarks: 100.25, photometric: 700, prior: 12.25 },
      curve: [
        { stage: 'rigid', iteration: 0, energy: 9000 },
        { stage: 'rigid', iteration: 1, energy: 2000.125 },
        { stage: 'photometric 112', iteration: 0, energy: 812.5 },
      ],
    },
    metrics: { landmarkNmeInner51: 0.021, skinL1: 0.035, skinPsnrDb: 27.5, skinPixels: 11873 },
    skin: {
      crop: { origin: [250.5, 150.5], scale: 0.4, size },
      mask: Uint8Array.from({ length: size * size }, (_, i) => (i * 7) & 255),
    },
    timingMs: { perceive: 123.456, solve: 987.654 },
    warnings: ['the mouth is covered'],
  };
}
