import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import { blendPixels, type Clay, headPixels } from '../../src/kernels/head-pixels.ts';
import { SURFACE_STRIDE } from '../../src/kernels/pixel-surface.ts';
import { blendReference, headPixelReference } from '../../src/kernels/reference/head-pixels.ts';
import { SH_CONSTANTS } from '../../src/light/sh.ts';
import { BUILDS } from './builds.ts';

const random = createRandom(3);
const uniform = (length: number, low = 0, high = 1) =>
  Float32Array.from({ length }, () => low + (high - low) * random.uniform());
const P = 83;
const CLAY: Clay = {
  key: [-0.35, 0.35, 0.87, 0.7],
  fill: [0.6, 0.1, 0.79, 0.35],
  colour: [0.8, 0.7, 0.6],
  ambient: 0.1,
};

const faceIndex = Int32Array.from({ length: P }, (_, p) => (p % 5 === 2 ? -1 : random.below(9)));
const surface = new Float32Array(SURFACE_STRIDE * P);
for (let p = 0; p < P; p++) {
  if (faceIndex[p] < 0) continue;
  const n = [random.normal(), random.normal(), random.normal()];
  const length = Math.hypot(...n);
  // Texture coordinates reach beyond the map.
  const uv = [-0.05 + 1.1 * random.uniform(), -0.05 + 1.1 * random.uniform()];
  surface.set([...n.map((x) => x / length), -0.7, ...uv, 0.5], SURFACE_STRIDE * p);
}
const light = uniform(27, -0.3, 0.3);
for (let c = 0; c < 3; c++) light[c] = 2 + 0.4 * c;

describe.each(BUILDS)('head pixels (%s)', (_name, create) => {
  const kernels = create();

  it.each([
    [13, 9, true],
    [1, 6, false],
    [8, 1, true],
    [0, 0, true],
  ])('are the reference with an albedo of %i × %i (gloss: %s)', (width, height, glossy) => {
    const data = uniform(3 * width * height);
    const gloss = uniform(P, -0.1, 0.2);
    kernels.scope(() => {
      const out = headPixels(kernels, {
        faceIndex: kernels.i32(faceIndex),
        surface: kernels.f32(surface),
        albedo: width > 0 ? { data: kernels.f32(data), width, height } : null,
        grey: 0.6,
        light,
        basis: SH_CONSTANTS,
        gloss: glossy ? kernels.f32(gloss) : null,
        clay: CLAY,
      });
      for (let p = 0; p < P; p++) {
        const [normal, uv] = [0, 4].map((at) => [...surface.subarray(8 * p + at, 8 * p + at + 3)]);
        const wanted = headPixelReference(
          { normal, uv },
          width > 0 ? { data, width, height } : null,
          0.6,
          light,
          SH_CONSTANTS,
          glossy ? gloss[p] : 0,
          CLAY,
        );
        for (const [name, picture] of Object.entries(out))
          for (let c = 0; c < 3; c++) {
            const value = faceIndex[p] < 0 ? 0 : wanted[name as keyof typeof wanted][c];
            expect(Math.abs(picture.view[3 * p + c] - value), `${name} of ${p}`).toBeLessThan(5e-6);
          }
      }
    });
  });

  it.each([
    [P, true, true, 1],
    [P, false, true, 0.5],
    [6, true, false, 1],
    [1, false, false, 2],
    [4, false, false, 1],
  ])('are laid over others as bytes (%i; under: %s, mask: %s, gain %s)', (count, onTop, masked, gain) => {
    const under = onTop ? uniform(3 * count, -0.1, 1.1) : null;
    const over = uniform(3 * count, -0.3, 1.5);
    const mask = masked ? uniform(count).map((x) => (x < 0.2 ? 0 : x > 0.8 ? 1 : x)) : null;
    const got = blendPixels(kernels, { under, over, mask, gain });
    expect(got.length).toBe(3 * count);
    got.forEach((byte, i) => {
      const wanted = blendReference(under?.[i] ?? 1, over[i], mask?.[Math.floor(i / 3)] ?? 1, gain);
      // To the nearest, up to float32's rounding.
      expect(Math.abs(byte - wanted)).toBeLessThan(0.5001);
    });
    expect(kernels.bytesUsed).toBe(0);
  });

  it('refuse shapes that do not match', () => {
    const input = {
      albedo: null,
      grey: 0.6,
      light,
      basis: SH_CONSTANTS,
      gloss: null,
      clay: CLAY,
    };
    kernels.scope(() => {
      const faces = kernels.i32(4);
      const short = { ...input, faceIndex: faces, surface: kernels.f32(9) };
      expect(() => headPixels(kernels, short)).toThrow(/surface must be \(P,8\)/);
      const map = { data: kernels.f32(9), width: 2, height: 2 };
      const seen = { ...input, faceIndex: faces, surface: kernels.f32(32) };
      expect(() => headPixels(kernels, { ...seen, albedo: map })).toThrow(/albedo must be \(H,W,3\)/);
      expect(() => headPixels(kernels, { ...seen, gloss: kernels.f32(3) })).toThrow(/gloss must be/);
    });
    expect(() =>
      blendPixels(kernels, { under: null, over: new Float32Array(6), mask: new Float32Array(3) }),
    ).toThrow(/mask must be \(P\)/);
  });
});
