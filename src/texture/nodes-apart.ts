/** How far vertices, and the nodes of a texel graph between them, are from a part of the head, on the template. */
import type { TexelGraph } from './texel-graph.ts';

/**
 * @param template (V,3)
 * @param part what they are measured from
 * @param most metres; farther is not told apart
 * @returns (V) metres to the nearest vertex of `part`
 */
export function verticesApart(template: Float32Array, part: Uint32Array, most: number): Float32Array {
  const out = new Float32Array(template.length / 3).fill(most);
  let [low, high] = [Infinity, -Infinity];
  for (const v of part) {
    low = Math.min(low, template[3 * v + 1]);
    high = Math.max(high, template[3 * v + 1]);
  }
  // Most of a head is above or below: quicker than to measure it.
  for (let v = 0; v < out.length; v++) {
    const y = template[3 * v + 1];
    if (y > low - most && y < high + most) out[v] = distanceTo(template, v, part, most);
  }
  return out;
}

/** @returns (K) `values` (V) of vertices at `nodes` (K) of the graph, which lie between them */
export function atNodes(
  values: ArrayLike<number>,
  faces: Uint32Array,
  graph: TexelGraph,
  nodes: Uint32Array,
): Float32Array {
  const out = new Float32Array(nodes.length);
  const { faces: on, barycentrics } = graph;
  for (let k = 0; k < nodes.length; k++) {
    const at = 3 * nodes[k];
    const f = 3 * on[nodes[k]];
    out[k] =
      barycentrics[at] * values[faces[f]] +
      barycentrics[at + 1] * values[faces[f + 1]] +
      barycentrics[at + 2] * values[faces[f + 2]];
  }
  return out;
}

/** How far vertex v is from the nearest of `vertices`, `most` where it is farther. */
function distanceTo(template: Float32Array, v: number, vertices: Uint32Array, most: number): number {
  const px = template[3 * v];
  const py = template[3 * v + 1];
  const pz = template[3 * v + 2];
  let least = most * most;
  for (let k = 0; k < vertices.length; k++) {
    const at = 3 * vertices[k];
    const x = px - template[at];
    const y = py - template[at + 1];
    const z = pz - template[at + 2];
    const square = x * x + y * y + z * z;
    if (square < least) least = square;
  }
  return Math.sqrt(least);
}
