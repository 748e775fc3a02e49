/** The built perception thread sees what perception on the caller's thread sees. */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Image8 } from '../../src/core/image.ts';
import { type Seen, watchVideo } from '../../src/fit/video/watch-video.ts';
import { loadPerception } from '../../src/node/perception.ts';
import { decodePhoto } from '../../src/node/photo.ts';
import type { ThreadedPerception } from '../../src/node/threaded-perception.ts';
import { openVideo } from '../../src/node/video-source.ts';
import type { FaceObservation, FacePerception } from '../../src/perceive/types.ts';
import { lastingFolder } from '../cli/helpers.ts';

const noFfmpeg = spawnSync('ffmpeg', ['-version']).status === 0 ? '' : ' (skipped: no ffmpeg on the PATH)';
const sha = (data: Uint8ClampedArray) => createHash('sha1').update(data).digest('hex');

let here: FacePerception;
let thread: ThreadedPerception;
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

describe('watching a video', () => {
  const folder = lastingFolder();
  beforeAll(async () => {
    // One person, nobody, then two: which one is followed must be asked.
    const face = await sharp('examples/portrait.jpg').resize(200, 200, { fit: 'cover' }).png().toBuffer();
    const paint = (n: number, lefts: readonly number[]) =>
      sharp({ create: { width: 420, height: 210, channels: 3, background: '#888' } })
        .composite(lefts.map((left) => ({ input: face, left, top: 4 })))
        .png()
        .toFile(path.join(folder, `${n}.png`));
    const frames = [[0], [2], [4], [], [], [0, 210], [2, 212], [4, 214]];
    await Promise.all(frames.map((lefts, n) => paint(n, lefts)));
  });
  const order = { file: folder, video: {}, options: { face: 'largest', resume: null } } as const;
  const right = (faces: readonly FaceObservation[]) =>
    faces.find(({ box }) => box.x + box.width / 2 > 210) ?? null;
  const watch = async (signal = new AbortController().signal, asked: number[] = []) => {
    const frames: Seen[] = [];
    for await (const seen of thread.watch!(
      order,
      signal,
      [],
    )((faces) => {
      asked.push(faces.length);
      return right(faces);
    }))
      frames.push(seen);
    return frames;
  };

  it('sees what is seen here, and asks which of two faces it is', async () => {
    const asked: number[] = [];
    const there = await watch(undefined, asked);
    expect(asked).toEqual([2]);
    const source = await openVideo(folder);
    const seen: Seen[] = [];
    for await (const frame of watchVideo(source, { perception: here, face: 'largest', recognise: right }))
      seen.push(frame);
    const content = (frames: readonly Seen[]) =>
      frames.map(({ frame, cut, sighting }) => [
        frame.index,
        frame.time,
        cut,
        sighting,
        [...frame.image.data],
      ]);
    expect(content(there)).toEqual(content(seen));
    expect(there.map(({ sighting }) => sighting !== null)).toEqual([
      true,
      true,
      true,
      false,
      false,
      true,
      true,
      true,
    ]);
    expect(there.at(-1)!.sighting!.observation.box.x).toBeGreaterThan(210);
  });

  it('tells what every frame looks like within so many pixels, before it gives it', async () => {
    const told: { frame: number; width: number; height: number; mean: number }[] = [];
    const large: number[] = [];
    const mean = (data: Uint8ClampedArray) => data.reduce((sum, x) => sum + x, 0) / data.length;
    const small = { ...order, small: 100 };
    const onSmall = (frame: number, { width, height, data }: Image8) =>
      void told.push({ frame, width, height, mean: mean(data) });
    for await (const { frame } of thread.watch!(small, new AbortController().signal, [], onSmall)(right)) {
      expect(told.at(-1)!.frame).toBe(frame.index);
      large.push(mean(frame.image.data));
    }
    expect(told.map(({ frame }) => frame)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    for (const [i, { width, height, mean }] of told.entries()) {
      expect([width, height]).toEqual([100, 50]);
      expect(Math.abs(mean - large[i])).toBeLessThan(1);
    }
  });

  it.skipIf(noFfmpeg !== '')(
    `uses the memory of pictures again, and of none that is still looked at${noFfmpeg}`,
    async () => {
      const file = path.join(folder, 'film.mkv');
      const pictures = ['-stream_loop', '3', '-framerate', '25', '-i', path.join(folder, '%d.png')];
      execFileSync('ffmpeg', ['-v', 'error', '-y', ...pictures, '-c:v', 'ffv1', file]);
      const look = async (passing: boolean) => {
        const film = { file, video: {}, options: order.options, small: 100, passing };
        const contents: string[] = [];
        const held: Image8[] = [];
        for await (const { frame } of thread.watch!(film, new AbortController().signal, [])(right)) {
          held.push(frame.image);
          // The next frame is there by now, or on its way.
          await new Promise((resolve) => setTimeout(resolve, 60));
          contents.push(sha(frame.image.data));
        }
        return { contents, later: held.map(({ data }) => sha(data)) };
      };
      const kept = await look(false);
      expect(kept.contents).toHaveLength(32);
      expect(kept.later).toEqual(kept.contents);
      const passing = await look(true);
      expect(passing.contents).toEqual(kept.contents);
      expect(passing.later).not.toEqual(kept.contents);
    },
  );

  it('ends early, hears an abort, and watches again', async () => {
    for await (const { frame } of thread.watch!(order, new AbortController().signal, [])(right))
      if (frame.index === 1) break;
    await expect(watch(AbortSignal.abort())).rejects.toMatchObject({ name: 'AbortedError' });
    expect(await watch()).toHaveLength(8);
    expect(await thread.detect(image)).toEqual(await here.detect(image));
  });

  it('tells why a video cannot be watched', async () => {
    const nothing = { ...order, file: path.join(folder, 'nothing.mp4') };
    const first = thread.watch!(nothing, new AbortController().signal, [])(right)[Symbol.asyncIterator]();
    await expect(first.next()).rejects.toMatchObject({ name: 'InvalidArgumentError' });
  });
});
