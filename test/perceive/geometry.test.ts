/** The parts of perception that need no network: frames, sampling, suppression, search tiles, the iBUG-68 table. */
import { describe, expect, it } from 'vitest';
import type { Image8 } from '../../src/core/image.ts';
import { createRandom } from '../../src/core/random.ts';
import { createKernels } from '../../src/kernels/runtime.ts';
import {
  type Detection,
  detectInFrame,
  squareContainment,
  squareOverlap,
  suppress,
} from '../../src/perceive/detector.ts';
import { type Frame, frameTransform } from '../../src/perceive/frame.ts';
import { CONTOUR17_FROM_MESH, INNER51_FROM_MESH } from '../../src/perceive/ibug68.ts';
import type { Networks } from '../../src/perceive/networks.ts';
import { looksLikeFace } from '../../src/perceive/plausibility.ts';
import { ImagePyramid } from '../../src/perceive/pyramid.ts';
import { searchStages, tiles } from '../../src/perceive/search.ts';
import { paint } from './pictures.ts';

const at = (frame: Frame, u: number, v: number): [number, number] => {
  const t = frameTransform(frame);
  return [t.ax * u + t.bx * v + t.tx, t.ay * u + t.by * v + t.ty];
};

describe('frames', () => {
  it('put the middle of the crop on the centre, and the x axis along the roll', () => {
    const frame = { cx: 30, cy: 50, side: 10, roll: Math.PI / 2 };
    expect(at(frame, 0.5, 0.5)).toEqual([expect.closeTo(30), expect.closeTo(50)]);
    // Turned by a quarter clockwise on screen: the crop's right is the photo's down, its down the photo's left.
    expect(at(frame, 1, 0.5)).toEqual([expect.closeTo(30), expect.closeTo(55)]);
    expect(at(frame, 0.5, 1)).toEqual([expect.closeTo(25), expect.closeTo(50)]);
  });

  it('mirrored: left and right change places, up and down do not', () => {
    const frame = { cx: 3, cy: 4, side: 2, roll: 0, mirrored: true };
    expect(at(frame, 0, 0)).toEqual([expect.closeTo(4), expect.closeTo(3)]);
    expect(at(frame, 1, 1)).toEqual([expect.closeTo(2), expect.closeTo(5)]);
  });
});

/** The same picture at an odd address of its buffer, as a part of a larger file in memory may be. */
function unaligned(image: Image8): Image8 {
  const data = new Uint8ClampedArray(new ArrayBuffer(image.data.length + 1), 1);
  data.set(image.data);
  return { ...image, data };
}

const kernels = await createKernels();

describe('sampling', () => {
  // A plane of colours is kept by bilinear sampling and by 2×2 means, at every scale and roll.
  const image = paint(200, 160, (x, y, c) => [x + 0.5, y + 0.5, 40][c]);

  it.each([
    { name: 'enlarged', side: 40, roll: 0 },
    { name: 'as is', side: 64, roll: 0.3 },
    { name: 'reduced 1.9 times', side: 64 * 1.9, roll: -2 },
    { name: 'reduced 2 times', side: 128, roll: 1 },
  ])('keeps a plane of colours: $name', ({ side, roll }) => {
    const size = 64;
    const frame = { cx: 100, cy: 80, side: Math.min(side, 100), roll };
    const out = new Float32Array(size * size * 3);
    new ImagePyramid(image).sample(kernels, frame, size, 1 / 255, 0, out);
    for (let j = 0; j < size; j += 7) {
      for (let i = 0; i < size; i += 7) {
        const [x, y] = at(frame, (i + 0.5) / size, (j + 0.5) / size);
        const o = (j * size + i) * 3;
        // The colours are 8-bit: half a level each way from rounding, at each of at most two levels.
        expect(Math.abs(out[o] * 255 - x)).toBeLessThan(1.01);
        expect(Math.abs(out[o + 1] * 255 - y)).toBeLessThan(1.01);
        expect(out[o + 2] * 255).toBeCloseTo(40, 3);
      }
    }
  });

  it('halves by the mean of 2×2, rounded half up, the last odd row and column with themselves', () => {
    const random = createRandom(2);
    const odd = paint(5, 3, () => random.below(256));
    for (const image of [odd, unaligned(odd)]) {
      const half = new ImagePyramid(image).level(1);
      expect([half.width, half.height]).toEqual([3, 2]);
      for (let y = 0; y < 2; y++) {
        for (let x = 0; x < 3; x++) {
          for (let c = 0; c < 4; c++) {
            const at = (i: number, j: number) => image.data[(Math.min(j, 2) * 5 + Math.min(i, 4)) * 4 + c];
            const sum =
              at(2 * x, 2 * y) + at(2 * x + 1, 2 * y) + at(2 * x, 2 * y + 1) + at(2 * x + 1, 2 * y + 1);
            expect(half.data[(y * 3 + x) * 4 + c]).toBe(Math.floor(sum / 4 + 0.5));
          }
        }
      }
    }
  });

  it('reads odd sizes down to 1×1 and gives black outside', () => {
    for (const [w, h] of [
      [1, 1],
      [7, 1],
      [5, 3],
    ]) {
      const out = new Float32Array(16 * 16 * 3);
      new ImagePyramid(paint(w, h, () => 200)).sample(
        kernels,
        { cx: w / 2, cy: h / 2, side: 40, roll: 0.7 },
        16,
        1,
        -7,
        out,
      );
      expect(out[0]).toBe(-7);
      expect(out.every((v) => v >= -7.001 && v <= 193.001)).toBe(true);
    }
  });
});

describe('a crop', () => {
  it('of one colour is not shown to the detector, but for a face in the dark', async () => {
    let shown = 0;
    const networks = {
      kernels: await createKernels(),
      detect: () => {
        shown++;
        return { logits: new Float32Array(896).fill(-9), boxes: new Float32Array(16 * 896) };
      },
    } as unknown as Networks;
    const look = (level: (x: number) => number) => {
      const image = paint(256, 256, (x, _, c) => 20 + 60 * c + level(x));
      detectInFrame(networks, new ImagePyramid(image), { cx: 128, cy: 128, side: 256, roll: 0 }, 0.35);
      return shown;
    };
    expect(look(() => 0)).toBe(0);
    expect(look((x) => x % 3)).toBe(0);
    expect(look((x) => (x < 128 ? 0 : 5))).toBe(1);
  });
});

describe('suppression', () => {
  const detection = (score: number, cx: number, roll = 0): Detection => {
    const keypoints = new Float64Array(12);
    keypoints.set([cx - 5 * Math.cos(roll), 0, cx + 5 * Math.cos(roll), 10 * Math.sin(roll)]);
    return { score, cx, cy: 0, side: 20, roll, keypoints };
  };

  it('averages answers for one face by score and keeps two faces apart', () => {
    const out = suppress([detection(0.5, 2), detection(0.9, 100), detection(1, -1)]);
    expect(out.map((d) => d.score)).toEqual([1, 0.9]);
    expect(out[0].cx).toBeCloseTo(0);
    expect(out[1].cx).toBe(100);
  });

  it('does not average answers that disagree about which way is up', () => {
    const [only] = suppress([detection(0.9, 0), detection(0.8, 4, Math.PI)]);
    expect(only.cx).toBe(0);
  });

  it('measures overlap', () => {
    const a = { cx: 0, cy: 0, side: 2 };
    expect(squareOverlap(a, a)).toBe(1);
    expect(squareOverlap(a, { cx: 1, cy: 0, side: 2 })).toBeCloseTo(1 / 3);
    expect(squareContainment(a, { cx: 0.5, cy: 0.5, side: 1 })).toBe(1);
    expect(squareOverlap(a, { cx: 5, cy: 0, side: 2 })).toBe(0);
  });
});

describe('search', () => {
  it('covers the photo with overlapping tiles', () => {
    const random = createRandom(5);
    for (let n = 0; n < 50; n++) {
      const width = 16 + random.below(4000);
      const height = 16 + random.below(4000);
      const side = 16 + random.below(2000);
      const frames = tiles(width, height, side);
      for (let k = 0; k < 20; k++) {
        const x = random.uniform() * width;
        const y = random.uniform() * height;
        // A tile may miss a twentieth at the border: one crop rather than two for a photo that is barely larger.
        const reach = side * 0.5501;
        expect(frames.some((f) => Math.abs(f.cx - x) <= reach && Math.abs(f.cy - y) <= reach)).toBe(true);
      }
    }
  });

  it.each([
    [16, 16],
    [1024, 1024],
    [4096, 2731],
    [12000, 100],
    [100, 12000],
    [12000, 9000],
  ])('stays within bounds for %i×%i', (width, height) => {
    const stages = searchStages(width, height);
    expect(stages.length).toBeGreaterThanOrEqual(2);
    const crops = stages.reduce((n, stage) => n + stage.frames.length, 0);
    expect(crops).toBeLessThanOrEqual(260);
  });
});

/** MediaPipe's numbers of the same place on the other side of the face, for the points the table uses. */
const MIRROR: Record<number, number> = {
  70: 300,
  139: 368,
  63: 293,
  105: 334,
  66: 296,
  107: 336,
  55: 285,
  240: 460,
  75: 305,
  97: 326,
  33: 263,
  160: 387,
  159: 386,
  158: 385,
  157: 384,
  133: 362,
  155: 382,
  154: 381,
  144: 373,
  163: 390,
  61: 291,
  39: 269,
  40: 270,
  80: 310,
  37: 267,
  82: 312,
  78: 308,
  181: 405,
  91: 321,
  84: 314,
  87: 317,
  127: 356,
  162: 389,
  234: 454,
  93: 323,
  132: 361,
  58: 288,
  172: 397,
  136: 365,
  150: 379,
  149: 378,
  148: 377,
  176: 400,
};

describe('iBUG-68 from the mesh', () => {
  const rows = [...CONTOUR17_FROM_MESH, ...INNER51_FROM_MESH];
  // iBUG's own left-right pairs, the middle ones with themselves.
  const partner = [
    16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 27, 28,
    29, 30, 35, 34, 33, 32, 31, 45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40, 54, 53, 52, 51, 50, 49, 48,
    59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65,
  ];

  it('has 68 rows whose weights sum to 1', () => {
    expect(rows.length).toBe(68);
    for (const row of rows) {
      let sum = 0;
      for (let p = 0; p < row.length; p += 2) {
        expect(row[p]).toBeLessThan(468);
        sum += row[p + 1];
      }
      expect(sum).toBeCloseTo(1, 12);
    }
  });

  it('is symmetric', () => {
    const back = Object.fromEntries(Object.entries(MIRROR).map(([a, b]) => [b, Number(a)]));
    const weights = (row: readonly number[], map: (i: number) => number) => {
      const out: Record<number, number> = {};
      for (let p = 0; p < row.length; p += 2) out[map(row[p])] = row[p + 1];
      return out;
    };
    rows.forEach((row, k) => {
      const mirrored = weights(row, (i) => MIRROR[i] ?? back[i] ?? i);
      expect(mirrored, `landmark ${k}`).toEqual(weights(rows[partner[k]], (i) => i));
    });
  });
});

describe('plausibility', () => {
  it('refuses meshes of no size and with values that are not finite', () => {
    const points = new Float64Array(468 * 3);
    expect(looksLikeFace(points, 100, 100)).toBe(false);
    points[5] = Number.NaN;
    expect(looksLikeFace(points, 100, 100)).toBe(false);
  });
});
