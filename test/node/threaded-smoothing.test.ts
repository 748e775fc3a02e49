/** Tracks smoothed on the built thread, beside the caller. */
import { describe, expect, it } from 'vitest';
import { smoothTrack } from '../../src/fit/video/smooth-track.ts';
import type { TrackedFrame } from '../../src/fit/video/types.ts';
import type * as Smoothing from '../../src/node/threaded-smoothing.ts';
import { makeNoisyTrack } from '../helpers/noisy-track.ts';
import { makeTinyHead } from '../helpers/tiny-head.ts';

// The worker's module exists in the built code only.
const built: typeof Smoothing = await import('../../dist/node/threaded-smoothing.js' as string);
const here: typeof Smoothing = await import('../../src/node/threaded-smoothing.ts');

const model = makeTinyHead();
const { track, said } = makeNoisyTrack(model, 120, 100);
const { identity } = track;

describe.each([
  ['on a thread', built],
  ['on this thread', here],
])('openSmoothing, %s', (_, { openSmoothing }) => {
  it('gives the frames of smoothTrack, in order, before the last one is there', async () => {
    const evidence = { put: () => {}, get: (index: number) => said.get(index) ?? null };
    const { frames } = await smoothTrack(track, model, { evidence });
    const settled: TrackedFrame[] = [];
    const smoothing = openSmoothing({ model, identity }, (more) => void settled.push(...more));
    for (const frame of track.frames.slice(0, 110)) await smoothing.put(frame, said.get(frame.index) ?? null);
    expect(settled.length).toBeGreaterThanOrEqual(101);
    for (const frame of track.frames.slice(110)) void smoothing.put(frame, said.get(frame.index) ?? null);
    await smoothing.end();
    await smoothing.stop();
    expect(settled.map((f) => f.index)).toEqual(frames.map((f) => f.index));
    // Threads may use relaxed SIMD where this one does not.
    for (const [i, frame] of settled.entries())
      for (const [k, e] of frame.expression.entries()) expect(e).toBeCloseTo(frames[i].expression[k], 4);
  });

  it('tells in the end what went wrong on the way', async () => {
    const smoothing = openSmoothing({ model, identity }, () => {
      throw new Error('nowhere to put them');
    });
    for (const frame of track.frames) void smoothing.put(frame, said.get(frame.index) ?? null);
    await expect(smoothing.end()).rejects.toThrow('nowhere to put them');
    await smoothing.stop();
  });
});
