/** Films made on the built thread, beside the caller. Needs ffmpeg (Debian: apt install ffmpeg), skipped without. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { personalModel } from '../../src/fit/video/personal-model.ts';
import { writeOverlayFilm } from '../../src/node/overlay-film.ts';
import { openVideo } from '../../src/node/video-source.ts';
import { lastingFolder, temporaryFolder } from '../cli/helpers.ts';
import { makeTinyHead } from '../helpers/tiny-head.ts';
import { makeTinyTrack } from '../helpers/tiny-track.ts';

const without = spawnSync('ffmpeg', ['-version']).status === 0 ? '' : ' (skipped: no ffmpeg on the PATH)';

describe.skipIf(without !== '')(`openOverlayFilm${without}`, () => {
  const video = path.join(lastingFolder(), 'pictures');
  const model = makeTinyHead();
  const track = makeTinyTrack(model, 8);
  const person = personalModel(model, track.identity);
  const options = { maxDimension: 64, pictureRate: 25 };
  let openOverlayFilm: typeof import('../../src/node/threaded-film.ts').openOverlayFilm;
  beforeAll(async () => {
    // The worker's module exists in the built code only.
    ({ openOverlayFilm } = await import('../../dist/node/threaded-film.js' as string));
    mkdirSync(video);
    for (let i = 0; i < 20; i++)
      await sharp({ create: { width: 64, height: 48, channels: 3, background: { r: 10 * i, g: 90, b: 40 } } })
        .png()
        .toFile(path.join(video, `${i}.png`));
  });
  const open = () => openOverlayFilm({ video, options, person, layout: 'over' });
  const never = new AbortController().signal;

  it('gives the film that the caller would have made, and puts it in place when it is told to', async () => {
    const folder = temporaryFolder();
    const [here, there] = ['here.mp4', 'there.mp4'].map((name) => path.join(folder, name));
    const source = await openVideo(video, options);
    await writeOverlayFilm(here, source, person, track);
    source.close();
    const film = open();
    let place = () => {};
    const when = new Promise<void>((resolve) => {
      place = resolve;
    });
    let whole = () => {};
    const painted = new Promise<void>((resolve) => {
      whole = resolve;
    });
    const onFrame = (done: number) => void (done === track.frames.length && whole());
    const { begun, done } = film.make(there, track, { signal: never, when, onFrame });
    await begun;
    await painted;
    expect(existsSync(there)).toBe(false);
    place();
    await done;
    await film.stop();
    expect(readFileSync(there).equals(readFileSync(here))).toBe(true);
    expect(readdirSync(folder).sort()).toEqual(['here.mp4', 'there.mp4']);
  });

  it('leaves nothing when it is cancelled', async () => {
    const folder = temporaryFolder();
    const film = open();
    const cancelling = new AbortController();
    const { done } = film.make(path.join(folder, 'a.mp4'), track, {
      signal: cancelling.signal,
      when: Promise.resolve(),
      onFrame: () => cancelling.abort(),
    });
    await expect(done).rejects.toMatchObject({ name: 'AbortedError' });
    await film.stop();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('leaves nothing when it is cancelled before it has begun', async () => {
    const folder = temporaryFolder();
    const film = open();
    const cancelling = new AbortController();
    const when = Promise.resolve();
    const making = { signal: cancelling.signal, when, onFrame: () => {} };
    const { begun, done } = film.make(path.join(folder, 'a.mp4'), track, making);
    cancelling.abort();
    await begun;
    await expect(done).rejects.toMatchObject({ name: 'AbortedError' });
    await film.stop();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('fails in the words of what failed there', async () => {
    const folder = temporaryFolder();
    const film = openOverlayFilm({ video: path.join(folder, 'none'), options, person, layout: 'over' });
    const { begun, done } = film.make(path.join(folder, 'a.mp4'), track, {
      signal: never,
      when: Promise.resolve(),
      onFrame: () => {},
    });
    await begun;
    await expect(done).rejects.toThrow(/none: there is no such file or folder/);
    await film.stop();
    expect(readdirSync(folder)).toEqual([]);
  });
});
