// Normal equations accumulated in vertex space against full Jacobian rows, pixel by pixel, in float64.
import { describe, expect, it } from 'vitest';
import type { ParameterLayout } from '../../src/fit/parameters.ts';
import { addAppearance, addGeometry } from '../../src/fit/vertex-equations.ts';
import { photometricEquations } from '../../src/kernels/photometric.ts';
import { gemmReference } from '../../src/kernels/reference/gemm.ts';
import { photometricDenseReference } from '../../src/kernels/reference/photometric.ts';
import { tangentBasisReference } from '../../src/kernels/reference/vertex-blocks.ts';
import { tangentFrames } from '../../src/kernels/surface.ts';
import { LOSS, load, scene } from '../helpers/photometric-scene.ts';
import { BUILDS } from '../kernels/builds.ts';

describe.each(BUILDS)('normal equations in vertex space (%s)', (_name, create) => {
  const kernels = create();

  it.each([
    [60, 0, 7, 27],
    [700, 5, 20, 27],
    [1500, 13, 33, 27],
    [700, 5, 20, 9],
  ])('are those of %i pixels with %i texture, %i geometry and %i light columns', (N, T, g, lights) => {
    const world = scene(N, T, N + T);
    const { mesh, samples, state } = world;
    const A = mesh.vertices.length;
    const stride = (g + 8) & ~7;
    const layout: ParameterLayout = {
      size: g + lights + T,
      geometrySize: g,
      blocks: new Map([
        ['identity', { offset: 0, size: g }],
        ['texture', { offset: g, size: T }],
        ['light', { offset: g + T, size: lights }],
      ]),
      joints: [],
      lightColumns: lights,
    };
    const n = layout.size;
    kernels.scope(() => {
      const { arrays, input } = load(kernels, world);
      const normals = kernels.f32(4 * A);
      for (let i = 0; i < A; i++) {
        const [x, y, z] = state.q.subarray(5 * i + 2, 5 * i + 5);
        const length = Math.hypot(x, y, z);
        normals.view.set([x / length, y / length, z / length, 1], 4 * i);
      }
      const frames = kernels.f32(8 * A);
      tangentFrames(kernels, kernels.u32(mesh.vertices), normals, frames);
      const P = kernels.f32(4 * A * stride);
      for (let r = 0; r < 4 * A; r++)
        for (let k = 0; k < g; k++) P.view[r * stride + k] = Math.sin(1 + r * g + k);

      const hessian = new Float64Array(n * n);
      const gradient = new Float64Array(n);
      const target = { layout, T, hessian, gradient };
      const totals = photometricEquations(kernels, arrays, A, mesh.edges.length / 2, input);
      addAppearance(target, totals);
      addGeometry(kernels, target, totals, { P, HP: kernels.f32(P.length), stride }, frames, mesh.edges);

      const T5 = tangentBasisReference(frames.view);
      const turned = Float64Array.from(
        { length: 20 * A * A },
        (_, i) => T5[(i % (5 * A)) * 4 * A + Math.floor(i / (5 * A))],
      );
      const P4 = Float32Array.from(
        { length: 4 * A * g },
        (_, i) => P.view[Math.floor(i / g) * stride + (i % g)],
      );
      const P5 = gemmReference(turned, P4, [4 * A, 5 * A, g]);
      const wanted = photometricDenseReference(mesh, samples, state, LOSS, P5, g);
      const N5 = 27 + T + g;
      // The reference's columns are light, texture, geometry; one light for all channels is the sum of three.
      const columns = (i: number): number[] =>
        i < g
          ? [27 + T + i]
          : i < g + T
            ? [27 + i - g]
            : lights === 27
              ? [i - g - T]
              : [0, 1, 2].map((c) => 3 * (i - g - T) + c);
      const block = (i: number, j: number) =>
        columns(i).reduce((s, a) => s + columns(j).reduce((t, b) => t + wanted.hessian[a * N5 + b], 0), 0);
      for (let i = 0; i < n; i++) {
        const slope = columns(i).reduce((s, a) => s + wanted.gradient[a], 0);
        const own = Math.sqrt(block(i, i));
        // Relative to what Cauchy and Schwarz allow: 1e-5, whatever the columns' units.
        expect(Math.abs(gradient[i] - slope)).toBeLessThan(1e-5 * own * Math.sqrt(LOSS.weight * LOSS.k ** 2));
        for (let j = 0; j <= i; j++)
          expect(Math.abs(hessian[i * n + j] - block(i, j))).toBeLessThan(
            1e-5 * own * Math.sqrt(block(j, j)),
          );
      }
    });
  });
});
