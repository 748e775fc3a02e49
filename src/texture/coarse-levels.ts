/**
 * Coarse-to-fine solution of (data + λ·Laplacian + pull)·x = b over texels ("cascadic" multigrid, Bornemann and
 * Deuflhard 1996): the problem is merged 2×2 until it is small, solved there, and each solution starts conjugate
 * gradients one level finer. Long waves are settled where they are cheap; the finest level only needs a few steps.
 *
 * Nodes are merged within a chart. Diagonals and right-hand sides add up; edge weights add up and are halved, because
 * a coarse edge spans twice the distance with twice the edges side by side: in two dimensions the smoothness energy
 * then does not depend on the level. Entries of AᵀWA between different texels are lumped on the diagonal.
 */
import type { F32, Kernels } from '../kernels/runtime.ts';
import { texelGradients } from '../kernels/texels.ts';
import { laplacianMatrix, type TexelMatrix, type WeightedGraph } from './normal-matrix.ts';

/** A level: a graph, and the nodes of the next finer level that each of its nodes stands for. */
interface Level {
  readonly graph: WeightedGraph;
  readonly count: number;
  /** (n of the finer level) node of this level. */
  readonly parents: Uint32Array;
}

/** Merges of a texel graph, finest first; the graph itself is not among them. */
export type Levels = readonly Level[];

/** Where nodes lie, for merging. */
export interface NodePlaces {
  readonly count: number;
  /** (n) column, row and chart of each node. */
  readonly x: Uint16Array;
  readonly y: Uint16Array;
  readonly charts: Uint16Array;
}

/** Stop merging below this many nodes. */
const COARSEST = 300;
const COARSE_TOLERANCE = 1e-4;

/** Merges `graph` level by level. */
export function buildLevels(graph: WeightedGraph, places: NodePlaces): Levels {
  const levels: Level[] = [];
  let current: WeightedGraph = graph;
  let at = places;
  while (at.count > COARSEST) {
    const merged = mergePlaces(at);
    if (merged.places.count > 0.8 * at.count) break;
    current = mergeGraph(current, merged.parents, merged.places.count);
    levels.push({ graph: current, count: merged.places.count, parents: merged.parents });
    at = merged.places;
  }
  return levels;
}

/**
 * Solves over all levels.
 * @param matrix of the finest level.
 * @param lambda weight of the smoothness edges.
 * @param lumped (n) row sums of the matrix without the edges: data and pull.
 * @param b (n,3).
 * @param steps conjugate-gradient steps on the finest level; three times as many per level further down,
 *   where a step costs a quarter.
 */
export function solveCoarseToFine(
  kernels: Kernels,
  levels: Levels,
  matrix: TexelMatrix,
  lambda: number,
  lumped: Float64Array,
  b: Float64Array,
  steps: number,
  tolerance = 1e-5,
): Float64Array {
  return kernels.scope(() => {
    // Every level's solution and right-hand side, finest first; rows of four, the last one zero.
    const right = [takeRows(kernels, b)];
    const sums = [lumped];
    const solutions = [kernels.f32(right[0].length)];
    for (const { parents, count } of levels) {
      const d = new Float64Array(count);
      right.push(kernels.f32(4 * count));
      solutions.push(kernels.f32(4 * count));
      const [fine, coarse] = [right.at(-2)!.view, right.at(-1)!.view];
      const above = sums.at(-1)!;
      for (let i = 0; i < parents.length; i++) {
        const p = parents[i];
        d[p] += above[i];
        coarse[4 * p] += fine[4 * i];
        coarse[4 * p + 1] += fine[4 * i + 1];
        coarse[4 * p + 2] += fine[4 * i + 2];
      }
      sums.push(d);
    }
    for (let l = levels.length; l >= 0; l--) {
      const m = l === 0 ? matrix : laplacianMatrix(levels[l - 1].graph, lambda, sums[l]);
      const limit = Math.min(steps * 3 ** l, 300);
      descend(kernels, m, right[l], solutions[l], limit, l === 0 ? tolerance : COARSE_TOLERANCE);
      if (l === 0) break;
      const { parents } = levels[l - 1];
      const [coarse, fine] = [solutions[l].view, solutions[l - 1].view];
      for (let i = 0; i < parents.length; i++) {
        const p = 4 * parents[i];
        fine[4 * i] = coarse[p];
        fine[4 * i + 1] = coarse[p + 1];
        fine[4 * i + 2] = coarse[p + 2];
      }
    }
    return threes(solutions[0].view);
  });
}

/** Conjugate gradients preconditioned by the diagonal, from zero. @param b (n,3) */
export function jacobiGradients(
  kernels: Kernels,
  m: TexelMatrix,
  b: Float64Array,
  steps: number,
  tolerance: number,
): Float64Array {
  return kernels.scope(() => {
    const right = takeRows(kernels, b);
    const x = kernels.f32(right.length);
    descend(kernels, m, right, x, steps, tolerance);
    return threes(x.view);
  });
}

function descend(kernels: Kernels, m: TexelMatrix, b: F32, x: F32, steps: number, tolerance: number): void {
  kernels.scope(() => {
    const system = {
      starts: kernels.u32(m.starts),
      columns: kernels.u32(m.columns),
      values: m.values && kernels.f32(m.values),
      scale: m.scale,
      diagonal: kernels.f32(m.diagonal),
    };
    texelGradients(kernels, system, b, x, { steps, tolerance });
  });
}

/** (n,3) as rows of four in kernel memory. */
function takeRows(kernels: Kernels, values: Float64Array): F32 {
  const rows = kernels.f32((4 * values.length) / 3);
  const { view } = rows;
  for (let i = 0, o = 0; i < values.length; i += 3, o += 4) {
    view[o] = values[i];
    view[o + 1] = values[i + 1];
    view[o + 2] = values[i + 2];
  }
  return rows;
}

function threes(rows: Float32Array): Float64Array {
  const out = new Float64Array((3 * rows.length) / 4);
  for (let i = 0, o = 0; o < out.length; i += 4, o += 3) {
    out[o] = rows[i];
    out[o + 1] = rows[i + 1];
    out[o + 2] = rows[i + 2];
  }
  return out;
}

function mergePlaces(at: NodePlaces): { parents: Uint32Array; places: NodePlaces } {
  let columns = 0;
  let rows = 0;
  for (let i = 0; i < at.count; i++) {
    columns = Math.max(columns, (at.x[i] >> 1) + 1);
    rows = Math.max(rows, (at.y[i] >> 1) + 1);
  }
  // Nodes of different charts may share a cell: a chain of coarse nodes per cell.
  const first = new Int32Array(columns * rows).fill(-1);
  const next = new Int32Array(at.count);
  const [x, y, charts] = [new Uint16Array(at.count), new Uint16Array(at.count), new Uint16Array(at.count)];
  const parents = new Uint32Array(at.count);
  let count = 0;
  for (let i = 0; i < at.count; i++) {
    const cell = (at.y[i] >> 1) * columns + (at.x[i] >> 1);
    let node = first[cell];
    while (node >= 0 && charts[node] !== at.charts[i]) node = next[node];
    if (node < 0) {
      node = count++;
      x[node] = at.x[i] >> 1;
      y[node] = at.y[i] >> 1;
      charts[node] = at.charts[i];
      next[node] = first[cell];
      first[cell] = node;
    }
    parents[i] = node;
  }
  return { parents, places: { count, x, y, charts } };
}

function mergeGraph(graph: WeightedGraph, parents: Uint32Array, count: number): WeightedGraph {
  // Fine nodes by parent.
  const begin = new Uint32Array(count + 1);
  for (let i = 0; i < parents.length; i++) begin[parents[i] + 1]++;
  for (let p = 0; p < count; p++) begin[p + 1] += begin[p];
  const at = begin.slice();
  const children = new Uint32Array(parents.length);
  for (let i = 0; i < parents.length; i++) children[at[parents[i]]++] = i;

  const starts = new Uint32Array(count + 1);
  const neighbours = new Uint32Array(graph.neighbours.length);
  const weights = new Float32Array(graph.neighbours.length);
  const slot = new Int32Array(count).fill(-1);
  let m = 0;
  for (let p = 0; p < count; p++) {
    const row = m;
    for (let k = begin[p]; k < begin[p + 1]; k++) {
      const i = children[k];
      for (let e = graph.starts[i]; e < graph.starts[i + 1]; e++) {
        const q = parents[graph.neighbours[e]];
        if (q === p) continue;
        if (slot[q] < row) {
          slot[q] = m;
          neighbours[m] = q;
          weights[m] = 0;
          m++;
        }
        weights[slot[q]] += 0.5 * (graph.weights ? graph.weights[e] : 1);
      }
    }
    starts[p + 1] = m;
  }
  return { starts, neighbours: neighbours.slice(0, m), weights: weights.slice(0, m) };
}
