/**
 * FAN: crop, input and decoding against values worked out by hand from face-alignment's rules, planted heat maps
 * with known answers, and the true network (four stacked hourglasses, random weights, a quarter of its channels).
 */
import { describe, expect, it } from 'vitest';
import { AbortedError, InvalidArgumentError } from '../../src/core/errors.ts';
import { onnxRuntime } from '../../src/node/onnx.ts';
import { decodeHeatmaps, FAN_ORIGINAL, fanCrop, fanInput, loadFan } from '../../src/perceive/fan.ts';
import { makeFan, makePlanted, TEST_WIDTH } from '../helpers/onnx-networks.ts';
import { PORTRAIT, paint, read } from './pictures.ts';

const BOX = { x: 100, y: 120, width: 90, height: 105, score: 1 };
const CELLS = 64 * 64;

/** (68,64,64) with one bump per landmark: the peak's cell and values around it. */
function maps(peaks: readonly { x: number; y: number; right?: number; below?: number }[]): Float32Array {
  const out = new Float32Array(68 * CELLS);
  peaks.forEach(({ x, y, right = 0, below = 0 }, l) => {
    const at = l * CELLS + 64 * y + x;
    out[at] = 0.9;
    if (right) out[at + Math.sign(right)] = Math.abs(right);
    if (below) out[at + 64 * Math.sign(below)] = Math.abs(below);
  });
  return out;
}

describe('crop', () => {
  it("lies as face-alignment's: centre lifted by 0.12 of the height, side 200 (w + h) / 195, corners cut off", () => {
    const crop = fanCrop(BOX);
    expect(crop.cx).toBe(145);
    expect(crop.cy).toBeCloseTo(172.5 - 12.6, 12);
    expect(crop.side).toBe(200);
    // 145 − 100 + 200/256 = 45.78, 159.9 − 100 + 0.78 = 60.68; 145 + 100, 159.9 + 100.
    expect(crop).toMatchObject({ left: 45, top: 60, right: 245, bottom: 259 });
  });

  it('cuts towards zero beyond the left and top border too', () => {
    const crop = fanCrop({ ...BOX, x: 20, y: 20 });
    // 65 − 99.22 = −34.22 and 59.9 − 99.22 = −39.32.
    expect(crop).toMatchObject({ left: -34, top: -39 });
  });

  it("is not lifted in the original's way", () => {
    expect(fanCrop(BOX, FAN_ORIGINAL)).toMatchObject({ cx: 145, cy: 172.5, top: 73, bottom: 272 });
  });

  it.each([
    ['empty', { ...BOX, width: 0 }],
    ['not finite', { ...BOX, x: Number.NaN }],
    ['too small', { ...BOX, x: 100.5, y: 100.5, width: 0.01, height: 0.01 }],
  ])('refuses a box that is %s', (_, box) => {
    expect(() => fanCrop(box)).toThrow(InvalidArgumentError);
  });
});

describe('input', () => {
  const image = paint(700, 700, (x, y, c) => (x * 7 + y * 13 + c * 80 + ((x * y) % 50)) % 256);
  const crop = (side: number, left: number, top: number) => ({
    ...{ cx: 0, cy: 0, side },
    ...{ left, top, right: left + side, bottom: top + side },
  });

  it('is the very pixels at 256², in planes of RGB over 255', () => {
    const input = fanInput(image, crop(256, 31, 40));
    for (const [c, y, x] of [
      [0, 0, 0],
      [1, 100, 17],
      [2, 255, 255],
    ]) {
      const expected = image.data[4 * ((40 + y) * 700 + 31 + x) + c] / 255;
      expect(input[(c * 256 + y) * 256 + x]).toBeCloseTo(expected, 7);
    }
  });

  it('is the mean of two by two at 512², in whole levels', () => {
    const input = fanInput(image, crop(512, 3, 5));
    const at = (x: number, y: number) => image.data[4 * ((5 + y) * 700 + 3 + x)];
    const mean = (at(40, 60) + at(41, 60) + at(40, 61) + at(41, 61)) / 4;
    expect(input[30 * 256 + 20] * 255).toBeCloseTo(Math.round(mean), 4);
  });

  it('is linear between pixels at 128², the border repeated', () => {
    const input = fanInput(image, crop(128, 200, 200));
    const at = (x: number) => image.data[4 * (200 * 700 + 200 + x)];
    // Pixel 0 of the crop lies at −0.25 of the window, pixel 1 at 0.25.
    expect(input[0] * 255).toBeCloseTo(at(0), 4);
    expect(input[1] * 255).toBeCloseTo(Math.round(0.75 * at(0) + 0.25 * at(1)), 4);
  });

  it('is black outside of the photo', () => {
    const white = paint(100, 100, () => 255);
    const input = fanInput(white, crop(256, -50, -60));
    expect([input[59 * 256 + 49], input[60 * 256 + 50]]).toEqual([0, 1]);
    expect([input[159 * 256 + 149], input[160 * 256 + 149]]).toEqual([1, 0]);
  });
});

describe('decoding', () => {
  const crop = fanCrop(BOX);
  const place = (cell: number, centre: number) => (cell / 64 - 0.5) * 200 + centre;

  it.each([
    ['between equal neighbours', { x: 10, y: 20 }, 10.5, 20.5],
    [
      'a quarter to the higher right and upper neighbours',
      { x: 10, y: 20, right: 0.5, below: -0.3 },
      10.75,
      20.25,
    ],
    [
      'a quarter to the left and down, however small the difference',
      { x: 33, y: 7, right: -1e-6, below: 1e-6 },
      32.75 + 0.5,
      7.75,
    ],
    ['not moved in the first column', { x: 0, y: 20, right: 0.5, below: 0.5 }, 0.5, 20.5],
    ['not moved in the last row', { x: 12, y: 63, right: 0.5 }, 12.5, 63.5],
    ['moved in the last but one column', { x: 62, y: 30, right: 0.5 }, 62.75, 30.5],
  ])('%s', (_, peak, x, y) => {
    const { landmarks68, scores } = decodeHeatmaps(maps([peak]), crop);
    expect(landmarks68[0]).toBeCloseTo(place(x, 145), 4);
    expect(landmarks68[1]).toBeCloseTo(place(y, 159.9), 4);
    expect(scores[0]).toBeCloseTo(0.9, 6);
  });

  it('takes the first of equal peaks', () => {
    const planted = maps([{ x: 50, y: 40 }]);
    planted[64 * 3 + 5] = 0.9;
    const { landmarks68 } = decodeHeatmaps(planted, crop);
    expect(landmarks68[0]).toBeCloseTo(place(5.5, 145), 4);
  });

  it('drops fractions where asked to', () => {
    const planted = maps([{ x: 10, y: 20, right: 0.5 }]);
    const { landmarks68 } = decodeHeatmaps(planted, crop, { truncate: true });
    // 78.59 and 123.96.
    expect([...landmarks68.subarray(0, 2)]).toEqual([78, 123]);
  });
});

describe('network', () => {
  it('finds planted peaks through the whole way, of the last output of several', async () => {
    const peaks = Array.from({ length: 68 }, (_, l) => ({
      x: (7 * l + 3) % 64,
      y: (11 * l + 5) % 64,
      right: 0.1,
    }));
    const outputs = [
      { name: 'first', shape: [1, 68, 64, 64], data: maps([]) },
      { name: 'last', shape: [1, 68, 64, 64], data: maps(peaks) },
    ];
    const fan = await loadFan(makePlanted([1, 3, 256, 256], outputs), onnxRuntime());
    const image = paint(300, 300, () => 90);
    const { landmarks68, scores } = await fan.detail(image, BOX);
    peaks.forEach(({ x, y }, l) => {
      const inner = x > 0 && x < 63 && y > 0 && y < 63;
      expect(landmarks68[2 * l]).toBeCloseTo((x + 0.5 + (inner ? 0.25 : 0)) * 3.125 + 45, 3);
      expect(landmarks68[2 * l + 1]).toBeCloseTo((y + 0.5) * 3.125 + 59.9, 3);
      expect(scores[l]).toBeCloseTo(0.9, 5);
    });
    fan.dispose();
    fan.dispose();
    await expect(fan.landmarks68(image, BOX)).rejects.toThrow(/disposed/);
  });

  it('runs the true network, and its landmarks move with the picture', async () => {
    // As PyTorch counts those of FAN(4).
    expect(makeFan({ countOnly: true }).parameters).toBe(23_820_176);
    const fan = await loadFan(makeFan({ width: TEST_WIDTH }).bytes, onnxRuntime());
    const image = await read(PORTRAIT, (s) => s.resize(300, 400));
    const moved = await read(PORTRAIT, (s) => s.resize(300, 400).extend({ left: 21, top: 34 }));
    const first = await fan.detail(image, BOX);
    const second = await fan.detail(moved, { ...BOX, x: BOX.x + 21, y: BOX.y + 34 });
    const places = new Set<number>();
    for (let l = 0; l < 68; l++) {
      expect(first.scores[l]).toBe(second.scores[l]);
      expect(second.landmarks68[2 * l] - first.landmarks68[2 * l]).toBeCloseTo(21, 3);
      expect(second.landmarks68[2 * l + 1] - first.landmarks68[2 * l + 1]).toBeCloseTo(34, 3);
      places.add(first.landmarks68[2 * l]);
    }
    expect(places.size).toBeGreaterThan(10);
    const aborted = AbortSignal.abort();
    await expect(fan.landmarks68(image, BOX, { signal: aborted })).rejects.toThrow(AbortedError);
    fan.dispose();
  });
});
