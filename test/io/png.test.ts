import fc from 'fast-check';
import { decode } from 'fast-png';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { InvalidArgumentError } from '../../src/core/errors.ts';
import { encodePng } from '../../src/io/png.ts';

const imageArb = fc
  .record({
    width: fc.integer({ min: 1, max: 9 }),
    height: fc.integer({ min: 1, max: 9 }),
    opaque: fc.boolean(),
  })
  .chain(({ width, height, opaque }) =>
    fc.uint8Array({ minLength: 4 * width * height, maxLength: 4 * width * height }).map((bytes) => {
      const data = new Uint8ClampedArray(bytes);
      if (opaque) for (let i = 3; i < data.length; i += 4) data[i] = 255;
      return { width, height, data };
    }),
  );

/** Pixels of a PNG as RGBA, by an independent decoder that checks the CRCs. */
function pixels(png: Uint8Array): number[] {
  const { data, channels, width, height } = decode(png, { checkCrc: true });
  const out: number[] = [];
  for (let p = 0; p < width * height; p++) {
    for (let c = 0; c < 4; c++) out.push(c < channels ? data[p * channels + c] : 255);
  }
  return out;
}

describe('encodePng', () => {
  it('is decoded to the same pixels', () => {
    fc.assert(
      fc.property(imageArb, (image) => {
        const png = encodePng(image);
        expect(decode(png)).toMatchObject({ width: image.width, height: image.height, depth: 8 });
        expect(pixels(png)).toEqual([...image.data]);
      }),
    );
  });

  it('every filter at work, read by libpng; smaller than unfiltered; RGB unless something is transparent', async () => {
    const [width, height] = [64, 96];
    const data = new Uint8ClampedArray(4 * width * height);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        // A ramp across (Sub wins), a ramp down (Up wins), a slope both ways (Paeth wins).
        const v =
          y < 32 ? 3 * x + ((y * 97) % 256) : y < 64 ? 2 * y + ((x * 89) % 256) : 2 * x + y + ((x * y) % 3);
        data.set([v & 255, (v + 30) & 255, (v * 2) & 255, 255], 4 * (y * width + x));
      }
    }
    const png = encodePng({ width, height, data });
    const back = await sharp(png).raw().toBuffer({ resolveWithObject: true });
    expect(back.info.channels).toBe(3);
    for (let i = 0; i < width * height; i++) {
      expect([...back.data.subarray(3 * i, 3 * i + 3)]).toEqual([...data.subarray(4 * i, 4 * i + 3)]);
    }
    const flat = encodePng({ width, height, data }, { level: 0 });
    expect(png.length).toBeLessThan(0.5 * flat.length);
    expect((await sharp(png).metadata()).space).toBe('srgb');
    data[3] = 254;
    expect((await sharp(encodePng({ width, height, data })).metadata()).channels).toBe(4);
  });

  it('refuses what is no picture', () => {
    const data = new Uint8ClampedArray(16);
    for (const [width, height] of [
      [0, 0],
      [2, 3],
      [1.5, 2],
      [-2, -2],
    ]) {
      expect(() => encodePng({ width, height, data })).toThrow(InvalidArgumentError);
    }
  });
});
