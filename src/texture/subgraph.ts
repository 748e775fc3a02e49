/** The part of a texel graph that a photo shows, with its own numbering: what the offset is solved on. */
import type { NodePlaces } from './coarse-levels.ts';
import type { WeightedGraph } from './normal-matrix.ts';
import type { Observation } from './observe.ts';
import type { SamplingOperator } from './sampling-operator.ts';
import type { TexelGraph } from './texel-graph.ts';

/** Seen nodes, their edges among each other, and the operator in their numbers. */
export interface SeenPart {
  readonly count: number;
  /** (m) node of the whole graph. */
  readonly nodes: Uint32Array;
  readonly graph: WeightedGraph;
  readonly places: NodePlaces;
  readonly operator: SamplingOperator;
}

/** Nodes that trusted pixels mix, and those that lie between them. */
export function subgraph(graph: TexelGraph, seen: Observation): SeenPart {
  const { operator, trust, visibility } = seen;
  const number = new Int32Array(graph.texels.length).fill(-1);
  for (let k = 0; k < operator.nodes.length; k++) if (trust[k >> 2] > 0) number[operator.nodes[k]] = 0;
  for (let i = 0; i < number.length; i++) if (visibility[i] > 0) number[i] = 0;
  let count = 0;
  for (let i = 0; i < number.length; i++) if (number[i] === 0) number[i] = count++;
  const nodes = new Uint32Array(count);
  for (let i = 0; i < number.length; i++) if (number[i] >= 0) nodes[number[i]] = i;
  const starts = new Uint32Array(count + 1);
  const neighbours = new Uint32Array(graph.neighbours.length);
  let edges = 0;
  for (let i = 0; i < count; i++) {
    const node = nodes[i];
    for (let k = graph.starts[node]; k < graph.starts[node + 1]; k++) {
      const j = number[graph.neighbours[k]];
      if (j >= 0) neighbours[edges++] = j;
    }
    starts[i + 1] = edges;
  }
  const { width, texels } = graph;
  const [x, y, charts] = [new Uint16Array(count), new Uint16Array(count), new Uint16Array(count)];
  for (let i = 0; i < count; i++) {
    const t = texels[nodes[i]];
    x[i] = t % width;
    y[i] = Math.floor(t / width);
    charts[i] = graph.charts[nodes[i]];
  }
  // Pixels that are only measured touch other nodes: their weight is zero, so any node will do.
  const taps = new Uint32Array(operator.nodes.length);
  for (let k = 0; k < taps.length; k++) taps[k] = Math.max(number[operator.nodes[k]], 0);
  return {
    count,
    nodes,
    graph: { starts, neighbours: neighbours.slice(0, edges), weights: null },
    places: { count, x, y, charts },
    operator: { ...operator, columns: count, nodes: taps },
  };
}
