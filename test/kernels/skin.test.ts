import { describe, expect, it } from 'vitest';
import type { ImageF } from '../../src/core/image.ts';
import { createRandom } from '../../src/core/random.ts';
import { takePhoto } from '../../src/kernels/photometric.ts';
import { medianResidualReference, skinWeightsReference } from '../../src/kernels/reference/skin.ts';
import { medianResidual, scatterColours, skinWeights } from '../../src/kernels/skin.ts';
import { BUILDS } from './builds.ts';

/** A noisy picture of something, another of something else in places, a ragged region with or without a core. */
function scene(width: number, height: number, seed: number, cored: boolean) {
  const random = createRandom(seed);
  const n = width * height;
  const image = (f: () => number): ImageF => ({
    width,
    height,
    channels: 3,
    data: Float32Array.from({ length: 3 * n }, f),
  });
  const render = image(() => 0.3 + 0.4 * random.uniform());
  const photo = image(() => 0);
  for (let p = 0; p < n; p++)
    for (let c = 0; c < 3; c++)
      photo.data[3 * p + c] =
        (p % width) + Math.floor(p / width) > 0.8 * width
          ? 0.1
          : render.data[3 * p + c] + 0.05 * random.normal();
  const region = Uint8Array.from({ length: n }, (_, p) => (p % width > 2 && random.uniform() < 0.9 ? 1 : 0));
  const core = Uint8Array.from({ length: n }, (_, p) => (cored && p < 0.6 * n ? region[p] : 0));
  return { photo, render, region, core, cut: 3, floor: 0.025 };
}

describe.each(BUILDS)('skin (%s)', (_name, create) => {
  const kernels = create();

  it.each([
    [40, 30, 1, true],
    [40, 30, 3, false],
    [57, 56, 2, true],
    [7, 90, 5, true],
    [3, 3, 1, false],
  ])(
    'weights and residual are the reference of %i × %i pixels, radius %i',
    (width, height, radius, cored) => {
      const input = { ...scene(width, height, width + height, cored), radius };
      const expected = skinWeightsReference(input);
      const got = skinWeights(kernels, input);
      expect(got.length).toBe(expected.length);
      // The same operations in the same order, up to how powers are rounded.
      for (let p = 0; p < got.length; p++) expect(Math.abs(got[p] - expected[p])).toBeLessThan(1e-5);
      const residual = medianResidual(kernels, input.photo, input.render, got);
      expect(residual).toBeCloseTo(medianResidualReference(input.photo, input.render, got), 6);
    },
  );

  it('nothing is skin where there is no region, and no residual is typical then', () => {
    const input = { ...scene(12, 12, 1, false), radius: 1, region: new Uint8Array(144) };
    const got = skinWeights(kernels, input);
    expect(got.every((w) => w === 0)).toBe(true);
    expect(medianResidual(kernels, input.photo, input.render, got)).toBe(Infinity);
  });

  it('colours go to their pixels, borders of a photo are repeated', () => {
    kernels.scope(() => {
      const [rgb, seen] = [kernels.f32(9), kernels.u8(3)];
      scatterColours(kernels, kernels.f32([1, 2, 3, 0, 4, 5, 6, 0]), kernels.u32([2, 0]), 2, rgb, seen);
      expect([...rgb.view]).toEqual([4, 5, 6, 0, 0, 0, 1, 2, 3]);
      expect([...seen.view]).toEqual([1, 0, 1]);
      const data = Float32Array.from({ length: 12 }, (_, i) => i);
      const padded = takePhoto(kernels, { width: 2, height: 2, channels: 3, data }).data.view;
      const pixel = (x: number, y: number) => [...padded.slice(4 * (4 * y + x), 4 * (4 * y + x) + 4)];
      expect([pixel(0, 0), pixel(2, 1), pixel(3, 3), pixel(1, 3)]).toEqual([
        [0, 1, 2, 0],
        [3, 4, 5, 0],
        [9, 10, 11, 0],
        [6, 7, 8, 0],
      ]);
    });
  });

  it('refuses sizes that do not match', () => {
    const input = { ...scene(8, 8, 1, true), radius: 1 };
    expect(() => skinWeights(kernels, { ...input, core: new Uint8Array(3) })).toThrow(/core must be \(H,W\)/);
    expect(() => medianResidual(kernels, input.photo, input.render, new Float32Array(3))).toThrow(/photo/);
  });
});
