import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import {
  sampleTexelsReference,
  splatPixelsReference,
  texelDiagonalReference,
  texelGradientsReference,
} from '../../src/kernels/reference/texels.ts';
import { sampleTexels, splatPixels, texelGradients } from '../../src/kernels/texels.ts';
import { randomGraph } from '../helpers/random-graph.ts';
import { BUILDS } from './builds.ts';

describe.each(BUILDS)('texels (%s)', (_name, create) => {
  const kernels = create();

  /** Random symmetric, diagonally dominant system; rows may be empty. */
  function system(n: number, weighted: boolean, seed: number, pixels = 0) {
    const random = createRandom(seed + 1);
    const graph = randomGraph(n, weighted, seed);
    const starts = Array.from(graph.starts);
    const columns = Array.from(graph.neighbours);
    const values = columns.map((_, k) => graph.weights?.[k] ?? 1);
    const scale = -0.5;
    const diagonal = Array.from({ length: n }, (_, i) => {
      const sum = values.slice(starts[i], starts[i + 1]).reduce((a, b) => a + b, 0);
      return Math.fround(0.5 * sum + 0.05 + random.uniform());
    });
    const vector = () => Float64Array.from({ length: 3 * n }, () => random.normal());
    // As bilinear samples are: four texels, which may coincide, and weights that sum to 1. Some pixels count nothing.
    const taps = Uint32Array.from({ length: 4 * pixels }, () => random.below(n));
    const weights = new Float32Array(4 * pixels);
    for (let p = 0; p < pixels; p++) {
      const [x, y] = [random.uniform(), random.uniform()];
      weights.set([(1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y], 4 * p);
    }
    const counts = Float32Array.from({ length: pixels }, () => Math.max(0, random.uniform() - 0.2));
    const data = pixels > 0 ? { samples: { count: pixels, taps, weights }, values: counts } : null;
    return {
      starts,
      columns,
      values: weighted ? values : null,
      scale,
      diagonal,
      data,
      b: vector(),
      x: vector(),
    };
  }

  const fours = (v: Float64Array) =>
    Float32Array.from({ length: (4 * v.length) / 3 }, (_, i) => (i % 4 < 3 ? v[3 * (i >> 2) + (i % 4)] : 0));

  const take = ({ count, taps, weights }: { count: number; taps: Uint32Array; weights: Float32Array }) => ({
    count,
    taps: kernels.u32(taps),
    weights: kernels.f32(weights),
  });

  it('samples texels, and splats pixels onto them', () => {
    const n = 70;
    const { data, x } = system(n, false, 5, 300);
    const { samples, values } = data!;
    const sampled = sampleTexelsReference(samples, x);
    const splat = splatPixelsReference(samples, values, sampled, n);
    const lumped = splatPixelsReference(samples, values, new Float64Array(900).fill(1), n);
    const squares = texelDiagonalReference({ ...system(n, false, 5), diagonal: new Float64Array(n), data });
    kernels.scope(() => {
      const out = kernels.f32(4 * 300);
      sampleTexels(kernels, take(samples), kernels.f32(fours(x)), out);
      const sums = { right: kernels.f32(4 * n), lumped: kernels.f32(n), squares: kernels.f32(n) };
      sums.right.view.fill(1);
      splatPixels(kernels, take(samples), kernels.f32(values), out, sums);
      // Sums of some dozen numbers of size 1: float32's own rounding.
      for (let i = 0; i < 3 * n; i++) {
        const at = 4 * Math.floor(i / 3) + (i % 3);
        expect(Math.abs(sums.right.view[at] - 1 - splat[i])).toBeLessThan(2e-5);
      }
      for (let p = 0; p < 900; p++)
        expect(Math.abs(out.view[4 * Math.floor(p / 3) + (p % 3)] - sampled[p])).toBeLessThan(2e-6);
      for (let i = 0; i < n; i++) {
        expect(Math.abs(sums.lumped.view[i] - lumped[3 * i])).toBeLessThan(2e-5);
        expect(Math.abs(sums.squares.view[i] - squares[i])).toBeLessThan(2e-5);
      }
      expect(() => sampleTexels(kernels, { ...take(samples), count: 301 }, out, out)).toThrow(/taps must be/);
    });
  });

  it('takes the steps of the reference, from any start', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 900 }),
        fc.boolean(),
        fc.nat(12),
        fc.nat(700),
        fc.nat(),
        (n, weighted, steps, pixels, seed) => {
          const s = system(n, weighted, seed, pixels);
          const expected = texelGradientsReference(s, s.b, s.x, steps, 1e-4);
          kernels.scope(() => {
            const x = kernels.f32(fours(s.x));
            const taken = texelGradients(
              kernels,
              {
                starts: kernels.u32(s.starts),
                columns: kernels.u32(s.columns),
                values: s.values && kernels.f32(s.values),
                scale: s.scale,
                diagonal: kernels.f32(s.diagonal),
                data: s.data && {
                  samples: take(s.data.samples),
                  values: kernels.f32(s.data.values),
                  diagonal: kernels.f32(texelDiagonalReference(s)),
                },
              },
              kernels.f32(fours(s.b)),
              x,
              { steps, tolerance: 1e-4 },
            );
            // Rounding may end it a step earlier or later, where the residual is at the tolerance.
            expect(Math.abs(taken - expected.iterations)).toBeLessThanOrEqual(1);
            const norm = Math.hypot(...expected.x) / Math.sqrt(expected.x.length);
            const slack = taken === expected.iterations ? 2e-4 : 2e-3;
            for (let i = 0; i < n; i++) {
              for (let c = 0; c < 3; c++)
                expect(Math.abs(x.view[4 * i + c] - expected.x[3 * i + c])).toBeLessThan(slack * (1 + norm));
              expect(x.view[4 * i + 3]).toBe(0);
            }
          });
        },
      ),
      { numRuns: 60, seed: 3 },
    );
  });

  it('stops at once where there is nothing to do', () => {
    kernels.scope(() => {
      const s = {
        starts: kernels.u32(3),
        columns: kernels.u32(0),
        values: null,
        scale: 1,
        diagonal: kernels.f32([2, 4]),
      };
      const x = kernels.f32(8);
      expect(texelGradients(kernels, s, kernels.f32(8), x, { steps: 9, tolerance: 1e-5 })).toBe(0);
      const b = kernels.f32([2, 4, 6, 0, 4, 8, 12, 0]);
      expect(texelGradients(kernels, s, b, x, { steps: 9, tolerance: 1e-5 })).toBe(1);
      expect([...x.view]).toEqual([1, 2, 3, 0, 1, 2, 3, 0]);
    });
  });

  it('refuses shapes that do not match', () => {
    kernels.scope(() => {
      const s = {
        starts: kernels.u32(2),
        columns: kernels.u32(0),
        values: null,
        scale: 1,
        diagonal: kernels.f32(2),
      };
      const run = (change: object, b = 8) =>
        texelGradients(kernels, { ...s, ...change }, kernels.f32(b), kernels.f32(8), {
          steps: 1,
          tolerance: 0,
        });
      expect(() => run({})).toThrow(/starts must be/);
      expect(() => run({ starts: kernels.u32(3) }, 6)).toThrow(/b must be/);
      expect(() => run({ starts: kernels.u32(3), values: kernels.f32(1) })).toThrow(/values must be/);
    });
  });
});
