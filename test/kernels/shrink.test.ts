import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import { resampleCrop, shrink } from '../../src/render/resample.ts';
import { BUILDS } from './builds.ts';

describe.each(BUILDS)('shrink (%s)', (_name, create) => {
  const kernels = create();
  const random = createRandom(5);
  const noise = (width: number, height: number) => ({
    ...{ width, height },
    data: Uint8ClampedArray.from({ length: 4 * width * height }, (_, i) =>
      i % 4 === 3 ? 255 : 255.99 * random.uniform(),
    ),
  });

  it('gives within a level what the float filter gives', () => {
    for (const [size, to] of [
      [64, 64],
      [64, 63],
      [64, 50],
      [97, 40],
      [131, 7],
      [33, 1],
      [1, 1],
    ]) {
      const picture = noise(size, size);
      const small = shrink(picture, to, to, kernels);
      const want = resampleCrop(picture, { origin: [0, 0], scale: to / size, size: to });
      expect([small.width, small.height, small.data.length]).toEqual([to, to, 4 * to * to]);
      let worst = 0;
      for (let i = 0; i < to * to; i++) {
        worst = Math.max(worst, 255 - small.data[4 * i + 3]);
        for (let c = 0; c < 3; c++)
          worst = Math.max(worst, Math.abs(small.data[4 * i + c] - 255 * want.data[3 * i + c]));
      }
      expect(worst, `${size} to ${to}`).toBeLessThan(1);
    }
  });

  it('shrinks each side by its own factor, and keeps black and white as they are', () => {
    const picture = noise(90, 50);
    for (let y = 0; y < 50; y++)
      for (let x = 0; x < 90; x++)
        picture.data.fill(x < 45 ? 0 : 255, 4 * (90 * y + x), 4 * (90 * y + x) + 3);
    const { data } = shrink(picture, 30, 40, kernels);
    for (let y = 0; y < 40; y++)
      for (let x = 0; x < 30; x++)
        if (Math.abs(x - 14.5) > 1) expect(data[4 * (30 * y + x)], `${x} ${y}`).toBe(x < 15 ? 0 : 255);
  });

  it('does not enlarge', () => {
    expect(() => shrink(noise(8, 8), 9, 8, kernels)).toThrow(/8 × 8 to 9 × 8/);
  });
});
