/**
 * Symmetric positive definite matrices over texels: edges of a smoothness prior, plus a diagonal. Rows are compressed;
 * solutions have three channels that share the matrix.
 */

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
