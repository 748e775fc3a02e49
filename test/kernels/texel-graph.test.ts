import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import {
  growRingsReference,
  joinTexelsReference,
  mergeTexelsReference,
} from '../../src/kernels/reference/texel-graph.ts';
import {
  growRings,
  joinTexels,
  listInside,
  mergeTexels,
  numberTexels,
  takeReached,
} from '../../src/kernels/texel-graph.ts';
import { BUILDS } from './builds.ts';

const EIGHT = [-1, 0, 1].flatMap((dy) => [-1, 0, 1].map((dx) => [dx, dy] as const));
const FOUR = [
  [-1, 0],
  [1, 0],
  [0, -1],
  [0, 1],
] as const;

/** Blocks of faces on a map, some at its borders; two charts; faces that are near each other, far apart and turned away. */
function scene(width: number, height: number, seed: number) {
  const random = createRandom(seed);
  const F = 24;
  const faceIndex = new Int32Array(width * height).fill(-1);
  const barycentrics = new Float32Array(3 * width * height);
  for (let f = 0; f < F; f++) {
    const [left, top] = [random.below(width), random.below(height)];
    for (let y = top; y < Math.min(top + 6, height); y++)
      for (let x = left; x < Math.min(left + 9, width); x++) faceIndex[y * width + x] = f;
  }
  for (let t = 0; t < faceIndex.length; t++) {
    const [a, b] = [random.uniform(), random.uniform()];
    barycentrics.set([a, (1 - a) * b, (1 - a) * (1 - b)], 3 * t);
  }
  return {
    faceIndex,
    barycentrics,
    chartOf: Uint32Array.from({ length: F }, (_, f) => (f % 5 === 0 ? 1 : 0)),
    faces: Uint32Array.from({ length: 3 * F }, () => random.below(12)),
    vertices: Float32Array.from({ length: 36 }, () => random.normal()),
    normals: Float32Array.from({ length: 36 }, () => random.normal() + 0.3),
    reach: Float32Array.from({ length: F }, () => 0.5 + random.uniform()),
    others: Array.from({ length: 40 }, () => [random.uniform(), random.uniform()] as const),
  };
}

describe.each(BUILDS)('texel graphs, %s', (_, create) => {
  const kernels = create();

  it.each([
    [64, 48, 1],
    [33, 71, 2],
    [3, 5, 3],
  ])('have the nodes and neighbours of the reference, %i × %i', (width, height, seed) => {
    const given = scene(width, height, seed);
    const own = given.faceIndex.map((face, t) => (face < 0 ? -1 : t));
    const grown = growRingsReference(own, width, height, 2, EIGHT);
    const texels = [...grown.source.keys()].filter((t) => grown.source[t] >= 0);
    const pick = (x: number) => Math.floor(x * texels.length);
    const others = given.others.map(([a, b]) => [pick(a), pick(b)]).filter(([a, b]) => a !== b);
    const rows = joinTexelsReference({
      ...{ ...given, width, height, grown },
      others: others.map(([a, b]) => [texels[a], texels[b]] as const),
    });
    kernels.scope(() => {
      const map = takeReached(kernels, width, height);
      const raster = {
        faceIndex: kernels.i32(given.faceIndex),
        barycentrics: kernels.f32(given.barycentrics),
      };
      const inside = listInside(kernels, raster.faceIndex, map);
      const count = growRings(kernels, map, inside, 2, 8);
      expect(Array.from(map.reached.view.slice(0, count))).toEqual(grown.reached);
      expect(Array.from(map.source.view)).toEqual(grown.source);
      expect(Array.from(map.ring.view)).toEqual(grown.ring);
      expect(Array.from(map.parents.view.slice(inside, count))).toEqual(grown.parents.slice(inside));
      const graph = numberTexels(kernels, map, count, raster, kernels.u32(given.chartOf));
      expect(Array.from(graph.texels.view)).toEqual(texels);
      const shown = texels.map((t) => given.faceIndex[grown.source[t]]);
      expect(Array.from(graph.faces.view)).toEqual(shown);
      expect(Array.from(graph.charts.view)).toEqual(shown.map((f) => given.chartOf[f]));
      expect(Array.from(graph.nodes.view)).toEqual(
        grown.source.map((s, t) => (s < 0 ? -1 : texels.indexOf(t))),
      );
      texels.forEach((t, i) => {
        const o = 3 * grown.source[t];
        expect(graph.barycentrics.view.slice(3 * i, 3 * i + 3)).toEqual(given.barycentrics.slice(o, o + 3));
      });
      const surface = {
        faces: kernels.u32(given.faces),
        vertices: kernels.f32(given.vertices),
        normals: kernels.f32(given.normals),
        reach: kernels.f32(given.reach),
      };
      const joined = joinTexels(kernels, map, inside, graph, surface, Uint32Array.from(others.flat()));
      texels.forEach((t, i) => {
        const row = joined.neighbours.subarray(joined.starts[i], joined.starts[i + 1]);
        expect(Array.from(row, (j) => texels[j])).toEqual(rows.get(t) ?? []);
      });
      expect(joined.neighbours.length).toBe(joined.starts[count]);
    });
  });

  it('grows by four neighbours as the reference does', () => {
    const { faceIndex } = scene(40, 30, 4);
    const expected = growRingsReference(faceIndex, 40, 30, 6, FOUR);
    kernels.scope(() => {
      const map = takeReached(kernels, 40, 30);
      map.source.view.set(faceIndex);
      const first = expected.parents.filter((t) => t < 0).length;
      map.reached.view.set(expected.reached.slice(0, first));
      const count = growRings(kernels, map, first, 6, 4);
      expect(Array.from(map.reached.view.slice(0, count))).toEqual(expected.reached);
      expect(Array.from(map.source.view)).toEqual(expected.source);
    });
  });

  it.each([64, 37])('merges texels of a map %i wide as the reference does', (width) => {
    const random = createRandom(5);
    const texels = Array.from({ length: 600 }, () => random.below(width * 29));
    const charts = texels.map(() => random.below(3));
    const expected = mergeTexelsReference(texels, charts, width);
    kernels.scope(() => {
      const from = { width, height: 29, texels: kernels.u32(texels), charts: kernels.u32(charts) };
      const { places, parents } = mergeTexels(kernels, from);
      expect([places.width, places.height]).toEqual([Math.ceil(width / 2), 15]);
      expect(Array.from(parents.view)).toEqual(expected.parents);
      expect(Array.from(places.texels.view)).toEqual(expected.cells);
      expect(Array.from(places.charts.view)).toEqual(expected.charts);
    });
  });
});
