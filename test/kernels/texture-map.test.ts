import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import { takeRoom } from '../../src/kernels/evidence.ts';
import { PIXEL } from '../../src/kernels/pixel-surface.ts';
import {
  cellBrightnessReference,
  composeMapReference,
  gatherTexelsReference,
  matchSumsReference,
} from '../../src/kernels/reference/texture-map.ts';
import {
  cellBrightness,
  composeMap,
  gatherTexels,
  mapBytes,
  matchSums,
  resizeMap,
} from '../../src/kernels/texture-map.ts';
import { albedoMap, takeAlbedoMap } from '../../src/render/albedo.ts';
import { resize } from '../../src/render/resample.ts';
import { BUILDS } from './builds.ts';

const random = createRandom(5);
const uniform = (length: number, low = 0, high = 1) =>
  Float32Array.from({ length }, () => low + (high - low) * random.uniform());
/** Float32 arithmetic on values of about 1. */
const ROUNDING = 1e-6;

const largest = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((most, x, i) => Math.max(most, Math.abs(x - b[i])), 0);

describe.each(BUILDS)('maps (%s)', (_name, create) => {
  const kernels = create();

  it.each([
    [8, 6, 16, 12],
    [7, 5, 4, 9],
    [5, 4, 5, 4],
    [1, 3, 6, 2],
    [4, 1, 3, 3],
  ])('resizes %i × %i to %i × %i', (width, height, outWidth, outHeight) => {
    const data = uniform(3 * width * height);
    const expected = resize({ width, height, channels: 3, data }, outWidth, outHeight);
    const out = kernels.f32(3 * outWidth * outHeight, false);
    resizeMap(kernels, kernels.f32(data), [width, height], out, [outWidth, outHeight]);
    expect(largest(out.view, expected.data)).toBeLessThan(ROUNDING);
  });

  it('adds up a texture space', () => {
    const [width, height, T] = [6, 5, 7];
    const n = 3 * width * height;
    const names = Array.from({ length: T }, (_, t) => `${t}`);
    const space = { width, height, names, mean: uniform(n), basis: uniform(T * n, -0.1, 0.1) };
    const coefficients = Float32Array.from({ length: T }, (_, t) => (t === 2 ? 0 : random.normal()));
    const map = takeAlbedoMap(kernels, space, coefficients);
    expect(largest(map.view, albedoMap(space, coefficients).data)).toBeLessThan(ROUNDING);
  });

  it('puts a map together of nodes and the texels around them', () => {
    const W = 9;
    // All texels in some order.
    const places = Array.from({ length: W * W }, (_, i) => (32 * i) % (W * W));
    const arrays = {
      base: uniform(3 * W * W),
      texels: Uint32Array.from(places.slice(0, 40)),
      mean: new Float32Array(160),
      offset: uniform(160, -0.8, 0.8),
      around: Uint32Array.from(places.slice(40, 60)),
      nodes: Uint32Array.from({ length: 20 }, () => random.below(40)),
    };
    const [base, texels] = [kernels.f32(arrays.base), kernels.u32(arrays.texels)];
    const mean = gatherTexels(kernels, texels, base);
    expect(Array.from(mean.view)).toEqual(gatherTexelsReference(arrays.texels, arrays.base));
    arrays.mean.set(mean.view);
    const offset = kernels.f32(arrays.offset);
    const [around, nodes] = [kernels.u32(arrays.around), kernels.u32(arrays.nodes)];
    const made = composeMap(kernels, { base, texels, mean, offset, around, nodes });
    const expected = composeMapReference(arrays);
    expect(largest(made.change.view, expected.change)).toBeLessThan(ROUNDING);
    expect(largest(made.albedo.view, expected.albedo)).toBeLessThan(ROUNDING);
    // Some had to be cut, others not.
    expect(expected.albedo.some((x) => x === 0)).toBe(true);
    expect(expected.albedo.some((x) => x > 0 && x < 1)).toBe(true);
  });

  it('rounds to bytes as a clamped array does', () => {
    const values = Float32Array.of(-0.3, 0, 0.5 / 255, 1.5 / 255, 0.2, 0.7, 1, 1.4, 2.5 / 255);
    const expected = Uint8ClampedArray.from(values, (x) => 255 * x);
    expect(Array.from(mapBytes(kernels, values))).toEqual(Array.from(expected));
  });

  it('compares with a photo, over measured pixels only', () => {
    const [count, size, cell] = [150, 13, 4];
    const evidence = takeRoom(kernels, count);
    const pixels = {
      measured: Uint8Array.from({ length: count }, () => random.below(2)),
      pixels: Uint32Array.from({ length: count }, () => random.below(size * size)),
      shading: uniform(4 * count, 0.2, 1.3),
      colours: uniform(4 * count),
    };
    evidence.pixels.view.set(pixels.pixels);
    evidence.shading.view.set(pixels.shading);
    evidence.colours.view.set(pixels.colours);
    evidence.flags.view.set(pixels.measured.map((m) => (m ? PIXEL.measured | PIXEL.skin : PIXEL.skin)));
    const [before, after] = [uniform(4 * count), uniform(4 * count)];
    const [b, a] = [kernels.f32(before), kernels.f32(after)];

    const sums = matchSums(kernels, evidence, a);
    const expected = matchSumsReference(pixels, after);
    expect(sums.pixels).toBe(expected.pixels);
    expect(sums.l1).toBeCloseTo(expected.l1, 9);
    expect(sums.l2).toBeCloseTo(expected.l2, 9);
    expect(largest(sums.albedo, expected.albedo)).toBeLessThan(1e-9);

    const colour = [0.7, 0.5, 0.4] as const;
    const cells = cellBrightness(kernels, evidence, b, a, colour, size, cell);
    const wanted = cellBrightnessReference(pixels, before, after, colour, size, cell);
    expect(cells.length).toBe(wanted.length);
    // Up to twenty pixels a cell, each rounded to float32.
    expect(largest(cells, wanted)).toBeLessThan(20 * ROUNDING);
  });
});
