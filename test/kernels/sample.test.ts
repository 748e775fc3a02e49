import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import { sampleBilinearReference } from '../../src/kernels/reference/sample.ts';
import { sampleBilinear } from '../../src/kernels/sample.ts';
import { BUILDS } from './builds.ts';

describe.each(BUILDS)('sampleBilinear (%s)', (_name, create) => {
  const kernels = create();

  function check(width: number, height: number, channels: number, points: Float32Array, seed: number) {
    const random = createRandom(seed);
    const image = Float32Array.from({ length: width * height * channels }, () => random.normal());
    const expected = sampleBilinearReference(image, width, height, channels, points);
    const size = (points.length / 2) * channels;
    kernels.scope(() => {
      const source = { data: kernels.f32(image), width, height, channels };
      const at = kernels.f32(points);
      const plain = kernels.f32(size);
      sampleBilinear(kernels, source, at, plain);
      const [out, dx, dy] = [kernels.f32(size), kernels.f32(size), kernels.f32(size)];
      sampleBilinear(kernels, source, at, out, { dx, dy });
      for (const [got, want] of [
        [plain.view, expected.value],
        [out.view, expected.value],
        [dx.view, expected.dx],
        [dy.view, expected.dy],
      ] as const) {
        // Values of size 5 and coordinates up to 20: some ulps of float32.
        for (let i = 0; i < size; i++) expect(Math.abs(got[i] - want[i])).toBeLessThan(3e-5);
      }
    });
  }

  it.each([1, 2, 3, 4, 5, 9])(
    'equals the reference with %i channels, inside, outside and on the grid',
    (channels) => {
      const points: number[] = [];
      for (let y = -1; y <= 6; y += 0.25) for (let x = -1; x <= 8; x += 0.25) points.push(x, y);
      check(7, 5, channels, Float32Array.from(points), channels);
    },
  );

  it('equals the reference for random shapes', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 6 }),
        fc.nat(40),
        fc.nat(),
        (w, h, channels, n, seed) => {
          const random = createRandom(seed + 1);
          const points = Float32Array.from({ length: 2 * n }, () => 24 * random.uniform() - 2);
          check(w, h, channels, points, seed);
        },
      ),
      { numRuns: 60, seed: 4 },
    );
  });

  it('gives the pixel at its centre, the border beyond, NaN for NaN', () => {
    kernels.scope(() => {
      const image = { data: kernels.f32([1, 2, 3, 4]), width: 2, height: 2, channels: 1 };
      const points = kernels.f32([0.5, 0.5, 1.5, 0.5, 0.5, 1.5, -9, 99, 1, 1, NaN, 1]);
      const out = kernels.f32(6);
      sampleBilinear(kernels, image, points, out);
      expect(Array.from(out.view)).toEqual([1, 2, 3, 3, 2.5, NaN]);
    });
  });

  it('writes within its range only', () => {
    kernels.scope(() => {
      const image = { data: kernels.f32([1, 2, 3]), width: 1, height: 1, channels: 3 };
      const out = kernels.f32(12);
      sampleBilinear(kernels, image, kernels.f32(8), out, undefined, [1, 3]);
      expect(Array.from(out.view)).toEqual([0, 0, 0, 1, 2, 3, 1, 2, 3, 0, 0, 0]);
      expect(() => sampleBilinear(kernels, image, kernels.f32(3), out)).toThrow(/points must be \(N,2\)/);
      const empty = { data: kernels.f32(0), width: 0, height: 2, channels: 3 };
      expect(() => sampleBilinear(kernels, empty, kernels.f32(8), out)).toThrow(/must have pixels/);
    });
  });
});
