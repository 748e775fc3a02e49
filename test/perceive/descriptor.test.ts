/** What tells faces apart: the same face in other pictures, another face; what it is made from; aborts and bad input. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AbortedError, InvalidArgumentError } from '../../src/core/errors.ts';
import type { Image8 } from '../../src/core/image.ts';
import { loadPerception } from '../../src/node/perception.ts';
import type { FaceObservation, FacePerception } from '../../src/perceive/types.ts';
import { GREY, MONA_LISA, PORTRAIT, read } from './pictures.ts';

let perception: FacePerception;
let portrait: Image8;
let face: FaceObservation;
let descriptor: Float32Array;
beforeAll(async () => {
  perception = await loadPerception();
  portrait = await read(PORTRAIT);
  [face] = await perception.detect(portrait);
  descriptor = await perception.describe!(portrait, face);
});
afterAll(() => perception?.dispose());

/** Cosine to the portrait's descriptor of the face found in another picture. */
async function likeness(image: Image8): Promise<number> {
  const [found] = await perception.detect(image);
  const other = await perception.describe!(image, found);
  return other.reduce((sum, x, i) => sum + x * descriptor[i], 0);
}

describe('describe', () => {
  it('gives 1024 numbers of unit length', () => {
    expect(descriptor.length).toBe(1024);
    expect(Math.hypot(...descriptor)).toBeCloseTo(1, 5);
  });

  it('finds the same face alike in another picture, another face not', async () => {
    const same = await Promise.all([
      read(PORTRAIT, (s) => s.rotate(25, { background: GREY })),
      read(PORTRAIT, (s) => s.resize({ width: Math.round(portrait.width / 2) })),
      read(PORTRAIT, (s) => s.flop().modulate({ brightness: 0.7 })),
    ]);
    // 0.998, 0.97 and 0.96; 0.33 with the Mona Lisa.
    for (const image of same) expect(await likeness(image)).toBeGreaterThan(0.85);
    expect(await likeness(await read(MONA_LISA))).toBeLessThan(0.5);
  });

  it('needs the landmarks only', async () => {
    const { landmarks68 } = face;
    const box = { x: 0, y: 0, width: 1, height: 1 };
    expect(await perception.describe!(portrait, { landmarks68, box, score: 0, mesh: null })).toEqual(
      descriptor,
    );
  });

  it('refuses landmarks that are no face, and hears an abort', async () => {
    const nowhere = { ...face, landmarks68: new Float32Array(136).fill(Number.NaN) };
    await expect(perception.describe!(portrait, nowhere)).rejects.toThrow(InvalidArgumentError);
    const onePoint = { ...face, landmarks68: new Float32Array(136).fill(40) };
    await expect(perception.describe!(portrait, onePoint)).rejects.toThrow(InvalidArgumentError);
    const signal = AbortSignal.abort();
    await expect(perception.describe!(portrait, face, { signal })).rejects.toThrow(AbortedError);
  });
});
