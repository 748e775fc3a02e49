import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import {
  albedoResiduals,
  type CellPixels,
  heaviestCells,
  nodeMeans,
  robustFactors,
  sumCells,
} from '../../src/kernels/albedo-residuals.ts';
import {
  countSeen,
  markSeen,
  nodeVisibility,
  renumberEvidence,
  takeEvidence,
  takeRoom,
} from '../../src/kernels/evidence.ts';
import {
  chamferDistances,
  outlineDistances,
  PIXEL,
  pixelSurface,
  SURFACE_STRIDE,
  skinPixels,
} from '../../src/kernels/pixel-surface.ts';
import {
  albedoResidualReference,
  bilinearReference,
  outlineReference,
  planeReference,
  robustReference,
  shadingReference,
  surfacePointReference,
  trustReference,
} from '../../src/kernels/reference/evidence.ts';
import { SH_CONSTANTS } from '../../src/light/sh.ts';
import { distanceTo } from '../../src/texture/grids.ts';
import { BUILDS } from './builds.ts';

const random = createRandom(11);
const uniform = (length: number, low = 0, high = 1) =>
  Float32Array.from({ length }, () => low + (high - low) * random.uniform());

/** Random triangles before the camera, and pixels that see them. */
const V = 30;
const F = 20;
const SIZE = 16;
const PIXELS = SIZE * SIZE;
const corners = () => Uint32Array.from({ length: 3 * F }, () => random.below(V));
const mesh = {
  faces: corners(),
  faceUvs: corners(),
  vertices: uniform(3 * V, -0.2, 0.2),
  normals: uniform(3 * V, -1, 1),
  uvs: uniform(2 * V),
};
const translation = [0.01, -0.02, -0.9];
const faceIndex = Int32Array.from({ length: PIXELS }, (_, p) => (p % 6 === 0 ? -1 : random.below(F)));
const barycentrics = new Float32Array(3 * PIXELS);
for (let p = 0; p < PIXELS; p++) {
  const [a, b] = [random.uniform(), random.uniform()];
  barycentrics.set([(1 - a) * b, a * b, 1 - b], 3 * p);
}
const light = uniform(27, 0, 0.4);
for (let c = 0; c < 3; c++) light[c] = 2 + 0.4 * c;

describe.each(BUILDS)('evidence (%s)', (_name, create) => {
  const kernels = create();
  const takeMesh = () => ({
    faces: kernels.u32(mesh.faces),
    faceUvs: kernels.u32(mesh.faceUvs),
    vertices: kernels.f32(mesh.vertices),
    normals: kernels.f32(mesh.normals),
    uvs: kernels.f32(mesh.uvs),
  });
  const raster = () => ({ faceIndex: kernels.i32(faceIndex), barycentrics: kernels.f32(barycentrics) });
  const point = (p: number, orthographic: boolean) =>
    surfacePointReference(
      mesh,
      faceIndex[p],
      [...barycentrics.subarray(3 * p, 3 * p + 3)],
      translation,
      orthographic,
    );

  it('counts the pixels that show a face', () => {
    expect(countSeen(kernels, raster().faceIndex)).toBe(faceIndex.filter((f) => f >= 0).length);
  });

  it('marks the nodes that evidence is about, and numbers it anew', () => {
    const n = 40;
    const count = 25;
    const evidence = takeRoom(kernels, count);
    const taps = Uint32Array.from({ length: 4 * count }, () => random.below(n));
    const trust = uniform(count).map((x) => (x < 0.7 ? 0 : x));
    const visibility = uniform(n).map((x) => (x < 0.9 ? 0 : x));
    evidence.taps.view.set(taps);
    evidence.trust.view.set(trust);
    const numbers = kernels.i32(n, false);
    markSeen(kernels, evidence, kernels.f32(visibility), numbers);
    const trusted = new Set(taps.filter((_, k) => trust[k >> 2] > 0));
    const expected = Array.from(visibility, (v, i) => (v > 0 || trusted.has(i) ? 0 : -1));
    expect(Array.from(numbers.view)).toEqual(expected);
    expect(new Set(expected)).toEqual(new Set([0, -1]));

    let part = 0;
    numbers.view.set(expected.map((x) => (x < 0 ? -1 : part++)));
    const { view } = numbers;
    const own = renumberEvidence(kernels, evidence, numbers);
    expect(Array.from(own.taps.view)).toEqual(Array.from(taps, (t) => Math.max(view[t], 0)));
  });

  it.each([false, true])('interpolates the surface that a pixel sees (orthographic: %s)', (orthographic) => {
    kernels.scope(() => {
      const out = kernels.f32(SURFACE_STRIDE * PIXELS);
      out.view.fill(7);
      pixelSurface(kernels, takeMesh(), raster(), { translation, orthographic }, out);
      for (let p = 0; p < PIXELS; p++) {
        const got = [...out.view.subarray(8 * p, 8 * p + 8)];
        if (faceIndex[p] < 0) {
          expect(got).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
          continue;
        }
        const { normal, depth, uv, facing } = point(p, orthographic);
        // Normals of opposite corners may cancel, and then be made unit length again.
        [...normal, depth, ...uv, facing, 0].forEach((x, i) => {
          expect(Math.abs(got[i] - x)).toBeLessThan(1e-4);
        });
      }
      expect(() =>
        pixelSurface(kernels, takeMesh(), raster(), { translation, orthographic }, kernels.f32(4)),
      ).toThrow(/out must be/);
    });
  });

  it('measures distances as the plain passes do', () => {
    for (const [width, height] of [
      [1, 1],
      [1, 7],
      [9, 1],
      [13, 11],
      [40, 25],
    ]) {
      const set = Uint8Array.from({ length: width * height }, () => (random.uniform() < 0.04 ? 1 : 0));
      const expected = distanceTo(set, width, height);
      const got = chamferDistances(kernels, set, width, height);
      for (let p = 0; p < set.length; p++) {
        if (expected[p] === Number.POSITIVE_INFINITY) expect(got[p]).toBe(expected[p]);
        else expect(Math.abs(got[p] - expected[p])).toBeLessThan(1e-4);
      }
    }
  });

  it('finds outlines: silhouette, jumps in depth but for apertures, borders', () => {
    const flags = Uint8Array.from({ length: PIXELS }, () => (random.uniform() < 0.3 ? PIXEL.aperture : 0));
    // One face over patches of pixels: most neighbours are of one surface.
    const patches = Int32Array.from({ length: PIXELS }, (_, p) => ((p % SIZE) % 7 === 6 ? -1 : 3));
    const depths = Float32Array.from({ length: PIXELS }, (_, p) => (Math.floor(p / SIZE) < 8 ? 0 : 0.02));
    const [columns, rows] = [[2, 14] as const, [0, 13] as const];
    kernels.scope(() => {
      const surface = kernels.f32(SURFACE_STRIDE * PIXELS);
      for (let p = 0; p < PIXELS; p++) surface.view[SURFACE_STRIDE * p + 3] = depths[p];
      const out = kernels.f32(PIXELS);
      const input = { size: SIZE, faceIndex: kernels.i32(patches), surface, flags: kernels.u8(flags) };
      outlineDistances(kernels, { ...input, columns, rows, jump: 0.008 }, out);
      const set = outlineReference(SIZE, patches, (p) => depths[p], flags, columns, rows, 0.008);
      const expected = distanceTo(set, SIZE, SIZE);
      for (let p = 0; p < PIXELS; p++) expect(Math.abs(out.view[p] - expected[p])).toBeLessThan(1e-5);
      expect(expected.some((d) => d > 1)).toBe(true);
    });
  });

  it('takes skin from planes of another resolution', () => {
    const side = 10;
    const planes = uniform(4 * side * side);
    const marks = Uint8Array.from({ length: side * side }, () => 2 * random.below(8));
    const skinFaces = Uint8Array.from({ length: F }, (_, f) => f % 2);
    kernels.scope(() => {
      const [trust, flags] = [kernels.f32(PIXELS), kernels.u8(PIXELS)];
      const skin = { side, planes: kernels.f32(planes), marks: kernels.u8(marks) };
      skinPixels(kernels, skin, SIZE, kernels.i32(faceIndex), kernels.u8(skinFaces), trust, flags);
      for (let p = 0; p < PIXELS; p++) {
        const f = faceIndex[p];
        if (f < 0) {
          expect([trust.view[p], flags.view[p]]).toEqual([0, 0]);
          continue;
        }
        const x = (((p % SIZE) + 0.5) * side) / SIZE;
        const y = ((Math.floor(p / SIZE) + 0.5) * side) / SIZE;
        const mark = marks[Math.floor(y) * side + Math.floor(x)];
        const value = (c: number) => planeReference(planes, side, c, x, y);
        const wanted = skinFaces[f] ? Math.max(value(0), value(2)) : value(1);
        expect(Math.abs(trust.view[p] - wanted)).toBeLessThan(1e-5);
        const shown = PIXEL.inner | PIXEL.aperture;
        expect(flags.view[p]).toBe(skinFaces[f] ? mark | PIXEL.skin : mark & shown);
      }
      expect(() =>
        skinPixels(kernels, { ...skin, side: 9 }, SIZE, kernels.i32(faceIndex), kernels.u8(F), trust, flags),
      ).toThrow(/planes must be/);
    });
  });

  it.each([false, true])(
    'weighs pixels, lists those that count, and tells which nodes they see (gloss: %s)',
    (glossy) => {
      const [width, height] = [24, 20];
      const nodes = new Int32Array(width * height);
      let n = 0;
      // A hole in the chart: pixels there are left out.
      for (let t = 0; t < nodes.length; t++) nodes[t] = t % width > 17 ? -1 : n++;
      const flags = Uint8Array.from({ length: PIXELS }, (_, p) => (faceIndex[p] < 0 ? 0 : random.below(16)));
      const bySkin = Float32Array.from({ length: PIXELS }, (_, p) =>
        faceIndex[p] < 0 || random.uniform() < 0.2 ? 0 : random.uniform(),
      );
      const outline = uniform(PIXELS, 0, 9);
      const photo = uniform(3 * PIXELS);
      const gloss = uniform(PIXELS, -0.2, 0.3);
      const ranges = {
        edge: [1, 5],
        angle: [0.1, 0.5],
        apertureAngle: [0.02, 0.2],
        lit: [0.3, 0.8],
      } as const;
      kernels.scope(() => {
        const surface = kernels.f32(SURFACE_STRIDE * PIXELS);
        const resident = takeMesh();
        const seen = raster();
        const camera = { translation, orthographic: false };
        pixelSurface(kernels, resident, seen, camera, surface);
        const trust = kernels.f32(bySkin);
        const input = {
          surface,
          outline: kernels.f32(outline),
          flags: kernels.u8(flags),
          trust,
          photo: kernels.f32(photo),
          ...(glossy && { gloss: kernels.f32(gloss) }),
          light,
          basis: SH_CONSTANTS,
          ...ranges,
          leastShading: 0.1,
          nodes: kernels.i32(nodes),
          width,
          height,
        };
        expect(() => takeEvidence(kernels, input, takeRoom(kernels, 3))).toThrow(/room for 3 pixels/);
        const evidence = takeEvidence(kernels, input, takeRoom(kernels, PIXELS));
        let count = 0;
        for (let p = 0; p < PIXELS; p++) {
          if (faceIndex[p] < 0) continue;
          const { normal, uv, facing } = point(p, false);
          const shading = shadingReference(light, SH_CONSTANTS, normal);
          const angle = flags[p] & PIXEL.aperture ? ranges.apertureAngle : ranges.angle;
          const { texels, weights } = bilinearReference(uv[0], uv[1], width, height);
          const inChart = texels.every((t) => nodes[t] >= 0);
          const wanted = inChart
            ? trustReference(bySkin[p], outline[p], facing, shading, { ...ranges, angle })
            : 0;
          const measured = (flags[p] & PIXEL.measured) > 0;
          if (bySkin[p] > 0) expect(Math.abs(trust.view[p] - wanted)).toBeLessThan(2e-3);
          if (!inChart || (wanted === 0 && !measured)) continue;
          expect(evidence.pixels.view[count]).toBe(p);
          const four = (array: { view: ArrayLike<number> }) =>
            [0, 1, 2, 3].map((k) => array.view[4 * count + k]);
          expect(four(evidence.taps)).toEqual(texels.map((t) => nodes[t]));
          four(evidence.weights).forEach((w, k) => {
            expect(Math.abs(w - weights[k])).toBeLessThan(2e-5);
          });
          four(evidence.shading).forEach((s, c) => {
            expect(Math.abs(s - (c < 3 ? Math.max(shading[c], 0.1) : 0))).toBeLessThan(1e-3);
          });
          const skin = [...photo.subarray(3 * p, 3 * p + 3)].map((x) =>
            glossy ? Math.max(0, Math.fround(x - gloss[p])) : x,
          );
          expect(four(evidence.colours)).toEqual([...skin, glossy ? gloss[p] : 0]);
          expect(evidence.flags.view[count]).toBe(flags[p]);
          expect(evidence.trust.view[count]).toBe(trust.view[p]);
          count++;
        }
        expect(evidence.count).toBe(count);
        expect(count).toBeGreaterThan(50);

        const nodeFaces = Uint32Array.from({ length: n }, () => random.below(F));
        const nodeBarycentrics = new Float32Array(3 * n);
        for (let i = 0; i < n; i++) {
          const [a, b] = [random.uniform(), random.uniform()];
          nodeBarycentrics.set([(1 - a) * b, a * b, 1 - b], 3 * i);
        }
        const pieces = Uint8Array.from({ length: F }, (_, f) => (f % 5 === 0 ? 1 : 0));
        const visibility = kernels.f32(n);
        nodeVisibility(
          kernels,
          {
            nodeFaces: kernels.u32(nodeFaces),
            nodeBarycentrics: kernels.f32(nodeBarycentrics),
            mesh: resident,
            camera: { ...camera, principal: [7.3, 8.2], factor: 34 },
            size: SIZE,
            slack: 0.05,
            pieces: kernels.u8(pieces),
            faceIndex: seen.faceIndex,
            surface,
            trust,
            evidence,
          },
          visibility,
        );
        const [total, sum] = [new Float64Array(n), new Float64Array(n)];
        for (let k = 0; k < 4 * count; k++) {
          total[evidence.taps.view[k]] += evidence.weights.view[k];
          sum[evidence.taps.view[k]] += evidence.weights.view[k] * evidence.trust.view[k >> 2];
        }
        let hits = 0;
        let others = 0;
        for (let i = 0; i < n; i++) {
          const at = [0, 1, 2].map(
            (a) =>
              translation[a] +
              [0, 1, 2].reduce(
                (s, k) =>
                  s + nodeBarycentrics[3 * i + k] * mesh.vertices[3 * mesh.faces[3 * nodeFaces[i] + k] + a],
                0,
              ),
          );
          const x = 7.3 + (34 * at[0]) / -at[2];
          const y = 8.2 - (34 * at[1]) / -at[2];
          const p = Math.floor(y) * SIZE + Math.floor(x);
          const inside = x >= 0 && y >= 0 && x < SIZE && y < SIZE && faceIndex[p] >= 0;
          const near = inside && point(p, false).depth - at[2] <= 0.05;
          const same = near && pieces[faceIndex[p]] === pieces[nodeFaces[i]];
          if (near && !same) others++;
          const shown = same ? trust.view[p] : 0;
          if (shown > 0) hits++;
          const wanted = total[i] > 0.25 ? Math.max(shown, sum[i] / total[i]) : shown;
          expect(Math.abs(visibility.view[i] - wanted)).toBeLessThan(1e-5);
        }
        expect(hits).toBeGreaterThan(20);
        expect(others).toBeGreaterThan(5);
      });
    },
  );

  it('has residuals in albedo, and robust factors against cells', () => {
    const count = 200;
    const cells = Uint32Array.from({ length: count }, () => random.below(12));
    const fours = (low: number, high: number) =>
      Float32Array.from({ length: 4 * count }, (_, k) =>
        k % 4 === 3 ? 0 : low + (high - low) * random.uniform(),
      );
    const rendered = fours(0.2, 0.9);
    const scales = { free: 0.04, width: 0.06, outside: 0.14 };
    kernels.scope(() => {
      const evidence = takeRoom(kernels, count);
      evidence.shading.view.set(fours(0.1, 1.5));
      // Clipped channels of glossy pixels are below the mark without their gloss, and of those in shadows above it.
      const gloss = uniform(count, -0.2, 0.3);
      evidence.colours.view.set(fours(0.5, 1.02));
      for (let p = 0; p < count; p++) evidence.colours.view[4 * p + 3] = gloss[p];
      evidence.trust.view.set(uniform(count));
      evidence.flags.view.set(Uint8Array.from({ length: count }, () => random.below(16)));
      const residual = kernels.f32(rendered);
      const weight = kernels.f32(count);
      albedoResiduals(kernels, evidence, 0.985, residual, weight);
      const three = (array: { view: ArrayLike<number> }, p: number) =>
        [0, 1, 2].map((c) => array.view[4 * p + c]);
      for (let p = 0; p < count; p++) {
        const shading = three(evidence.shading, p);
        const albedo = [...rendered.subarray(4 * p, 4 * p + 3)];
        const colour = three(evidence.colours, p);
        const wanted = albedoResidualReference(shading, colour, gloss[p], albedo, 0.985);
        three(residual, p).forEach((r, c) => {
          expect(Math.abs(r - wanted[c])).toBeLessThan(2e-5);
        });
        expect(residual.view[4 * p + 3]).toBe(0);
        const mean = (shading[0] + shading[1] + shading[2]) / 3;
        expect(weight.view[p]).toBeCloseTo(evidence.trust.view[p] * mean * mean, 5);
      }
      const factor = kernels.f32(uniform(count, 0.5, 1));
      const before = factor.view.slice();
      const pixels: CellPixels = { evidence, cells: kernels.u32(cells), weight, residual, factor };
      const [pull, right] = [kernels.f32(12), kernels.f32(48)];
      pull.view.fill(0.5);
      sumCells(kernels, pixels, pull, right);
      for (let cell = 0; cell < 12; cell++) {
        const members = [...cells.keys()].filter((p) => cells[p] === cell);
        const sum = (of: (p: number) => number) =>
          members.reduce((s, p) => s + weight.view[p] * factor.view[p] * of(p), 0);
        expect(pull.view[cell]).toBeCloseTo(0.5 + sum(() => 1), 4);
        for (let c = 0; c < 3; c++)
          expect(right.view[4 * cell + c]).toBeCloseTo(
            sum((p) => residual.view[4 * p + c]),
            4,
          );
      }
      // Which cell a pixel is in, and what nodes make of their pixels.
      const n = 25;
      const own = kernels.u32(Uint32Array.from({ length: n }, () => random.below(12)));
      evidence.taps.view.set(Uint32Array.from({ length: 4 * count }, () => random.below(n)));
      evidence.weights.view.set(uniform(4 * count));
      evidence.trust.view.set(uniform(count).map((t) => Math.max(0, t - 0.3)));
      const [found, means, value] = [kernels.u32(count), kernels.f32(n + 1), kernels.f32(uniform(count))];
      heaviestCells(kernels, evidence, own, found);
      nodeMeans(kernels, evidence, value, means);
      const [total, sum] = [new Float64Array(n + 1), new Float64Array(n + 1)];
      for (let p = 0; p < count; p++) {
        const w = [...evidence.weights.view.subarray(4 * p, 4 * p + 4)];
        const t = [...evidence.taps.view.subarray(4 * p, 4 * p + 4)];
        expect(found.view[p]).toBe(own.view[t[w.indexOf(Math.max(...w))]]);
        if (evidence.trust.view[p] === 0) continue;
        t.forEach((i, k) => {
          total[i] += w[k];
          sum[i] += w[k] * value.view[p];
        });
      }
      for (let i = 0; i < n; i++) expect(means.view[i]).toBeCloseTo(sum[i] / total[i], 5);
      expect(means.view[n]).toBe(0);
      const around = kernels.f32(uniform(48, -0.1, 0.1));
      const foreign = kernels.f32(count);
      weight.view[3] = 0;
      robustFactors(kernels, pixels, around, scales, foreign);
      for (let p = 0; p < count; p++) {
        if (!(evidence.flags.view[p] & PIXEL.skin) || weight.view[p] === 0) {
          expect([factor.view[p], foreign.view[p]]).toEqual([before[p], 0]);
          continue;
        }
        const difference = three(residual, p).map(
          (r, c) => (r - around.view[4 * cells[p] + c]) * evidence.shading.view[4 * p + c],
        );
        const wanted = robustReference(difference, (evidence.flags.view[p] & PIXEL.inner) > 0, scales);
        expect(factor.view[p]).toBeCloseTo(wanted.factor, 5);
        expect(foreign.view[p]).toBeCloseTo(wanted.foreign, 5);
      }
    });
  });
});
