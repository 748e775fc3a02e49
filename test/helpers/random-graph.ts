/** Graphs of texels for the tests of kernels. */
import { createRandom } from '../../src/core/random.ts';
import type { GraphReference } from '../../src/kernels/reference/texel-levels.ts';

/** A random symmetric graph of n nodes in rows; some nodes have no edge. Weights in [0, 1), or none: each counts 1. */
export function randomGraph(n: number, weighted: boolean, seed: number): GraphReference {
  const random = createRandom(seed);
  const rows: Map<number, number>[] = Array.from({ length: n }, () => new Map());
  for (let k = 0; k < 2 * n; k++) {
    const [i, j] = [random.below(n), random.below(n)];
    if (i === j) continue;
    const w = weighted ? Math.fround(random.uniform()) : 1;
    rows[i].set(j, w);
    rows[j].set(i, w);
  }
  const starts = [0];
  for (const row of rows) starts.push(starts.at(-1)! + row.size);
  return {
    starts,
    neighbours: rows.flatMap((row) => [...row.keys()]),
    weights: weighted ? rows.flatMap((row) => [...row.values()]) : null,
  };
}
