/** Mirror points on a texel graph: which nodes, mixed how, show what lies across the face from a node. */
import { mirrorOf } from './mirror.ts';
import { bilinearNodes, type TexelGraph, type TexturedMesh } from './texel-graph.ts';

/** Mirror points of all nodes of a graph. */
export interface MirrorNodes {
  /** (n,4) uint32 the four nodes around each mirror point. */
  readonly taps: Uint32Array;
  /** (n,4) float32 their bilinear weights; zeros where the other side has no such point, or it lies off the graph. */
  readonly weights: Float32Array;
}

/** Finds the mirror points of a graph's nodes. */
export function mirrorNodesOf(graph: TexelGraph, mesh: TexturedMesh): MirrorNodes {
  const { uvs, faceUvs } = mesh;
  const mirror = mirrorOf(mesh);
  const b = new Float64Array(3);
  const n = graph.texels.length;
  const taps = new Uint32Array(4 * n);
  const weights = new Float32Array(4 * n);
  for (let i = 0; i < n; i++) {
    const face = mirror.find(graph.faces[i], graph.barycentrics, 3 * i, b);
    if (face < 0) continue;
    let u = 0;
    let v = 0;
    for (let a = 0; a < 3; a++) {
      const t = 2 * faceUvs[3 * face + a];
      u += b[a] * uvs[t];
      v += b[a] * uvs[t + 1];
    }
    bilinearNodes(graph, u, v, taps, weights, 4 * i);
  }
  return { taps, weights };
}
