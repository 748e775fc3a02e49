/** The sampling operator, the matrices made of it, and their solution, against plain definitions. */
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import { bilinearReference } from '../../src/kernels/reference/evidence.ts';
import { multiplyTexelsReference, texelGradientsReference } from '../../src/kernels/reference/texels.ts';
import { createKernels } from '../../src/kernels/runtime.ts';
import { subgraph } from '../../src/kernels/texel-levels.ts';
import { sampleMap } from '../../src/render/albedo.ts';
import {
  buildLevels,
  laplacianSystem,
  partLevels,
  solveCoarseToFine,
  solveLevels,
  takeGraph,
} from '../../src/texture/coarse-levels.ts';
import { laplacianMatrix } from '../../src/texture/normal-matrix.ts';
import { buildTexelGraph } from '../../src/texture/texel-graph.ts';
import { makeTinyHead } from '../helpers/tiny-head.ts';

const kernels = await createKernels();
const random = createRandom(7);

/** A W×H grid as a graph, and pixels at random places of it. */
function grid(W: number, H: number, rows: number) {
  const lists: number[][] = Array.from({ length: W * H }, () => []);
  for (let y = 0; y < H; y++)
    for (let x = 0; x < W; x++) {
      const i = y * W + x;
      if (x + 1 < W) {
        lists[i].push(i + 1);
        lists[i + 1].push(i);
      }
      if (y + 1 < H) {
        lists[i].push(i + W);
        lists[i + W].push(i);
      }
    }
  const starts = new Uint32Array(W * H + 1);
  lists.forEach((l, i) => {
    starts[i + 1] = starts[i] + l.length;
  });
  const graph = { starts, neighbours: Uint32Array.from(lists.flat()), weights: null };
  const nodes: number[] = [];
  const weights: number[] = [];
  for (let p = 0; p < rows; p++) {
    const [x, y] = [random.below(W - 1), random.below(H - 1)];
    const [fx, fy] = [random.uniform(), random.uniform()];
    nodes.push(y * W + x, y * W + x + 1, (y + 1) * W + x, (y + 1) * W + x + 1);
    weights.push((1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy);
  }
  const operator = {
    count: rows,
    taps: Uint32Array.from(nodes),
    weights: Float32Array.from(weights),
  };
  const places = {
    width: W,
    height: H,
    texels: Uint32Array.from({ length: W * H }, (_, i) => i),
    charts: new Uint16Array(W * H),
  };
  return { graph, operator, places };
}

const vector = (n: number) => Float64Array.from({ length: n }, () => random.normal());

/** Dense AᵀWA + λL + D, (n,n). */
function dense(
  a: { taps: Uint32Array; weights: Float32Array },
  w: Float64Array,
  g: ReturnType<typeof grid>['graph'],
  lambda: number,
  d: Float64Array,
) {
  const n = d.length;
  const m = Array.from({ length: n }, () => new Float64Array(n));
  for (let p = 0; p < w.length; p++)
    for (let k = 0; k < 4; k++)
      for (let l = 0; l < 4; l++)
        m[a.taps[4 * p + k]][a.taps[4 * p + l]] += w[p] * a.weights[4 * p + k] * a.weights[4 * p + l];
  for (let i = 0; i < n; i++) {
    m[i][i] += d[i];
    for (let k = g.starts[i]; k < g.starts[i + 1]; k++) {
      m[i][i] += lambda;
      m[i][g.neighbours[k]] -= lambda;
    }
  }
  return m;
}

/** Gaussian elimination with pivoting. */
function solveDense(m: Float64Array[], b: Float64Array): Float64Array {
  const n = b.length;
  const a = m.map((row, i) => [...row, b[i]]);
  for (let i = 0; i < n; i++) {
    let pivot = i;
    for (let r = i + 1; r < n; r++) if (Math.abs(a[r][i]) > Math.abs(a[pivot][i])) pivot = r;
    [a[i], a[pivot]] = [a[pivot], a[i]];
    for (let r = 0; r < n; r++) {
      if (r === i) continue;
      const k = a[r][i] / a[i][i];
      for (let c = i; c <= n; c++) a[r][c] -= k * a[i][c];
    }
  }
  return Float64Array.from(a, (row, i) => row[n] / row[i]);
}

describe('sampling operator', () => {
  it('samples as the renderer does', () => {
    const model = makeTinyHead();
    const graph = buildTexelGraph(kernels, model, 64, 64);
    const data = Float32Array.from({ length: 3 * 64 * 64 }, () => random.uniform());
    const x = new Float64Array(3 * graph.texels.length);
    graph.texels.forEach((t, i) => {
      for (let c = 0; c < 3; c++) x[3 * i + c] = data[3 * t + c];
    });
    let compared = 0;
    const out = new Float32Array(3);
    for (let k = 0; k < 200; k++) {
      const [u, v] = [random.uniform(), random.uniform()];
      const { texels, weights } = bilinearReference(u, v, 64, 64);
      const taps = texels.map((t) => graph.nodes[t]);
      if (taps.some((i) => i < 0)) continue;
      compared++;
      sampleMap({ width: 64, height: 64, channels: 3, data }, u, v, out, 0);
      for (let c = 0; c < 3; c++) {
        const sum = taps.reduce((s, i, l) => s + weights[l] * x[3 * i + c], 0);
        expect(sum).toBeCloseTo(out[c], 5);
      }
    }
    expect(compared).toBeGreaterThan(100);
  });
});

describe('normal matrix', () => {
  const { graph, operator } = grid(6, 5, 80);
  const n = 30;
  const w = vector(operator.count).map(Math.abs);
  const pull = vector(n).map((x) => 0.01 + x * x);

  it('is applied as AᵀWA + λL + D', () => {
    const m = { ...laplacianMatrix(graph, 0.3, pull), data: { samples: operator, values: w } };
    const reference = dense(operator, w, graph, 0.3, pull);
    const x = vector(3 * n);
    const out = new Float64Array(3 * n);
    multiplyTexelsReference(m, x, out);
    for (let i = 0; i < n; i++)
      for (let c = 0; c < 3; c++)
        expect(out[3 * i + c]).toBeCloseTo(
          reference[i].reduce((s, v, j) => s + v * x[3 * j + c], 0),
          9,
        );
  });

  it('is solved as the dense system is', () => {
    const b = vector(3 * n);
    const reference = dense(operator, w, graph, 0.3, pull);
    kernels.scope(() => {
      const resident = takeGraph(kernels, graph);
      const lumped = kernels.f32(pull);
      const system = laplacianSystem(kernels, resident, 0.3, lumped);
      const diagonal = kernels.f32(reference.map((row, i) => row[i]));
      const samples = {
        ...operator,
        taps: kernels.u32(operator.taps),
        weights: kernels.f32(operator.weights),
      };
      const right = kernels.f32(4 * n);
      const x = kernels.f32(4 * n);
      for (let i = 0; i < n; i++) for (let c = 0; c < 3; c++) right.view[4 * i + c] = b[3 * i + c];
      const data = { samples, values: kernels.f32(w), diagonal };
      const problem = { lambda: 0.3, lumped, right, steps: 200, tolerance: 1e-6 };
      solveLevels(kernels, [], { ...problem, system: { ...system, data } }, x);
      for (let c = 0; c < 3; c++) {
        const exact = solveDense(
          reference,
          Float64Array.from({ length: n }, (_, i) => b[3 * i + c]),
        );
        // Entries of the matrix are float32.
        for (let i = 0; i < n; i++) expect(Math.abs(x.view[4 * i + c] - exact[i])).toBeLessThan(2e-3);
      }
    });
  });

  it('has the levels of a part of its nodes that the part alone would have', () => {
    const big = grid(64, 64, 1);
    const levels = buildLevels(kernels, big.graph, big.places);
    const kept = big.places.texels.map((t) => (t % 64 > 9 && t < 50 * 64 ? 1 : 0));
    kernels.scope(() => {
      const numbers = kernels.i32(Array.from(kept, (k) => k - 1));
      const nodes = kernels.u32(4096);
      const part = subgraph(kernels, takeGraph(kernels, big.graph), numbers, nodes);
      const own = partLevels(kernels, part, nodes.view, levels);
      const which = nodes.view.slice(0, part.count);
      const edges = part.starts.view[part.count];
      const expected = buildLevels(
        kernels,
        {
          starts: part.starts.view.slice(0, part.count + 1),
          neighbours: part.neighbours.view.slice(0, edges),
          weights: null,
        },
        { width: 64, height: 64, texels: which, charts: new Uint16Array(part.count) },
      );
      expect(own.length).toBe(expected.length);
      own.forEach(({ graph: merged, parents }, l) => {
        expect(Array.from(parents.view)).toEqual(Array.from(expected[l].parents));
        expect(Array.from(merged.starts.view)).toEqual(Array.from(expected[l].graph.starts));
        expect(Array.from(merged.weights!.view.slice(0, expected[l].graph.weights!.length))).toEqual(
          Array.from(expected[l].graph.weights!),
        );
      });
    });
  });

  it('is solved over levels in few steps, far waves included', () => {
    const big = grid(64, 64, 1);
    const d = new Float64Array(4096);
    const b = new Float64Array(3 * 4096);
    // Held at two corners only: everything between is a long way to go.
    d[0] = d[4095] = 10;
    for (let c = 0; c < 3; c++) b[3 * 4095 + c] = 10 * (c + 1);
    const m = laplacianMatrix(big.graph, 1, d);
    const { x: exact } = texelGradientsReference(m, b, new Float64Array(b.length), 3000, 1e-12);
    const levels = buildLevels(kernels, big.graph, big.places);
    expect(levels.length).toBeGreaterThan(1);
    const quick = solveCoarseToFine(kernels, levels, m, 1, d, b, 5);
    const flat = solveCoarseToFine(kernels, [], m, 1, d, b, 5);
    const error = (x: Float64Array) => Math.hypot(...x.map((v, i) => v - exact[i])) / Math.hypot(...exact);
    // Held at points, where the solution has poles that no coarse grid can show: the hardest case there is.
    expect(error(quick)).toBeLessThan(0.1);
    expect(error(flat)).toBeGreaterThan(0.3);
  });
});
