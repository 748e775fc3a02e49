import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import { matrixF32 } from '../../src/kernels/gemm.ts';
import { multiplySparseReference } from '../../src/kernels/reference/sparse.ts';
import { multiplySparse } from '../../src/kernels/sparse.ts';
import { BUILDS } from './builds.ts';

describe.each(BUILDS)('multiplySparse (%s)', (_name, create) => {
  const kernels = create();

  it('equals the reference for random shapes, strides and empty rows', () => {
    fc.assert(
      fc.property(
        fc.nat(12),
        fc.integer({ min: 1, max: 12 }),
        fc.nat(40),
        fc.nat(3),
        fc.nat(3),
        fc.nat(),
        (rows, m, n, padX, padY, seed) => {
          const random = createRandom(seed);
          const rowStart = [0];
          for (let r = 0; r < rows; r++) rowStart.push(rowStart[r] + random.below(6));
          const columns = Array.from({ length: rowStart[rows] }, () => random.below(m));
          const values = Float32Array.from(columns, () => random.normal());
          const x = Float32Array.from({ length: m * (n + padX) }, () => random.normal());
          const expected = multiplySparseReference(rowStart, columns, values, x, n, n + padX);
          kernels.scope(() => {
            const s = {
              rowStart: kernels.u32(rowStart),
              columns: kernels.u32(columns),
              values: kernels.f32(values),
            };
            const y = kernels.f32(rows * (n + padY));
            y.view.fill(7);
            const dense = matrixF32(kernels.f32(x), m, n, n + padX);
            multiplySparse(kernels, s, dense, matrixF32(y, rows, n, n + padY), [0, rows >> 1]);
            multiplySparse(kernels, s, dense, matrixF32(y, rows, n, n + padY), [rows >> 1, rows]);
            for (let r = 0; r < rows; r++) {
              for (let c = 0; c < n + padY; c++) {
                const want = c < n ? expected[r * n + c] : 7; // padding is not touched
                expect(Math.abs(y.view[r * (n + padY) + c] - want)).toBeLessThan(1e-5);
              }
            }
          });
        },
      ),
      { numRuns: 80, seed: 11 },
    );
  });

  it('refuses shapes that do not match', () => {
    kernels.scope(() => {
      const s = { rowStart: kernels.u32(3), columns: kernels.u32(2), values: kernels.f32(2) };
      const x = matrixF32(kernels.f32(4), 2, 2);
      expect(() => multiplySparse(kernels, s, x, matrixF32(kernels.f32(6), 3, 2))).toThrow(
        /rowStart must be/,
      );
      expect(() => multiplySparse(kernels, s, x, matrixF32(kernels.f32(6), 2, 3))).toThrow(/2 columns/);
    });
  });
});
