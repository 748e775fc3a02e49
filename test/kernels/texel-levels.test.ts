import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import {
  degreesReference,
  fillRightReference,
  type GraphReference,
  mergeGraphReference,
  mirrorGuidesReference,
  rowsOf,
  subgraphReference,
} from '../../src/kernels/reference/texel-levels.ts';
import type { Kernels } from '../../src/kernels/runtime.ts';
import {
  fillRight,
  laplacianDiagonal,
  mergeGraph,
  mirrorGuides,
  prolongRows,
  type ResidentGraph,
  restrictRows,
  subgraph,
} from '../../src/kernels/texel-levels.ts';
import { randomGraph } from '../helpers/random-graph.ts';
import { BUILDS } from './builds.ts';

const take = (kernels: Kernels, { starts, neighbours, weights }: GraphReference): ResidentGraph => ({
  count: starts.length - 1,
  starts: kernels.u32(starts),
  neighbours: kernels.u32(neighbours),
  weights: weights && kernels.f32(weights),
});

const plain = ({ starts, neighbours, weights }: ResidentGraph): GraphReference => ({
  starts: starts.view,
  neighbours: neighbours.view,
  weights: weights?.view ?? null,
});

function expectRows(got: Map<number, number>[], expected: Map<number, number>[]) {
  expect(got.length).toBe(expected.length);
  got.forEach((row, i) => {
    expect([...row.keys()].sort()).toEqual([...expected[i].keys()].sort());
    for (const [j, w] of row) expect(w).toBeCloseTo(expected[i].get(j)!, 5);
  });
}

const near = (got: ArrayLike<number>, expected: ArrayLike<number>, slack: number) => {
  expect(got.length).toBe(expected.length);
  for (let i = 0; i < got.length; i++) expect(Math.abs(got[i] - expected[i])).toBeLessThan(slack);
};

describe.each(BUILDS)('texel levels (%s)', (_name, create) => {
  const kernels = create();
  const n = 120;

  it.each([false, true])('merges graphs by parents (weighted: %s)', (weighted) => {
    const graph = randomGraph(n, weighted, 1);
    const random = createRandom(2);
    const parents = Uint32Array.from({ length: n }, () => random.below(41));
    kernels.scope(() => {
      const merged = mergeGraph(kernels, take(kernels, graph), kernels.u32(parents), 41);
      expectRows(rowsOf(plain(merged), 41), mergeGraphReference(graph, parents, 41));
      expect(() => mergeGraph(kernels, take(kernels, graph), kernels.u32(3), 41)).toThrow(/parents must be/);
    });
  });

  it('takes parts of graphs', () => {
    const graph = randomGraph(n, false, 3);
    const random = createRandom(4);
    const keep = Array.from({ length: n }, () => random.uniform() < 0.6);
    const expected = subgraphReference(graph, keep);
    kernels.scope(() => {
      const numbers = kernels.i32(keep.map((k) => (k ? 0 : -1)));
      const nodes = kernels.u32(n);
      const part = subgraph(kernels, take(kernels, graph), numbers, nodes);
      expect(Array.from(nodes.view.subarray(0, part.count))).toEqual(expected.nodes);
      expectRows(rowsOf(plain(part), part.count), expected.rows);
      keep.forEach((kept, i) => {
        expect(numbers.view[i]).toBe(kept ? expected.nodes.indexOf(i) : -1);
      });
    });
  });

  it('restricts and prolongs, each the other’s transpose', () => {
    const random = createRandom(5);
    const parents = Uint32Array.from({ length: n }, () => random.below(30));
    const normal = (length: number) => Float32Array.from({ length }, () => random.normal());
    kernels.scope(() => {
      const fine = { rows: kernels.f32(normal(4 * n)), sums: kernels.f32(normal(n)) };
      const coarse = { rows: kernels.f32(4 * 30), sums: kernels.f32(30) };
      const p = kernels.u32(parents);
      restrictRows(kernels, p, fine, coarse);
      const y = kernels.f32(normal(4 * 30));
      const back = kernels.f32(4 * n);
      prolongRows(kernels, p, y, back);
      const dot = (a: Float32Array, b: Float32Array) => a.reduce((s, x, i) => s + x * b[i], 0);
      expect(dot(coarse.rows.view, y.view)).toBeCloseTo(dot(fine.rows.view, back.view), 4);
      expect(coarse.sums.view.reduce((a, b) => a + b)).toBeCloseTo(
        fine.sums.view.reduce((a, b) => a + b),
        4,
      );
      for (let i = 0; i < n; i++) expect(back.view[4 * i + 2]).toBe(y.view[4 * parents[i] + 2]);
    });
  });

  it.each([false, true])('has the diagonal of λ·Laplacian + pull (weighted: %s)', (weighted) => {
    const graph = randomGraph(n, weighted, 6);
    const pull = Float32Array.from({ length: n }, (_, i) => i / n);
    kernels.scope(() => {
      const out = kernels.f32(n);
      laplacianDiagonal(kernels, take(kernels, graph), 0.3, kernels.f32(pull), out);
      near(
        out.view,
        degreesReference(graph, n).map((d, i) => pull[i] + 0.3 * d),
        1e-5,
      );
    });
  });

  it('guides by mirror points, and fills from them', () => {
    const random = createRandom(7);
    const graph = randomGraph(n, false, 8);
    // Mostly of nodes that were seen.
    const taps = Uint32Array.from({ length: 4 * n }, (_, k) =>
      k % 9 === 0 ? random.below(n) : 3 * random.below(n / 3) + 1,
    );
    const weights = Float32Array.from({ length: 4 * n }, (_, k) =>
      (k >> 2) % 5 === 0 ? 0 : [0.4, 0.3, 0.295, 0.005][k % 4],
    );
    const visibility = Float32Array.from({ length: n }, (_, i) =>
      i % 3 === 0 ? 0 : i % 7 === 0 ? 0.99 : 0.4 + 0.6 * random.uniform(),
    );
    const [base, seen] = [0, 1].map(() =>
      Float32Array.from({ length: 4 * n }, (_, c) => (c % 4 === 3 ? 0 : random.uniform())),
    );
    const expected = mirrorGuidesReference(taps, weights, visibility, base, seen);
    expect(expected.strength.filter((s) => s > 0).length).toBeGreaterThan(5);
    expect(expected.strength.filter((s) => s === 0).length).toBeGreaterThan(20);
    kernels.scope(() => {
      const [guide, strength] = [kernels.f32(4 * n), kernels.f32(n)];
      guide.view.fill(9);
      const [s, v] = [kernels.f32(seen), kernels.f32(visibility)];
      const mirror = { taps: kernels.u32(taps), weights: kernels.f32(weights) };
      mirrorGuides(kernels, mirror, v, kernels.f32(base), s, guide, strength);
      near(strength.view, expected.strength, 1e-6);
      near(guide.view, expected.guide, 1e-6);
      const [pull, right] = [kernels.f32(n), kernels.f32(4 * n)];
      const input = { hold: v, strength, seen: s, guide, mirrorPull: 0.2, plainPull: 0.03 };
      fillRight(kernels, take(kernels, graph), input, pull, right);
      const wanted = fillRightReference(graph, visibility, strength.view, seen, guide.view, 0.2, 0.03);
      near(pull.view, wanted.pull, 1e-6);
      near(right.view, wanted.right, 1e-5);
    });
  });
});
