import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import { createRasterizeOutput, rasterize, YIELDING } from '../../src/kernels/rasterize.ts';
import { rasterizeReference } from '../../src/kernels/reference/rasterize.ts';
import { BUILDS } from './builds.ts';

type Options = { cull: 'back' | 'none'; perspective: boolean };

/** An ellipsoid of rings × segments quads, poles closed; counter-clockwise from outside, y up, z to the viewer. */
function ellipsoid(rings: number, segments: number) {
  const vertices: number[] = [0, 1, 0];
  for (let r = 1; r < rings; r++) {
    for (let s = 0; s < segments; s++) {
      const a = (Math.PI * r) / rings;
      const b = (2 * Math.PI * s) / segments;
      vertices.push(Math.sin(a) * Math.sin(b), Math.cos(a), Math.sin(a) * Math.cos(b));
    }
  }
  vertices.push(0, -1, 0);
  const last = vertices.length / 3 - 1;
  const at = (r: number, s: number) => 1 + (r - 1) * segments + (s % segments);
  const faces: number[] = [];
  for (let s = 0; s < segments; s++) {
    faces.push(0, at(1, s), at(1, s + 1));
    for (let r = 1; r < rings - 1; r++) {
      faces.push(at(r, s), at(r + 1, s), at(r + 1, s + 1), at(r, s), at(r + 1, s + 1), at(r, s + 1));
    }
    faces.push(at(rings - 1, s), last, at(rings - 1, s + 1));
  }
  return { vertices, faces };
}

/** Pixels of a pinhole camera at z = 4, looking at the origin; q = 1/distance. */
function project(vertices: readonly number[], width: number, height: number, focal: number): Float32Array {
  const out = new Float32Array(vertices.length);
  for (let i = 0; i < vertices.length; i += 3) {
    const q = 1 / (4 - vertices[i + 2]);
    out.set([width / 2 + focal * vertices[i] * q, height / 2 - focal * vertices[i + 1] * q, q], i);
  }
  return out;
}

describe.each(BUILDS)('rasterize (%s)', (_name, create) => {
  const kernels = create();

  function draw(
    positions: ArrayLike<number>,
    faces: ArrayLike<number>,
    w: number,
    h: number,
    options: Options & { kinds?: number[] },
  ) {
    return kernels.scope(() => {
      const output = createRasterizeOutput(kernels, w, h);
      const input = { positions: kernels.f32(positions), faces: kernels.u32(faces), width: w, height: h };
      const { kinds, ...how } = options;
      rasterize(kernels, { ...input, ...how, kinds: kinds ? kernels.u8(kinds) : null }, output);
      return {
        faceIndex: output.faceIndex.view.slice(),
        barycentrics: output.barycentrics.view.slice(),
        depth: output.depth.view.slice(),
      };
    });
  }

  /** Compares with the reference; returns the number of pixels compared. */
  function check(
    positions: Float32Array,
    faces: ArrayLike<number>,
    w: number,
    h: number,
    options: Parameters<typeof draw>[4],
  ) {
    const got = draw(positions, faces, w, h, options);
    const expected = rasterizeReference(positions, faces, w, h, options);
    let compared = 0;
    for (let p = 0; p < w * h; p++) {
      if (expected.close[p]) continue;
      const where = `pixel ${p % w}, ${Math.floor(p / w)}`;
      expect(got.faceIndex[p], where).toBe(expected.faceIndex[p]);
      if (expected.faceIndex[p] < 0) {
        expect(got.depth[p], where).toBe(-Infinity);
        expect(Array.from(got.barycentrics.subarray(3 * p, 3 * p + 3)), where).toEqual([0, 0, 0]);
        continue;
      }
      compared++;
      expect(Math.abs(got.depth[p] / expected.depth[p] - 1), where).toBeLessThan(1e-4);
      // Edge functions are exact to about 1e-7·extent², barycentrics to that over the area: slivers are the limit,
      // so the point they make is compared, not the coordinates themselves.
      let sum = 0;
      const point = [0, 0];
      const wanted = [0, 0];
      for (let c = 0; c < 3; c++) {
        const vertex = 3 * faces[3 * expected.faceIndex[p] + c];
        sum += got.barycentrics[3 * p + c];
        for (let d = 0; d < 2; d++) {
          point[d] += got.barycentrics[3 * p + c] * positions[vertex + d];
          wanted[d] += expected.barycentrics[3 * p + c] * positions[vertex + d];
        }
      }
      expect(sum, where).toBeCloseTo(1, 5);
      expect(Math.hypot(point[0] - wanted[0], point[1] - wanted[1]), where).toBeLessThan(2e-3);
    }
    return compared;
  }

  const OPTIONS: Options[] = [
    { cull: 'back', perspective: true },
    { cull: 'none', perspective: true },
    { cull: 'back', perspective: false },
    { cull: 'none', perspective: false },
  ];

  it.each(OPTIONS)('equals the reference on an ellipsoid, %o', (options) => {
    const { vertices, faces } = ellipsoid(16, 22);
    expect(check(project(vertices, 97, 83, 120), faces, 97, 83, options)).toBeGreaterThan(2500);
  });

  it('equals the reference on random triangles that reach out of the picture', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 40 }),
        fc.nat(12),
        fc.nat(),
        fc.constantFrom(...OPTIONS),
        (w, h, count, seed, options) => {
          const random = createRandom(seed);
          const positions = Float32Array.from({ length: 9 * count }, (_, i) =>
            i % 3 === 2 ? 0.05 + random.uniform() : 60 * random.uniform() - 15,
          );
          const faces = Array.from({ length: 3 * count }, () => random.below(Math.max(1, 3 * count)));
          check(positions, faces, w, h, options);
          // Eyeballs of two kinds, their lids, and what is neither.
          const kinds = Array.from(
            { length: count },
            () => [0, 1, 2, YIELDING + 1, YIELDING + 2][random.below(5)],
          );
          check(positions, faces, w, h, { ...options, kinds });
        },
      ),
      { numRuns: 80, seed: 2 },
    );
  });

  it('lets faces that yield hide all but those of their kind, whatever the order', () => {
    const positions = [0, 9, 1, 9, 9, 1, 0, 0, 1, 0, 9, 2, 9, 9, 2, 0, 0, 2];
    const seen = (kinds: number[], faces: number[]) =>
      draw(positions, faces, 9, 9, { cull: 'none', perspective: false, kinds }).faceIndex[5 * 9 + 2];
    const [far, near] = [
      [0, 1, 2],
      [3, 4, 5],
    ];
    expect(seen([1, YIELDING + 1], [...far, ...near])).toBe(0);
    expect(seen([YIELDING + 1, 1], [...near, ...far])).toBe(1);
    expect(seen([2, YIELDING + 1], [...far, ...near])).toBe(1);
    expect(seen([0, YIELDING + 1], [...far, ...near])).toBe(1);
    // Behind its lid it is hidden as everything is.
    expect(seen([YIELDING + 1, 1], [...far, ...near])).toBe(1);
  });

  it.each([
    [0, 0],
    [0, 5],
    [1, 1],
    [3, 2],
  ])('draws %i×%i pixels and an empty mesh', (w, h) => {
    expect(Array.from(draw([], [], w, h, OPTIONS[0]).faceIndex)).toEqual(new Array(w * h).fill(-1));
    const covering = [-9, -9, 1, -9, 30, 1, 30, -9, 1];
    expect(Array.from(draw(covering, [0, 1, 2], w, h, OPTIONS[0]).faceIndex)).toEqual(
      new Array(w * h).fill(0),
    );
  });

  it('takes negative area in y-down pixels for the front', () => {
    // Seen with y up: (0,0), (1,0), (0,1) is counter-clockwise; in pixels the last one is higher up.
    const front = [1, 9, 1, 9, 9, 1, 1, 1, 1];
    const middle = 4 * 10 + 3;
    expect(draw(front, [0, 1, 2], 10, 10, { cull: 'back', perspective: false }).faceIndex[middle]).toBe(0);
    expect(draw(front, [0, 2, 1], 10, 10, { cull: 'back', perspective: false }).faceIndex[middle]).toBe(-1);
    expect(draw(front, [0, 2, 1], 10, 10, { cull: 'none', perspective: false }).faceIndex[middle]).toBe(0);
  });

  it('keeps the nearer face, whatever the order', () => {
    const positions = [0, 9, 1, 9, 9, 1, 0, 0, 1, 0, 9, 2, 9, 9, 2, 0, 0, 2];
    for (const perspective of [true, false]) {
      const options: Options = { cull: 'none', perspective };
      expect(draw(positions, [0, 1, 2, 3, 4, 5], 9, 9, options).faceIndex[5 * 9 + 2]).toBe(1);
      expect(draw(positions, [3, 4, 5, 0, 1, 2], 9, 9, options).faceIndex[5 * 9 + 2]).toBe(0);
    }
  });

  it('gives the barycentrics of the surface in perspective', () => {
    // An edge from distance 1 to distance 3: half way in pixels, q is 2/3 and the point is a quarter of the way.
    const positions = [0.5, 0.5, 1, 8.5, 0.5, 1 / 3, 0.5, 8.5, 1];
    const got = draw(positions, [0, 1, 2], 9, 9, { cull: 'none', perspective: true });
    expect(got.depth[4]).toBeCloseTo(2 / 3, 6);
    expect(got.barycentrics[3 * 4]).toBeCloseTo(0.75, 6);
    expect(got.barycentrics[3 * 4 + 1]).toBeCloseTo(0.25, 6);
  });

  it('covers every pixel of a fan exactly once when edges and vertices hit pixel centres', () => {
    // A square of 8 × 8 pixels split into triangles about vertices on pixel centres and off them.
    const random = createRandom(5);
    for (let run = 0; run < 200; run++) {
      const snapped = run % 2 === 0;
      const inner = () => (snapped ? 2.5 + random.below(4) : 1 + 6 * random.uniform());
      const positions = [0.5, 0.5, 1, 8.5, 0.5, 1, 8.5, 8.5, 1, 0.5, 8.5, 1, inner(), inner(), 1];
      const fan = [
        [0, 1, 4],
        [1, 2, 4],
        [2, 3, 4],
        [3, 0, 4],
      ];
      const covered = new Int32Array(100);
      for (const face of fan) {
        const one = draw(positions, face, 10, 10, { cull: 'none', perspective: false });
        for (let p = 0; p < 100; p++) if (one.faceIndex[p] >= 0) covered[p]++;
      }
      for (let p = 0; p < 100; p++) {
        const inside = p % 10 < 8 && p < 80; // top-left rule: first row and column in, last out
        expect(covered[p]).toBe(inside ? 1 : 0);
      }
    }
  });

  it('covers a closed mesh without gaps or doubles', () => {
    const { vertices, faces } = ellipsoid(40, 60);
    const [w, h] = [64, 64];
    const positions = project(vertices, w, h, 900); // the silhouette lies outside: every pixel is interior
    const whole = draw(positions, faces, w, h, { cull: 'back', perspective: true });
    expect(whole.faceIndex.indexOf(-1)).toBe(-1);
    const covered = new Int32Array(w * h);
    for (const f of new Set(whole.faceIndex)) {
      const one = draw(positions, faces.slice(3 * f, 3 * f + 3), w, h, { cull: 'back', perspective: true });
      for (let p = 0; p < w * h; p++) if (one.faceIndex[p] >= 0) covered[p]++;
    }
    expect(new Set(covered)).toEqual(new Set([1]));
  });

  it('skips NaN, infinities, zero area and points behind the camera', () => {
    const good = [0, 9, 1, 9, 9, 1, 0, 0, 1];
    const options: Options = { cull: 'none', perspective: true };
    for (let i = 0; i < 9; i++) {
      for (const value of [NaN, Infinity, -Infinity]) {
        const positions = good.with(i, value);
        for (const perspective of [true, false]) {
          const got = draw(positions, [0, 1, 2], 9, 9, { cull: 'none', perspective });
          expect(new Set(got.faceIndex)).toEqual(new Set([-1]));
        }
      }
    }
    for (const q of [0, -1]) {
      expect(draw(good.with(5, q), [0, 1, 2], 9, 9, options).faceIndex[5 * 9 + 2]).toBe(-1);
      const flat = draw(good.with(5, q), [0, 1, 2], 9, 9, { cull: 'none', perspective: false });
      expect(flat.faceIndex[5 * 9 + 2]).toBe(0);
    }
    expect(new Set(draw(good, [0, 1, 1], 9, 9, options).faceIndex)).toEqual(new Set([-1]));
  });

  it('draws bands of rows that together are the whole', () => {
    const { vertices, faces } = ellipsoid(9, 13);
    const positions = project(vertices, 37, 29, 50);
    const options: Options = { cull: 'back', perspective: true };
    const whole = draw(positions, faces, 37, 29, options);
    kernels.scope(() => {
      const output = createRasterizeOutput(kernels, 37, 29);
      output.faceIndex.view.fill(77);
      const input = { positions: kernels.f32(positions), faces: kernels.u32(faces), width: 37, height: 29 };
      for (const rows of [
        [0, 11],
        [11, 12],
        [12, 12],
        [12, 29],
      ] as const) {
        rasterize(kernels, { ...input, ...options }, output, rows);
      }
      expect(output.faceIndex.view).toEqual(whole.faceIndex);
      expect(output.barycentrics.view).toEqual(whole.barycentrics);
      expect(output.depth.view).toEqual(whole.depth);
    });
  });
});
