/** Decoding in headless Chromium gives what decoding in Node gives; skipped, saying why, where Chromium is missing. */
import { existsSync } from 'node:fs';
import { build } from 'esbuild';
import { type Browser, chromium, type Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodePhotoBytes } from '../../src/node/photo.ts';

const CHROMIUM = '/usr/bin/chromium';
const missing = existsSync(CHROMIUM) ? null : (process.env.PHOTOFIT_NO_CHROMIUM ?? `no ${CHROMIUM}`);
const W = 60;
const H = 40;

/** A picture whose quadrants differ. */
function picture() {
  const data = Buffer.alloc(W * H * 3);
  const colours = [
    [200, 60, 50],
    [60, 170, 70],
    [50, 80, 190],
    [120, 120, 120],
  ];
  for (let p = 0; p < W * H; p++) data.set(colours[2 * +(p >= (W * H) / 2) + +(p % W >= W / 2)], 3 * p);
  return sharp(data, { raw: { width: W, height: H, channels: 3 } });
}

interface PagePhoto {
  readonly error?: string;
  readonly image: { readonly width: number; readonly height: number; readonly data: number[] };
  readonly rest: object;
}

describe.skipIf(missing)(`decodePhoto in a page${missing ? ` (skipped: ${missing})` : ''}`, () => {
  let browser: Browser;
  let page: Page;
  beforeAll(async () => {
    const entry = new URL('../../src/web/photo.ts', import.meta.url).pathname;
    const { outputFiles } = await build({
      entryPoints: [entry],
      bundle: true,
      platform: 'browser',
      format: 'iife',
      globalName: 'photofit',
      write: false,
    });
    browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: ['--headless=new', '--no-sandbox', '--disable-gpu'],
    });
    page = await browser.newPage();
    await page.addScriptTag({ content: outputFiles[0].text });
  });
  afterAll(() => browser?.close());

  function decodeInPage(bytes: Uint8Array, options: object = {}, name = 'a.jpg'): Promise<PagePhoto> {
    return page.evaluate(
      async ({ bytes, options, name }) => {
        // biome-ignore lint/suspicious/noExplicitAny: the bundle's global exists in the page only
        const { photofit } = window as any;
        try {
          const file = new File([Uint8Array.from(bytes)], name);
          const { image, ...rest } = await photofit.decodePhoto(file, options);
          return { image: { ...image, data: [...image.data] }, rest };
        } catch (error) {
          const { name: kind, message } = error as Error;
          return { error: `${kind}: ${message}`, image: { width: 0, height: 0, data: [] }, rest: {} };
        }
      },
      { bytes: [...bytes], options, name },
    );
  }

  /** Largest difference of the pixels, after everything else was found equal. */
  async function difference(bytes: Uint8Array, options: { maxDimension?: number } = {}): Promise<number> {
    const { image, ...rest } = await decodePhotoBytes(bytes, 'a', options);
    const there = await decodeInPage(bytes, options);
    expect(there.error).toBeUndefined();
    expect(there.rest).toEqual(rest);
    expect([there.image.width, there.image.height]).toEqual([image.width, image.height]);
    return image.data.reduce((most, v, i) => Math.max(most, Math.abs(v - there.image.data[i])), 0);
  }

  it('a PNG, exactly', async () => {
    expect(await difference(await picture().png().toBuffer())).toBe(0);
  });

  it('a JPEG, by another decoder', async () => {
    expect(await difference(await picture().jpeg({ quality: 95 }).toBuffer())).toBeLessThanOrEqual(3);
  });

  it.each([2, 3, 4, 5, 6, 7, 8])('EXIF orientation %i, with its focal length', async (orientation) => {
    const bytes = await picture()
      .withMetadata({ orientation })
      .withExifMerge({ IFD2: { FocalLengthIn35mmFilm: '85' } })
      .jpeg({ quality: 95 })
      .toBuffer();
    expect((await decodePhotoBytes(bytes, 'a')).focal35mm).toBe(85);
    expect(await difference(bytes)).toBeLessThanOrEqual(3);
  });

  it('a wide-gamut picture, converted to sRGB', async () => {
    expect(await difference(await picture().withIccProfile('p3').png().toBuffer())).toBeLessThanOrEqual(2);
  });

  it('grey and 16-bit', async () => {
    expect(await difference(await picture().toColourspace('b-w').png().toBuffer())).toBe(0);
    expect(await difference(await picture().toColourspace('rgb16').png().toBuffer())).toBeLessThanOrEqual(1);
  });

  it('alpha', async () => {
    const alpha = Buffer.from(Uint8Array.from({ length: W * H }, (_, i) => (i % W) * 4));
    const bytes = await picture()
      .joinChannel(alpha, { raw: { width: W, height: H, channels: 1 } })
      .png()
      .toBuffer();
    // The canvas holds premultiplied colour, which is coarse where alpha is small, but white covers it there.
    expect(await difference(bytes)).toBeLessThanOrEqual(2);
  });

  it('a large photo, shrunk', async () => {
    const bytes = await picture().resize(900, 600, { kernel: 'nearest' }).png().toBuffer();
    const { image } = await decodePhotoBytes(bytes, 'a', { maxDimension: 90 });
    const there = await decodeInPage(bytes, { maxDimension: 90 });
    expect(there.rest).toMatchObject({ originalWidth: 900, originalHeight: 600, scale: 0.1 });
    expect([there.image.width, there.image.height]).toEqual([90, 60]);
    // Away from the edges; across them filters differ.
    const at = 4 * (15 * 90 + 20);
    for (let c = 0; c < 4; c++)
      expect(Math.abs(there.image.data[at + c] - image.data[at + c])).toBeLessThanOrEqual(1);
  });

  it('refuses an empty file and what is no picture, by name', async () => {
    expect((await decodeInPage(new Uint8Array(0), {}, 'e.jpg')).error).toBe(
      'FormatError: e.jpg: the file is empty',
    );
    expect((await decodeInPage(Buffer.from('hello'), {}, 't.png')).error).toMatch(
      /^FormatError: t\.png: is not a picture/,
    );
    const { error } = await decodeInPage(await picture().png().toBuffer(), { maxDimension: 0 });
    expect(error).toMatch(/^InvalidArgumentError: .*maxDimension/);
  });
});
