/**
 * Symmetric positive definite matrices over texels: AᵀWA of the data, plus edges of the smoothness prior, plus a
 * diagonal. Rows are compressed; solutions have three channels that share the matrix.
 */
import type { SamplingOperator } from './sampling-operator.ts';

/** D + scale·W: off-diagonal entries by row, and the diagonal. */
export interface TexelMatrix {
  /** (n+1). */
  readonly starts: Uint32Array;
  /** (m) columns, diagonal excluded. */
  readonly columns: Uint32Array;
  /** (m) float32 entries of W; all 1 where null. */
  readonly values: Float32Array | null;
  readonly scale: number;
  /** (n) float64. */
  readonly diagonal: Float64Array;
}

/** An undirected graph with a weight per edge; every edge stands in both of its rows. */
export interface WeightedGraph {
  readonly starts: Uint32Array;
  readonly neighbours: Uint32Array;
  /** (m) float32, alike in both rows of an edge; all 1 where null. */
  readonly weights: Float32Array | null;
}

/** λ·Laplacian of `graph` + diag(`pull`); shares the graph's arrays. */
export function laplacianMatrix(graph: WeightedGraph, lambda: number, pull: Float64Array): TexelMatrix {
  const { starts, neighbours, weights } = graph;
  const diagonal = new Float64Array(pull.length);
  for (let i = 0; i < diagonal.length; i++) {
    const [first, end] = [starts[i], starts[i + 1]];
    let sum = 0;
    if (weights) for (let k = first; k < end; k++) sum += weights[k];
    else sum = end - first;
    diagonal[i] = pull[i] + lambda * sum;
  }
  return { starts, columns: neighbours, values: weights, scale: -lambda, diagonal };
}

/**
 * AᵀWA + λ·Laplacian + diag(`pull`). @param pixelWeights (P) diagonal of W
 * @throws nothing; taps are trusted to lie below the graph's nodes
 */
export function dataMatrix(
  a: SamplingOperator,
  pixelWeights: Float64Array,
  graph: WeightedGraph,
  lambda: number,
  pull: Float64Array,
): TexelMatrix {
  const n = a.columns;
  const prior = laplacianMatrix(graph, lambda, pull);
  // Rows with room for the graph's neighbours and what else 2×2 blocks of taps can reach: 8 texels around.
  const room = new Uint32Array(n + 1);
  for (let i = 0; i < n; i++) room[i + 1] = room[i] + (graph.starts[i + 1] - graph.starts[i]) + 8;
  const columns = new Uint32Array(room[n]);
  const values = new Float32Array(room[n]);
  const ends = new Uint32Array(n);
  for (let i = 0; i < n; i++) {
    let at = room[i];
    for (let k = prior.starts[i]; k < prior.starts[i + 1]; k++, at++) {
      columns[at] = prior.columns[k];
      values[at] = prior.scale * (prior.values ? prior.values[k] : 1);
    }
    ends[i] = at;
  }
  const { diagonal } = prior;
  const add = (i: number, j: number, v: number) => {
    const end = ends[i];
    for (let k = room[i]; k < end; k++)
      if (columns[k] === j) {
        values[k] += v;
        return;
      }
    columns[end] = j;
    values[end] = v;
    ends[i] = end + 1;
  };
  for (let p = 0; p < a.rows; p++) {
    const w = pixelWeights[p];
    if (w === 0) continue;
    for (let k = 4 * p; k < 4 * p + 4; k++) {
      const i = a.nodes[k];
      const u = w * a.weights[k];
      diagonal[i] += u * a.weights[k];
      for (let l = k + 1; l < 4 * p + 4; l++) {
        const j = a.nodes[l];
        const v = u * a.weights[l];
        add(i, j, v);
        add(j, i, v);
      }
    }
  }
  // Close the gaps.
  const starts = new Uint32Array(n + 1);
  let m = 0;
  for (let i = 0; i < n; i++) {
    for (let k = room[i]; k < ends[i]; k++, m++) {
      columns[m] = columns[k];
      values[m] = values[k];
    }
    starts[i + 1] = m;
  }
  return { starts, columns: columns.subarray(0, m), values: values.subarray(0, m), scale: 1, diagonal };
}
