/**
 * What the texture offset needs of a head and a size of map, whoever is on the photo: the texel graph and its merges.
 * Made once per model, 0.2 s at 512² the first time; a program that is still at work on the fit can have them made on
 * another thread meanwhile and {@link adoptOffsetAtlas | adopt} them.
 */
import type { Kernels } from '../kernels/runtime.ts';
import type { HeadModel } from '../model/head-model.ts';
import { buildLevels, type Levels } from './coarse-levels.ts';
import { buildTexelGraph, nodePlaces, type TexelGraph, type TexturedMesh } from './texel-graph.ts';

/** Texel graph and merges; plain data. */
export interface OffsetAtlas {
  readonly graph: TexelGraph;
  readonly levels: Levels;
}

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
  mesh: TexturedMesh,
  width: number,
  height: number,
): OffsetAtlas {
  const graph = buildTexelGraph(kernels, mesh, width, height);
  return { graph, levels: buildLevels({ ...graph, weights: null }, nodePlaces(graph)) };
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
