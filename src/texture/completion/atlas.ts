/**
 * The UV map as completion sees it: the texel graph, its coarser levels, and for every texel its mirror point.
 *
 * Values of a map are kept per node of the graph, (n,3), with a weight per node that says how well it is known. Reducing
 * a map averages the texels that were seen and nothing else, so that no unseen colour leaks into the small map.
 */
import { InvalidArgumentError } from '../../core/errors.ts';
import type { Kernels } from '../../kernels/runtime.ts';
import type { HeadModel } from '../../model/head-model.ts';
import { buildLevels, type Levels } from '../coarse-levels.ts';
import { mirrorNodesOf } from '../mirror-nodes.ts';
import { buildTexelGraph, type TexelGraph } from '../texel-graph.ts';
import type { TextureMap } from '../texture-map.ts';

/** A model's UV map at one size. */
export interface CompletionAtlas {
  readonly size: number;
  readonly graph: TexelGraph;
  readonly levels: Levels;
  /** (n,4) nodes whose weighted mean is a node's mirror point; (n,4) their weights, all zero without a mirror point. */
  readonly mirrorNodes: Int32Array;
  readonly mirrorWeights: Float32Array;
}

/** What is known of a texture at the nodes of an atlas. */
export interface KnownTexture {
  /** (n,3) float32 sRGB-encoded; zero where nothing is known. */
  readonly values: Float32Array;
  /** (n) float32 in [0, 1], 0 where nothing is known. */
  readonly weights: Float32Array;
}

/** Visibility below which a texel counts as not seen: grazing views smear. */
export const LEAST_VISIBILITY = 0.25;

/** Builds the atlas of `model` at `size`×`size` texels. */
export function buildCompletionAtlas(kernels: Kernels, model: HeadModel, size: number): CompletionAtlas {
  const graph = buildTexelGraph(kernels, model, size, size);
  const { taps, weights } = mirrorNodesOf(kernels, graph, model);
  return {
    size,
    graph,
    levels: levelsOf(kernels, graph),
    mirrorNodes: new Int32Array(taps.buffer),
    mirrorWeights: weights,
  };
}

/**
 * The part of an atlas whose nodes have `keep` (n) set: what photos ever show, so that nothing is computed elsewhere.
 * Edges and mirror points that leave it are dropped.
 */
export function restrictAtlas(kernels: Kernels, atlas: CompletionAtlas, keep: Uint8Array): CompletionAtlas {
  const { graph } = atlas;
  const kept = Uint32Array.from(keep.keys()).filter((i) => keep[i] > 0);
  const place = new Int32Array(keep.length).fill(-1);
  kept.forEach((i, at) => {
    place[i] = at;
  });
  const nodes = graph.nodes.map((i) => (i < 0 ? -1 : place[i]));
  const starts = new Uint32Array(kept.length + 1);
  const neighbours: number[] = [];
  const mirrorNodes = new Int32Array(4 * kept.length);
  const mirrorWeights = new Float32Array(4 * kept.length);
  kept.forEach((i, at) => {
    for (let k = graph.starts[i]; k < graph.starts[i + 1]; k++)
      if (place[graph.neighbours[k]] >= 0) neighbours.push(place[graph.neighbours[k]]);
    starts[at + 1] = neighbours.length;
    for (let k = 0; k < 4; k++) {
      const j = place[atlas.mirrorNodes[4 * i + k]];
      if (j < 0) continue;
      mirrorNodes[4 * at + k] = j;
      mirrorWeights[4 * at + k] = atlas.mirrorWeights[4 * i + k];
    }
  });
  const barycentrics = new Float32Array(3 * kept.length);
  kept.forEach((i, at) => {
    barycentrics.set(graph.barycentrics.subarray(3 * i, 3 * i + 3), 3 * at);
  });
  const part: TexelGraph = {
    width: graph.width,
    height: graph.height,
    texels: kept.map((i) => graph.texels[i]),
    nodes,
    faces: kept.map((i) => graph.faces[i]),
    barycentrics,
    charts: Uint16Array.from(kept, (i) => graph.charts[i]),
    rings: Uint8Array.from(kept, (i) => graph.rings[i]),
    starts,
    neighbours: Uint32Array.from(neighbours),
  };
  return { size: atlas.size, graph: part, levels: levelsOf(kernels, part), mirrorNodes, mirrorWeights };
}

/** What is known, over the nodes of a part made with `keep`. */
export function restrictTexture(known: KnownTexture, keep: Uint8Array): KnownTexture {
  const kept = Uint32Array.from(keep.keys()).filter((i) => keep[i] > 0);
  return {
    values: Float32Array.from(
      { length: 3 * kept.length },
      (_, c) => known.values[3 * kept[Math.floor(c / 3)] + (c % 3)],
    ),
    weights: Float32Array.from(kept, (i) => known.weights[i]),
  };
}

function levelsOf(kernels: Kernels, graph: TexelGraph): Levels {
  return buildLevels(kernels, { ...graph, weights: null }, graph);
}

/**
 * A map at the atlas's size: the mean of what was seen in each block of texels.
 * @throws {InvalidArgumentError} when the map's size is not a multiple of the atlas's
 */
export function reduceMap(atlas: CompletionAtlas, map: TextureMap): KnownTexture {
  const step = map.size / atlas.size;
  if (!Number.isInteger(step) || step < 1)
    throw new InvalidArgumentError(
      `reduceMap: a map of ${map.size} × ${map.size} texels does not divide into ${atlas.size} × ${atlas.size}; ` +
        `use maps whose size is a multiple of ${atlas.size}`,
    );
  const { texels } = atlas.graph;
  const values = new Float32Array(3 * texels.length);
  const weights = new Float32Array(texels.length);
  for (let i = 0; i < texels.length; i++) {
    const x0 = step * (texels[i] % atlas.size);
    const y0 = step * Math.floor(texels[i] / atlas.size);
    let [sum, seen, r, g, b] = [0, 0, 0, 0, 0];
    for (let y = y0; y < y0 + step; y++)
      for (let x = x0; x < x0 + step; x++) {
        const t = y * map.size + x;
        const v = map.visibility[t] / 255;
        if (v < LEAST_VISIBILITY) continue;
        seen++;
        sum += v;
        r += v * map.albedo[3 * t];
        g += v * map.albedo[3 * t + 1];
        b += v * map.albedo[3 * t + 2];
      }
    // Blocks at a chart's border have few texels of it: half of them all is enough.
    const weight = sum / Math.max(seen, (step * step) / 2);
    if (weight < LEAST_VISIBILITY) continue;
    weights[i] = weight;
    values[3 * i] = r / sum;
    values[3 * i + 1] = g / sum;
    values[3 * i + 2] = b / sum;
  }
  return { values, weights };
}

/** A texture as it would be if the face were the other way round. */
export function mirrorTexture(atlas: CompletionAtlas, known: KnownTexture): KnownTexture {
  const n = known.weights.length;
  const values = new Float32Array(3 * n);
  const weights = new Float32Array(n);
  for (let i = 0; i < n; i++) {
    let [total, r, g, b] = [0, 0, 0, 0];
    for (let k = 4 * i; k < 4 * i + 4; k++) {
      const j = atlas.mirrorNodes[k];
      const w = atlas.mirrorWeights[k] * known.weights[j];
      total += w;
      r += w * known.values[3 * j];
      g += w * known.values[3 * j + 1];
      b += w * known.values[3 * j + 2];
    }
    if (total < LEAST_VISIBILITY) continue;
    weights[i] = total;
    values[3 * i] = r / total;
    values[3 * i + 1] = g / total;
    values[3 * i + 2] = b / total;
  }
  return { values, weights };
}
