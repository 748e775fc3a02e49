import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import {
  rotationRowsReference,
  type SkinningReference,
  skinPointsReference,
  skinRowsReference,
} from '../../src/kernels/reference/skinning.ts';
import type { Kernels } from '../../src/kernels/runtime.ts';
import { packTransforms, rotationRows, skinPoints, skinRows } from '../../src/kernels/skinning.ts';
import { BUILDS } from './builds.ts';

/** Float32 sums of a few terms of size one. */
const TOLERANCE = 1e-5;

function world(V: number, J: number, seed: number) {
  const random = createRandom(seed);
  const normals = (length: number) => Float32Array.from({ length }, () => random.normal());
  // Half of the weights are zero, as in a head.
  const weights = Float32Array.from({ length: V * J }, () => Math.max(0, random.uniform() - 0.5));
  const skinning: SkinningReference = { weights, rotations: normals(9 * J), translations: normals(3 * J) };
  return { random, normals, skinning, points: normals(3 * V) };
}

function take(kernels: Kernels, { weights, rotations, translations }: SkinningReference) {
  const joints = translations.length / 3;
  const transforms = kernels.f32(16 * joints);
  packTransforms(rotations, translations, transforms.view);
  return { joints, weights: kernels.f32(weights), transforms };
}

describe.each(BUILDS)('skinning (%s)', (_name, create) => {
  const kernels = create();

  it.each([
    [0, 1],
    [1, 1],
    [17, 5],
    [100, 2],
  ])('moves %i points by %i joints', (V, J) => {
    const { skinning, points } = world(V, J, V + J);
    const expected = skinPointsReference(skinning, points);
    kernels.scope(() => {
      const after = kernels.f32([7]);
      const out = kernels.f32(3 * V);
      skinPoints(kernels, take(kernels, skinning), kernels.f32(points), out);
      for (let i = 0; i < 3 * V; i++) expect(Math.abs(out.view[i] - expected[i])).toBeLessThan(TOLERANCE);
      expect(after.view[0]).toBe(7);
    });
  });

  it.each([
    { R: 1, K: 1, count: 1, column: 0, stride: 8, shifted: false },
    { R: 9, K: 7, count: 6, column: 3, stride: 16, shifted: true },
    { R: 12, K: 53, count: 53, column: 16, stride: 72, shifted: true },
    { R: 5, K: 8, count: 8, column: 0, stride: 8, shifted: false },
    { R: 4, K: 5, count: 0, column: 2, stride: 8, shifted: true },
  ])('rows of components: $R points, $count of $K from column $column', (row) => {
    const { R, K, count, column, stride, shifted } = row;
    const [V, J] = [R + 4, 4];
    const { normals, skinning } = world(V, J, K);
    const ids = Uint32Array.from({ length: R }, (_, r) => r + 2);
    const basis = normals(3 * R * K);
    const shift = shifted ? normals(3 * J * count) : null;
    const wanted = Uint32Array.from(ids.keys()).filter((r) => r % 3 !== 1);
    kernels.scope(() => {
      const out = kernels.f32(new Float32Array(3 * R * stride).fill(9));
      skinRows(
        kernels,
        take(kernels, skinning),
        { rows: kernels.u32(wanted), ids: kernels.u32(ids), out, stride },
        { basis: kernels.f32(basis), components: K, shift: shift ? kernels.f32(shift) : null },
        column,
        count,
      );
      for (let r = 0; r < R; r++) {
        const own = basis.subarray(3 * r * K, 3 * (r + 1) * K);
        const expected = skinRowsReference(skinning, ids[r], own, K, shift, count);
        for (let a = 0; a < 3; a++)
          for (let k = 0; k < stride; k++) {
            const got = out.view[(3 * r + a) * stride + k];
            const inside = wanted.includes(r) && k >= column && k < column + count;
            if (inside) expect(Math.abs(got - expected[a * count + k - column])).toBeLessThan(TOLERANCE);
            else expect(got).toBe(9);
          }
      }
    });
  });

  it.each([false, true])('rows of a rotation, correctives: %s', (corrected) => {
    const [V, R, J, C] = [8, 5, 3, 18];
    const { normals, skinning, points } = world(V, J, 6);
    const arms: SkinningReference = {
      ...skinning,
      rotations: normals(9 * J).map((x, i) => (i < 9 ? 0 : x)),
      translations: normals(3 * J).map((x, i) => (i < 3 ? 0 : x)),
    };
    const ids = Uint32Array.from({ length: R }, (_, r) => r + 3);
    const axes = normals(9);
    const turn = normals(27);
    const shapes = normals(4 * R * C).map((x, i) => (i % 4 === 3 ? 0 : x));
    const [first, column, stride] = [9, 2, 8];
    kernels.scope(() => {
      const out = kernels.f32(3 * R * stride);
      rotationRows(
        kernels,
        take(kernels, skinning),
        { rows: kernels.u32(ids.map((_, r) => r)), ids: kernels.u32(ids), out, stride },
        {
          points: kernels.f32(points),
          arms: take(kernels, arms).transforms,
          axes,
          correctives: corrected ? { shapes: kernels.f32(shapes), stride: C, first, turn } : null,
        },
        column,
      );
      for (let r = 0; r < R; r++) {
        const own = Float32Array.from({ length: 27 }, (_, i) => {
          const [f, a] = [Math.floor(i / 3), i % 3];
          return shapes[4 * (r * C + first + f) + a];
        });
        const expected = rotationRowsReference(
          skinning,
          arms,
          ids[r],
          points,
          axes,
          corrected ? own : null,
          turn,
        );
        for (let a = 0; a < 3; a++)
          for (let k = 0; k < stride; k++) {
            const inside = k >= column && k < column + 3;
            const want = inside ? expected[3 * a + k - column] : 0;
            expect(Math.abs(out.view[(3 * r + a) * stride + k] - want)).toBeLessThan(3 * TOLERANCE);
          }
      }
    });
  });

  it('refuses lengths that do not match', () => {
    const { skinning, points } = world(4, 2, 1);
    kernels.scope(() => {
      const taken = take(kernels, skinning);
      expect(() => skinPoints(kernels, taken, kernels.f32(points), kernels.f32(3))).toThrow(/out must be/);
      expect(() => skinPoints(kernels, taken, kernels.f32(6), kernels.f32(6))).toThrow(/weights must be/);
      const to = { rows: kernels.u32([0]), ids: kernels.u32([0]), out: kernels.f32(24), stride: 8 };
      const basis = { basis: kernels.f32(9), components: 3, shift: null };
      expect(() => skinRows(kernels, taken, to, basis, 6, 3)).toThrow(/stride/);
      expect(() => skinRows(kernels, taken, to, basis, 0, 4)).toThrow(/count/);
    });
  });
});
