/** References of `kernels/texel-levels.ts`, float64. */

/** As `ResidentGraph`, in plain arrays. */
export interface GraphReference {
  readonly starts: ArrayLike<number>;
  readonly neighbours: ArrayLike<number>;
  readonly weights: ArrayLike<number> | null;
}

/** Rows of a graph as maps from neighbour to weight. */
export function rowsOf(
  { starts, neighbours, weights }: GraphReference,
  count: number,
): Map<number, number>[] {
  return Array.from({ length: count }, (_, i) => {
    const row = new Map<number, number>();
    for (let e = starts[i]; e < starts[i + 1]; e++) row.set(neighbours[e], weights ? weights[e] : 1);
    return row;
  });
}

/** Rows of the merged graph. */
export function mergeGraphReference(
  graph: GraphReference,
  parents: ArrayLike<number>,
  count: number,
): Map<number, number>[] {
  const out = Array.from({ length: count }, () => new Map<number, number>());
  for (const [i, row] of rowsOf(graph, parents.length).entries())
    for (const [j, w] of row) {
      const [p, q] = [parents[i], parents[j]];
      if (p !== q) out[p].set(q, (out[p].get(q) ?? 0) + 0.5 * w);
    }
  return out;
}

/** The nodes kept, and the rows of the part over them in its own numbers. */
export function subgraphReference(
  graph: GraphReference,
  keep: readonly boolean[],
): { nodes: number[]; rows: Map<number, number>[] } {
  const nodes = keep.flatMap((kept, i) => (kept ? [i] : []));
  const rows = rowsOf(graph, keep.length);
  return {
    nodes,
    rows: nodes.map(
      (i) => new Map([...rows[i]].filter(([j]) => keep[j]).map(([j, w]) => [nodes.indexOf(j), w])),
    ),
  };
}

/** Sum of the edge weights of each node. */
export function degreesReference(graph: GraphReference, count: number): number[] {
  return rowsOf(graph, count).map((row) => [...row.values()].reduce((a, b) => a + b, 0));
}

/** What a node would have to be offset by to look as its mirror point does; strength 0 where that is not known better. */
export function mirrorGuidesReference(
  taps: ArrayLike<number>,
  weights: ArrayLike<number>,
  visibility: ArrayLike<number>,
  base: ArrayLike<number>,
  seen: ArrayLike<number>,
): { guide: Float64Array; strength: Float64Array } {
  const n = visibility.length;
  const guide = new Float64Array(4 * n);
  const strength = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    const four = [0, 1, 2, 3].map((k) => ({ node: taps[4 * i + k], weight: weights[4 * i + k] }));
    if (visibility[i] > Math.fround(0.97) || four.every(({ weight }) => weight === 0)) continue;
    const there = Math.min(
      1,
      ...four.flatMap(({ node, weight }) => (weight > Math.fround(0.01) ? [visibility[node]] : [])),
    );
    if (there < 0.5 || there < Math.fround(visibility[i] + Math.fround(0.1))) continue;
    strength[i] = there;
    for (let c = 0; c < 4; c++) {
      const sum = four.reduce(
        (s, { node, weight }) => s + weight * (base[4 * node + c] + seen[4 * node + c]),
        0,
      );
      guide[4 * i + c] = sum - base[4 * i + c];
    }
  }
  return { guide, strength };
}

/** Pull and right-hand side of a fill; arguments as of `FillInput`. */
export function fillRightReference(
  graph: GraphReference,
  hold: ArrayLike<number>,
  strength: ArrayLike<number>,
  seen: ArrayLike<number>,
  guide: ArrayLike<number>,
  mirrorPull: number,
  plainPull: number,
): { pull: Float64Array; right: Float64Array } {
  const n = hold.length;
  const pull = new Float64Array(n);
  const right = new Float64Array(4 * n);
  for (const [i, row] of rowsOf(graph, n).entries()) {
    const e = strength[i] > 0 ? mirrorPull * strength[i] : plainPull;
    pull[i] = hold[i] + e;
    for (let c = 0; c < 4; c++) {
      let b = hold[i] * seen[4 * i + c] + e * guide[4 * i + c];
      for (const j of row.keys())
        if (strength[i] > 0 && strength[j] > 0) b += guide[4 * i + c] - guide[4 * j + c];
      right[4 * i + c] = b;
    }
  }
  return { pull, right };
}
