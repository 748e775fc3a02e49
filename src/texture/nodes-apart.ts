/** How far the nodes of a texel graph are from a part of the head, on the template. */
import type { HeadModel } from '../model/head-model.ts';
import type { TexelGraph } from './texel-graph.ts';

/**
 * @param nodes (K) of the graph
 * @param vertices what they are measured from
 * @param most metres; farther is not told apart
 * @returns (K) metres to the nearest of `vertices`: exact at the mesh's vertices, and between them as the nodes lie
 */
export function nodesApart(
  { template, faces }: HeadModel,
  graph: TexelGraph,
  nodes: Uint32Array,
  vertices: Uint32Array,
  most: number,
): Float32Array {
  const from = new Float32Array(template.length / 3).fill(-1);
  const out = new Float32Array(nodes.length);
  for (let k = 0; k < nodes.length; k++) {
    const i = nodes[k];
    for (let a = 0; a < 3; a++) {
      const v = faces[3 * graph.faces[i] + a];
      if (from[v] < 0) from[v] = distanceTo(template, v, vertices, most);
      out[k] += graph.barycentrics[3 * i + a] * from[v];
    }
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
