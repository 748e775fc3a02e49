/** Mirror points on a texel graph: which nodes, mixed how, show what lies across the face from a node. */
import type { HeadModel } from '../model/head-model.ts';
import { mirrorOf } from './mirror.ts';
import { bilinearNodes } from './observe.ts';
import type { TexelGraph } from './texel-graph.ts';

/**
 * Finds the mirror points of a graph's nodes.
 * @returns a function that writes the four nodes around the mirror point of node `i` and their bilinear weights (sum 1)
 *   to `taps` (4) and `weights` (4); false where the other side has no such point, or it lies off the graph
 */
export function mirrorNodesOf(
  graph: TexelGraph,
  model: HeadModel,
): (i: number, taps: Uint32Array, weights: Float32Array | Float64Array) => boolean {
  const { uvs, faceUvs } = model;
  const mirror = mirrorOf(model);
  const b = new Float64Array(3);
  return (i, taps, weights) => {
    const face = mirror.find(graph.faces[i], graph.barycentrics, 3 * i, b);
    if (face < 0) return false;
    let u = 0;
    let v = 0;
    for (let a = 0; a < 3; a++) {
      const t = 2 * faceUvs[3 * face + a];
      u += b[a] * uvs[t];
      v += b[a] * uvs[t + 1];
    }
    return bilinearNodes(graph, u, v, taps, weights, 0);
  };
}
