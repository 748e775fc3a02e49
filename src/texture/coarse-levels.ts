/**
 * Coarse-to-fine solution of (data + λ·Laplacian + pull)·x = b over texels ("cascadic" multigrid, Bornemann and
 * Deuflhard 1996): the problem is merged 2×2 until it is small, solved there, and each solution starts conjugate
 * gradients one level finer. Long waves are settled where they are cheap; the finest level only needs a few steps.
 *
 * Nodes are merged within a chart. Diagonals and right-hand sides add up; edge weights add up and are halved, because
 * a coarse edge spans twice the distance with twice the edges side by side: in two dimensions the smoothness energy
 * then does not depend on the level. Entries of AᵀWA between different texels are lumped on the diagonal.
 *
 * Levels are made once per atlas; those of a part of its nodes follow from them, since nodes merge by where they lie.
 */
import type { F32, Kernels, U32 } from '../kernels/runtime.ts';
import { mergeTexels, type ResidentPlaces } from '../kernels/texel-graph.ts';
import {
  laplacianDiagonal,
  mergeGraph,
  prolongRows,
  type ResidentGraph,
  restrictRows,
} from '../kernels/texel-levels.ts';
import { type TexelSystem, texelGradients } from '../kernels/texels.ts';
import type { TexelMatrix, WeightedGraph } from './normal-matrix.ts';

/** A level: a graph, and the nodes of the next finer level that each of its nodes stands for. */
interface Level {
  readonly graph: WeightedGraph;
  readonly count: number;
  /** (n of the finer level) node of this level. */
  readonly parents: Uint32Array;
}

/** Merges of a texel graph, finest first; the graph itself is not among them. */
export type Levels = readonly Level[];

/** Where nodes lie in a map, for merging. */
export interface NodePlaces {
  readonly width: number;
  readonly height: number;
  /** (n) y·width + x of each node, and its chart. */
  readonly texels: Uint32Array;
  readonly charts: Uint16Array;
}

/** Stop merging below this many nodes, or where merging leaves more than this share of them. */
const COARSEST = 300;
const WORTH_WHILE = 0.8;
const COARSE_TOLERANCE = 1e-4;
/** Steps on a level at most. */
const COARSE_STEPS = 300;

/** A level in kernel memory. */
export interface ResidentLevel {
  readonly graph: ResidentGraph;
  /** (n of the finer level). */
  readonly parents: U32;
}

/** Merges `graph` level by level. */
export function buildLevels(kernels: Kernels, graph: WeightedGraph, places: NodePlaces): Levels {
  return kernels.scope(() => {
    const levels: Level[] = [];
    let current = takeGraph(kernels, graph);
    const { width, height, texels, charts } = places;
    let at: ResidentPlaces = {
      width,
      height,
      texels: kernels.u32(texels),
      charts: kernels.u32(charts),
    };
    while (current.count > COARSEST) {
      const merged = mergeTexels(kernels, at);
      at = merged.places;
      const count = at.texels.length;
      if (count > WORTH_WHILE * current.count) break;
      current = mergeGraph(kernels, current, merged.parents, count);
      const starts = current.starts.view.slice();
      const edges = starts[count];
      levels.push({
        graph: {
          starts,
          neighbours: current.neighbours.view.slice(0, edges),
          weights: current.weights!.view.slice(0, edges),
        },
        count,
        parents: merged.parents.view.slice(),
      });
    }
    return levels;
  });
}

/** A graph in kernel memory. */
export function takeGraph(kernels: Kernels, { starts, neighbours, weights }: WeightedGraph): ResidentGraph {
  return {
    count: starts.length - 1,
    starts: kernels.u32(starts),
    neighbours: kernels.u32(neighbours),
    weights: weights && kernels.f32(weights),
  };
}

/** Levels in kernel memory. */
export function takeLevels(kernels: Kernels, levels: Levels): ResidentLevel[] {
  return levels.map(({ graph, parents }) => ({
    graph: takeGraph(kernels, graph),
    parents: kernels.u32(parents),
  }));
}

/** Levels of a part of a graph, in kernel memory. @param nodes at least (n of the part): which nodes of the whole graph it has */
export function partLevels(
  kernels: Kernels,
  part: ResidentGraph,
  nodes: Uint32Array,
  whole: Levels,
): ResidentLevel[] {
  const out: ResidentLevel[] = [];
  let graph = part;
  let above = nodes;
  for (const level of whole) {
    if (graph.count <= COARSEST) break;
    const number = new Int32Array(level.count).fill(-1);
    const kept = new Uint32Array(Math.min(graph.count, level.count));
    const parents = new Uint32Array(graph.count);
    let count = 0;
    for (let i = 0; i < parents.length; i++) {
      const parent = level.parents[above[i]];
      if (number[parent] < 0) {
        kept[count] = parent;
        number[parent] = count++;
      }
      parents[i] = number[parent];
    }
    if (count > WORTH_WHILE * graph.count) break;
    const resident = kernels.u32(parents);
    graph = mergeGraph(kernels, graph, resident, count);
    out.push({ graph, parents: resident });
    above = kept;
  }
  return out;
}

/** A system over the finest level, and how it is solved. */
export interface LevelProblem {
  readonly system: TexelSystem;
  /** Weight of the smoothness edges. */
  readonly lambda: number;
  /** (n) float32 row sums of the matrix without the edges: data and pull. */
  readonly lumped: F32;
  /** (n,4) float32. */
  readonly right: F32;
  /**
   * Conjugate-gradient steps on the finest level; three times as many per level further down, where a step costs a
   * quarter.
   */
  readonly steps: number;
  readonly tolerance: number;
}

/** Solves over all levels. @param x (n,4) float32 the solution, overwritten */
export function solveLevels(
  kernels: Kernels,
  levels: readonly ResidentLevel[],
  problem: LevelProblem,
  x: F32,
): void {
  const { system, lambda, steps, tolerance } = problem;
  kernels.scope(() => {
    // Every level's right-hand side, row sums and solution, finest first.
    const sides = [{ rows: problem.right, sums: problem.lumped }];
    const solutions = [x];
    for (const { graph, parents } of levels) {
      const coarse = { rows: kernels.f32(4 * graph.count), sums: kernels.f32(graph.count) };
      restrictRows(kernels, parents, sides.at(-1)!, coarse);
      sides.push(coarse);
      solutions.push(kernels.f32(4 * graph.count, false));
    }
    solutions.at(-1)!.view.fill(0);
    for (let l = levels.length; l > 0; l--) {
      const { graph, parents } = levels[l - 1];
      kernels.scope(() => {
        const coarse = laplacianSystem(kernels, graph, lambda, sides[l].sums);
        const limit = Math.min(steps * 3 ** l, COARSE_STEPS);
        const stop = { steps: limit, tolerance: COARSE_TOLERANCE };
        texelGradients(kernels, coarse, sides[l].rows, solutions[l], stop);
      });
      prolongRows(kernels, parents, solutions[l], solutions[l - 1]);
    }
    texelGradients(kernels, system, problem.right, x, { steps, tolerance });
  });
}

/** λ·Laplacian + pull as a system in kernel memory. @param pull (n) float32 */
export function laplacianSystem(
  kernels: Kernels,
  graph: ResidentGraph,
  lambda: number,
  pull: F32,
): TexelSystem {
  const diagonal = kernels.f32(graph.count, false);
  laplacianDiagonal(kernels, graph, lambda, pull, diagonal);
  const { starts, neighbours, weights } = graph;
  return { starts, columns: neighbours, values: weights, scale: -lambda, diagonal };
}

/**
 * {@link solveLevels} for plain arrays.
 * @param matrix of the finest level.
 * @param lambda weight of the smoothness edges.
 * @param lumped (n) row sums of the matrix without the edges.
 * @param b (n,3).
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
    const right = takeRows(kernels, b);
    const x = kernels.f32(right.length, false);
    const system = {
      starts: kernels.u32(matrix.starts),
      columns: kernels.u32(matrix.columns),
      values: matrix.values && kernels.f32(matrix.values),
      scale: matrix.scale,
      diagonal: kernels.f32(matrix.diagonal),
    };
    const problem = { system, lambda, lumped: kernels.f32(lumped), right, steps, tolerance };
    solveLevels(kernels, takeLevels(kernels, levels), problem, x);
    return threes(x.view);
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
