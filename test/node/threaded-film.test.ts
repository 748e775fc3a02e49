/** Films made on the built thread, beside the caller. Needs ffmpeg (Debian: apt install ffmpeg), skipped without. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { eventsHandled } from '../../src/core/progress.ts';
import { personalModel } from '../../src/fit/video/personal-model.ts';
import { filmClock, filmRate, writeOverlayFilm } from '../../src/node/overlay-film.ts';
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
  const order = { video, options, person, width: track.width, layout: 'over' } as const;

  it('gives the film that the caller would have made, and puts it in place when it is told to', async () => {
    const folder = temporaryFolder();
    const [here, there] = ['here.mp4', 'there.mp4'].map((name) => path.join(folder, name));
    const source = await openVideo(video, options);
    await writeOverlayFilm(here, source, person, track);
    source.close();
    const film = openOverlayFilm(there, order);
    let place = () => {};
    const when = new Promise<void>((resolve) => {
      place = resolve;
    });
    let whole = () => {};
    const painted = new Promise<void>((resolve) => {
      whole = resolve;
    });
    const onFrame = (done: number) => void (done === track.frames.length && whole());
    // As they come from a track: none, some, the others.
    film.add([]);
    film.add(track.frames.slice(0, 3));
    await film.begun;
    film.add(track.frames.slice(3));
    const done = film.finish({ when, onFrame });
    await painted;
    expect(existsSync(there)).toBe(false);
    place();
    await done;
    await film.stop();
    expect(readFileSync(there).equals(readFileSync(here))).toBe(true);
    expect(readdirSync(folder).sort()).toEqual(['here.mp4', 'there.mp4']);
  });

  it('shows the photos that frames bring, and reads the video again for the others and for those of another size', async () => {
    const folder = temporaryFolder();
    const out = path.join(folder, 'a.mp4');
    const blue = (width: number, height: number) => {
      const data = new Uint8ClampedArray(new SharedArrayBuffer(4 * width * height));
      for (let i = 0; i < data.length; i += 4) data.set([0, 0, 200, 255], i);
      return { width, height, data };
    };
    const brought = new Map([
      [1, blue(64, 48)],
      [2, blue(64, 48)],
      [5, blue(64, 48)],
      [6, blue(32, 24)],
    ]);
    const film = openOverlayFilm(out, order);
    film.add(track.frames.map((frame, i) => ({ ...frame, photo: brought.get(i) })));
    await film.begun;
    await film.finish({ when: Promise.resolve(), onFrame: () => {} });
    await film.stop();
    const corners: number[][] = [];
    for await (const { image } of (await openVideo(out)).frames())
      corners.push([...image.data.subarray(0, 3)]);
    const isBlue = ([r, , b]: number[]) => b > 150 && r < 60;
    expect(corners).toHaveLength(8);
    expect(corners.map(isBlue)).toEqual([0, 1, 2, 3, 4, 5, 6, 7].map((i) => [1, 2, 5].includes(i)));
    // Of the others the one of their time, redder from picture to picture.
    for (const i of [0, 3, 4, 6, 7])
      expect(Math.abs(corners[i][0] - 10 * (3 + 2 * i)), `${i}`).toBeLessThan(12);
  });

  it('fails where the video is over before the track, as when its decoder is killed', async () => {
    const folder = temporaryFolder();
    const source = await openVideo(video, options);
    const broken = {
      ...source,
      async *frames() {
        let left = 10;
        for await (const frame of source.frames()) if (left-- > 0) yield frame;
      },
    };
    // The track is from 0.12 to 0.68 s; the video has its last frame at 0.36.
    await expect(writeOverlayFilm(path.join(folder, 'a.mp4'), broken, person, track)).rejects.toThrow(
      /broke/,
    );
    source.close();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('leaves nothing when it is given up: before it has begun, between frames, and while it is finished', async () => {
    for (const stage of ['new', 'begun', 'waiting', 'finishing']) {
      const folder = temporaryFolder();
      const film = openOverlayFilm(path.join(folder, 'a.mp4'), order);
      if (stage !== 'new') await film.begun;
      if (stage !== 'begun') film.add(track.frames.slice(0, 5));
      if (stage !== 'finishing') await film.stop();
      else {
        const done = film.finish({ when: Promise.resolve(), onFrame: () => void film.stop() });
        await expect(done).rejects.toMatchObject({ name: 'AbortedError' });
        await film.stop();
      }
      expect(readdirSync(folder), stage).toEqual([]);
    }
  });

  it('is given up where it is whole and its place never comes: other files could not be written', async () => {
    const { openOverlayFilm: openHere } = await import('../../src/node/threaded-film.ts');
    for (const open of [openOverlayFilm, openHere]) {
      const folder = temporaryFolder();
      const film = open(path.join(folder, 'a.mp4'), order);
      film.add(track.frames);
      await film.begun;
      const done = film.finish({ when: new Promise(() => {}), onFrame: () => {} });
      const failed = expect(done).rejects.toMatchObject({ name: 'AbortedError' });
      // Here nothing is begun before its place comes; on the thread it is soon whole.
      while (open !== openHere && !isFilm(folder)) await eventsHandled();
      await film.stop();
      await failed;
      expect(readdirSync(folder)).toEqual([]);
    }
  });

  it('fails in the words of what failed there', async () => {
    const folder = temporaryFolder();
    const film = openOverlayFilm(path.join(folder, 'a.mp4'), { ...order, video: path.join(folder, 'none') });
    film.add(track.frames);
    await film.begun;
    const done = film.finish({ when: Promise.resolve(), onFrame: () => {} });
    await expect(done).rejects.toThrow(/none: there is no such file or folder/);
    await film.stop();
    expect(readdirSync(folder)).toEqual([]);
  });
});

/** Whether there is a film that can be played aside in `folder`. */
function isFilm(folder: string): boolean {
  const [aside] = readdirSync(folder);
  return aside !== undefined && spawnSync('ffprobe', [path.join(folder, aside, 'content')]).status === 0;
}

describe('the clock of a film', () => {
  it('shows each frame for as long as it is, at the usual rate', () => {
    const times = [1, 1.04, 1.08, 1.121, 1.24, 1.28, 1.2801, 1.36];
    const fps = filmRate(times);
    expect(fps).toBeCloseTo(25, 1);
    const clock = filmClock(fps);
    expect(times.map(clock)).toEqual([0, 1, 1, 1, 3, 1, 0, 2]);
  });
});
