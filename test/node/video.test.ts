/**
 * Reading videos: containers, rotation, variable frame rates, odd sizes, damaged files. The videos are made by the
 * ffmpeg on the PATH (Debian: apt install ffmpeg), each frame a flat grey that tells its number; skipped, saying why,
 * where it is missing. The same through mediabunny where `@mediabunny/server` is installed.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { AbortedError, FormatError, InvalidArgumentError, PhotofitError } from '../../src/core/errors.ts';
import type { FrameRange, VideoFrame, VideoSource } from '../../src/core/video.ts';
import { mediabunnyServer } from '../../src/node/video-mediabunny.ts';
import { openVideo } from '../../src/node/video-source.ts';
import { lastingFolder, temporaryFolder } from '../cli/helpers.ts';

const noFfmpeg = spawnSync('ffmpeg', ['-version']).status === 0 ? null : 'no ffmpeg on the PATH';
const noServer = (await mediabunnyServer()) ? null : '@mediabunny/server is not installed';
const note = (why: string | null) => (why ? ` (skipped: ${why})` : '');

function ffmpeg(...args: string[]): void {
  execFileSync('ffmpeg', ['-v', 'error', '-y', ...args]);
}

/** Grey of frame n: 20 + 5 n; the left half of the picture, the right half is black. */
const GREY = 'geq=lum=if(lt(X\\,W/2)\\,20+5*N\\,0):cb=128:cr=128';
const FRAMES = 30;

function made(file: string, ...args: string[]): string {
  const input = `color=black:s=64x48:r=25:d=${FRAMES / 25}`;
  ffmpeg('-f', 'lavfi', '-i', input, '-vf', `${GREY},format=yuv420p`, ...args, '-color_range', 'tv', file);
  return file;
}

async function all(video: VideoSource, range?: FrameRange): Promise<VideoFrame[]> {
  const frames: VideoFrame[] = [];
  for await (const frame of video.frames(range)) frames.push(frame);
  return frames;
}

/** Number of the frame by its grey, which lies in TV range. */
function told({ image }: VideoFrame, x = 12, y = 24): number {
  const at = 4 * (y * image.width + x);
  return ((image.data[at] * 219) / 255 + 16 - 20) / 5;
}

function expectOrder(frames: readonly VideoFrame[], numbers: readonly number[]): void {
  expect(frames.map((f) => f.index)).toEqual(numbers);
  // Lossy coding moves greys by less than half of the five that tell two frames apart.
  frames.forEach((frame, i) => {
    expect(Math.abs(told(frame) - numbers[i])).toBeLessThan(0.45);
  });
}

/** The file without the last third of its pictures; an index before them stays whole. */
function cutOff(bytes: Buffer): Buffer {
  const start = Math.max(0, bytes.indexOf('mdat'));
  return bytes.subarray(0, start + Math.floor((bytes.length - start) * 0.65));
}

const numbers = (from: number, to: number, step = 1) =>
  Array.from({ length: Math.ceil((to - from) / step) }, (_, i) => from + i * step);

describe.skipIf(noFfmpeg)(`videos through ffmpeg${note(noFfmpeg)}`, () => {
  const folder = lastingFolder();
  const at = (name: string) => path.join(folder, name);
  beforeAll(() => {
    made(at('a.mp4'), '-c:v', 'libx264', '-qp', '4', '-bf', '2');
    made(at('a.mov'), '-c:v', 'mpeg4', '-q:v', '1');
    made(at('a.avi'), '-c:v', 'mjpeg', '-q:v', '1');
    made(at('a.webm'), '-c:v', 'libvpx', '-b:v', '2M', '-qmin', '0', '-qmax', '8');
  });

  describe.each(['a.mp4', 'a.mov', 'a.avi', 'a.webm'])('%s', (name) => {
    it('gives every frame, in order, with its time; and again', async () => {
      const video = await openVideo(at(name), { decoder: 'ffmpeg' });
      expect(video).toMatchObject({ width: 64, height: 48, decoder: 'ffmpeg', rate: 25, frameCount: FRAMES });
      expect(video.duration).toBeCloseTo(FRAMES / 25, 1);
      const frames = await all(video);
      expectOrder(frames, numbers(0, FRAMES));
      frames.forEach((frame, i) => {
        expect(frame.time).toBeCloseTo(i / 25, 2);
        expect(frame.image).toMatchObject({ width: 64, height: 48 });
        expect(frame.image.data).toHaveLength(4 * 64 * 48);
      });
      // The right half is black, all is opaque.
      const { data } = frames[20].image;
      expect(data[4 * (24 * 64 + 50)]).toBeLessThan(12);
      expect(data.every((x, i) => i % 4 !== 3 || x === 255)).toBe(true);
      expect(await all(video)).toEqual(frames);
      expect(video.warnings).toEqual([]);
    });

    it('gives the range asked for, with the numbers of the whole', async () => {
      const video = await openVideo(at(name), { decoder: 'ffmpeg' });
      expectOrder(await all(video, { start: 0.4, end: 0.8 }), numbers(10, 20));
      expectOrder(await all(video, { fps: 5 }), numbers(0, FRAMES, 5));
      expectOrder(await all(video, { start: 0.8, fps: 12.5 }), numbers(20, FRAMES, 2));
    });
  });

  it.each([
    ['clockwise', -90, 12, 52],
    ['counter-clockwise', 90, 52, 12],
  ])('turns frames upright: %s', async (name, rotate, grey, black) => {
    // ffprobe calls that rotation -90 and 90, counter-clockwise degrees: the grey left half comes up, or down.
    ffmpeg('-i', at('a.mp4'), '-c', 'copy', '-metadata:s:v', `rotate=${rotate}`, at(`${name}.mp4`));
    const video = await openVideo(at(`${name}.mp4`));
    expect([video.width, video.height]).toEqual([48, 64]);
    const [frame] = await all(video, { start: 0.4 });
    expect(Math.abs(told(frame, 24, grey) - 10)).toBeLessThan(0.5);
    expect(told(frame, 24, black)).toBeLessThan(0);
  });

  it('keeps the times of variable frame rates', async () => {
    // Frames 0…9 at 25 a second, the others at 5.
    const times = 'setpts=(if(lt(N\\,10)\\,N*0.04\\,0.4+(N-10)*0.2))/TB';
    for (const name of ['vfr.mp4', 'vfr.mkv']) {
      const filters = `${GREY},${times},format=yuv420p`;
      const input = ['-f', 'lavfi', '-i', 'color=black:s=64x48:r=25:d=0.8'];
      const output = ['-vsync', 'vfr', '-enc_time_base', '1:1000', '-c:v', 'libx264', '-qp', '4', at(name)];
      ffmpeg(...input, '-vf', filters, ...output);
      const frames = await all(await openVideo(at(name)));
      expectOrder(frames, numbers(0, 20));
      frames.forEach((frame, i) => {
        expect(frame.time).toBeCloseTo(i < 10 ? i * 0.04 : 0.4 + (i - 10) * 0.2, 2);
      });
    }
  });

  it('reads odd sizes, pixels that are not square, and shrinks what is too large', async () => {
    const odd = ['-f', 'lavfi', '-i', 'testsrc=s=53x37:d=0.2'];
    ffmpeg(...odd, '-c:v', 'libx264', '-pix_fmt', 'yuv444p', at('odd.mp4'));
    expect(await openVideo(at('odd.mp4'))).toMatchObject({ width: 53, height: 37 });
    expect((await all(await openVideo(at('odd.mp4'))))[2].image.data).toHaveLength(4 * 53 * 37);
    ffmpeg(...odd, '-vf', 'setsar=2', '-c:v', 'libx264', '-pix_fmt', 'yuv444p', at('wide.mp4'));
    expect(await openVideo(at('wide.mp4'))).toMatchObject({ width: 106, height: 37 });
    const small = await openVideo(at('a.mp4'), { maxDimension: 32 });
    expect(small).toMatchObject({ width: 32, height: 24 });
    expect(Math.abs(told((await all(small))[10], 6, 12) - 10)).toBeLessThan(0.5);
  });

  it('finds the video beside music, and names that look like options or protocols', async () => {
    const name = at('-i concat:a|b.mkv');
    ffmpeg('-f', 'lavfi', '-i', 'sine=d=1', '-i', at('a.mp4'), '-c:v', 'copy', '-shortest', `file:${name}`);
    expect((await all(await openVideo(name))).length).toBeGreaterThan(20);
  });

  it('seeks far starts', async () => {
    ffmpeg(
      ...['-f', 'lavfi', '-i', 'color=black:s=32x32:r=25:d=30', '-vf', 'format=yuv420p'],
      ...['-c:v', 'libx264', '-preset', 'ultrafast', at('long.mp4')],
    );
    const frames = await all(await openVideo(at('long.mp4')), { start: 29 });
    expect(frames.map((f) => f.index)).toEqual(numbers(725, 750));
    expect(frames[0].time).toBeCloseTo(29, 3);
  });

  it('stops when nobody reads on, and when cancelled', async () => {
    const video = await openVideo(at('a.mp4'));
    for await (const frame of video.frames()) if (frame.index === 3) break;
    const controller = new AbortController();
    const read = (async () => {
      for await (const _ of video.frames({ signal: controller.signal })) controller.abort();
    })();
    await expect(read).rejects.toThrow(AbortedError);
    await expect(all(video, { signal: controller.signal })).rejects.toThrow(AbortedError);
  });

  describe('bad input', () => {
    it('a file cut off: the frames before, and a warning', async () => {
      ffmpeg('-i', at('a.mp4'), '-c', 'copy', '-movflags', '+faststart', at('fast.mp4'));
      for (const [name, from] of [
        ['cut.mp4', 'fast.mp4'],
        ['cut.avi', 'a.avi'],
        ['cut.webm', 'a.webm'],
      ]) {
        const bytes = readFileSync(at(from));
        writeFileSync(at(name), cutOff(bytes));
        const video = await openVideo(at(name), { decoder: 'ffmpeg' });
        const frames = await all(video);
        expect(frames.length).toBeGreaterThan(2);
        expect(frames.length).toBeLessThan(FRAMES);
        expectOrder(frames.slice(0, -1), numbers(0, frames.length - 1));
        // A WebM in the making says no duration, so that nothing tells that it was cut.
        if (name !== 'cut.webm') expect(video.warnings.join()).toMatch(/breaks off after .* of .* s|damaged/);
      }
    });

    it.each([
      ['index.mp4', () => readFileSync(at('a.mp4')).subarray(0, 1200), /moov atom not found.*cut off/],
      ['text.txt', () => Buffer.from('this is no video\n'.repeat(100)), /not a video/],
      ['text.mp4', () => Buffer.from('this is no video\n'.repeat(100)), /not a video/],
      [
        'noise.mp4',
        () => Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 7919) & 255)),
        /not a video/,
      ],
    ])('%s', async (name, bytes, message) => {
      writeFileSync(at(name), bytes());
      const opened = openVideo(at(name), { decoder: 'ffmpeg' });
      await expect(opened).rejects.toThrow(FormatError);
      await expect(opened).rejects.toThrow(message);
      await expect(opened).rejects.toThrow(at(name));
    });

    it('music, with and without a cover', async () => {
      ffmpeg('-f', 'lavfi', '-i', 'sine=d=0.5', at('sound.wav'));
      await expect(openVideo(at('sound.wav'), { decoder: 'ffmpeg' })).rejects.toThrow(
        /no video stream .*only audio/,
      );
      const cover = [
        '-i',
        at('sound.wav'),
        '-f',
        'lavfi',
        '-i',
        'color=red:s=32x32:d=0.04',
        '-map',
        '0',
        '-map',
        '1',
      ];
      ffmpeg(...cover, '-c:v', 'mjpeg', '-disposition:v', 'attached_pic', at('cover.mp3'));
      await expect(openVideo(at('cover.mp3'), { decoder: 'ffmpeg' })).rejects.toThrow(/no video stream/);
    });

    it('an empty file, none, and times beyond the end', async () => {
      writeFileSync(at('empty.mp4'), '');
      await expect(openVideo(at('empty.mp4'))).rejects.toThrow(/empty\.mp4: the file is empty/);
      await expect(openVideo(at('none.mp4'))).rejects.toThrow(/none\.mp4: there is no such file/);
      const video = await openVideo(at('a.mp4'));
      await expect(all(video, { start: 5 })).rejects.toThrow(/no frame from 5 s on; it ends after 1\.20 s/);
      await expect(all(video, { start: 2, end: 1 })).rejects.toThrow(InvalidArgumentError);
      await expect(all(video, { fps: 0 })).rejects.toThrow(/fps must be a positive number/);
    });

    it('a stream without a frame', async () => {
      ffmpeg('-i', at('a.mp4'), '-c', 'copy', '-frames:v', '0', '-movflags', '+empty_moov', at('zero.mp4'));
      const read = async () => all(await openVideo(at('zero.mp4'), { decoder: 'ffmpeg' }));
      await expect(read()).rejects.toThrow(FormatError);
      await expect(read()).rejects.toThrow(/zero\.mp4: (not a single frame|has no video stream)/);
    });

    it('a decoder that is killed says so: before its first frame it is no fault of the file', async () => {
      const video = await openVideo(at('a.mp4'), { decoder: 'ffmpeg' });
      const real = execFileSync('sh', ['-c', 'command -v ffmpeg'], { encoding: 'utf8' }).trim();
      const folder = temporaryFolder();
      const before = process.env['PATH'];
      process.env['PATH'] = `${folder}:${before}`;
      const decoder = (script: string) =>
        writeFileSync(path.join(folder, 'ffmpeg'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
      try {
        decoder('kill -9 $$');
        const read = all(video);
        await expect(read).rejects.toThrow(PhotofitError);
        await expect(read).rejects.not.toThrow(FormatError);
        await expect(read).rejects.toThrow(
          /a\.mp4: ffmpeg was ended by SIGKILL .*run the same command again/,
        );
        decoder(`${real} "$@"\nkill -9 $$`);
        expect(await all(video)).toHaveLength(FRAMES);
        expect(video.warnings.join()).toMatch(/ffmpeg was ended by SIGKILL/);
      } finally {
        process.env['PATH'] = before;
      }
    });

    it('one frame only is read', async () => {
      ffmpeg('-i', at('a.mp4'), '-frames:v', '1', at('one.mp4'));
      expect(await all(await openVideo(at('one.mp4')))).toHaveLength(1);
    });
  });

  describe.skipIf(noServer)(`the same through mediabunny${note(noServer)}`, () => {
    it.each(['a.mp4', 'a.webm'])('%s', async (name) => {
      const video = await openVideo(at(name), { decoder: 'mediabunny' });
      expect(video).toMatchObject({ width: 64, height: 48, decoder: 'mediabunny', frameCount: FRAMES });
      const frames = await all(video);
      expectOrder(frames, numbers(0, FRAMES));
      expect(frames[10].time).toBeCloseTo(0.4, 2);
      expectOrder(await all(video, { start: 0.4, end: 0.8 }), numbers(10, 20));
      expectOrder(await all(video, { fps: 5 }), numbers(0, FRAMES, 5));
      video.close();
    });

    it('turned, cut off, no video', async () => {
      ffmpeg('-i', at('a.mp4'), '-c', 'copy', '-metadata:s:v', 'rotate=-90', at('turned2.mp4'));
      const video = await openVideo(at('turned2.mp4'), { decoder: 'mediabunny' });
      expect([video.width, video.height]).toEqual([48, 64]);
      expect(Math.abs(told((await all(video))[10], 24, 12) - 10)).toBeLessThan(0.5);
      ffmpeg('-i', at('a.mp4'), '-c', 'copy', '-movflags', '+faststart', at('fast2.mp4'));
      const bytes = readFileSync(at('fast2.mp4'));
      writeFileSync(at('cut2.mp4'), cutOff(bytes));
      const cut = await openVideo(at('cut2.mp4'), { decoder: 'mediabunny' });
      const frames = await all(cut);
      expect(frames.length).toBeGreaterThan(2);
      expect(cut.warnings.join()).toMatch(/breaks off/);
      writeFileSync(at('text2.mp4'), 'this is no video');
      await expect(openVideo(at('text2.mp4'), { decoder: 'mediabunny' })).rejects.toThrow(FormatError);
      ffmpeg('-f', 'lavfi', '-i', 'sine=d=0.5', at('sound2.wav'));
      await expect(openVideo(at('sound2.wav'), { decoder: 'mediabunny' })).rejects.toThrow(/no video stream/);
    });
  });
});

describe('a folder of pictures', () => {
  const picture = (grey: number, width = 40, height = 30) =>
    sharp({ create: { width, height, channels: 3, background: { r: grey, g: grey, b: grey } } })
      .png()
      .toBuffer();

  it('is a video in the natural order of names', async () => {
    const folder = temporaryFolder();
    for (let i = 0; i < 12; i++) writeFileSync(path.join(folder, `f${i}.png`), await picture(10 * i));
    writeFileSync(path.join(folder, 'notes.txt'), 'no picture');
    mkdirSync(path.join(folder, 'more'));
    const video = await openVideo(folder, { pictureRate: 10 });
    expect(video).toMatchObject({
      width: 40,
      height: 30,
      frameCount: 12,
      duration: 1.2,
      decoder: 'pictures',
    });
    const frames = await all(video);
    expect(frames.map((f) => f.image.data[0])).toEqual(numbers(0, 120, 10));
    expect(frames[11].time).toBeCloseTo(1.1);
    expect((await all(video, { start: 0.5, end: 0.8 })).map((f) => f.index)).toEqual([5, 6, 7]);
    expect((await all(video, { fps: 5 })).map((f) => f.index)).toEqual([0, 2, 4, 6, 8, 10]);
    await expect(all(video, { start: 3 })).rejects.toThrow(/no picture from 3 s on/);
  });

  it('other sizes are fitted in, damaged pictures left out, each with a warning', async () => {
    const folder = temporaryFolder();
    writeFileSync(path.join(folder, '1.png'), await picture(100));
    writeFileSync(path.join(folder, '2.png'), (await picture(100)).subarray(0, 60));
    writeFileSync(path.join(folder, '3.png'), await picture(200, 30, 30));
    const video = await openVideo(folder);
    const frames = await all(video);
    expect(frames.map((f) => f.index)).toEqual([0, 2]);
    const { data, width } = frames[1].image;
    expect([width, data[0], data[4 * 20]]).toEqual([40, 0, 200]);
    expect(video.warnings.join('\n')).toMatch(
      /left out: .*2\.png.*\n3\.png is 30 × 30 and was fitted into 40 × 30/,
    );
  });

  it('without pictures is refused', async () => {
    const folder = temporaryFolder();
    await expect(openVideo(folder)).rejects.toThrow(/holds no pictures/);
    writeFileSync(path.join(folder, '1.png'), 'nothing');
    await expect(openVideo(folder)).rejects.toThrow(/none of its 1 pictures can be read/);
  });
});

describe('without a decoder', () => {
  it('says what to install', async () => {
    const file = path.join(temporaryFolder(), 'a.mp4');
    writeFileSync(file, 'something');
    const before = process.env['PATH'];
    process.env['PATH'] = temporaryFolder();
    try {
      const opened = openVideo(file, { decoder: noServer ? 'auto' : 'ffmpeg' });
      await expect(opened).rejects.toThrow(PhotofitError);
      await expect(opened).rejects.toThrow(/apt install ffmpeg.*npm install @mediabunny\/server/);
    } finally {
      process.env['PATH'] = before;
    }
  });
});
