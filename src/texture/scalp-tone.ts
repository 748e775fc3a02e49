/**
 * The tone of a scalp. Photos show hair there, or nothing, so that it would have the colours of the parametric texture: those of
 * a shaved head, a brown cap that ends at a hairline, on a person of whatever complexion. What was not seen of it, and of the
 * rims of forehead, nape and ears where that hair ends, is continued from the forehead as if there were no hair, and farther
 * away gets the tone of the forehead and temples that were seen.
 *
 * Tried, and worse: the tone alone, once all is continued. The hairline stays as a dark band wherever it lies near to what was
 * seen. A rim of nothing: the mesh's border between scalp and neck, a zigzag, is seen on the nape.
 */
import { median } from '../core/quantile.ts';
import { chamferDistances } from '../kernels/pixel-surface.ts';
import type { F32, Kernels } from '../kernels/runtime.ts';
import type { HeadModel } from '../model/head-model.ts';
import { smoothstep } from './grids.ts';
import { atNodes, verticesApart } from './nodes-apart.ts';
import { nodesOn } from './nodes-on.ts';
import { ORIGIN } from './origin.ts';
import { facesInSkin } from './skin-trust.ts';
import type { TexelGraph } from './texel-graph.ts';

/** Tuning. */
export const SCALP_TONE_DEFAULTS = {
  /** Metres: how far the tone goes on over the forehead, from where skin begins, over the nape, and over the ears. */
  rim: 0.02,
  ears: 0.012,
  /** Skin above the eyes that is so near to the scalp, in metres, tells the tone. */
  beside: 0.06,
  /** The tone sets in over so much of the map's width from what was seen. */
  blend: 0.12,
  /** Seen better than this stays as it was seen; better than the second tells the tone. */
  kept: 0.02,
  telling: 0.5,
} as const;

/** The nodes of a scalp, how far each takes the tone, and the nodes of skin. */
export interface ScalpNodes {
  readonly nodes: Uint32Array;
  readonly weights: Float32Array;
  /** Of forehead and temples. */
  readonly beside: Uint32Array;
  /** Of all skin of the face. */
  readonly skin: Uint32Array;
  /** Cells of a map a `CELL`th as wide and high, in which `nodes` and `skin` lie. */
  readonly cells: Uint32Array;
  readonly skinCells: Uint32Array;
}

/** The nodes of `graph` on and around a model's scalp, none where it names no scalp. */
export function scalpNodes(model: HeadModel, graph: TexelGraph): ScalpNodes {
  const { rim, ears, beside } = SCALP_TONE_DEFAULTS;
  const { template, faces, regions } = model;
  const apart = verticesApart(template, regions.get('scalp') ?? new Uint32Array(0), beside);
  // Skin above the eyes, and all that has a corner on the scalp or so near that it may take the tone.
  const eyes = heightOfEyes(model);
  const inSkin = facesInSkin(model);
  const hairline = verticesApart(template, hairlineOf(model, apart, eyes), beside);
  const reach = apart.map((metres, v) => Math.min(metres, hairline[v]));
  const [upper, near] = [new Uint8Array(inSkin.length), new Uint8Array(inSkin.length)];
  for (let f = 0; f < near.length; f++) {
    const [a, b, c] = [faces[3 * f], faces[3 * f + 1], faces[3 * f + 2]];
    const least = Math.min(apart[a], apart[b], apart[c]);
    near[f] = Math.min(reach[a], reach[b], reach[c]) < rim ? 1 : 0;
    upper[f] = inSkin[f] && least < beside && template[3 * a + 1] > eyes ? 1 : 0;
  }
  // On ears it ends sooner.
  for (const v of regions.get('ears') ?? []) reach[v] *= rim / ears;
  const skin = nodesOn(graph.faces, inSkin);
  const found = nodesOn(graph.faces, upper);
  const nodes = nodesOn(graph.faces, near);
  const weights = atNodes(reach, faces, graph, nodes);
  for (let k = 0; k < weights.length; k++) weights[k] = 1 - smoothstep(0, rim, weights[k]);
  return {
    nodes,
    weights,
    beside: found,
    skin,
    cells: cellsOf(graph, nodes),
    skinCells: cellsOf(graph, skin),
  };
}

/**
 * Vertices of skin above `eyes` that share a face with the scalp. A photo shows skin up to them. When the tone set in from the
 * scalp itself, 0.5 to 1.6 cm away, a part of the step from the parametric forehead to it lay where no photo shows anything, and
 * was a brown edge.
 */
function hairlineOf({ faces, template, regions }: HeadModel, apart: Float32Array, eyes: number): Uint32Array {
  const skin = new Uint8Array(apart.length);
  for (const v of regions.get('skin') ?? regions.get('face') ?? [])
    if (template[3 * v + 1] > eyes) skin[v] = 1;
  const found = new Uint8Array(apart.length);
  for (let f = 0; f < faces.length; f += 3) {
    const [a, b, c] = [faces[f], faces[f + 1], faces[f + 2]];
    if (Math.min(apart[a], apart[b], apart[c]) === 0) found[a] = found[b] = found[c] = 1;
  }
  return Uint32Array.from(found.keys()).filter((v) => found[v] && skin[v]);
}

function cellsOf({ width, texels }: TexelGraph, nodes: Uint32Array): Uint32Array {
  const out = new Uint32Array(nodes.length);
  const wide = Math.ceil(width / CELL);
  for (let k = 0; k < nodes.length; k++) {
    const x = texels[nodes[k]] % width;
    const y = (texels[nodes[k]] - x) / width;
    out[k] = Math.floor(y / CELL) * wide + Math.floor(x / CELL);
  }
  return out;
}

/** Mean height of the eyes' outlines. */
function heightOfEyes({ landmarks: { inner51 }, faces, template }: HeadModel): number {
  let y = 0;
  for (let l = EYES[0]; l < EYES[1]; l++)
    for (let a = 0; a < 3; a++)
      y += inner51.barycentrics[3 * l + a] * template[3 * faces[3 * inner51.faces[l] + a] + 1];
  return y / (EYES[1] - EYES[0]);
}

/**
 * The parametric albedo with a scalp of the tone that its own forehead has: without a hairline, which what was seen would be
 * continued across, to be darker beyond it.
 * @param visibility (n) how well each node was seen
 * @param mean (n,4) parametric albedo
 * @param offset (n,4) what was seen as changes of `mean`; made changes of what is returned
 * @returns (n,4), `mean` itself where there is no scalp, or no forehead was seen
 */
export function flattenScalp(
  kernels: Kernels,
  scalp: ScalpNodes,
  visibility: F32,
  mean: F32,
  offset: F32,
): F32 {
  if (besideSeen(scalp, visibility.view).length < LEAST_NODES) return mean;
  const flat = kernels.f32(mean.view.length, false);
  flat.view.set(mean.view);
  flatten(scalp, medianColour(scalp.beside, mean.view), flat.view, offset.view);
  return flat;
}

/**
 * Gives what was not seen of the scalp the tone of the forehead that was, and goes back to the albedo that is not flat.
 * @param visibility (n) how well each node was seen, @param origin (n) `ORIGIN`
 * @param mean (n,4) parametric albedo, @param flat as {@link flattenScalp} returned it
 * @param offset (n,4) filled, changes of `flat`; made changes of `mean`
 */
export function toneScalp(
  kernels: Kernels,
  scalp: ScalpNodes,
  { width, height }: TexelGraph,
  { visibility, origin }: { readonly visibility: F32; readonly origin: Uint8Array },
  mean: F32,
  flat: F32,
  offset: F32,
): void {
  if (flat === mean) return;
  const { blend } = SCALP_TONE_DEFAULTS;
  const [wide, high] = [Math.ceil(width / CELL), Math.ceil(height / CELL)];
  const seen = new Uint8Array(wide * high);
  markSeen(scalp, visibility.view, origin, seen);
  const share = chamferDistances(kernels, seen, wide, high);
  for (let p = 0; p < share.length; p++) share[p] = smoothstep(0, (blend * width) / CELL, share[p]);
  const tone = medianColour(besideSeen(scalp, visibility.view), flat.view, offset.view);
  shift(scalp, share, tone, mean.view, flat.view, offset.view);
}

/** Median of base + offset (n,4) over nodes, or as many of them as tell it. */
function medianColour(nodes: Uint32Array, base: Float32Array, offset?: Float32Array): number[] {
  const step = Math.ceil(nodes.length / MOST_NODES);
  const values = [0, 1, 2].map(() => new Float32Array(Math.ceil(nodes.length / step)));
  for (let k = 0, j = 0; k < nodes.length; k += step, j++)
    for (let c = 0; c < 3; c++)
      values[c][j] = base[4 * nodes[k] + c] + (offset ? offset[4 * nodes[k] + c] : 0);
  return values.map((of) => median(of));
}

// Loops in functions of their own, which V8 compiles once.

function flatten(
  { nodes, weights }: ScalpNodes,
  [r, g, b]: readonly number[],
  flat: Float32Array,
  offset: Float32Array,
): void {
  for (let k = 0; k < nodes.length; k++) {
    const at = 4 * nodes[k];
    const weight = weights[k];
    const [x, y, z] = [weight * (r - flat[at]), weight * (g - flat[at + 1]), weight * (b - flat[at + 2])];
    flat[at] += x;
    flat[at + 1] += y;
    flat[at + 2] += z;
    offset[at] -= x;
    offset[at + 1] -= y;
    offset[at + 2] -= z;
  }
}

/** Cells with skin that was seen, or whose mirror point was. */
function markSeen(
  { skin, skinCells }: ScalpNodes,
  visibility: Float32Array,
  origin: Uint8Array,
  seen: Uint8Array,
): void {
  const { kept } = SCALP_TONE_DEFAULTS;
  for (let k = 0; k < skin.length; k++)
    if (visibility[skin[k]] > kept || origin[skin[k]] !== ORIGIN.parametric) seen[skinCells[k]] = 1;
}

/** Nodes of the forehead that tell a tone. */
function besideSeen({ beside }: ScalpNodes, visibility: Float32Array): Uint32Array {
  const { telling } = SCALP_TONE_DEFAULTS;
  const out = new Uint32Array(beside.length);
  let count = 0;
  for (let k = 0; k < beside.length; k++) if (visibility[beside[k]] > telling) out[count++] = beside[k];
  return out.subarray(0, count);
}

/** @param share how far a cell is from what was seen: 0 there, 1 far away */
function shift(
  { nodes, weights, cells }: ScalpNodes,
  share: Float32Array,
  [r, g, b]: readonly number[],
  mean: Float32Array,
  flat: Float32Array,
  offset: Float32Array,
): void {
  for (let k = 0; k < nodes.length; k++) {
    const at = 4 * nodes[k];
    const weight = weights[k] * share[cells[k]];
    const [x, y, z] = [flat[at] + offset[at], flat[at + 1] + offset[at + 1], flat[at + 2] + offset[at + 2]];
    offset[at] = x + weight * (r - x) - mean[at];
    offset[at + 1] = y + weight * (g - y) - mean[at + 1];
    offset[at + 2] = z + weight * (b - z) - mean[at + 2];
  }
}

/** Texels a side of the cells in which it is told how far away something was seen. */
const CELL = 2;
/** Outlines of the eyes among the inner 51 landmarks. */
const EYES = [19, 31] as const;
/** Nodes that tell a tone, and as many as are looked at. */
const LEAST_NODES = 50;
const MOST_NODES = 1000;
