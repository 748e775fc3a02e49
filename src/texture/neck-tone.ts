/**
 * How bright a neck is. The fit's skin mask ends at the jaw: below it are collars, scarves and hair, and the head's neck stands
 * as its head does, which a person's does not. So a neck is continued from the face above it, and is too bright: a jaw shades it.
 * Bare skin below a face is told by the face: it has its colour, is somewhat darker, not much, and most around it is alike. The
 * neck is made as much darker, or of another tint, than what was continued as the photos have it, alike all over, more and
 * more from the jaw on.
 *
 * Tried, and no help: necks texel by texel as the photos show them. What is not too near to an outline and not seen at too
 * flat an angle is a patch or two, with a necklace or a collar's edge at times.
 */
import { median } from '../core/quantile.ts';
import { PIXEL, SURFACE_STRIDE } from '../kernels/pixel-surface.ts';
import { shadeAt } from '../light/sh.ts';
import type { HeadModel } from '../model/head-model.ts';
import { neckFaces } from '../model/neck-faces.ts';
import { boxMean } from '../render/box-mean.ts';
import { smoothstep } from './grids.ts';
import { atNodes, verticesApart } from './nodes-apart.ts';
import { nodesOn } from './nodes-on.ts';
import type { TexelGraph } from './texel-graph.ts';

/** Tuning. */
export const NECK_TONE_DEFAULTS = {
  /** Difference of the channels' logarithms, over the face's skin: skin below, something else above. */
  colour: [0.2, 0.35],
  /** Brightness over that of the face's skin in the same light: shadow or something else below, skin from the second on. */
  dark: [0.45, 0.6],
  bright: [1.2, 1.4],
  /** Half the side of the window, as a fraction of the crop's width, of which this share must be skin. */
  around: 0.04,
  agree: 0.75,
  /** Share of what is seen of a neck that must be bare. */
  bare: 0.25,
  /** Tone over what was continued. */
  least: 0.65,
  most: 1.15,
  /** Metres from where the neck begins, at jaw and nape, over which it sets in. */
  ramp: 0.015,
} as const;

/** Albedo of places on a neck, as a photo shows it. */
export interface SeenNeck {
  /** (K) uint32 texels of a map, (K,3) float32. */
  readonly texels: Uint32Array;
  readonly albedo: Float32Array;
}

/** A photo of a head. */
export interface NeckPhoto {
  /** (9,3). */
  readonly light: ArrayLike<number>;
  /** Pixels a side of the crop. */
  readonly size: number;
  /** (size,size,3). */
  readonly colours: Float32Array;
  /** (size²) int32 and (size²,8) of `pixelSurface`, (size²) `PIXEL`. */
  readonly faceIndex: Int32Array;
  readonly surface: Float32Array;
  readonly flags: Uint8Array;
}

const NO_NECK: SeenNeck = { texels: new Uint32Array(0), albedo: new Float32Array(0) };

/**
 * What a photo shows of the neck; nothing where it is covered.
 * @param faces (F) of `neckFaces`
 * @param map size of the map that texels are numbered in
 */
export function seeNeck(
  photo: NeckPhoto,
  faces: Uint8Array,
  map: { readonly width: number; readonly height: number },
): SeenNeck {
  const o = NECK_TONE_DEFAULTS;
  const { light, size, colours, surface } = photo;
  const skin = skinAlbedo(photo);
  if (!skin) return NO_NECK;
  const step = Math.max(1, Math.round(size / SAMPLED));
  const side = Math.floor(size / step);
  const [seen, alike] = [new Float32Array(side * side), new Float32Array(side * side)];
  compare(photo, faces, skin, step, seen, alike);
  const radius = Math.max(1, Math.round(o.around * side));
  const [around, agreeing] = [boxMean(seen, side, radius), boxMean(alike, side, radius)];
  const pixels: number[] = [];
  let total = 0;
  for (let i = 0; i < seen.length; i++) {
    total += seen[i];
    if (alike[i] > 0.5 && agreeing[i] > o.agree * around[i])
      pixels.push(step * (Math.floor(i / side) * size + (i % side)));
  }
  if (pixels.length < o.bare * total || pixels.length < LEAST_PIXELS) return NO_NECK;
  const shading = new Float64Array(3);
  const texels = new Uint32Array(pixels.length);
  const albedo = new Float32Array(3 * pixels.length);
  for (const [k, p] of pixels.entries()) {
    const at = SURFACE_STRIDE * p;
    const x = Math.min(Math.max(Math.floor(surface[at + 4] * map.width), 0), map.width - 1);
    const y = Math.min(Math.max(Math.floor(surface[at + 5] * map.height), 0), map.height - 1);
    texels[k] = y * map.width + x;
    shadeAt(light, surface, at, shading);
    for (let c = 0; c < 3; c++) albedo[3 * k + c] = colours[3 * p + c] / Math.max(shading[c], LIT);
  }
  return { texels, albedo };
}

/** Every so many pixels: 1 where the neck is `seen`, how much it looks like `skin` (3) there. */
function compare(
  { light, size, colours, faceIndex, surface }: NeckPhoto,
  faces: Uint8Array,
  skin: readonly number[],
  step: number,
  seen: Float32Array,
  alike: Float32Array,
): void {
  const { colour, dark, bright } = NECK_TONE_DEFAULTS;
  const shading = new Float64Array(3);
  const side = Math.floor(size / step);
  for (let i = 0; i < seen.length; i++) {
    const p = step * (Math.floor(i / side) * size + (i % side));
    if (faceIndex[p] < 0 || !faces[faceIndex[p]]) continue;
    seen[i] = 1;
    shadeAt(light, surface, SURFACE_STRIDE * p, shading);
    let least = Infinity;
    let most = 0;
    let sum = 0;
    for (let c = 0; c < 3; c++) {
      const ratio = Math.max(colours[3 * p + c], 1e-3) / Math.max(skin[c] * shading[c], 1e-2);
      least = Math.min(least, ratio);
      most = Math.max(most, ratio);
      sum += ratio / 3;
    }
    alike[i] =
      (1 - smoothstep(colour[0], colour[1], Math.log(most / least))) *
      smoothstep(dark[0], dark[1], sum) *
      (1 - smoothstep(bright[0], bright[1], sum));
  }
}

/** (3) median albedo of what the fit took for skin; null where that is next to nothing. */
function skinAlbedo({ light, size, colours, faceIndex, surface, flags }: NeckPhoto): number[] | null {
  const shading = new Float64Array(3);
  const skin: [number[], number[], number[]] = [[], [], []];
  const step = Math.max(1, Math.round((2 * size) / SAMPLED));
  for (let y = 0; y < size; y += step)
    for (let x = 0; x < size; x += step) {
      const p = y * size + x;
      if (!(flags[p] & PIXEL.measured) || faceIndex[p] < 0) continue;
      shadeAt(light, surface, SURFACE_STRIDE * p, shading);
      if (Math.min(shading[0], shading[1], shading[2]) < LIT) continue;
      for (let c = 0; c < 3; c++) skin[c].push(colours[3 * p + c] / shading[c]);
    }
  return skin[0].length < LEAST_PIXELS ? null : skin.map(median);
}

/** The nodes of a neck, and how far each takes the neck's tone. */
export interface NeckNodes {
  readonly nodes: Uint32Array;
  readonly weights: Float32Array;
}

/** The nodes of `graph` on a model's neck. */
export function neckNodes(model: HeadModel, graph: TexelGraph): NeckNodes {
  const faces = neckFaces(model);
  const { ramp } = NECK_TONE_DEFAULTS;
  const nodes = nodesOn(graph.faces, faces);
  const apart = atNodes(
    verticesApart(model.template, border(model.faces, faces), ramp),
    model.faces,
    graph,
    nodes,
  );
  const weights = apart.map((d) => smoothstep(0, ramp, d));
  return { nodes, weights };
}

/** Vertices at which a neck (F) ends and other faces begin: jaw, nape. */
function border(faces: Uint32Array, neck: Uint8Array): Uint32Array {
  const sides = new Uint8Array(faces.length);
  for (let f = 0; f < neck.length; f++)
    for (let a = 0; a < 3; a++) sides[faces[3 * f + a]] |= neck[f] ? 1 : 2;
  return Uint32Array.from(sides.keys()).filter((v) => sides[v] === 3);
}

/**
 * Gives the neck the tone that photos show: in all, the median of what the photos say.
 * @param numbers (H·W) node of each texel, −1 for none
 * @param mean (n,4) parametric albedo, @param offset (n,4) filled; changed in place
 */
export function toneNeck(
  { nodes, weights }: NeckNodes,
  seen: readonly SeenNeck[],
  numbers: ArrayLike<number>,
  mean: Float32Array,
  offset: Float32Array,
): void {
  const { least, most } = NECK_TONE_DEFAULTS;
  const ratios: [number[], number[], number[]] = [[], [], []];
  for (const { texels, albedo } of seen) {
    const own: [number[], number[], number[]] = [[], [], []];
    for (const [k, t] of texels.entries()) {
      const i = 4 * numbers[t];
      if (i < 0) continue;
      for (let c = 0; c < 3; c++)
        own[c].push(albedo[3 * k + c] / Math.max(mean[i + c] + offset[i + c], 0.02));
    }
    if (own[0].length >= LEAST_PIXELS) for (let c = 0; c < 3; c++) ratios[c].push(median(own[c]));
  }
  if (ratios[0].length === 0) return;
  const tone = ratios.map((values) => Math.min(Math.max(median(values), least), most));
  for (let k = 0; k < nodes.length; k++)
    for (let c = 0; c < 3; c++) {
      const at = 4 * nodes[k] + c;
      offset[at] += weights[k] * (tone[c] - 1) * (mean[at] + offset[at]);
    }
}

/** Pixels a side that are looked at; half as many for the face's colour. */
const SAMPLED = 128;
/** Shading from which on a pixel tells a colour. */
const LIT = 0.3;
/** Pixels that tell a tone. */
const LEAST_PIXELS = 50;
