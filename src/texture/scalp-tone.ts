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
import { ORIGIN } from './fill.ts';
import { smoothstep } from './grids.ts';
import { nodesApart } from './nodes-apart.ts';
import { nodesOn } from './nodes-on.ts';
import { facesInSkin } from './skin-trust.ts';
import type { TexelGraph } from './texel-graph.ts';

/** Tuning. */
export const SCALP_TONE_DEFAULTS = {
  /** Metres: how far the tone goes on over the forehead and the nape, and over the ears. */
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

/** The nodes of a scalp, how far each takes the tone, and the nodes of the skin. */
export interface ScalpNodes {
  readonly nodes: Uint32Array;
  readonly weights: Float32Array;
  /** Of forehead and temples. */
  readonly beside: Uint32Array;
  /** Of all skin of the face. */
  readonly skin: Uint32Array;
}

const NOTHING = new Uint32Array(0);
const known = new WeakMap<TexelGraph, ScalpNodes>();

/** The nodes of `graph` on and around a model's scalp, none where it names no scalp; the same for the same graph. */
export function scalpNodes(model: HeadModel, graph: TexelGraph): ScalpNodes {
  let found = known.get(graph);
  if (!found) {
    found = findScalp(model, graph);
    known.set(graph, found);
  }
  return found;
}

function findScalp(model: HeadModel, graph: TexelGraph): ScalpNodes {
  const { rim, ears, beside } = SCALP_TONE_DEFAULTS;
  const { template, faces, regions } = model;
  const scalp = regions.get('scalp') ?? NOTHING;
  const skinFaces = facesInSkin(model);
  const skin = nodesOn(graph.faces, skinFaces);
  const none = { nodes: NOTHING, weights: new Float32Array(0), beside: NOTHING, skin };
  if (scalp.length === 0) return none;
  const all = Uint32Array.from(graph.faces.keys());
  const apart = nodesApart(model, graph, all, scalp, beside);
  const onEar = new Uint8Array(template.length / 3);
  for (const v of regions.get('ears') ?? []) onEar[v] = 1;
  const weights = apart.map((d, i) => {
    if (d >= rim) return 0;
    let ear = 0;
    for (let a = 0; a < 3; a++) ear += graph.barycentrics[3 * i + a] * onEar[faces[3 * graph.faces[i] + a]];
    return 1 - smoothstep(0, rim, d * (1 + ear * (rim / ears - 1)));
  });
  const eyes = heightOfEyes(model);
  const upper = skin.filter((i) => apart[i] < beside && template[3 * faces[3 * graph.faces[i]] + 1] > eyes);
  if (upper.length < LEAST_NODES) return none;
  return {
    nodes: all.filter((i) => weights[i] > 0),
    weights: weights.filter((w) => w > 0),
    beside: upper,
    skin,
  };
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
 * @param mean (n,4) parametric albedo
 * @param offset (n,4) what was seen as changes of `mean`; made changes of what is returned
 * @returns (n,4), `mean` itself where there is no scalp
 */
export function flattenScalp(kernels: Kernels, scalp: ScalpNodes, mean: F32, offset: F32): F32 {
  if (scalp.nodes.length === 0) return mean;
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
  { width, height, texels }: TexelGraph,
  { visibility, origin }: { readonly visibility: F32; readonly origin: Uint8Array },
  mean: F32,
  flat: F32,
  offset: F32,
): void {
  if (scalp.nodes.length === 0) return;
  const { blend, telling } = SCALP_TONE_DEFAULTS;
  const seen = new Uint8Array(width * height);
  markSeen(scalp.skin, visibility.view, origin, texels, seen);
  const far = chamferDistances(kernels, seen, width, height);
  unflatten(scalp.nodes, mean.view, flat.view, offset.view);
  const trusted = visibility.view;
  const telltale = scalp.beside.filter((i) => trusted[i] > telling);
  if (telltale.length < LEAST_NODES) return;
  shift(
    scalp,
    texels,
    far,
    blend * width,
    medianColour(telltale, mean.view, offset.view),
    mean.view,
    offset.view,
  );
}

/** Median of base + offset (n,4) over nodes, or as many of them as tell it. */
function medianColour(nodes: Uint32Array, base: Float32Array, offset?: Float32Array): number[] {
  const step = Math.ceil(nodes.length / MOST_NODES);
  const chosen = nodes.filter((_, k) => k % step === 0);
  return [0, 1, 2].map((c) =>
    median(Float32Array.from(chosen, (i) => base[4 * i + c] + (offset?.[4 * i + c] ?? 0))),
  );
}

// Loops in functions of their own, which V8 compiles once.

function flatten(
  { nodes, weights }: ScalpNodes,
  tone: readonly number[],
  flat: Float32Array,
  offset: Float32Array,
): void {
  for (let k = 0; k < nodes.length; k++)
    for (let c = 0; c < 3; c++) {
      const at = 4 * nodes[k] + c;
      const change = weights[k] * (tone[c] - flat[at]);
      flat[at] += change;
      offset[at] -= change;
    }
}

function unflatten(nodes: Uint32Array, mean: Float32Array, flat: Float32Array, offset: Float32Array): void {
  for (let k = 0; k < nodes.length; k++)
    for (let c = 0; c < 3; c++) {
      const at = 4 * nodes[k] + c;
      offset[at] += flat[at] - mean[at];
    }
}

function markSeen(
  nodes: Uint32Array,
  visibility: Float32Array,
  origin: Uint8Array,
  texels: Uint32Array,
  seen: Uint8Array,
): void {
  const { kept } = SCALP_TONE_DEFAULTS;
  for (let k = 0; k < nodes.length; k++) {
    const i = nodes[k];
    if (visibility[i] > kept || origin[i] !== ORIGIN.parametric) seen[texels[i]] = 1;
  }
}

function shift(
  { nodes, weights }: ScalpNodes,
  texels: Uint32Array,
  far: Float32Array,
  blend: number,
  tone: readonly number[],
  mean: Float32Array,
  offset: Float32Array,
): void {
  for (let k = 0; k < nodes.length; k++) {
    const weight = weights[k] * smoothstep(0, blend, far[texels[nodes[k]]]);
    if (weight === 0) continue;
    for (let c = 0; c < 3; c++) {
      const at = 4 * nodes[k] + c;
      offset[at] += weight * (tone[c] - mean[at] - offset[at]);
    }
  }
}

/** Outlines of the eyes among the inner 51 landmarks. */
const EYES = [19, 31] as const;
/** Nodes that tell a tone, and as many as are looked at. */
const LEAST_NODES = 50;
const MOST_NODES = 2000;
