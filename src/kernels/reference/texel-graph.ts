/** References of `kernels/texel-graph.ts`, float64. */

/** Texels reached by growing around those with a source, ring by ring. */
export interface GrownReference {
  /** By texel; −1 where there is none. */
  readonly source: number[];
  readonly ring: number[];
  /** Texels in the order reached, those that had a source first; and the one each was grown from. */
  readonly reached: number[];
  readonly parents: number[];
}

/** Grows `rings` rings. @param given by texel, −1 for none @param neighbours [dx, dy] in the order they are reached */
export function growRingsReference(
  given: ArrayLike<number>,
  width: number,
  height: number,
  rings: number,
  neighbours: readonly (readonly [number, number])[],
): GrownReference {
  const source = Array.from(given);
  const ring = source.map(() => 0);
  const reached = [...source.keys()].filter((t) => source[t] >= 0);
  const parents = reached.map(() => -1);
  for (let r = 1, begin = 0; r <= rings; r++) {
    const end = reached.length;
    for (const t of reached.slice(begin, end)) {
      for (const [dx, dy] of neighbours) {
        const [x, y] = [(t % width) + dx, Math.floor(t / width) + dy];
        const to = y * width + x;
        if (x < 0 || y < 0 || x >= width || y >= height || source[to] >= 0) continue;
        source[to] = source[t];
        ring[to] = r;
        reached.push(to);
        parents.push(t);
      }
    }
    begin = end;
  }
  return { source, ring, reached, parents };
}

/** A map as `joinTexels` looks at it, in plain arrays. */
export interface JoinReference {
  readonly width: number;
  readonly height: number;
  readonly grown: GrownReference;
  /** Face and barycentrics of each texel that has them, and each face's chart. */
  readonly faceIndex: ArrayLike<number>;
  readonly barycentrics: ArrayLike<number>;
  readonly chartOf: ArrayLike<number>;
  readonly faces: ArrayLike<number>;
  readonly vertices: ArrayLike<number>;
  readonly normals: ArrayLike<number>;
  readonly reach: ArrayLike<number>;
  /** More pairs, as texels. */
  readonly others: readonly (readonly [number, number])[];
}

/** Neighbours of each texel, as texels. */
export function joinTexelsReference(map: JoinReference): Map<number, number[]> {
  const { width, height, grown, faceIndex, barycentrics, chartOf, faces, reach } = map;
  const { source, ring, reached, parents } = grown;
  const rows = new Map<number, number[]>();
  const join = (a: number, b: number) => {
    for (const [from, to] of [
      [a, b],
      [b, a],
    ]) {
      const row = rows.get(from) ?? [];
      if (!row.includes(to)) row.push(to);
      rows.set(from, row);
    }
  };
  const at = (values: ArrayLike<number>, t: number) =>
    [0, 1, 2].map((axis) => {
      let sum = 0;
      for (let k = 0; k < 3; k++)
        sum += barycentrics[3 * source[t] + k] * values[3 * faces[3 * faceIndex[source[t]] + k] + axis];
      return Math.fround(sum);
    });
  const dot = (a: number[], b: number[]) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
  const consider = (a: number, b: number) => {
    if (source[b] < 0 || ring[b] > 0) return;
    const [f, g] = [faceIndex[source[a]], faceIndex[source[b]]];
    if (chartOf[f] !== chartOf[g]) return;
    if (f !== g) {
      const [p, q] = [at(map.vertices, a), at(map.vertices, b)];
      const between = p.map((x, i) => x - q[i]);
      if (dot(between, between) > Math.max(reach[f], reach[g]) ** 2) return;
      if (dot(at(map.normals, a), at(map.normals, b)) < 0) return;
    }
    join(a, b);
  };
  for (let t = 0; t < source.length; t++) {
    if (source[t] < 0 || ring[t] > 0) continue;
    if (t % width < width - 1) consider(t, t + 1);
    if (Math.floor(t / width) < height - 1) consider(t, t + width);
  }
  for (const [k, t] of reached.entries()) if (parents[k] >= 0) join(t, parents[k]);
  for (const [a, b] of map.others) join(a, b);
  return rows;
}

/** Cell of the coarse map and chart of each merged node, and which of them each node goes to. */
export function mergeTexelsReference(
  texels: ArrayLike<number>,
  charts: ArrayLike<number>,
  width: number,
): { cells: number[]; charts: number[]; parents: number[] } {
  const known = new Map<string, number>();
  const cells: number[] = [];
  const merged: number[] = [];
  const parents = Array.from(texels, (t, i) => {
    const [x, y] = [Math.floor((t % width) / 2), Math.floor(Math.floor(t / width) / 2)];
    const key = `${x} ${y} ${charts[i]}`;
    let node = known.get(key);
    if (node === undefined) {
      known.set(key, (node = cells.length));
      cells.push(y * Math.ceil(width / 2) + x);
      merged.push(charts[i]);
    }
    return node;
  });
  return { cells, charts: merged, parents };
}
