/**
 * What the texture offset needs of a head and a size of map, whoever is on the photo: the texel graph, its merges, its mirror
 * points, which nodes lie on neck, scalp and lids. Made once per model, 0.17 s at 512² the first time; a program that is still at work on the fit can have them made on
 * another thread meanwhile and {@link adoptOffsetAtlas | adopt} them.
 */
import type { F32, I32, Kernels, U32 } from '../kernels/runtime.ts';
import { growRings, takeReached } from '../kernels/texel-graph.ts';
import type { MirrorTaps, ResidentGraph } from '../kernels/texel-levels.ts';
import type { HeadModel } from '../model/head-model.ts';
import { buildLevels, type Levels, type ResidentLevel, takeGraph, takeLevels } from './coarse-levels.ts';
import { type LashNodes, lashNodes } from './lashes.ts';
import { type MirrorNodes, mirrorNodesOf } from './mirror-nodes.ts';
import { type NeckNodes, neckNodes } from './neck-tone.ts';
import { type ScalpNodes, scalpNodes } from './scalp-tone.ts';
import { buildTexelGraph, type TexelGraph } from './texel-graph.ts';

/** Plain data: another thread may make it. */
export interface OffsetAtlas {
  readonly graph: TexelGraph;
  readonly levels: Levels;
  readonly mirror: MirrorNodes;
  readonly padding: Padding;
  readonly neck: NeckNodes;
  readonly scalp: ScalpNodes;
  readonly lashes: LashNodes;
}

/** Texels around the charts, and the node whose colour each takes. */
export interface Padding {
  /** (K) uint32 each. */
  readonly texels: Uint32Array;
  readonly nodes: Uint32Array;
}

/** What of an atlas the kernels work with. */
export interface ResidentAtlas {
  readonly width: number;
  readonly height: number;
  readonly graph: ResidentGraph;
  readonly levels: readonly ResidentLevel[];
  readonly mirror: MirrorTaps;
  /** (H,W) int32 node of each texel, −1 for none. */
  readonly nodes: I32;
  /** (n) uint32 and (n,3) float32: where nodes lie on the mesh. */
  readonly nodeFaces: U32;
  readonly nodeBarycentrics: F32;
}

/** Rings of texels around the charts that take the nearest texel's offset, for viewers that filter smaller maps. */
const PADDING = 6;

const atlases = new WeakMap<HeadModel, Map<string, OffsetAtlas>>();

/** The atlas of a model at a size, made once. */
export function offsetAtlas(kernels: Kernels, model: HeadModel, width: number, height: number): OffsetAtlas {
  const known = atlases.get(model)?.get(`${width}x${height}`);
  if (known) return known;
  const atlas = buildOffsetAtlas(kernels, model, width, height);
  adoptOffsetAtlas(model, atlas);
  return atlas;
}

/** Makes an atlas; nothing is kept. */
export function buildOffsetAtlas(
  kernels: Kernels,
  model: HeadModel,
  width: number,
  height: number,
): OffsetAtlas {
  const graph = buildTexelGraph(kernels, model, width, height);
  return {
    graph,
    levels: buildLevels(kernels, { ...graph, weights: null }, graph),
    mirror: mirrorNodesOf(kernels, graph, model),
    padding: growCharts(kernels, graph),
    neck: neckNodes(model, graph),
    scalp: scalpNodes(model, graph),
    lashes: lashNodes(model, graph),
  };
}

/** An atlas in kernel memory. */
export function takeAtlas(kernels: Kernels, { graph, levels, mirror }: OffsetAtlas): ResidentAtlas {
  return {
    width: graph.width,
    height: graph.height,
    graph: takeGraph(kernels, { ...graph, weights: null }),
    levels: takeLevels(kernels, levels),
    mirror: { taps: kernels.u32(mirror.taps), weights: kernels.f32(mirror.weights) },
    nodes: kernels.i32(graph.nodes),
    nodeFaces: kernels.u32(graph.faces),
    nodeBarycentrics: kernels.f32(graph.barycentrics),
  };
}

/** The texels around the charts, ring by ring. */
function growCharts(kernels: Kernels, { width, height, texels, nodes }: TexelGraph): Padding {
  return kernels.scope(() => {
    const map = takeReached(kernels, width, height);
    map.source.view.set(nodes);
    map.reached.view.set(texels);
    const count = growRings(kernels, map, texels.length, PADDING, 4);
    const around = map.reached.view.slice(texels.length, count);
    const sources = map.source.view;
    const from = new Uint32Array(around.length);
    for (let k = 0; k < from.length; k++) from[k] = sources[around[k]];
    return { texels: around, nodes: from };
  });
}

/** Takes an atlas that {@link buildOffsetAtlas} made of `model` for {@link offsetAtlas} to give. */
export function adoptOffsetAtlas(model: HeadModel, atlas: OffsetAtlas): void {
  let sizes = atlases.get(model);
  if (!sizes) atlases.set(model, (sizes = new Map()));
  sizes.set(`${atlas.graph.width}x${atlas.graph.height}`, atlas);
}

/** Height of a map of `width` texels over `model`: that of its texture space, in proportion. */
export function offsetHeight({ texture }: HeadModel, width: number): number {
  return texture ? Math.max(1, Math.round((width * texture.height) / texture.width)) : width;
}
