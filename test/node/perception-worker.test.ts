/** The built perception thread sees what perception on the caller's thread sees. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Image8 } from '../../src/core/image.ts';
import { loadPerception } from '../../src/node/perception.ts';
import { decodePhoto } from '../../src/node/photo.ts';
import type { FacePerception } from '../../src/perceive/types.ts';

let here: FacePerception;
let thread: FacePerception;
let image: Image8;
beforeAll(async () => {
  // The worker's module exists in the built code only.
  const built: typeof import('../../src/node/threaded-perception.ts') = await import(
    '../../dist/node/threaded-perception.js' as string
  );
  [here, thread] = await Promise.all([loadPerception(), built.loadThreadedPerception()]);
  image = (await decodePhoto('examples/portrait.jpg', { maxDimension: 512 })).image;
}, 60_000);
afterAll(() => {
  here?.dispose();
  thread?.dispose();
});

/** The picture, its content moved by whole pixels. */
function moved({ width, height, data }: Image8, dx: number, dy: number): Image8 {
  const out = new Uint8ClampedArray(data.length).fill(128);
  for (let y = Math.max(dy, 0); y < Math.min(height, height + dy); y++)
    for (let x = Math.max(dx, 0); x < Math.min(width, width + dx); x++)
      out.set(
        data.subarray(4 * ((y - dy) * width + x - dx), 4 * ((y - dy) * width + x - dx) + 4),
        4 * (y * width + x),
      );
  return { width, height, data: out };
}

describe('loadThreadedPerception', () => {
  it('finds the same faces', async () => {
    expect(await thread.detect(image)).toEqual(await here.detect(image));
  });

  it('follows a face that moves, and says when it is gone', async () => {
    const [face] = await here.detect(image);
    const next = moved(image, 9, -6);
    const followed = (await thread.track!(next, face))!;
    expect(followed).toEqual(await here.track!(next, face));
    // All landmarks move with the picture: by a fraction of a pixel more or less.
    for (let i = 17; i < 68; i++) {
      expect(Math.abs(followed.landmarks68[2 * i] - face.landmarks68[2 * i] - 9)).toBeLessThan(4);
      expect(Math.abs(followed.landmarks68[2 * i + 1] - face.landmarks68[2 * i + 1] + 6)).toBeLessThan(4);
    }
    const nothing = { ...image, data: new Uint8ClampedArray(image.data.length).fill(90) };
    expect(await thread.track!(nothing, face)).toBeNull();
  });

  it('describes a face the same', async () => {
    const [face] = await here.detect(image);
    expect(await thread.describe!(image, face)).toEqual(await here.describe!(image, face));
  });

  it('hears an abort, and goes on', async () => {
    await expect(thread.detect(image, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      name: 'AbortedError',
    });
    expect(await thread.detect(image)).toHaveLength(1);
  });
});
