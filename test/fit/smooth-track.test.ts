import { describe, expect, it } from 'vitest';
import { smoothTrack } from '../../src/fit/video/smooth-track.ts';
import type { TrackedFrame } from '../../src/fit/video/types.ts';
import { makeNoisyTrack } from '../helpers/noisy-track.ts';
import { makeTinyHead } from '../helpers/tiny-head.ts';

const model = makeTinyHead();
const LOST = 140;
const { track, said } = makeNoisyTrack(model, 190, LOST);
const evidence = { put: () => {}, get: (index: number) => said.get(index) ?? null };

/** Largest difference of expressions and joints. */
function difference(a: readonly TrackedFrame[], b: readonly TrackedFrame[]): number {
  let largest = 0;
  for (const [i, frame] of a.entries())
    for (const name of ['expression', 'pose'] as const)
      for (const [k, value] of frame[name].entries())
        largest = Math.max(largest, Math.abs(value - b[i][name][k]));
  return largest;
}

describe('smoothTrack, in blocks', () => {
  it('gives what the whole shot in one gives', async () => {
    const whole = await smoothTrack(track, model, { evidence, block: Infinity });
    expect(difference(whole.frames, track.frames)).toBeGreaterThan(0.1);
    for (const block of [16, 64]) {
      const { frames } = await smoothTrack(track, model, { evidence, block });
      expect(frames.map((f) => f.index)).toEqual(track.frames.map((f) => f.index));
      expect(difference(frames, whole.frames)).toBeLessThan(1e-3);
      expect(frames[LOST]).toBe(track.frames[LOST]);
    }
  });

  it('looks farther where it smooths more', async () => {
    // So small that its accelerations are no outliers to the narrower prior.
    const noise = 0.01;
    const small = makeNoisyTrack(model, 400, 350, noise);
    const options = {
      evidence: { put: () => {}, get: (index: number) => small.said.get(index) ?? null },
      strength: 100,
    };
    const whole = await smoothTrack(small.track, model, { ...options, block: Infinity });
    const { frames } = await smoothTrack(small.track, model, { ...options, block: 16 });
    expect(difference(frames, whole.frames)).toBeLessThan(1e-3 * noise);
  });
});
