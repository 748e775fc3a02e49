import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Image8 } from '../../src/core/image.ts';
import { createRandom } from '../../src/core/random.ts';
import type { Kernels } from '../../src/kernels/runtime.ts';
import { type Crop, cropCoverage, resampleCrop, resize } from '../../src/render/resample.ts';
import { BUILDS } from '../kernels/builds.ts';

function photo(width: number, height: number, value: (x: number, y: number, c: number) => number): Image8 {
  const data = new Uint8ClampedArray(4 * width * height);
  for (let i = 0; i < data.length; i++) {
    const pixel = i >> 2;
    data[i] = value(pixel % width, Math.floor(pixel / width), i & 3);
  }
  return { width, height, data };
}

/** The definition, pixel by pixel: tent weights on both axes, borders repeated. */
function reference(image: Image8, crop: Crop, x: number, y: number, c: number): number {
  const radius = Math.max(1, 1 / crop.scale);
  const axis = (i: number, origin: number, length: number) => {
    const centre = origin + (i + 0.5) / crop.scale - 0.5;
    const near = Math.min(Math.max(centre, -radius), length - 1 + radius);
    const taps: [index: number, weight: number][] = [];
    for (let k = Math.ceil(near - radius); k <= near + radius; k++) {
      taps.push([Math.min(Math.max(k, 0), length - 1), 1 - Math.abs(k - near) / radius]);
    }
    const sum = taps.reduce((total, [, w]) => total + w, 0);
    return taps.map(([k, w]) => [k, w / sum] as const);
  };
  let value = 0;
  for (const [v, wy] of axis(y, crop.origin[1], image.height)) {
    for (const [u, wx] of axis(x, crop.origin[0], image.width)) {
      value += (wx * wy * image.data[4 * (v * image.width + u) + c]) / 255;
    }
  }
  return value;
}

const PLATFORMS: readonly (readonly [name: string, create: () => Kernels | undefined])[] = [
  ['TypeScript', () => undefined],
  ...BUILDS,
];

describe.each(PLATFORMS)('resampleCrop (%s)', (_name, create) => {
  const kernels = create();

  it('equals its definition for crops inside, across and beyond the border, shrinking and growing', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 24 }),
        fc.integer({ min: 1, max: 24 }),
        fc.integer({ min: 0, max: 12 }),
        fc.double({ min: 0.05, max: 6, noNaN: true }),
        fc.nat(),
        (width, height, size, scale, seed) => {
          const random = createRandom(seed);
          const image = photo(width, height, () => random.below(256));
          const origin = [40 * random.uniform() - 20, 40 * random.uniform() - 20] as const;
          const crop = { origin, scale, size };
          const got = resampleCrop(image, crop, kernels);
          expect(got.data.length).toBe(3 * size * size);
          for (let y = 0; y < size; y++) {
            for (let x = 0; x < size; x++) {
              for (let c = 0; c < 3; c++) {
                const value = got.data[3 * (y * size + x) + c];
                expect(Math.abs(value - reference(image, crop, x, y, c))).toBeLessThan(2e-6);
              }
            }
          }
        },
      ),
      { numRuns: 80, seed: 9 },
    );
  });

  it('puts a crop into the room it is given, whatever was there', () => {
    const image = photo(9, 7, (p) => (37 * p) % 256);
    const crop = { origin: [-1.5, 2], scale: 1.3, size: 8 } as const;
    const room = new Float32Array(3 * 8 * 8).fill(7);
    const got = resampleCrop(image, crop, kernels, room);
    expect(got.data).toBe(room);
    expect(Array.from(room)).toEqual(Array.from(resampleCrop(image, crop, kernels).data));
  });

  it('keeps pixels where crop and photo coincide', () => {
    const image = photo(6, 6, (x, y, c) => 40 * x + 5 * y + c);
    const got = resampleCrop(image, { origin: [1, 2], scale: 1, size: 4 }, kernels);
    for (let y = 0; y < 4; y++) {
      for (let x = 0; x < 4; x++) {
        for (let c = 0; c < 3; c++) {
          expect(got.data[3 * (4 * y + x) + c]).toBeCloseTo((40 * (x + 1) + 5 * (y + 2) + c) / 255, 6);
        }
      }
    }
  });

  it('puts a ramp where its pixel centres say, at every scale', () => {
    // Guards the half-pixel: a shift of half a crop pixel would be 2.5 levels at scale 0.2.
    const image = photo(200, 200, (x) => x);
    for (const scale of [0.2, 0.5, 1.7, 4]) {
      const got = resampleCrop(image, { origin: [30, 60], scale, size: 20 }, kernels);
      for (let x = 0; x < 20; x++) {
        expect(got.data[3 * (20 * 7 + x)] * 255).toBeCloseTo(30 + (x + 0.5) / scale - 0.5, 3);
      }
    }
  });

  it('averages a fine checkerboard to grey instead of aliasing', () => {
    const image = photo(128, 128, (x, y) => ((x + y) % 2) * 255);
    const got = resampleCrop(image, { origin: [8, 8], scale: 0.25, size: 24 }, kernels);
    for (const value of got.data) expect(Math.abs(value - 0.5)).toBeLessThan(0.01);
  });
});

describe('cropCoverage', () => {
  it('is one where the pixel centre lies in the photo', () => {
    const coverage = cropCoverage(4, 3, { origin: [-1, -1], scale: 1, size: 6 });
    const rows = Array.from({ length: 6 }, (_, y) => coverage.subarray(6 * y, 6 * y + 6).join(''));
    expect(rows).toEqual(['000000', '011110', '011110', '011110', '000000', '000000']);
  });
});

describe('resize', () => {
  it('keeps a picture of the same size and the ends of a ramp', () => {
    const image = { width: 3, height: 1, channels: 2, data: Float32Array.from([0, 9, 1, 8, 2, 7]) };
    expect(Array.from(resize(image, 3, 1).data)).toEqual([0, 9, 1, 8, 2, 7]);
    expect(Array.from(resize(image, 6, 1).data)).toEqual([
      0, 9, 0.25, 8.75, 0.75, 8.25, 1.25, 7.75, 1.75, 7.25, 2, 7,
    ]);
  });
});
