/** Every kind of photo file that people have, made on the spot. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { encode as encodeFastPng } from 'fast-png';
import sharp, { type Sharp } from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AbortedError, FormatError, InvalidArgumentError, PhotofitError } from '../../src/core/errors.ts';
import type { Image8 } from '../../src/core/image.ts';
import { readFocal35mm } from '../../src/io/exif.ts';
import { decodePhoto, decodePhotoBytes } from '../../src/node/photo.ts';

const W = 60;
const H = 40;
/** Quadrants: red, green over blue, grey; upright. */
const QUADRANTS = { tl: [200, 60, 50], tr: [60, 170, 70], bl: [50, 80, 190], br: [120, 120, 120] };

function quadrants(): Buffer {
  const data = Buffer.alloc(W * H * 3);
  for (let y = 0; y < H; y++) {
    for (let x = 0; x < W; x++) {
      const key = `${y < H / 2 ? 't' : 'b'}${x < W / 2 ? 'l' : 'r'}` as keyof typeof QUADRANTS;
      data.set(QUADRANTS[key], 3 * (y * W + x));
    }
  }
  return data;
}
const picture = (): Sharp => sharp(quadrants(), { raw: { width: W, height: H, channels: 3 } });

/** Colour in the middle of each quadrant. */
function middles({ width, height, data }: Image8) {
  const at = (fx: number, fy: number) => {
    const i = 4 * (Math.floor(fy * height) * width + Math.floor(fx * width));
    return [...data.subarray(i, i + 3)];
  };
  return { tl: at(0.25, 0.25), tr: at(0.75, 0.25), bl: at(0.25, 0.75), br: at(0.75, 0.75) };
}
function expectQuadrants(image: Image8, tolerance: number, want: Record<string, number[]> = QUADRANTS) {
  const got = middles(image) as Record<string, number[]>;
  for (const key of Object.keys(want)) {
    const off = Math.max(...want[key].map((c, i) => Math.abs(c - got[key][i])));
    expect(off, `${key}: ${got[key]} instead of ${want[key]}`).toBeLessThanOrEqual(tolerance);
  }
}

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'photofit-photo-'));
});
afterAll(async () => {
  await rm(dir, { recursive: true, force: true });
});
async function file(name: string, bytes: Uint8Array): Promise<string> {
  const full = path.join(dir, name);
  await writeFile(full, bytes);
  return full;
}
async function refusal(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => expect.unreachable('was decoded'),
    (e: Error) => e,
  );
}

describe('decodePhoto reads', () => {
  it('a JPEG', async () => {
    const photo = await decodePhoto(await file('a.jpg', await picture().jpeg({ quality: 95 }).toBuffer()));
    expect(photo).toMatchObject({
      originalWidth: W,
      originalHeight: H,
      scale: 1,
      focal35mm: null,
      warnings: [],
    });
    expect(photo.image.data.length).toBe(4 * W * H);
    expectQuadrants(photo.image, 4);
    for (let i = 3; i < photo.image.data.length; i += 4) expect(photo.image.data[i]).toBe(255);
  });

  it.each([2, 3, 4, 5, 6, 7, 8])('EXIF orientation %i', async (orientation) => {
    // Stored pixels are upright; the tag says how the viewer must turn them. Corners after each turn, by the standard.
    const stored = 'tl tr bl br'.split(' ') as (keyof typeof QUADRANTS)[];
    const order: Record<number, number[]> = {
      2: [1, 0, 3, 2],
      3: [3, 2, 1, 0],
      4: [2, 3, 0, 1],
      5: [0, 2, 1, 3],
      6: [2, 0, 3, 1],
      7: [3, 1, 2, 0],
      8: [1, 3, 0, 2],
    };
    const bytes = await picture().withMetadata({ orientation }).jpeg({ quality: 95 }).toBuffer();
    const photo = await decodePhoto(await file(`o${orientation}.jpg`, bytes));
    const [w, h] = orientation >= 5 ? [H, W] : [W, H];
    expect([photo.image.width, photo.image.height, photo.originalWidth, photo.originalHeight]).toEqual([
      w,
      h,
      w,
      h,
    ]);
    const want = Object.fromEntries(stored.map((key, i) => [key, QUADRANTS[stored[order[orientation][i]]]]));
    expectQuadrants(photo.image, 4, want);
  });

  it('a wide-gamut picture, converted to sRGB by its profile', async () => {
    const bytes = await picture().withIccProfile('p3').png().toBuffer();
    const asStored = await sharp(bytes, { ignoreIcc: true }).ensureAlpha().raw().toBuffer();
    expect(Math.abs(asStored[4 * (10 * W + 10)] - QUADRANTS.tl[0])).toBeGreaterThan(8);
    expectQuadrants((await decodePhoto(await file('p3.png', bytes))).image, 2);
  });

  it('CMYK', async () => {
    const bytes = await picture().toColourspace('cmyk').jpeg({ quality: 95 }).toBuffer();
    expect((await sharp(bytes).metadata()).channels).toBe(4);
    const photo = await decodePhoto(await file('cmyk.jpg', bytes));
    // Ink cannot show every colour; the saturated ones come back duller.
    expectQuadrants(photo.image, 45);
    expectQuadrants(photo.image, 16, { br: QUADRANTS.br });
    expect(photo.warnings.join()).toMatch(/CMYK without a colour profile/);
  });

  it('grey', async () => {
    const bytes = await picture().toColourspace('b-w').jpeg().toBuffer();
    expect((await sharp(bytes).metadata()).channels).toBe(1);
    const { image } = await decodePhoto(await file('grey.jpg', bytes));
    expect(image.data.length).toBe(4 * W * H);
    expectQuadrants(image, 3, { br: [120, 120, 120] });
    const [r, g, b] = middles(image).tl;
    expect([g, b]).toEqual([r, r]);
  });

  it('16-bit PNG, colour and grey', async () => {
    const rgb = encodeFastPng({
      width: W,
      height: H,
      channels: 3,
      depth: 16,
      data: Uint16Array.from(quadrants(), (v) => v * 257),
    });
    expect((await sharp(rgb).metadata()).depth).toBe('ushort');
    expectQuadrants((await decodePhoto(await file('16.png', rgb))).image, 1);
    const ramp = Uint16Array.from({ length: W * H }, (_, i) => (i % W) * 1000);
    const grey = encodeFastPng({ width: W, height: H, channels: 1, depth: 16, data: ramp });
    const { image } = await decodePhoto(await file('16g.png', grey));
    for (let x = 0; x < W; x++) expect(Math.abs(image.data[4 * x] - (x * 1000) / 257)).toBeLessThanOrEqual(1);
  });

  it('16-bit TIFF', async () => {
    const data = Uint16Array.from(quadrants(), (v) => v * 257);
    const bytes = await sharp(data, { raw: { width: W, height: H, channels: 3 } })
      .toColourspace('rgb16')
      .tiff({ compression: 'lzw' })
      .toBuffer();
    expect((await sharp(bytes).metadata()).depth).toBe('ushort');
    expectQuadrants((await decodePhoto(await file('16.tif', bytes))).image, 1);
  });

  it('alpha: kept, with the colour laid over white', async () => {
    const rgba = Buffer.alloc(W * H * 4);
    quadrants().forEach((v, i) => {
      rgba[4 * Math.floor(i / 3) + (i % 3)] = v;
    });
    for (let i = 0; i < W * H; i++) rgba[4 * i + 3] = [255, 0, 127][Math.min(2, Math.floor((i % W) / 20))];
    const bytes = await sharp(rgba, { raw: { width: W, height: H, channels: 4 } })
      .png()
      .toBuffer();
    const { image, warnings } = await decodePhoto(await file('alpha.png', bytes));
    const pixel = (x: number, y: number) => [...image.data.subarray(4 * (y * W + x), 4 * (y * W + x) + 4)];
    expect(pixel(10, 10)).toEqual([200, 60, 50, 255]);
    expect(pixel(25, 10)).toEqual([255, 255, 255, 0]);
    expect(pixel(50, 10)).toEqual([158, 213, 163, 127]);
    expect(warnings.join()).toMatch(/transparent/);
    // An alpha channel that hides nothing is no reason to warn.
    const opaque = await picture().ensureAlpha().png().toBuffer();
    expect((await decodePhoto(await file('opaque.png', opaque))).warnings).toEqual([]);
  });

  it('12,000 pixels wide, shrunk', async () => {
    const bytes = await sharp(await picture().png().toBuffer())
      .resize(12000, 600, { fit: 'fill', kernel: 'nearest' })
      .jpeg({ quality: 80 })
      .toBuffer();
    const photo = await decodePhoto(await file('huge.jpg', bytes));
    expect([photo.image.width, photo.image.height]).toEqual([4096, 205]);
    expect([photo.originalWidth, photo.originalHeight]).toEqual([12000, 600]);
    expect(photo.scale).toBeCloseTo(4096 / 12000, 6);
    expectQuadrants(photo.image, 6);
    const small = await decodePhoto(path.join(dir, 'huge.jpg'), { maxDimension: 300 });
    expect([small.image.width, small.image.height]).toEqual([300, 15]);
  });

  it('a PNG called .jpg, with a warning', async () => {
    const photo = await decodePhoto(await file('wrong.jpg', await picture().png().toBuffer()));
    expectQuadrants(photo.image, 0);
    expect(photo.warnings).toEqual(['the file is called .jpg but holds a PNG picture']);
  });

  it('a name without an ending, or with an unknown one, without a warning', async () => {
    const bytes = await picture().png().toBuffer();
    expect((await decodePhoto(await file('IMG_0001', bytes))).warnings).toEqual([]);
    expect((await decodePhoto(await file('photo.2026', bytes))).warnings).toEqual([]);
  });

  it.each(['gif', 'webp'] as const)('the first frame of an animated %s', async (format) => {
    const second = Buffer.alloc(W * H * 3, 255);
    const both = sharp(Buffer.concat([quadrants(), second]), {
      raw: { width: W, height: 2 * H, channels: 3, pageHeight: H },
    });
    const bytes = await (format === 'gif' ? both.gif() : both.webp({ lossless: true })).toBuffer();
    expect((await sharp(bytes).metadata()).pages).toBe(2);
    const photo = await decodePhoto(await file(`anim.${format}`, bytes));
    expect([photo.image.width, photo.image.height]).toEqual([W, H]);
    expectQuadrants(photo.image, 4);
    expect(photo.warnings).toEqual(['only the first of 2 frames is used']);
  });

  it.each(['webp', 'avif', 'tiff'] as const)('%s', async (format) => {
    const bytes = await picture().toFormat(format, { quality: 95 }).toBuffer();
    const photo = await decodePhoto(await file(`a.${format}`, bytes));
    expectQuadrants(photo.image, 6);
    expect(photo.warnings).toEqual([]);
  });

  it('the focal length that EXIF gives', async () => {
    const exif = (tags: Record<string, string>) => picture().withExif({ IFD2: tags });
    const direct = await exif({ FocalLengthIn35mmFilm: '85', FocalLength: '20/1' }).jpeg().toBuffer();
    expect((await decodePhoto(await file('f.jpg', direct))).focal35mm).toBe(85);
    // An APS-C sensor of 23.6 × 15.7 mm with all of 60 × 40 pixels (libvips writes the true size of the file).
    const sensor = {
      FocalLength: '50/1',
      FocalPlaneXResolution: '25424/1000',
      FocalPlaneYResolution: '25424/1000',
      FocalPlaneResolutionUnit: '3',
    };
    const derived = (await decodePhoto(await file('g.jpg', await exif(sensor).jpeg().toBuffer()))).focal35mm;
    expect(derived).toBeCloseTo(76.3, 0);
    // Nothing to go by, impossible values, and a sensor that shrank with its picture.
    const unknown: Record<string, string>[] = [
      { FocalLength: '50/1' },
      { FocalLengthIn35mmFilm: '0' },
      { FocalLengthIn35mmFilm: '9999' },
      { ...sensor, FocalPlaneXResolution: '250/1', FocalPlaneYResolution: '250/1' },
    ];
    for (const tags of unknown) {
      expect(
        (await decodePhoto(await file('n.jpg', await exif(tags).jpeg().toBuffer()))).focal35mm,
      ).toBeNull();
    }
    // The page reads whole files: the same answer from each container.
    for (const format of ['jpeg', 'png', 'webp', 'avif'] as const) {
      const bytes = await exif({ FocalLengthIn35mmFilm: '35' }).toFormat(format).toBuffer();
      expect((await decodePhoto(await file(`f.${format}`, bytes))).focal35mm, format).toBe(35);
      // exifr does not find the block in AVIF files of this layout.
      if (format !== 'avif') expect(await readFocal35mm(bytes), format).toBe(35);
    }
    expect((await decodePhoto(await file('exif.tif', tiffDirectoryFirst()))).focal35mm).toBe(35);
    expect(await readFocal35mm(Uint8Array.of(1, 2, 3))).toBeNull();
  });
});

describe('decodePhoto refuses with one sentence', () => {
  it.each(['jpeg', 'png', 'webp', 'gif', 'avif'] as const)('a truncated %s', async (format) => {
    const noise = Buffer.from(Uint8Array.from({ length: 300 * 200 * 3 }, (_, i) => (i * 7919) >> 5));
    const whole = await sharp(noise, { raw: { width: 300, height: 200, channels: 3 } })
      .toFormat(format)
      .toBuffer();
    await decodePhoto(await file(`whole.${format}`, whole));
    for (const part of [0.05, 0.5, 0.95]) {
      const name = await file(`cut.${format}`, whole.subarray(0, Math.floor(part * whole.length)));
      const error = await refusal(decodePhoto(name));
      expect(error).toBeInstanceOf(FormatError);
      expect(error.message).toMatch(
        /cut\.\w+: is a \w+ picture that is damaged or truncated; get a complete copy$/,
      );
      // Also when it would be shrunk while loading.
      expect(await refusal(decodePhoto(name, { maxDimension: 20 }))).toBeInstanceOf(FormatError);
    }
  });

  it('a truncated TIFF, wherever its directory lies', async () => {
    const tiff = tiffDirectoryFirst();
    expectQuadrants((await decodePhoto(await file('first.tif', tiff))).image, 0);
    const early = await refusal(decodePhoto(await file('cut1.tif', tiff.subarray(0, tiff.length / 2))));
    expect(early).toBeInstanceOf(FormatError);
    const late = await picture().tiff({ compression: 'lzw' }).toBuffer();
    const error = await refusal(decodePhoto(await file('cut2.tif', late.subarray(0, late.length / 2))));
    expect(error).toBeInstanceOf(FormatError);
    for (const e of [early, error]) expect(e.message).toMatch(/TIFF picture that is damaged or truncated/);
  });

  it('an empty file', async () => {
    const error = await refusal(decodePhoto(await file('empty.jpg', new Uint8Array(0))));
    expect(error).toBeInstanceOf(FormatError);
    expect(error.message).toMatch(/empty\.jpg: the file is empty$/);
  });

  it('a folder', async () => {
    await mkdir(path.join(dir, 'folder.jpg'));
    const error = await refusal(decodePhoto(path.join(dir, 'folder.jpg')));
    expect(error).toBeInstanceOf(PhotofitError);
    expect(error.message).toMatch(/folder\.jpg: is a folder, not a photo$/);
  });

  it('a file that is not there', async () => {
    expect((await refusal(decodePhoto(path.join(dir, 'none.jpg')))).message).toMatch(
      /there is no such file$/,
    );
    const under = path.join(await file('plain', Uint8Array.of(1)), 'x.jpg');
    expect((await refusal(decodePhoto(under))).message).toMatch(/there is no such file$/);
  });

  it('text, a drawing, and HEIC, each by what it is', async () => {
    const text = await refusal(decodePhoto(await file('text.jpg', Buffer.from('hello, I am not a picture'))));
    expect(text).toBeInstanceOf(FormatError);
    expect(text.message).toMatch(/is not a picture that can be read; JPEG, PNG, WebP, AVIF, TIFF or GIF is$/);
    const svg =
      '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>';
    expect((await refusal(decodePhoto(await file('a.svg', Buffer.from(svg))))).message).toMatch(
      /holds SVG, not a photo/,
    );
    const heic = Buffer.concat([
      Buffer.from([0, 0, 0, 24]),
      Buffer.from('ftypheic\0\0\0\0mif1heic'),
      Buffer.alloc(99),
    ]);
    expect((await refusal(decodePhoto(await file('a.heic', heic)))).message).toMatch(/is a HEIC picture/);
  });

  it('a maxDimension that is no size', async () => {
    const bytes = await picture().png().toBuffer();
    for (const maxDimension of [0, -1, 1.5, Number.NaN]) {
      expect(await refusal(decodePhotoBytes(bytes, 'x', { maxDimension }))).toBeInstanceOf(
        InvalidArgumentError,
      );
    }
  });

  it('to go on after an abort', async () => {
    const name = await file('abort.png', await picture().png().toBuffer());
    expect(await refusal(decodePhoto(name, { signal: AbortSignal.abort() }))).toBeInstanceOf(AbortedError);
    const controller = new AbortController();
    const pending = decodePhoto(name, { signal: controller.signal });
    controller.abort();
    expect(await refusal(pending)).toBeInstanceOf(AbortedError);
  });
});

/**
 * An uncompressed RGB TIFF whose directory comes before its pixels, as cameras write it (libtiff puts it last), with
 * a focal length of 35 mm in an EXIF directory at the end (libvips writes none).
 */
function tiffDirectoryFirst(): Buffer {
  const entries: [number, number, number, number][] = [
    [256, 3, 1, W],
    [257, 3, 1, H],
    [258, 3, 1, 8],
    [259, 3, 1, 1],
    [262, 3, 1, 2],
    [273, 4, 1, 0],
    [277, 3, 1, 3],
    [278, 3, 1, H],
    [279, 4, 1, W * H * 3],
    [34665, 4, 1, 0],
  ];
  const start = 8 + 2 + 12 * entries.length + 4;
  entries[5][3] = start;
  entries[9][3] = start + W * H * 3;
  const directory = (list: typeof entries) => {
    const bytes = Buffer.alloc(2 + 12 * list.length + 4);
    bytes.writeUInt16LE(list.length);
    list.forEach(([tag, type, count, value], i) => {
      bytes.writeUInt16LE(tag, 2 + 12 * i);
      bytes.writeUInt16LE(type, 4 + 12 * i);
      bytes.writeUInt32LE(count, 6 + 12 * i);
      bytes.writeUInt32LE(value, 10 + 12 * i);
    });
    return bytes;
  };
  const exif = directory([[0xa405, 3, 1, 35]]);
  return Buffer.concat([Buffer.from('II*\0\x08\0\0\0', 'latin1'), directory(entries), quadrants(), exif]);
}
