/** Perceptions put together: whose boxes, landmarks and mesh come out; S3FD and FAN planted with what MediaPipe sees. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AbortedError, InvalidArgumentError } from '../../src/core/errors.ts';
import type { Image8 } from '../../src/core/image.ts';
import { onnxRuntime } from '../../src/node/onnx.ts';
import { loadPerception } from '../../src/node/perception.ts';
import { composePerception } from '../../src/perceive/compose.ts';
import { loadFan } from '../../src/perceive/fan.ts';
import { loadS3fd } from '../../src/perceive/s3fd.ts';
import type {
  FaceBoxDetector,
  FaceObservation,
  FacePerception,
  LandmarkDetector,
} from '../../src/perceive/types.ts';
import { plantedFan, plantedS3fd } from '../helpers/planted-face.ts';
import { PORTRAIT, read } from './pictures.ts';

describe('on a portrait', () => {
  let image: Image8;
  let base: FacePerception;
  let truth: FaceObservation;
  let detector: FaceBoxDetector;
  let landmarks: LandmarkDetector;
  /** What the planted S3FD says: MediaPipe's box moved and stretched a little. */
  let box: { x: number; y: number; width: number; height: number; score: number };

  beforeAll(async () => {
    image = await read(PORTRAIT, (s) => s.resize(480));
    base = await loadPerception();
    [truth] = await base.detect(image);
    const { x, y, width, height } = truth.box;
    box = { x: x - 6, y: y + 4, width: width + 10, height: height * 1.05, score: 0.93 };
    detector = await loadS3fd(plantedS3fd(image.width, image.height, box), onnxRuntime());
    landmarks = await loadFan(plantedFan(box, truth.landmarks68), onnxRuntime());
  });
  afterAll(() => {
    base?.dispose();
    detector?.dispose();
    landmarks?.dispose();
  });

  /** Distance of landmarks from MediaPipe's in cells of FAN's heat maps. */
  function cells(face: FaceObservation, of: { width: number; height: number } = box): number {
    const cell = (200 * (of.width + of.height)) / 195 / 64;
    let most = 0;
    for (let i = 0; i < 136; i++)
      most = Math.max(most, Math.abs(face.landmarks68[i] - truth.landmarks68[i]) / cell);
    return most;
  }

  it('S3FD and FAN: box and score of the one, landmarks of the other, no mesh', async () => {
    const [face, ...others] = await composePerception({ detector, landmarks }).detect(image);
    expect(others).toEqual([]);
    for (const key of ['x', 'y', 'width', 'height'] as const) expect(face.box[key]).toBeCloseTo(box[key], 2);
    expect(face.score).toBeCloseTo(0.93, 5);
    expect(face.mesh).toBeNull();
    // A landmark is known to a quarter of a cell.
    expect(cells(face)).toBeLessThan(0.2501);
    expect(cells(face)).toBeGreaterThan(0);
  });

  it('S3FD and FAN, keeping the mesh that MediaPipe sees in the box', async () => {
    const [face] = await composePerception({ detector, landmarks, base, keepMesh: true }).detect(image);
    expect(face.box.x).toBeCloseTo(box.x, 2);
    expect(cells(face)).toBeLessThan(0.2501);
    let sum = 0;
    for (let i = 0; i < 478; i++)
      sum += Math.hypot(
        face.mesh![3 * i] - truth.mesh![3 * i],
        face.mesh![3 * i + 1] - truth.mesh![3 * i + 1],
      );
    // Another crop, another first guess: about a pixel.
    expect(sum / 478).toBeLessThan(0.01 * truth.box.width);
  });

  it("S3FD and MediaPipe's landmarks in its box", async () => {
    const [face] = await composePerception({ detector, base }).detect(image);
    expect(face.box.width).toBeCloseTo(box.width, 2);
    expect(face.score).toBeCloseTo(0.93, 5);
    expect(cells(face)).toBeLessThan(1);
    expect(face.mesh).not.toBeNull();
  });

  it("MediaPipe's box and FAN", async () => {
    // Planted for the box that it will be given.
    const own = await loadFan(plantedFan({ ...truth.box, score: 1 }, truth.landmarks68), onnxRuntime());
    const [face] = await composePerception({ landmarks: own, base }).detect(image);
    expect(face.box).toEqual(truth.box);
    expect(face.score).toBe(truth.score);
    expect(face.mesh).toBeNull();
    expect(cells(face, truth.box)).toBeLessThan(0.2501);
    const [kept] = await composePerception({ landmarks: own, base, keepMesh: true }).detect(image);
    expect([...kept.mesh!]).toEqual([...truth.mesh!]);
    own.dispose();
  });

  it('drops a box in which MediaPipe sees no face, where its landmarks are needed', async () => {
    const corner = { x: 2, y: 2, width: 60, height: 60, score: 0.8 };
    const both: FaceBoxDetector = { ...detector, detectBoxes: async () => [box, corner] };
    expect(await composePerception({ detector: both, base }).detect(image)).toHaveLength(1);
    expect(await composePerception({ detector: both, landmarks }).detect(image)).toHaveLength(2);
  });

  it('leaves out boxes too small to measure', async () => {
    const tiny: FaceBoxDetector = {
      ...detector,
      detectBoxes: async () => [{ x: 50, y: 50, width: 6, height: 7, score: 0.9 }],
    };
    expect(await composePerception({ detector: tiny, landmarks }).detect(image)).toEqual([]);
  });

  it('describes faces by the base, whose landmarks they may not have; by nobody without one', async () => {
    const perception = composePerception({ detector, landmarks, base });
    const [face] = await perception.detect(image);
    const [own, other] = [await base.describe!(image, truth), await perception.describe!(image, face)];
    expect(own.reduce((sum, x, i) => sum + x * other[i], 0)).toBeGreaterThan(0.97);
    expect(composePerception({ detector, landmarks }).describe).toBeUndefined();
  });

  it('can be cancelled', async () => {
    const perception = composePerception({ detector, landmarks });
    await expect(perception.detect(image, { signal: AbortSignal.abort() })).rejects.toThrow(AbortedError);
  });
});

describe('parts', () => {
  const part = () => {
    let disposed = 0;
    return {
      dispose: () => void disposed++,
      disposed: () => disposed,
      detectBoxes: async () => [],
      landmarks68: async () => new Float32Array(136),
      detect: async () => [],
    };
  };

  it('are asked for where they are missing', () => {
    expect(() => composePerception({})).toThrow(InvalidArgumentError);
    expect(() => composePerception({ detector: part() })).toThrow(/landmarks needs another part/);
    expect(() => composePerception({ landmarks: part() })).toThrow(/a detector needs another part/);
    expect(() => composePerception({ detector: part(), landmarks: part(), keepMesh: true })).toThrow(
      /keepMesh/,
    );
  });

  it('are disposed together', () => {
    const [detector, landmarks, base] = [part(), part(), part()];
    composePerception({ detector, landmarks, base }).dispose();
    expect([detector, landmarks, base].map((p) => p.disposed())).toEqual([1, 1, 1]);
  });
});
