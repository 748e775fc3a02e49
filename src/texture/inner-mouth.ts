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
import type { CropTransform, PhotoFit } from '../fit/types.ts';
import { chamferDistances, PIXEL, SURFACE_STRIDE } from '../kernels/pixel-surface.ts';
import type { Kernels } from '../kernels/runtime.ts';
import { shBasis } from '../light/sh.ts';
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
  const out = new Uint8Array(model.faces.length / 3);
  for (let f = 0; f < out.length; f++) {
    const [a, b, c] = [0, 1, 2].map((i) => at[model.faces[3 * f + i]]);
    if (a && b && c) out[f] = a === INSIDE.crown ? a : INSIDE.soft;
  }
  return out;
}

/** (n) {@link INSIDE} of nodes; none for heads without teeth. @param mean (n,4) parametric albedo */
export function nodesInMouth(model: HeadModel, { faces }: TexelGraph, mean: Float32Array): Uint8Array {
  const at = facesInMouth(model);
  if (!at.includes(INSIDE.crown)) return new Uint8Array(faces.length);
  return Uint8Array.from(faces, (f, i) => {
    if (at[f] !== INSIDE.crown) return at[f];
    return redness(mean, 4 * i) < INNER_MOUTH_DEFAULTS.crown ? INSIDE.crown : INSIDE.gum;
  });
}

/** What a photo shows of a mouth. */
export interface SeenMouth {
  /** (size,size) how surely a pixel of the crop shows a tooth; null where none does. */
  readonly teeth: Float32Array | null;
  /** (3) median albedo of the teeth; null where none are seen. */
  readonly tone: readonly number[] | null;
  /** Share of the crop that shows teeth. */
  readonly share: number;
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
  const { fit, crop, colours, faceIndex, surface } = photo;
  const { origin, scale, size } = crop;
  const o = INNER_MOUTH_DEFAULTS;
  const local = Float32Array.from(fit.observation.landmarks68, (x, i) => (x - origin[i % 2]) * scale);
  const [outer, inner] = [new Uint8Array(size * size), new Uint8Array(size * size)];
  fillPolygon(local.subarray(2 * OUTER[0], 2 * OUTER[1]), size, outer);
  fillPolygon(local.subarray(2 * INNER[0], 2 * INNER[1]), size, inner);
  const toInner = chamferDistances(kernels, inner, size, size);
  const lips: number[] = [];
  const light: number[] = [];
  for (let p = 0; p < outer.length; p++) {
    if (!outer[p] || toInner[p] <= 1) continue;
    lips.push(redness(colours, 3 * p));
    light.push(brightness(colours, 3 * p));
  }
  if (lips.length === 0) return NO_MOUTH;
  const front = new Float64Array(3);
  shade(fit.light, [0, 0, 1], 0, front);
  const pale = redness(front, 0);
  const red = Math.max(median(lips) - pale, LEAST_RED);
  const bright = median(light);
  const teeth = new Float32Array(size * size);
  const tones: Tones = [[], [], []];
  const onTeeth: Tones = [[], [], []];
  const white = new Float64Array(3);
  let between = 0;
  for (let p = 0; p < teeth.length; p++) {
    if (!outer[p] || toInner[p] > o.around * size) continue;
    const r = (redness(colours, 3 * p) - pale) / red;
    const b = brightness(colours, 3 * p) / bright;
    teeth[p] = (1 - smoothstep(o.red[0], o.red[1], r)) * smoothstep(o.bright[0], o.bright[1], b);
    between += inner[p];
    if (!inner[p] || teeth[p] < 0.5) continue;
    addTone(tones, colours, 3 * p, front);
    if (faceIndex[p] < 0 || mouthFaces[faceIndex[p]] !== INSIDE.crown) continue;
    shade(fit.light, surface, SURFACE_STRIDE * p, white);
    if (Math.min(...white) > DARK) addTone(onTeeth, colours, 3 * p, white);
  }
  const found = tones[0].length;
  if (found <= o.share * between || found < LEAST_PIXELS) return NO_MOUTH;
  const tone = (onTeeth[0].length < LEAST_PIXELS ? tones : onTeeth).map(median);
  return { teeth, tone, share: found / (size * size) };
}

/**
 * Takes from `trust` (size²) what a photo's mouth says nothing about, in place: teeth about lips, and where the head is to
 * move, anything about the mouth's inside.
 */
export function trustMouth(
  { teeth }: SeenMouth,
  moving: boolean,
  faceIndex: Int32Array,
  mouthFaces: Uint8Array,
  flags: Uint8Array,
  trust: Float32Array,
): void {
  for (let p = 0; p < trust.length; p++) {
    const f = faceIndex[p];
    if (f < 0 || trust[p] === 0) continue;
    if (mouthFaces[f] !== INSIDE.none) {
      if (moving) trust[p] = 0;
    } else if (teeth && flags[p] & PIXEL.aperture) trust[p] *= 1 - teeth[p];
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
  const crowns: Tones = [[], [], []];
  for (let i = 0; i < inside.length; i++)
    if (inside[i] === INSIDE.crown) for (let c = 0; c < 3; c++) crowns[c].push(mean[4 * i + c]);
  if (crowns[0].length === 0) return;
  const gains = gainsOf(tone && crowns.map((x, c) => tone[c] / quantile(x, FRONT)));
  for (let i = 0; i < inside.length; i++) {
    if (inside[i] === INSIDE.none) continue;
    const w = smoothstep(0.2, 0.8, visibility[i]);
    for (let c = 0; c < 3; c++) {
      const at = 4 * i + c;
      const gain = inside[i] === INSIDE.crown ? gains.teeth[c] : gains.soft;
      offset[at] = w * seen[at] + (1 - w) * (gain - 1) * mean[at];
    }
  }
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
  const gains = gainsOf(tones.map(median));
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
  const level = (teeth[0] + teeth[1] + teeth[2]) / 3;
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

const basis = new Float64Array(9);

/** (3) shading at the unit normal at `at`. */
function shade(light: ArrayLike<number>, normals: ArrayLike<number>, at: number, out: Float64Array): void {
  shBasis(normals[at], normals[at + 1], normals[at + 2], basis);
  for (let c = 0; c < 3; c++) {
    let sum = 0;
    for (let k = 0; k < 9; k++) sum += basis[k] * light[3 * k + c];
    out[c] = sum;
  }
}

/** How red a colour is: the logarithm of red over the other two. */
function redness(colours: ArrayLike<number>, at: number): number {
  return Math.log((colours[at] + LEAST) / ((colours[at + 1] + colours[at + 2]) / 2 + LEAST));
}

function brightness(colours: ArrayLike<number>, at: number): number {
  return (colours[at] + colours[at + 1] + colours[at + 2]) / 3;
}

function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

function quantile(values: readonly number[], share: number): number {
  return [...values].sort((a, b) => a - b)[Math.floor(share * (values.length - 1))];
}
