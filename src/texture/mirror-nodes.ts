/** Mirror points on a texel graph: which nodes, mixed how, show what lies across the face from a node. */

import { mirrorTaps } from '../kernels/mirror.ts';
import type { Kernels } from '../kernels/runtime.ts';
import type { TexelGraph, TexturedMesh } from './texel-graph.ts';

/** Mirror points of all nodes of a graph. */
export interface MirrorNodes {
  /** (n,4) uint32 the four nodes around each mirror point. */
  readonly taps: Uint32Array;
  /** (n,4) float32 their bilinear weights; zeros where the other side has no such point, or it lies off the graph. */
  readonly weights: Float32Array;
}

/** Finds the mirror points of a graph's nodes. */
export function mirrorNodesOf(kernels: Kernels, graph: TexelGraph, mesh: TexturedMesh): MirrorNodes {
  const { template, faces, uvs, faceUvs } = mesh;
  const { faces: nodeFaces, barycentrics: nodeBarycentrics, nodes, width, height } = graph;
  const texels = { nodeFaces, nodeBarycentrics, nodes, width, height };
  return mirrorTaps(kernels, { template, faces, uvs, faceUvs, ...texels });
}
