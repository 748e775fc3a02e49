/**
 * Teeth, tongue and the walls of the mouth. A fit says where lips are, to some pixels, and nothing about the teeth behind
 * them: what a photo shows in an open mouth lies on teeth, tongue or palate as it happens. That is right for the one photo. A
 * mouth that moves shows lips on its teeth and teeth on its palate, and what was continued from either: a filmed person's
 * teeth came out dark red. So
 *   - nothing is continued from what was seen in a mouth to what was not: the rest has the model's colours, teeth in the tone
 *     of those in the photos, tongue and walls as much darker as these are than the model's in that light;
 *   - of several photos one decides, that which shows most of the teeth;
 *   - for heads that will move nothing else is taken from photos (`solveTextureOffset`'s `mouth`), and the texture of a head
 *     that was made for its photo gets rid of what was ({@link movingMouth});
 *   - teeth are told by their colour: less red than this photo's lips, as far as the light is not red itself, and not dark.
 *     They are not painted on lips.
 */
import type { ImageF } from '../core/image.ts';
import { lowerMedian, quantile } from '../core/quantile.ts';
import type { CropTransform, PhotoFit } from '../fit/types.ts';
import { chamferDistances, SURFACE_STRIDE } from '../kernels/pixel-surface.ts';
import type { Kernels } from '../kernels/runtime.ts';
import { shadeAt } from '../light/sh.ts';
import type { HeadModel } from '../model/head-model.ts';
import { albedoMap } from '../render/albedo.ts';
import { resize } from '../render/resample.ts';
import { smoothstep } from './grids.ts';
import { offsetAtlas } from './offset-atlas.ts';
import { fillPolygon } from './outlines.ts';
import type { TexelGraph } from './texel-graph.ts';

/** Tuning. */
export const INNER_MOUTH_DEFAULTS = {
  /** Redness between that of white in the photo's light (0) and of its lips (1): teeth below, something else above. */
  red: [0.45, 0.65],
  /** Brightness over that of the lips: no tooth below, one above. */
  bright: [0.35, 0.6],
  /** How far around the inner lips' outline teeth are looked for, as a fraction of the crop's width. */
  around: 0.015,
  /** Share of the pixels between the lips that are teeth where the photo shows any. */
  share: 0.05,
  /** Tone of teeth where no photo shows them. */
  tone: 0.8,
  /** Redness of the model's teeth, at most; the rest of the rows are gums. */
  crown: 0.3,
} as const;

/** What of a head is in the mouth. */
export const INSIDE = { none: 0, crown: 1, gum: 2, soft: 3 } as const;

/** Regions of the mouth that hold more than teeth. */
const SOFT = ['tongue', 'mouth_interior'] as const;

/** (F) {@link INSIDE}, teeth and gums not told apart. */
export function facesInMouth(model: HeadModel): Uint8Array {
  const at = new Uint8Array(model.template.length / 3);
  for (const name of SOFT) for (const v of model.regions.get(name) ?? []) at[v] = INSIDE.soft;
  for (const v of model.regions.get('teeth') ?? []) at[v] = INSIDE.crown;
  const { faces } = model;
  const out = new Uint8Array(faces.length / 3);
  for (let f = 0, i = 0; f < out.length; f++, i += 3) {
    const [a, b, c] = [at[faces[i]], at[faces[i + 1]], at[faces[i + 2]]];
    if (a && b && c) out[f] = a === INSIDE.crown ? a : INSIDE.soft;
  }
  return out;
}

/** (n) {@link INSIDE} of nodes; none for heads without teeth. @param mean (n,4) parametric albedo */
export function nodesInMouth(model: HeadModel, { faces }: TexelGraph, mean: Float32Array): Uint8Array {
  const at = facesInMouth(model);
  if (!at.includes(INSIDE.crown)) return new Uint8Array(faces.length);
  const out = new Uint8Array(faces.length);
  for (let i = 0; i < out.length; i++) {
    out[i] = at[faces[i]];
    if (out[i] === INSIDE.crown && redness(mean, 4 * i) >= INNER_MOUTH_DEFAULTS.crown) out[i] = INSIDE.gum;
  }
  return out;
}

/** What a photo shows of a mouth. */
export interface SeenMouth {
  /** Where it shows teeth; null where it shows none. */
  readonly teeth: SeenTeeth | null;
  /** (3) median albedo of the teeth; null where none are seen. */
  readonly tone: readonly number[] | null;
  /** Share of the crop that shows teeth. */
  readonly share: number;
}

/** A part of a crop around a mouth. */
interface SeenTeeth {
  /** Column and row of its first pixel. */
  readonly left: number;
  readonly top: number;
  readonly side: number;
  /** (side,side) how surely each pixel shows a tooth. */
  readonly values: Float32Array;
}

/** A photo of a mouth. */
export interface MouthPhoto {
  readonly fit: Pick<PhotoFit, 'observation' | 'light'>;
  readonly crop: CropTransform;
  /** (size,size,3). */
  readonly colours: Float32Array;
  /** (size²) int32 and (size²,8) of `pixelSurface`. */
  readonly faceIndex: Int32Array;
  readonly surface: Float32Array;
}

/** A mouth of which nothing is seen. */
export const NO_MOUTH: SeenMouth = { teeth: null, tone: null, share: 0 };

/** Finds the teeth in a photo. @param mouthFaces (F) of {@link facesInMouth} */
export function seeMouth(kernels: Kernels, photo: MouthPhoto, mouthFaces: Uint8Array): SeenMouth {
  const { light, observation } = photo.fit;
  const { size } = photo.crop;
  const box = boxOf(observation.landmarks68, photo.crop);
  const places = pixelsAround(kernels, observation.landmarks68, photo.crop, box);
  if (places.lips.length === 0) return NO_MOUTH;
  const front = new Float64Array(3);
  shadeAt(light, [0, 0, 1], 0, front);
  for (let c = 0; c < 3; c++) front[c] = Math.max(front[c], DARK);
  const { colours } = photo;
  const pale = redness(front, 0);
  const lips = lowerMedian(places.lips.map((p) => redness(colours, 3 * p)));
  const red = Math.max(lips - pale, LEAST_RED);
  const bright = Math.max(lowerMedian(places.lips.map((p) => brightness(colours, 3 * p))), LEAST);
  const values = likeTeeth(colours, places.near, size, box, { pale, red, bright });
  const tones: Tones = [[], [], []];
  const onTeeth: Tones = [[], [], []];
  const white = new Float64Array(3);
  for (const p of places.between) {
    if (!(values[placeIn(box, p, size)] >= 0.5)) continue;
    addTone(tones, colours, 3 * p, front);
    const f = photo.faceIndex[p];
    if (f < 0 || mouthFaces[f] !== INSIDE.crown) continue;
    shadeAt(light, photo.surface, SURFACE_STRIDE * p, white);
    if (Math.min(white[0], white[1], white[2]) > DARK) addTone(onTeeth, colours, 3 * p, white);
  }
  const found = tones[0].length;
  if (found <= INNER_MOUTH_DEFAULTS.share * places.between.length || found < LEAST_PIXELS) return NO_MOUTH;
  const tone = (onTeeth[0].length < LEAST_PIXELS ? tones : onTeeth).map(lowerMedian);
  return { teeth: { ...box, values }, tone, share: found / (size * size) };
}

type Box = Pick<SeenTeeth, 'left' | 'top' | 'side'>;

/** The part of a crop that the lips are in, with a margin. */
function boxOf(landmarks: ArrayLike<number>, { origin, scale, size }: CropTransform): Box {
  const ends = [0, 1].map((a) => {
    let [least, most] = [Infinity, -Infinity];
    for (let l = OUTER[0]; l < OUTER[1]; l++) {
      const at = (landmarks[2 * l + a] - origin[a]) * scale;
      least = Math.min(least, at);
      most = Math.max(most, at);
    }
    return [Math.min(Math.max(Math.floor(least) - 2, 0), size - 1), Math.min(Math.ceil(most) + 2, size)];
  });
  const [[left, right], [top, bottom]] = ends;
  const side = Math.max(Math.min(Math.max(right - left, bottom - top), size - Math.max(left, top)), 1);
  return { left, top, side };
}

/** Pixels of a crop on the lips, between them, and between them or near to that. */
interface MouthPixels {
  readonly lips: readonly number[];
  readonly between: readonly number[];
  readonly near: readonly number[];
}

function pixelsAround(
  kernels: Kernels,
  landmarks: ArrayLike<number>,
  { origin, scale, size }: CropTransform,
  { left, top, side }: Box,
): MouthPixels {
  const corner = [left, top];
  const local = Float32Array.from(landmarks, (x, i) => (x - origin[i % 2]) * scale - corner[i % 2]);
  const [outer, inner] = [new Uint8Array(side * side), new Uint8Array(side * side)];
  fillPolygon(local.subarray(2 * OUTER[0], 2 * OUTER[1]), side, outer);
  fillPolygon(local.subarray(2 * INNER[0], 2 * INNER[1]), side, inner);
  const toInner = chamferDistances(kernels, inner, side, side);
  const out: Record<keyof MouthPixels, number[]> = { lips: [], between: [], near: [] };
  for (let i = 0; i < outer.length; i++) {
    if (!outer[i]) continue;
    const p = (top + Math.floor(i / side)) * size + left + (i % side);
    if (toInner[i] > 1) out.lips.push(p);
    if (toInner[i] <= INNER_MOUTH_DEFAULTS.around * size) out.near.push(p);
    if (inner[i]) out.between.push(p);
  }
  return out;
}

function placeIn({ left, top, side }: Box, p: number, size: number): number {
  return (Math.floor(p / size) - top) * side + (p % size) - left;
}

/** (side,side) how surely pixels show teeth. @param lips what lips and white look like */
function likeTeeth(
  colours: Float32Array,
  pixels: readonly number[],
  size: number,
  box: Box,
  lips: { readonly pale: number; readonly red: number; readonly bright: number },
): Float32Array {
  const { red, bright } = INNER_MOUTH_DEFAULTS;
  const out = new Float32Array(box.side * box.side);
  for (const p of pixels) {
    const r = (redness(colours, 3 * p) - lips.pale) / lips.red;
    const b = brightness(colours, 3 * p) / lips.bright;
    out[placeIn(box, p, size)] = (1 - smoothstep(red[0], red[1], r)) * smoothstep(bright[0], bright[1], b);
  }
  return out;
}

/**
 * Takes from `trust` (size²) what a photo's mouth says nothing about, in place: teeth about lips, and where the head is to
 * move, anything about the mouth's inside.
 */
export function trustMouth(
  { teeth }: SeenMouth,
  moving: boolean,
  size: number,
  faceIndex: Int32Array,
  mouthFaces: Uint8Array,
  trust: Float32Array,
): void {
  if (moving)
    for (let p = 0; p < trust.length; p++)
      if (trust[p] > 0 && faceIndex[p] >= 0 && mouthFaces[faceIndex[p]] !== INSIDE.none) trust[p] = 0;
  if (!teeth) return;
  const { left, top, side, values } = teeth;
  for (let i = 0; i < values.length; i++) {
    const p = (top + Math.floor(i / side)) * size + left + (i % side);
    if (values[i] > 0 && mouthFaces[faceIndex[p]] === INSIDE.none) trust[p] *= 1 - values[i];
  }
}

/** Number of the view that the mouth's inside is taken from: the one that shows most teeth, the first where none does. */
export function mouthView(views: readonly { readonly mouth: SeenMouth }[]): number {
  const shares = views.map(({ mouth }) => mouth.share);
  return shares.indexOf(Math.max(...shares));
}

/**
 * Colours of the mouth's inside: what was seen where it was, elsewhere the model's in the tone that was seen.
 * @param inside (n) of {@link nodesInMouth}
 * @param mean (n,4) parametric albedo, @param seen (n,4) offset, @param visibility (n)
 * @param offset (n,4), changed in place
 */
export function colourMouth(
  inside: Uint8Array,
  { tone }: SeenMouth,
  mean: Float32Array,
  seen: Float32Array,
  visibility: Float32Array,
  offset: Float32Array,
): void {
  const nodes = marked(inside);
  const crowns: Tones = [[], [], []];
  for (const i of nodes)
    if (inside[i] === INSIDE.crown) for (let c = 0; c < 3; c++) crowns[c].push(mean[4 * i + c]);
  if (crowns[0].length === 0) return;
  const gains = gainsOf(tone && crowns.map((x, c) => tone[c] / quantile(x, FRONT)));
  for (const i of nodes) {
    const w = smoothstep(0.2, 0.8, visibility[i]);
    for (let c = 0; c < 3; c++) {
      const at = 4 * i + c;
      const gain = inside[i] === INSIDE.crown ? gains.teeth[c] : gains.soft;
      offset[at] = w * seen[at] + (1 - w) * (gain - 1) * mean[at];
    }
  }
}

/** Numbers of the nodes that lie inside. A function of its own: V8 compiles it in time for a process's first photo. */
function marked(inside: Uint8Array): Uint32Array {
  const out = new Uint32Array(inside.length);
  let count = 0;
  for (let i = 0; i < inside.length; i++) if (inside[i] !== 0) out[count++] = i;
  return out.slice(0, count);
}

/**
 * The texture of a head that was made for its photo as a moving head wears it: nothing of the photo is left on teeth, tongue and
 * walls of the mouth but the tone, that of most texels of the teeth, which no photo shows.
 * @param albedo (H,W,3), with charts as `atlas` has them
 * @param texture (T) coefficients of the head's texture
 * @returns a copy, or `albedo` itself for heads without teeth
 */
export function movingMouth(
  kernels: Kernels,
  model: HeadModel,
  albedo: ImageF,
  texture: ArrayLike<number>,
): ImageF {
  if (!model.texture || !facesInMouth(model).includes(INSIDE.crown)) return albedo;
  const { width, height } = albedo;
  const { graph, padding } = offsetAtlas(kernels, model, width, height);
  const map = resize(albedoMap(model.texture, texture), width, height).data;
  const mean = new Float32Array(4 * graph.texels.length);
  for (const [i, t] of graph.texels.entries()) for (let c = 0; c < 3; c++) mean[4 * i + c] = map[3 * t + c];
  const inside = nodesInMouth(model, graph, mean);
  const tones: Tones = [[], [], []];
  const data = albedo.data.slice();
  for (const [i, t] of graph.texels.entries())
    if (inside[i] === INSIDE.crown)
      for (let c = 0; c < 3; c++) tones[c].push(data[3 * t + c] / Math.max(mean[4 * i + c], LEAST));
  const gains = gainsOf(tones.map(lowerMedian));
  const paint = (texel: number, i: number) => {
    if (inside[i] === INSIDE.none) return;
    for (let c = 0; c < 3; c++)
      data[3 * texel + c] = Math.min(
        mean[4 * i + c] * (inside[i] === INSIDE.crown ? gains.teeth[c] : gains.soft),
        1,
      );
  };
  for (const [i, t] of graph.texels.entries()) paint(t, i);
  for (const [k, t] of padding.texels.entries()) paint(t, padding.nodes[k]);
  return { ...albedo, data };
}

/** What the model's teeth, and the rest of its mouth, are multiplied by; the model's teeth are as white as any. */
function gainsOf(teeth: readonly number[] | null) {
  const { tone } = INNER_MOUTH_DEFAULTS;
  if (!teeth) return { teeth: [tone, tone, tone], soft: tone };
  const level = Math.max((teeth[0] + teeth[1] + teeth[2]) / 3, LEAST);
  const soft = Math.min(Math.max(level, LEAST_TONE), 1);
  return { teeth: teeth.map((x) => (x * soft) / level), soft };
}

/** First landmark and end of the outlines of the lips, in iBUG-68. */
const OUTER = [48, 60] as const;
const INNER = [60, 68] as const;
/** Shading below which a pixel says nothing about a tooth. */
const DARK = 0.25;
/** Teeth are not taken to be darker than this over the model's: that is the shadow that they were seen in. */
const LEAST_TONE = 0.5;
/** Share of the crowns that is darker than the front of front teeth, which photos show: gaps, the rear. */
const FRONT = 0.85;
/** Added to colours before they are divided: what is black has no hue. */
const LEAST = 0.016;
/** Lips are taken to be redder than white by at least this. */
const LEAST_RED = 0.15;
/** Pixels of teeth that tell their colour. */
const LEAST_PIXELS = 12;

type Tones = readonly [number[], number[], number[]];

function addTone(tones: Tones, colours: Float32Array, at: number, white: Float64Array): void {
  for (let c = 0; c < 3; c++) tones[c].push(colours[at + c] / white[c]);
}

/** How red a colour is: the logarithm of red over the other two. */
function redness(colours: ArrayLike<number>, at: number): number {
  return Math.log((colours[at] + LEAST) / ((colours[at + 1] + colours[at + 2]) / 2 + LEAST));
}

function brightness(colours: ArrayLike<number>, at: number): number {
  return (colours[at] + colours[at + 1] + colours[at + 2]) / 3;
}
