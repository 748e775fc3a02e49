import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import { yuvPlanes } from '../../src/kernels/film.ts';
import { yuvPlanesReference } from '../../src/kernels/reference/film.ts';
import { BUILDS } from './builds.ts';

describe.each(BUILDS)('planes of a film (%s)', (_name, create) => {
  const kernels = create();

  it.each([
    [16, 4],
    [24, 6],
    [2, 2],
    [10, 8],
    [30, 2],
  ])('are those of the reference: %i × %i', (width, height) => {
    const random = createRandom(width + height);
    const rgba = Uint8Array.from({ length: 4 * width * height }, (_, i) =>
      i % 4 === 3 ? 255 : Math.floor(256 * random.uniform()),
    );
    const planes = yuvPlanes(kernels, rgba, width, height);
    const expected = yuvPlanesReference(rgba, width, height);
    expect(planes.length).toBe(expected.length);
    // Fixed point rounds the other way where the exact number lies within 1/100 of the middle between two levels.
    let other = 0;
    for (const [i, level] of planes.entries()) {
      expect(Math.abs(level - expected[i])).toBeLessThanOrEqual(1);
      if (level !== expected[i]) other++;
    }
    expect(other).toBeLessThanOrEqual(1 + 0.03 * planes.length);
  });

  it('have black, white and pure colours at the levels that BT.709 gives them', () => {
    const levels = (r: number, g: number, b: number) => {
      const rgba = new Uint8Array(16).map((_, i) => [r, g, b, 255][i % 4]);
      const [y, , , , u, v] = yuvPlanes(kernels, rgba, 2, 2);
      return [y, u, v];
    };
    expect(levels(0, 0, 0)).toEqual([16, 128, 128]);
    expect(levels(255, 255, 255)).toEqual([235, 128, 128]);
    expect(levels(255, 0, 0)).toEqual([63, 102, 240]);
    expect(levels(0, 255, 0)).toEqual([173, 42, 26]);
    expect(levels(0, 0, 255)).toEqual([32, 240, 118]);
  });

  it('need even sizes and whole pictures', () => {
    expect(() => yuvPlanes(kernels, new Uint8Array(4 * 6), 3, 2)).toThrow(/even/);
    expect(() => yuvPlanes(kernels, new Uint8Array(4 * 5), 2, 2)).toThrow(/rgba/);
  });
});
