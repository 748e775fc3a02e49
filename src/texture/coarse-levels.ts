/**
 * Coarse-to-fine solution of (data + λ·Laplacian + pull)·x = b over texels ("cascadic" multigrid, Bornemann and
 * Deuflhard 1996): the problem is merged 2×2 until it is small, solved there, and each solution starts conjugate
 * gradients one level finer. Long waves are settled where they are cheap; the finest level only needs a few steps.
 *
 * Nodes are merged within a chart. Diagonals and right-hand sides add up; edge weights add up and are halved, because
 * a coarse edge spans twice the distance with twice the edges side by side: in two dimensions the smoothness energy
 * then does not depend on the level. Entries of AᵀWA between different texels are lumped on the diagonal.
 */
import { conjugateGradients } from '../linalg/conjugate-gradients.ts';
import { laplacianMatrix, multiplyTexels, type TexelMatrix, type WeightedGraph } from './normal-matrix.ts';

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
 * @param start (n,3) null to begin on the coarsest level.
 * @param steps conjugate-gradient steps on the finest level; three times as many per level further down,
 *   where a step costs a quarter.
 */
export function solveCoarseToFine(
  levels: Levels,
  matrix: TexelMatrix,
  lambda: number,
  lumped: Float64Array,
  b: Float64Array,
  steps: number,
  tolerance = 1e-5,
): Float64Array {
  const sums: { d: Float64Array; b: Float64Array }[] = [{ d: lumped, b }];
  for (const level of levels) {
    const last = sums[sums.length - 1];
    const d = new Float64Array(level.count);
    const r = new Float64Array(3 * level.count);
    for (let i = 0; i < level.parents.length; i++) {
      const p = level.parents[i];
      d[p] += last.d[i];
      for (let c = 0; c < 3; c++) r[3 * p + c] += last.b[3 * i + c];
    }
    sums.push({ d, b: r });
  }
  let x: Float64Array | undefined;
  for (let l = levels.length; l >= 0; l--) {
    const m = l === 0 ? matrix : laplacianMatrix(levels[l - 1].graph, lambda, sums[l].d);
    const limit = Math.min(steps * 3 ** l, 300);
    x = jacobiGradients(m, sums[l].b, limit, l === 0 ? tolerance : COARSE_TOLERANCE, x);
    if (l > 0) {
      const { parents } = levels[l - 1];
      const fine = new Float64Array(3 * parents.length);
      for (let i = 0; i < parents.length; i++)
        for (let c = 0; c < 3; c++) fine[3 * i + c] = x[3 * parents[i] + c];
      x = fine;
    }
  }
  return x!;
}

/** Conjugate gradients preconditioned by the diagonal. */
export function jacobiGradients(
  m: TexelMatrix,
  b: Float64Array,
  maxIterations: number,
  tolerance: number,
  start?: Float64Array,
): Float64Array {
  const inverse = Float64Array.from(m.diagonal, (d) => (d > 0 ? 1 / d : 1));
  const { x } = conjugateGradients((v, out) => multiplyTexels(m, v, out), b, {
    preconditioner: (r, out) => {
      for (let i = 0, o = 0; i < inverse.length; i++) {
        const k = inverse[i];
        out[o] = k * r[o++];
        out[o] = k * r[o++];
        out[o] = k * r[o++];
      }
    },
    ...(start && { start }),
    maxIterations,
    tolerance,
  });
  return x;
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
  const next: number[] = [];
  const [x, y, charts]: number[][] = [[], [], []];
  const parents = new Uint32Array(at.count);
  for (let i = 0; i < at.count; i++) {
    const cell = (at.y[i] >> 1) * columns + (at.x[i] >> 1);
    let node = first[cell];
    while (node >= 0 && charts[node] !== at.charts[i]) node = next[node];
    if (node < 0) {
      node = x.push(at.x[i] >> 1) - 1;
      y.push(at.y[i] >> 1);
      charts.push(at.charts[i]);
      next.push(first[cell]);
      first[cell] = node;
    }
    parents[i] = node;
  }
  return {
    parents,
    places: {
      count: x.length,
      x: Uint16Array.from(x),
      y: Uint16Array.from(y),
      charts: Uint16Array.from(charts),
    },
  };
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
