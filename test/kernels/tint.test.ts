import { describe, expect, it } from 'vitest';
import type { ImageF } from '../../src/core/image.ts';
import { createRandom } from '../../src/core/random.ts';
import { growPlane } from '../../src/kernels/gloss.ts';
import { growPlaneReference } from '../../src/kernels/reference/gloss.ts';
import { solveTintReference } from '../../src/kernels/reference/tint.ts';
import { solveTint, type TintInput, takePlane, tintMap, tintPlane } from '../../src/kernels/tint.ts';
import { BUILDS } from './builds.ts';

const COLOURS = [0.6, 0.8, 1.4, 0.3, 1.2, 1.1, 1, -1, 0.2];

/** A render, a photo that differs from it by noise and some outliers, a mask, and functions at some of the pixels. */
function scene(width: number, height: number, count: number, n: number) {
  const random = createRandom(width + 7 * n + count);
  const pixels = width * height;
  const image = (): ImageF => ({ width, height, channels: 3, data: new Float32Array(3 * pixels) });
  const [photo, render] = [image(), image()];
  for (let i = 0; i < 3 * pixels; i++) {
    render.data[i] = random.uniform();
    photo.data[i] = render.data[i] + 0.05 * random.normal() + 0.2 * random.uniform() ** 6;
  }
  const mask = Float32Array.from({ length: pixels }, () => 0.1 + random.uniform());
  // Any pixels, in any order.
  const places = Uint32Array.from({ length: count }, (_, i) => (7 * i + 3) % pixels);
  const basis = Float32Array.from({ length: n * count }, () => random.normal());
  return { photo, render, mask, places, basis };
}

const prior = (sets: number) => ({
  sigma: 0.05,
  k: 2,
  weight: 600,
  deviations: [0.1, 0.04, 0.3].slice(0, sets),
});

describe.each(BUILDS)('tint (%s)', (_name, create) => {
  const kernels = create();
  type Scene = ReturnType<typeof scene>;
  const taken = (s: Scene, sets: number): TintInput => ({
    photo: kernels.f32(s.photo.data),
    render: kernels.f32(s.render.data),
    mask: kernels.f32(s.mask),
    pixels: kernels.u32(s.places),
    basis: kernels.f32(s.basis),
    colours: COLOURS.slice(0, 3 * sets),
    prior: prior(sets),
    rounds: 3,
  });

  it.each([
    [20, 15, 100, 24, 2],
    [20, 15, 61, 5, 2],
    [9, 7, 31, 6, 3],
    [9, 7, 30, 7, 1],
    [3, 2, 1, 4, 2],
  ])('the coefficients are the reference (%i × %i, %i pixels, %i functions, %i colours)', (...sizes) => {
    const [width, height, count, n, sets] = sizes;
    const s = scene(width, height, count, n);
    const basisAt = (i: number) => s.basis.subarray(n * i, n * (i + 1));
    const colours = COLOURS.slice(0, 3 * sets);
    const wanted = solveTintReference(s, s.places, basisAt, colours, prior(sets), 3)!;
    const got = kernels.scope(() => solveTint(kernels, taken(s, sets)))!;
    expect(got.length).toBe(n * sets);
    const most = Math.max(...wanted.map(Math.abs));
    expect(most).toBeGreaterThan(1e-4);
    // Both in float64: sums in another order.
    got.forEach((x, k) => {
      expect(Math.abs(x - wanted[k])).toBeLessThan(1e-10 * most);
    });
  });

  it('the coefficients are where the energy is least', () => {
    const [n, sets, sigma, k] = [4, 2, 0.2, 2];
    const s = scene(12, 10, 90, n);
    const loss = { ...prior(sets), sigma, k };
    const total = s.places.reduce((sum, p) => sum + s.mask[p], 0);
    const energy = (x: Float64Array) => {
      let sum = 0;
      s.places.forEach((p, i) => {
        const f = [0, 1].map((d) =>
          s.basis.subarray(n * i, n * (i + 1)).reduce((t, y, a) => t + y * x[n * d + a], 0),
        );
        let e = 0;
        for (let c = 0; c < 3; c++) {
          const drawn = s.render.data[3 * p + c];
          const change = drawn * (f[0] * COLOURS[c] + f[1] * COLOURS[3 + c]);
          e += ((s.photo.data[3 * p + c] - drawn - change) / sigma) ** 2;
        }
        sum += (0.5 * loss.weight * s.mask[p] * e) / (1 + e / k ** 2) / total;
      });
      return sum + x.reduce((t, v, a) => t + 0.5 * (v / loss.deviations[Math.floor(a / n)]) ** 2, 0);
    };
    const found = kernels.scope(() => solveTint(kernels, { ...taken(s, sets), prior: loss, rounds: 60 }))!;
    const slope = (x: Float64Array, a: number) => {
      const [up, down] = [1e-5, -1e-5].map((h) => energy(x.map((v, b) => (b === a ? v + h : v))));
      return (up - down) / 2e-5;
    };
    const start = new Float64Array(n * sets);
    expect(energy(found)).toBeLessThan(energy(start) - 0.01);
    const steepest = Math.max(...start.map((_, a) => Math.abs(slope(start, a))));
    for (let a = 0; a < n * sets; a++) expect(Math.abs(slope(found, a))).toBeLessThan(1e-5 * steepest);
  });

  it('there are none where no pixel is looked at', () => {
    const s = { ...scene(6, 5, 9, 4), places: new Uint32Array(0), basis: new Float32Array(0) };
    kernels.scope(() => expect(solveTint(kernels, taken(s, 2))).toBeNull());
    expect(solveTintReference(s, s.places, () => [], COLOURS, prior(2), 3)).toBeNull();
  });

  it('changes renders at pixels, maps everywhere, and is taken off', () => {
    const random = createRandom(3);
    const numbers = (n: number) => Float32Array.from({ length: n }, () => random.normal());
    const [render, change] = [numbers(3 * 35), numbers(3 * 11)];
    const pixels = Uint32Array.from({ length: 11 }, (_, i) => (3 * i + 1) % 35);
    kernels.scope(() => {
      const out = kernels.f32(105);
      out.view.fill(9);
      tintPlane(kernels, kernels.u32(pixels), kernels.f32(change), kernels.f32(render), out);
      const wanted = new Float32Array(105).fill(9);
      pixels.forEach((p, i) => {
        for (let c = 0; c < 3; c++) wanted[3 * p + c] = render[3 * p + c] * change[3 * i + c];
      });
      expect(out.view).toEqual(wanted);
    });
    for (const n of [0, 1, 4, 27]) {
      const [map, other] = [numbers(n), numbers(n)];
      kernels.scope(() => {
        const [tinted, less] = [kernels.f32(map), kernels.f32(map)];
        const behind = kernels.f32([5, 6, 7, 8]);
        tintMap(kernels, tinted, kernels.f32(other));
        takePlane(kernels, less, kernels.f32(other));
        expect(tinted.view).toEqual(map.map((x, i) => x * Math.fround(1 + other[i])));
        expect(less.view).toEqual(map.map((x, i) => x - other[i]));
        expect([...behind.view]).toEqual([5, 6, 7, 8]);
      });
    }
  });

  it('is carried on as by the reference', () => {
    const random = createRandom(8);
    const known = Uint8Array.from({ length: 14 * 9 }, () => (random.uniform() < 0.2 ? 1 : 0));
    const values = Float32Array.from({ length: 3 * known.length }, (_, i) =>
      known[Math.floor(i / 3)] ? random.normal() : 0,
    );
    kernels.scope(() => {
      const got = kernels.f32(values);
      growPlane(kernels, got, kernels.u8(known), 14, 3);
      const wanted = growPlaneReference(values, known, 14, 3);
      expect(wanted.filter((x) => x !== 0).length).toBeGreaterThan(values.filter((x) => x !== 0).length);
      got.view.forEach((x, i) => {
        expect(Math.abs(x - wanted[i])).toBeLessThan(1e-6);
      });
    });
  });

  it('refuses shapes that do not match', () => {
    const s = scene(6, 5, 9, 4);
    kernels.scope(() => {
      const input = taken(s, 2);
      const few = kernels.f32(4);
      expect(() => solveTint(kernels, { ...input, photo: few })).toThrow(/photo must be/);
      expect(() => solveTint(kernels, { ...input, render: few })).toThrow(/render must be/);
      expect(() => solveTint(kernels, { ...input, basis: kernels.f32(10) })).toThrow(/basis must be/);
      expect(() => solveTint(kernels, { ...input, colours: [1, 1, 1] })).toThrow(/colours must be/);
      expect(() => tintPlane(kernels, input.pixels, few, input.render, input.photo)).toThrow(/change/);
      expect(() => tintPlane(kernels, input.pixels, kernels.f32(27), input.render, few)).toThrow(/out/);
      expect(() => tintMap(kernels, input.photo, few)).toThrow(/change/);
      expect(() => takePlane(kernels, input.photo, few)).toThrow(/plane/);
    });
  });
});
