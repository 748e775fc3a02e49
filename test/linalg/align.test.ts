import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import { alignPoints, applyAlignment } from '../../src/linalg/align.ts';
import { determinant3, nearestRotation, svd3 } from '../../src/linalg/svd3.ts';

function multiply(a: ArrayLike<number>, b: ArrayLike<number>): number[] {
  return Array.from({ length: 9 }, (_, at) => {
    const [r, c] = [Math.floor(at / 3), at % 3];
    return a[3 * r] * b[c] + a[3 * r + 1] * b[3 + c] + a[3 * r + 2] * b[6 + c];
  });
}

const transpose = (m: ArrayLike<number>) => [0, 3, 6, 1, 4, 7, 2, 5, 8].map((i) => m[i]);

function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Math.max(...Array.from(a, (v, i) => Math.abs(v - b[i])));
}

const IDENTITY = [1, 0, 0, 0, 1, 0, 0, 0, 1];

function checkSvd(m: readonly number[]) {
  const { u, s, v } = svd3(m);
  const size = Math.max(...m.map(Math.abs)) || 1;
  const scaled = multiply(u, [s[0], 0, 0, 0, s[1], 0, 0, 0, s[2]]);
  expect(distance(multiply(scaled, transpose(v)), m)).toBeLessThan(1e-13 * size);
  expect(distance(multiply(u, transpose(u)), IDENTITY)).toBeLessThan(1e-12);
  expect(distance(multiply(v, transpose(v)), IDENTITY)).toBeLessThan(1e-12);
  expect(s[0] >= s[1] && s[1] >= s[2] && s[2] >= 0).toBe(true);
  const r = nearestRotation(m);
  expect(determinant3(r)).toBeCloseTo(1, 10);
  expect(distance(multiply(r, transpose(r)), IDENTITY)).toBeLessThan(1e-12);
}

const randomRotation = (seed: number) => {
  const random = createRandom(seed);
  return nearestRotation(Array.from({ length: 9 }, () => random.normal()));
};

describe('svd3', () => {
  it.each([
    ['zero', [0, 0, 0, 0, 0, 0, 0, 0, 0]],
    ['identity', IDENTITY],
    ['reflection', [1, 0, 0, 0, 1, 0, 0, 0, -1]],
    ['rank 1', [1, 2, 3, 2, 4, 6, 3, 6, 9]],
    ['rank 2', [1, 2, 3, 4, 5, 6, 7, 8, 9]],
    ['one entry', [0, 0, 0, 0, 0, 7, 0, 0, 0]],
    ['wide range', [1e9, 0, 0, 0, 1, 1e-3, 0, 0, 1e-9]],
  ])('decomposes %s', (_name, m) => checkSvd(m));

  it('decomposes random matrices', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: -90, max: 90 }), (seed, power) => {
        const random = createRandom(seed);
        checkSvd(Array.from({ length: 9 }, () => random.normal() * 10 ** power));
      }),
      { numRuns: 200, seed: 6 },
    );
  });
});

describe('alignPoints', () => {
  function cloud(n: number, seed: number) {
    const random = createRandom(seed);
    return Float32Array.from({ length: 3 * n }, () => random.normal());
  }

  it('finds known transforms, planar point sets included', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 4, max: 30 }),
        fc.nat(),
        fc.boolean(),
        fc.boolean(),
        (n, seed, scale, planar) => {
          const from = cloud(n, seed);
          if (planar) for (let i = 2; i < from.length; i += 3) from[i] = 0.5;
          const truth = {
            rotation: randomRotation(seed + 1),
            translation: Float64Array.from([1, -2, 3]),
            scale: scale ? 2.5 : 1,
          };
          const found = alignPoints(from, applyAlignment(truth, from), { scale });
          expect(distance(found.rotation, truth.rotation)).toBeLessThan(1e-6);
          expect(distance(found.translation, truth.translation)).toBeLessThan(1e-6);
          expect(found.scale).toBeCloseTo(truth.scale, 8);
        },
      ),
      { numRuns: 60, seed: 7 },
    );
  });

  it('never mirrors: a mirrored cloud gets a rotation', () => {
    const from = cloud(20, 1);
    const to = from.map((v, i) => (i % 3 === 0 ? -v : v));
    expect(determinant3(alignPoints(from, to, { scale: true }).rotation)).toBeCloseTo(1, 10);
  });

  it('is a minimum under noise and weights: no small change does better', () => {
    const random = createRandom(9);
    const from = cloud(25, 2);
    const to = from.map((v) => 1.3 * v + 0.2 * random.normal());
    const weights = Float64Array.from({ length: 25 }, (_, i) => (i < 5 ? 0 : random.uniform()));
    const best = alignPoints(from, to, { scale: true, weights });
    const cost = (alignment: typeof best) => {
      const moved = applyAlignment(alignment, from);
      return moved.reduce((sum, v, i) => sum + weights[Math.floor(i / 3)] * (v - to[i]) ** 2, 0);
    };
    const least = cost(best);
    for (const step of [-1e-3, 1e-3]) {
      expect(cost({ ...best, scale: best.scale + step })).toBeGreaterThan(least);
      for (let d = 0; d < 3; d++) {
        expect(
          cost({ ...best, translation: best.translation.with(d, best.translation[d] + step) }),
        ).toBeGreaterThan(least);
        const turn = IDENTITY.slice();
        const [p, q] = [(d + 1) % 3, (d + 2) % 3];
        turn[3 * p + q] = -step;
        turn[3 * q + p] = step;
        const rotation = nearestRotation(multiply(turn, best.rotation));
        // Turn about the weighted centre, where rotation and translation are independent.
        const centre = [0, 1, 2].map((c) => {
          const total = weights.reduce((a, b) => a + b, 0);
          return weights.reduce((sum, w, i) => sum + w * from[3 * i + c], 0) / total;
        });
        const before = applyAlignment(best, centre);
        const after = applyAlignment({ ...best, rotation }, centre);
        const translation = best.translation.map((t, c) => t + before[c] - after[c]);
        expect(cost({ ...best, rotation, translation })).toBeGreaterThan(least);
      }
    }
  });

  it('refuses what it cannot align', () => {
    expect(() => alignPoints([], [], { scale: false })).toThrow(/N ≥ 1/);
    expect(() => alignPoints([1, 2, 3], [1, 2], { scale: false })).toThrow(/\(N,3\)/);
    expect(() => alignPoints([1, NaN, 3], [1, 2, 3], { scale: false })).toThrow(/NaN/);
    expect(() => alignPoints([1, 2, 3], [1, 2, 3], { scale: false, weights: [-1] })).toThrow(/weights\[0\]/);
    expect(() => alignPoints([1, 2, 3], [1, 2, 3], { scale: true })).toThrow(/coincide/);
    expect(Array.from(alignPoints([1, 2, 3], [2, 2, 2], { scale: false }).translation)).toEqual([1, 0, -1]);
  });
});
