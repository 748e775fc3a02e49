/** The built thread that decodes gives what decoding on the caller's thread gives. Needs ffmpeg, skipped without. */
import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { VideoFrame, VideoSource } from '../../src/core/video.ts';
import { openVideo } from '../../src/node/video-source.ts';
import { lastingFolder } from '../cli/helpers.ts';

const without = spawnSync('ffmpeg', ['-version']).status === 0 ? '' : ' (skipped: no ffmpeg on the PATH)';

async function all(frames: AsyncIterable<VideoFrame>): Promise<VideoFrame[]> {
  const out: VideoFrame[] = [];
  for await (const frame of frames) out.push(frame);
  return out;
}
const content = (frames: readonly VideoFrame[]) =>
  frames.map(({ index, time, image }) => ({
    index,
    time,
    size: [image.width, image.height],
    sum: [...image.data],
  }));

describe.skipIf(without !== '')(`openThreadedVideo${without}`, () => {
  const folder = lastingFolder();
  const file = path.join(folder, 'a.mp4');
  let openThreadedVideo: typeof import('../../src/node/threaded-video.ts').openThreadedVideo;
  beforeAll(async () => {
    // The worker's module exists in the built code only.
    ({ openThreadedVideo } = await import('../../dist/node/threaded-video.js' as string));
    const source = 'testsrc=s=64x48:r=25:d=1';
    execFileSync('ffmpeg', ['-v', 'error', '-y', '-f', 'lavfi', '-i', source, '-pix_fmt', 'yuv420p', file]);
  });

  it('gives the same frames, twice, in shared memory, two ranges at a time', async () => {
    const here: VideoSource = await openVideo(file);
    const there = await openThreadedVideo(file);
    const { frames: _, close: __, reuse: ___, ...facts } = there;
    expect(await openVideo(file)).toMatchObject(facts);
    const whole = content(await all(here.frames()));
    expect(whole).toHaveLength(25);
    const first = await all(there.frames());
    expect(content(first)).toEqual(whole);
    expect(first[0].image.data.buffer).toBeInstanceOf(SharedArrayBuffer);
    const [part, sparse] = await Promise.all([
      all(there.frames({ start: 0.2, end: 0.4 })),
      all(there.frames({ fps: 5 })),
    ]);
    expect(content(part)).toEqual(content(await all(here.frames({ start: 0.2, end: 0.4 }))));
    expect(content(sparse)).toEqual(content(await all(here.frames({ fps: 5 }))));
    there.close();
  });

  it('puts later frames into memory that it is given back, and into no other', async () => {
    const whole = content(await all((await openVideo(file)).frames()));
    const there = await openThreadedVideo(file);
    const kept: VideoFrame[] = [];
    const given: Uint8ClampedArray[] = [];
    for await (const frame of there.frames()) {
      if (frame.index % 2 === 0) kept.push(frame);
      else {
        given.push(frame.image.data);
        there.reuse!(frame.image);
      }
    }
    expect(content(kept)).toEqual(whole.filter((_, i) => i % 2 === 0));
    const frameIn = (data: Uint8ClampedArray) =>
      whole.findIndex(({ sum }) => String(sum) === String([...data]));
    // The first ones hold some later frame by now.
    for (const n of [0, 1, 2, 3]) expect(frameIn(given[n]), `${n}`).toBeGreaterThan(2 * n + 1);
    there.close();
  });

  it('ends early, hears an abort, and tells of damage', async () => {
    const there = await openThreadedVideo(file);
    for await (const { index } of there.frames()) if (index === 2) break;
    const controller = new AbortController();
    const aborted = (async () => {
      for await (const { index } of there.frames({ signal: controller.signal }))
        if (index === 3) controller.abort();
    })();
    await expect(aborted).rejects.toMatchObject({ name: 'AbortedError' });
    expect(await all(there.frames())).toHaveLength(25);
    there.close();
    await expect(all(there.frames())).rejects.toThrow(/video-worker/);
  });

  it('hears an abort while it opens', async () => {
    const controller = new AbortController();
    const opening = openThreadedVideo(file, { signal: controller.signal });
    controller.abort();
    await expect(opening).rejects.toMatchObject({ name: 'AbortedError' });
  });

  it('fails as openVideo does', async () => {
    await expect(openThreadedVideo(path.join(folder, 'nothing.mp4'))).rejects.toMatchObject({
      name: 'InvalidArgumentError',
    });
    const text = path.join(folder, 'text.mp4');
    writeFileSync(text, 'no video at all');
    await expect(openThreadedVideo(text)).rejects.toMatchObject({ name: 'FormatError' });
    const video = await openThreadedVideo(file);
    await expect(all(video.frames({ start: 50 }))).rejects.toThrow(/has no frame from 50 s on/);
    video.close();
  });
});
