/**
 * Symmetric positive definite matrices over texels: AᵀWA of the data, plus edges of the smoothness prior, plus a
 * diagonal. Rows are compressed; a product acts on three interleaved channels at once, since all share the matrix and
 * reading it is what costs.
 */
import type { SamplingOperator } from './sampling-operator.ts';

/** Off-diagonal entries by row, and the diagonal. */
export interface TexelMatrix {
  /** (n+1). */
  readonly starts: Uint32Array;
  /** (m) columns, diagonal excluded. */
  readonly columns: Uint32Array;
  /** (m) float32. */
  readonly values: Float32Array;
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

/** Channels of every vector here. */
export const CHANNELS = 3;

/** out = M·x; both (n,3). */
export function multiplyTexels(m: TexelMatrix, x: Float64Array, out: Float64Array): void {
  const { starts, columns, values, diagonal } = m;
  for (let i = 0, o = 0; i < diagonal.length; i++, o += 3) {
    const d = diagonal[i];
    let a = d * x[o];
    let b = d * x[o + 1];
    let c = d * x[o + 2];
    for (let k = starts[i], end = starts[i + 1]; k < end; k++) {
      const j = 3 * columns[k];
      const v = values[k];
      a += v * x[j];
      b += v * x[j + 1];
      c += v * x[j + 2];
    }
    out[o] = a;
    out[o + 1] = b;
    out[o + 2] = c;
  }
}

/** λ·Laplacian of `graph` + diag(`pull`). */
export function laplacianMatrix(graph: WeightedGraph, lambda: number, pull: Float64Array): TexelMatrix {
  const { starts, neighbours, weights } = graph;
  const diagonal = pull.slice();
  const values = new Float32Array(neighbours.length);
  for (let i = 0; i < diagonal.length; i++)
    for (let k = starts[i]; k < starts[i + 1]; k++) {
      const w = lambda * (weights ? weights[k] : 1);
      values[k] = -w;
      diagonal[i] += w;
    }
  return { starts, columns: neighbours, values, diagonal };
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
      values[at] = prior.values[k];
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
  return { starts, columns: columns.slice(0, m), values: values.slice(0, m), diagonal };
}
