/** Nearest points: against brute force over every triangle, sampled densely, and in cases with known answers. */
import { describe, expect, it } from 'vitest';
import { InvalidArgumentError } from '../../src/core/errors.ts';
import { createRandom } from '../../src/core/random.ts';
import { createNearest } from '../../src/geometry/nearest.ts';
import { makeTinyHead } from '../helpers/tiny-head.ts';

const triangle = [0, 0, 0, 1, 0, 0, 0, 1, 0];

describe('createNearest', () => {
  it.each([
    ['above the inside', [0.2, 0.3, 0.7], [0.2, 0.3, 0], 0.7],
    ['beyond corner a', [-1, -2, 0], [0, 0, 0], Math.sqrt(5)],
    ['beyond corner b', [3, 0, 0], [1, 0, 0], 2],
    ['beyond corner c', [0, 3, 4], [0, 1, 0], Math.hypot(2, 4)],
    ['beside edge ab', [0.4, -2, 0], [0.4, 0, 0], 2],
    ['beside edge ac', [-2, 0.4, 0], [0, 0.4, 0], 2],
    ['beside edge bc', [1, 1, 0], [0.5, 0.5, 0], Math.SQRT1_2],
  ])('one triangle, %s', (_, at, point, distance) => {
    const hit = createNearest(triangle, [0, 1, 2]).find(at[0], at[1], at[2]);
    expect(hit.face).toBe(0);
    expect(hit.distance).toBeCloseTo(distance, 12);
    point.forEach((x, a) => {
      expect(hit.point[a]).toBeCloseTo(x, 12);
    });
    const [u, v, w] = hit.barycentrics;
    expect([u + v + w, v, w]).toEqual([1, point[0], point[1]].map((x) => expect.closeTo(x, 12)));
  });

  it('agrees with brute force on a mesh', () => {
    const { template, faces } = makeTinyHead();
    const search = createNearest(template, faces);
    const singles = Array.from({ length: faces.length / 3 }, (_, f) =>
      createNearest(template, faces.subarray(3 * f, 3 * f + 3)),
    );
    const random = createRandom(7);
    for (let i = 0; i < 100; i++) {
      const [x, y, z] = [random.normal(), random.normal(), random.normal()].map((t) => 0.1 * t);
      const { distance, face } = search.find(x, y, z);
      const all = singles.map((single) => single.find(x, y, z).distance);
      expect(distance).toBeCloseTo(Math.min(...all), 12);
      expect(all[face]).toBeCloseTo(distance, 12);
    }
  });

  it('agrees with brute force on points', () => {
    const random = createRandom(3);
    const points = Float32Array.from({ length: 3000 }, () => random.normal());
    const search = createNearest(points, null);
    for (let i = 0; i < 50; i++) {
      const at = [random.normal(), random.normal(), random.normal()];
      const all = Array.from({ length: 1000 }, (_, v) =>
        Math.hypot(...at.map((x, a) => x - points[3 * v + a])),
      );
      const hit = search.find(at[0], at[1], at[2]);
      expect(hit.face).toBe(all.indexOf(Math.min(...all)));
      expect(hit.distance).toBeCloseTo(Math.min(...all), 12);
    }
  });

  it('knows of nothing beyond the limit', () => {
    const search = createNearest(triangle, [0, 1, 2]);
    expect(search.find(0.2, 0.2, 1, 0.9)).toMatchObject({ face: -1, distance: Infinity });
    expect(search.find(0.2, 0.2, 1, 1.1).face).toBe(0);
  });

  it('a triangle without area is its longest edge', () => {
    const hit = createNearest([0, 0, 0, 2, 0, 0, 1, 0, 0], [0, 1, 2]).find(1.5, 1, 0);
    expect(hit.distance).toBeCloseTo(1, 12);
  });

  it('a triangle that is a point, or has two corners alike, is what is left of it', () => {
    expect(createNearest([1, 0, 0, 1, 0, 0, 1, 0, 0], [0, 1, 2]).find(1, 2, 0).distance).toBe(2);
    expect(createNearest([0, 0, 0, 0, 0, 0, 2, 0, 0], [0, 1, 2]).find(1, 2, 0).distance).toBe(2);
    expect(createNearest([0, 0, 0, 2, 0, 0, 2, 0, 0], [0, 1, 2]).find(1, 2, 0).distance).toBe(2);
    expect(createNearest([0, 0, 0, 2, 0, 0, 0, 0, 0], [0, 1, 2]).find(1, 2, 0).distance).toBe(2);
  });

  it('refuses nothing and NaN', () => {
    expect(() => createNearest([], null)).toThrow(InvalidArgumentError);
    expect(() => createNearest([0, 0, Number.NaN], null)).toThrow(/NaN/);
    expect(() => createNearest(triangle, [0, 1, 3])).toThrow(/beyond/);
  });
});
