/** The overlay: six panels, landmarks where they belong, the render where its mask is. */
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import type { ImageF } from '../../src/core/image.ts';
import type { FitPictures } from '../../src/fit/render-fit.ts';
import { overlayCrop, overlayPng } from '../../src/node/overlay.ts';

const SIZE = 100;

/** A picture of one colour. */
function plain(r: number, g: number, b: number): ImageF {
  const data = Float32Array.from({ length: 3 * SIZE * SIZE }, (_, i) => [r, g, b][i % 3]);
  return { width: SIZE, height: SIZE, channels: 3, data };
}

/** A head that covers the left half of the crop. */
const head: FitPictures = {
  rgb: plain(1, 0, 0),
  shape: plain(0.5, 0.5, 0.5),
  albedo: plain(0, 1, 0),
  shading: plain(1, 1, 1),
  mask: Float32Array.from({ length: SIZE * SIZE }, (_, i) => (i % SIZE < SIZE / 2 ? 1 : 0)),
  landmarks68: Float32Array.of(25, 75),
};
const photo = {
  width: 200,
  height: 200,
  data: Uint8ClampedArray.from({ length: 4 * 200 * 200 }, (_, i) => [0, 0, 200, 255][i % 4]),
};

describe('overlay', () => {
  it('shows photo, landmarks, render over photo, shape, albedo and shading', async () => {
    const crop = overlayCrop({ origin: [50, 50], scale: 2, size: 200 }, SIZE);
    expect(crop).toEqual({ origin: [50, 50], scale: 1, size: SIZE });
    // Photo pixel (110, 80) is crop pixel (60, 30).
    const png = await overlayPng({ photo, crop, head, detected: Float32Array.of(110, 80) });
    const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
    expect(info.width).toBeGreaterThanOrEqual(6 * SIZE);
    const pitch = (info.width - SIZE) / 5;
    const at = (panel: number, x: number, y: number) => {
      const o = info.channels * (y * info.width + panel * pitch + x);
      return [...data.subarray(o, o + 3)];
    };
    const [blue, white] = [
      [0, 0, 200],
      [255, 255, 255],
    ];
    expect(at(0, 60, 30)).toEqual(blue);
    const dot = at(1, 60, 30);
    expect(dot[1]).toBeGreaterThan(150);
    expect(dot[2]).toBeLessThan(150);
    expect(at(1, 25, 75)[0]).toBeGreaterThan(150);
    expect(at(2, 25, 30)).toEqual([255, 0, 0]);
    expect(at(2, 75, 30)).toEqual(blue);
    expect(at(3, 25, 30)).toEqual([128, 128, 128]);
    expect(at(3, 75, 30)).toEqual(white);
    expect(at(4, 25, 30)).toEqual([0, 255, 0]);
    expect(at(5, 25, 30)).toEqual([128, 128, 128]);
    expect(at(5, 75, 30)).toEqual(white);
  });
});
