/**
 * S3FD: decoding and suppression by hand, planted maps with known boxes, and the true network (random weights, a
 * quarter of its channels).
 */
import { describe, expect, it } from 'vitest';
import { onnxRuntime } from '../../src/node/onnx.ts';
import {
  decodeS3fd,
  loadS3fd,
  S3FD_DEFAULTS,
  type S3fdLevel,
  s3fdInput,
  suppressBoxes,
} from '../../src/perceive/s3fd.ts';
import { makePlanted, makeS3fd, TEST_WIDTH } from '../helpers/onnx-networks.ts';
import { PORTRAIT, paint, read } from './pictures.ts';

/** A planted answer of one cell. */
interface Face {
  readonly level: number;
  readonly x: number;
  readonly y: number;
  readonly logit: number;
  readonly box?: readonly [number, number, number, number];
}

const SIZES = [
  [40, 32],
  [20, 16],
  [10, 8],
  [9, 8],
  [5, 4],
  [3, 2],
];

/** Maps for a 160 × 128 photo, background everywhere but at `faces`. */
function plant(faces: readonly Face[]): S3fdLevel[] {
  return SIZES.map(([width, height], level) => {
    const n = width * height;
    const classes = new Float32Array(2 * n).fill(4, 0, n).fill(-4, n);
    const boxes = new Float32Array(4 * n);
    for (const face of faces.filter((f) => f.level === level)) {
      const i = face.y * width + face.x;
      classes[i] = 0.5;
      classes[n + i] = 0.5 + face.logit;
      face.box?.forEach((v, k) => {
        boxes[k * n + i] = v;
      });
    }
    return { width, height, classes, boxes };
  });
}

describe('input', () => {
  const image = paint(30, 20, (x, y, c) => 5 * x + y + 60 * c);

  it('is BGR less the mean, pixel by pixel, up to the longest side allowed', () => {
    const { width, height, scale, data } = s3fdInput(image, 640);
    expect([width, height, scale]).toEqual([30, 20, 1]);
    const at = (c: number) => data[(c * 20 + 7) * 30 + 11];
    // R 62, G 122, B 182.
    expect([at(0), at(1), at(2)]).toEqual([182 - 104, 122 - 117, 62 - 123]);
  });

  it('is shrunk beyond it', () => {
    const { width, height, scale, data } = s3fdInput(image, 15);
    expect([width, height, scale]).toEqual([15, 10, 0.5]);
    // A ramp stays one: its value at the middle of the shrunk pixel (5, 3) is that at (10.5, 6.5).
    expect(data[(0 * 10 + 3) * 15 + 5]).toBe(Math.round(5 * 10.5 + 6.5 + 120) - 104);
  });
});

describe('decoding', () => {
  it('reads box and score of a cell: centre and size by the anchor, variances 0.1 and 0.2', () => {
    const [box, ...others] = decodeS3fd(
      plant([{ level: 2, x: 2, y: 1, logit: 2, box: [1, -1, 5 * Math.LN2, 0] }]),
      S3FD_DEFAULTS.threshold,
    );
    expect(others).toEqual([]);
    // Stride 16, anchor 64 at (40, 24), moved by 6.4, twice as wide.
    expect(box.x).toBeCloseTo(46.4 - 64, 5);
    expect(box.y).toBeCloseTo(17.6 - 32, 5);
    expect(box.width).toBeCloseTo(128, 4);
    expect(box.height).toBeCloseTo(64, 4);
    expect(box.score).toBeCloseTo(1 / (1 + Math.exp(-2)), 6);
  });

  it.each([0, 1, 2, 3, 4, 5])('knows the stride of level %i', (level) => {
    const [box] = decodeS3fd(plant([{ level, x: 1, y: 1, logit: 3 }]), 0.5);
    const stride = [4, 8, 16, 32, 64, 128][level];
    expect(box).toMatchObject({ x: -0.5 * stride, y: -0.5 * stride, width: 4 * stride, height: 4 * stride });
  });

  it('leaves out scores that do not exceed the threshold', () => {
    expect(decodeS3fd(plant([{ level: 1, x: 3, y: 3, logit: 0 }]), 0.5)).toEqual([]);
    expect(decodeS3fd(plant([{ level: 1, x: 3, y: 3, logit: 0.01 }]), 0.5)).toHaveLength(1);
  });
});

describe('suppression', () => {
  const box = (x: number, score: number) => ({ x, y: 0, width: 9, height: 9, score });

  it('keeps the better one of two that overlap by more than 0.3, measured with the last pixel counted', () => {
    // 10 wide with the last pixel: shared 6 of 14 (0.43), then 4 of 16 (0.25).
    expect(suppressBoxes([box(0, 0.7), box(4, 0.9)], 0.3)).toEqual([box(4, 0.9)]);
    expect(suppressBoxes([box(0, 0.7), box(6, 0.9)], 0.3)).toHaveLength(2);
    // Without counting it, 4/14 = 0.286 would pass; 5/15 does not.
    expect(suppressBoxes([box(0, 0.7), box(5, 0.9)], 0.3)).toHaveLength(1);
  });

  it('lets a suppressed box suppress nothing', () => {
    const kept = suppressBoxes([box(0, 0.9), box(4, 0.8), box(8, 0.7)], 0.3);
    expect(kept.map((b) => b.x)).toEqual([0, 8]);
  });
});

describe('network', () => {
  const outputs = (faces: readonly Face[]) =>
    plant(faces).flatMap(({ width, height, classes, boxes }, k) => [
      { name: `cls${k}`, shape: [1, 2, height, width], data: classes },
      { name: `reg${k}`, shape: [1, 4, height, width], data: boxes },
    ]);

  it('finds planted faces, the largest first, one of each cluster', async () => {
    const bytes = makePlanted(
      [1, 3, 'height', 'width'],
      outputs([
        { level: 0, x: 30, y: 5, logit: 3 },
        { level: 2, x: 4, y: 4, logit: 1 },
        { level: 2, x: 5, y: 4, logit: 2 },
      ]),
    );
    const detector = await loadS3fd(bytes, onnxRuntime());
    const found = await detector.detectBoxes(paint(160, 128, () => 128));
    expect(found.map(({ x, y, width, height }) => [x, y, width, height])).toEqual([
      [56, 40, 64, 64],
      [114, 14, 16, 16],
    ]);
    // A photo twice as large is shown shrunk, its boxes come back twice as large.
    const small = await loadS3fd(bytes, onnxRuntime(), { maxSide: 160 });
    const [larger] = await small.detectBoxes(paint(320, 256, () => 128));
    expect(larger).toMatchObject({ x: 112, y: 80, width: 128, height: 128 });
    detector.dispose();
    small.dispose();
  });

  it('answers nothing where there is nothing', async () => {
    const detector = await loadS3fd(makePlanted([1, 3, 'h', 'w'], outputs([])), onnxRuntime());
    expect(await detector.detectBoxes(paint(160, 128, () => 128))).toEqual([]);
    detector.dispose();
  });

  it('runs the true network, and finds the same with its input fixed to the size', async () => {
    // As PyTorch counts those of s3fd().
    expect(makeS3fd({ countOnly: true }).parameters).toBe(22_459_110);
    const made = makeS3fd({ width: TEST_WIDTH });
    const image = await read(PORTRAIT, (s) => s.resize(192, 224));
    const free = await loadS3fd(made.bytes, onnxRuntime());
    const boxes = await free.detectBoxes(image);
    free.dispose();
    expect(boxes.length).toBeGreaterThan(3);
    for (const box of boxes) {
      expect(box.score).toBeGreaterThan(0.5);
      expect(box.width * box.height).toBeGreaterThan(0);
    }
    const fixed = await loadS3fd(makeS3fd({ width: TEST_WIDTH, size: [224, 192] }).bytes, onnxRuntime());
    const same = await fixed.detectBoxes(image);
    expect(same).toEqual(boxes);
    // Another size is brought into the fixed one.
    const large = await read(PORTRAIT, (s) => s.resize(384, 448));
    const again = await fixed.detectBoxes(large);
    fixed.dispose();
    expect(again.length).toBeGreaterThan(3);
  });
});
