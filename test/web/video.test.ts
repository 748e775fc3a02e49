/**
 * Videos in headless Chromium through the built bundle: WebCodecs behind mediabunny. Made by the ffmpeg on the PATH;
 * skipped, saying why, where ffmpeg, Chromium or the bundle is missing.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lastingFolder } from '../cli/helpers.ts';
import { type StaticServer, serve } from './server.ts';

const CHROMIUM = '/usr/bin/chromium';
const BUNDLE = 'dist/web/photofit.web.js';
const missing = !existsSync(CHROMIUM)
  ? (process.env.PHOTOFIT_NO_CHROMIUM ?? `no ${CHROMIUM}`)
  : !existsSync(BUNDLE)
    ? `no ${BUNDLE}: npm run build makes it`
    : spawnSync('ffmpeg', ['-version']).status === 0
      ? null
      : 'no ffmpeg on the PATH';

interface PageVideo {
  readonly width: number;
  readonly height: number;
  readonly rate: number;
  readonly frameCount: number;
  readonly warnings: readonly string[];
  readonly frames: readonly {
    readonly index: number;
    readonly time: number;
    readonly greys: readonly number[];
    readonly length: number;
  }[];
}

describe.skipIf(missing)(`videos in a page${missing ? ` (skipped: ${missing})` : ''}`, () => {
  const folder = lastingFolder();
  let server: StaticServer;
  let browser: Browser;
  let page: Page;
  const files: Record<string, Uint8Array> = {};

  const make = (name: string, ...args: string[]) => {
    const file = path.join(folder, name);
    execFileSync('ffmpeg', ['-v', 'error', '-y', ...args, file]);
    files[`/${name}`] = readFileSync(file);
    return file;
  };
  const read = (name: string, range: object = {}, points: readonly number[][] = [[12, 24]]) =>
    page.evaluate(
      ([url, r, p]) =>
        (window as unknown as { readVideo(...a: unknown[]): Promise<PageVideo> }).readVideo(url, r, p),
      [`/${name}`, range, points] as const,
    );

  beforeAll(async () => {
    const grey = 'geq=lum=if(lt(X\\,W/2)\\,20+5*N\\,0):cb=128:cr=128,format=yuv420p';
    const input = ['-f', 'lavfi', '-i', 'color=black:s=64x48:r=25:d=1.2', '-vf', grey];
    make('a.webm', ...input, '-c:v', 'libvpx-vp9', '-b:v', '2M', '-qmax', '8', '-color_range', 'tv');
    const mp4 = make('a.mp4', ...input, '-c:v', 'libx264', '-qp', '4', '-color_range', 'tv');
    make('turned.mp4', '-i', mp4, '-c', 'copy', '-metadata:s:v', 'rotate=-90');
    make(
      'odd.webm',
      '-f',
      'lavfi',
      '-i',
      'testsrc=s=53x37:d=0.2',
      '-c:v',
      'libvpx-vp9',
      '-pix_fmt',
      'yuv420p',
    );
    make('sound.webm', '-f', 'lavfi', '-i', 'sine=d=0.5');
    files['/text.mp4'] = Buffer.from('this is no video');
    server = await serve(['test/web/page', 'dist/web'], files);
    browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: ['--headless=new', '--no-sandbox', '--disable-gpu', '--no-first-run'],
    });
    page = await browser.newPage();
    await page.goto(`${server.url}video.html`);
    await page.getByText('ready').waitFor({ timeout: 60_000 });
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });

  const canDecode = (codec: string) =>
    page.evaluate(
      async (c) => (await VideoDecoder.isConfigSupported({ codec: c })).supported === true,
      codec,
    );
  const number = (grey: number) => ((grey * 219) / 255 + 16 - 20) / 5;

  it.for([
    ['a.webm', 'vp09.00.10.08'],
    ['a.mp4', 'avc1.64000a'],
  ] as const)('%s: every frame in order, and ranges', async ([name, codec], { skip }) => {
    skip(!(await canDecode(codec)), `this Chromium does not decode ${codec}`);
    const video = await read(name);
    expect(video).toMatchObject({ width: 64, height: 48, frameCount: 30, warnings: [] });
    expect(video.rate).toBeCloseTo(25, 0);
    expect(video.frames.map((f) => f.index)).toEqual(Array.from({ length: 30 }, (_, i) => i));
    video.frames.forEach((frame, i) => {
      expect(frame.time).toBeCloseTo(i / 25, 2);
      expect(frame.length).toBe(4 * 64 * 48);
      // Codecs move greys by less than half of the five that tell two frames apart.
      expect(Math.abs(number(frame.greys[0]) - i)).toBeLessThan(0.49);
    });
    const part = await read(name, { start: 0.4, end: 0.8, fps: 12.5 });
    expect(part.frames.map((f) => f.index)).toEqual([10, 12, 14, 16, 18]);
  });

  it('turns frames upright', async ({ skip }) => {
    skip(!(await canDecode('avc1.64000a')), 'this Chromium does not decode H.264');
    const points = [
      [24, 12],
      [24, 52],
    ];
    const video = await read('turned.mp4', { start: 0.4, end: 0.5 }, points);
    expect([video.width, video.height]).toEqual([48, 64]);
    const [top, bottom] = video.frames[0].greys;
    expect(Math.abs(number(top) - 10)).toBeLessThan(0.5);
    expect(bottom).toBeLessThan(12);
  });

  it('reads odd sizes', async () => {
    const video = await read('odd.webm');
    expect(video).toMatchObject({ width: 53, height: 37 });
    expect(video.frames).toHaveLength(5);
  });

  it('says what is wrong', async () => {
    await expect(read('sound.webm')).rejects.toThrow(/no video stream/);
    await expect(read('text.mp4')).rejects.toThrow(/is not a video of a known format/);
  });
});
