import { describe, expect, it } from 'vitest';
import type { ImageF } from '../../src/core/image.ts';
import { createRandom } from '../../src/core/random.ts';
import { type HairInput, hairFlags } from '../../src/kernels/hair.ts';
import { hairFlagsReference } from '../../src/kernels/reference/hair.ts';
import { BUILDS } from './builds.ts';

/** A noisy face with noisy hair around it and a strand across it, ragged flags. */
function scene(width: number, height: number, seed: number): HairInput {
  const random = createRandom(seed);
  const n = width * height;
  const at = (p: number) => [(p % width) / width - 0.5, Math.floor(p / width) / height - 0.5];
  const face = (p: number) => Math.hypot(at(p)[0] / 0.4, at(p)[1] / 0.45) < 1;
  const image = (f: (p: number, c: number) => number): ImageF => ({
    width,
    height,
    channels: 3,
    data: Float32Array.from({ length: 3 * n }, (_, i) => f(Math.floor(i / 3), i % 3)),
  });
  const render = image((p, c) => (face(p) ? [0.7, 0.5, 0.4][c] * (0.7 + 0.5 * at(p)[0]) : 0));
  const hairy = (p: number) => !face(p) || Math.abs(at(p)[0] + at(p)[1] - 0.1) < 0.06;
  const photo = image((p, c) => {
    const light = 0.6 + 0.4 * random.uniform();
    return (hairy(p) ? [0.6, 0.5, 0.3][c] * light : render.data[3 * p + c]) + 0.03 * random.normal();
  });
  const flags = (f: (p: number) => boolean) => Uint8Array.from({ length: n }, (_, p) => (f(p) ? 1 : 0));
  return {
    photo,
    render,
    region: flags((p) => face(p) && random.uniform() < 0.95),
    core: flags((p) => face(p) && at(p)[1] > -0.15),
    lines: flags((p) => Math.floor(p / width) === Math.floor(0.4 * height) && face(p)),
    up: [0.1, -1],
    ring: 0,
    radius: 0,
    brow: 0,
  };
}

describe.each(BUILDS)('hair (%s)', (_name, create) => {
  const kernels = create();

  it.each([
    [60, 48, { ring: 6, radius: 1, brow: 1 }],
    [57, 90, { ring: 4, radius: 2, brow: 2 }],
    [112, 112, { ring: 10, radius: 1, brow: 2 }],
    [7, 30, { ring: 9, radius: 8, brow: 1 }],
    // Rings of crops some 2,800 and 5,700 pixels wide: more than a byte counts, which had them end at once.
    [60, 48, { ring: 255, radius: 1, brow: 1 }],
    [57, 90, { ring: 511, radius: 2, brow: 2 }],
  ])('is the reference on %i × %i pixels', (width, height, sizes) => {
    const input = { ...scene(width, height, width + height), ...sizes };
    const expected = hairFlagsReference(input);
    const got = hairFlags(kernels, input);
    expect(got.length).toBe(width * height);
    if (width > 50) {
      const found = expected.reduce((a, b) => a + b, 0);
      expect(found).toBeGreaterThan(0.02 * width * height);
      expect(found).toBeLessThan(0.4 * width * height);
    }
    // Evidence is averaged by the same sums; logarithms differ in the tenth digit.
    expect(got.filter((flag, p) => flag !== expected[p]).length).toBe(0);
  });

  it('finds nothing without a region, a core or a ring', () => {
    const input = { ...scene(40, 40, 3), ring: 4, radius: 1, brow: 1 };
    const none = new Uint8Array(1600);
    const all = new Uint8Array(1600).fill(1);
    for (const change of [{ region: none }, { core: none }, { core: all }])
      expect(hairFlags(kernels, { ...input, ...change }).every((flag) => flag === 0)).toBe(true);
  });

  it('refuses sizes that do not match', () => {
    const input = { ...scene(8, 8, 1), ring: 1, radius: 1, brow: 1 };
    expect(() => hairFlags(kernels, { ...input, lines: new Uint8Array(3) })).toThrow(/lines must be \(H,W\)/);
  });
});
