/**
 * Tint: smooth differences of a skin from what the head's texture space has, the same on both sides of the face.
 *
 *   albedo(x) = (mean + Σ texture·components)(x) ∘ (1 + Σ_d Σ_k tint_dk · φ_k(x) · colour_d)
 *
 * φ_k are functions of the template's surface: a random field that is its own mirror image, of deviation 1, whose values at
 * points r apart on one side correlate by exp(−r²/2ℓ²), ℓ = 20 mm. They are the columns of a pivoted Cholesky factor of its
 * covariance over the face, which hold the field's variance there nearly as well as eigenvectors do and need no more than a
 * triangle to be found; beyond the face they fall to nothing as the covariance does. Every head with a texture has them, and
 * they are told by its template and UV map alone. Two colours, as skin differs in melanin and in blood: relative changes of
 * encoded colours by them (the optics of `scripts/build-head`, in the middle of the scale).
 */
import type { ImageF } from '../core/image.ts';
import type { HeadModel } from './head-model.ts';

/** Functions, and coefficients: of brown first, then of red. */
export const TINT_MODES = 24;
export const TINT_COUNT = 2 * TINT_MODES;
/** (2,3) relative change of a colour by one unit of brown, of red; mean square 1 over the channels. */
export const TINT_COLOURS = [0.57, 0.82, 1.41, 0.33, 1.24, 1.17] as const;

/** Metres over which values are alike. */
const LENGTH = 0.02;
/** Texels along a side of the maps: 5 mm of the face each. */
const SIZE = 64;
/** Texels that are carried on beyond the charts. */
const BORDER = 3;

const known = new WeakMap<HeadModel, ImageF | null>();

/**
 * (H,W,TINT_MODES) float32 φ_k on the UV map of `model`, zero where there is none; null where it has no texture or no region
 * of the face. Made once per model object.
 */
export function tintMaps(model: HeadModel): ImageF | null {
  let maps = known.get(model);
  if (maps === undefined) {
    maps = makeMaps(model);
    known.set(model, maps);
  }
  return maps;
}

/**
 * (H,W,3) relative change of an albedo by a tint, on the UV map of `maps`.
 * @param tint (TINT_COUNT)
 */
export function tintChange({ width, height, data }: ImageF, tint: ArrayLike<number>): ImageF {
  const change = new Float32Array(3 * width * height);
  for (let t = 0, at = 0; t < width * height; t++, at += TINT_MODES) {
    let brown = 0;
    let red = 0;
    for (let k = 0; k < TINT_MODES; k++) {
      brown += tint[k] * data[at + k];
      red += tint[TINT_MODES + k] * data[at + k];
    }
    for (let c = 0; c < 3; c++) change[3 * t + c] = brown * TINT_COLOURS[c] + red * TINT_COLOURS[3 + c];
  }
  return { width, height, channels: 3, data: change };
}

function makeMaps(model: HeadModel): ImageF | null {
  const face = model.regions.get('face') ?? model.regions.get('skin');
  if (!model.texture || !face || face.length === 0 || model.uvs.length === 0) return null;
  const texels = placeTexels(model, face);
  const data = new Float32Array(SIZE * SIZE * TINT_MODES);
  const { numbers } = texels;
  const n = numbers.length;
  const left = Float64Array.from(texels.inFace);
  const columns: Float64Array[] = [];
  for (let k = 0; k < TINT_MODES; k++) {
    const pivot = leastKnown(left);
    const column = covariances(texels, pivot);
    for (const before of columns) takeShare(column, before, before[pivot]);
    addColumn(column, 1 / Math.sqrt(Math.max(column[pivot], 1e-12)), left);
    for (let i = 0; i < n; i++) data[TINT_MODES * numbers[i] + k] = column[i];
    columns.push(column);
  }
  return { width: SIZE, height: SIZE, channels: TINT_MODES, data };
}

// Loops in functions of their own, which V8 compiles once and while they are at work: maps are made once a process.

/** The texel of the face that what there is so far tells least about. */
function leastKnown(left: Float64Array): number {
  let pivot = 0;
  for (let i = 1; i < left.length; i++) if (left[i] > left[pivot]) pivot = i;
  return pivot;
}

/** Takes `share` of `before` from `column`. */
function takeShare(column: Float64Array, before: Float64Array, share: number): void {
  for (let i = 0; i < column.length; i++) column[i] -= share * before[i];
}

/** Brings a new column to its scale, and takes what it tells from what is left. */
function addColumn(column: Float64Array, scale: number, left: Float64Array): void {
  for (let i = 0; i < column.length; i++) {
    column[i] *= scale;
    left[i] -= column[i] * column[i];
  }
}

/** Texels that have a place on the surface of the head. */
interface Texels {
  /** (n) which ones. */
  readonly numbers: Uint32Array;
  /** (n,3) where on the template they lie. */
  readonly places: Float64Array;
  /** (n) what a mirrored field is scaled by, lest it vary more where it meets itself. */
  readonly scales: Float64Array;
  /** (n) 1 where all corners of a texel's face are in the region of the face. */
  readonly inFace: Uint8Array;
}

/** (n) covariance of the field at all texels with that at texel `j`. */
function covariances({ places, scales }: Texels, j: number): Float64Array {
  const x = places[3 * j];
  const y = places[3 * j + 1];
  const z = places[3 * j + 2];
  const out = new Float64Array(scales.length);
  for (let i = 0, at = 0; i < out.length; i++, at += 3) {
    const dy = places[at + 1] - y;
    const dz = places[at + 2] - z;
    const rest = dy * dy + dz * dz;
    if (rest > FAR) continue;
    const sum = likeness(places[at] - x, rest) + likeness(places[at] + x, rest);
    out[i] = sum * scales[i] * scales[j];
  }
  return out;
}

/** Square metres from where on points are not alike at all: 1e−6. */
const FAR = 28 * LENGTH * LENGTH;

/** exp(−r²/2ℓ²), r² = x² + rest. */
function likeness(x: number, rest: number): number {
  const square = x * x + rest;
  return square < FAR ? Math.exp(-square / (2 * LENGTH * LENGTH)) : 0;
}

/** Regions behind the face that have nothing of its skin's colour. */
const APART = ['left_eyeball', 'right_eyeball', 'teeth', 'tongue'];

/** The texels whose middles the head's charts cover, but for those of {@link APART}, and some around these. */
function placeTexels(model: HeadModel, face: Iterable<number>): Texels {
  const { template, faces, faceUvs, uvs } = model;
  const kindOf = new Uint8Array(template.length / 3).fill(HEAD);
  for (const v of face) kindOf[v] = FACE;
  for (const name of APART) for (const v of model.regions.get(name) ?? []) kindOf[v] = OTHER;
  const places = new Float64Array(3 * SIZE * SIZE);
  const kinds = new Uint8Array(SIZE * SIZE);
  for (let f = 0; f < faces.length; f += 3) {
    const a = faces[f];
    const b = faces[f + 1];
    const c = faces[f + 2];
    const kind = Math.min(kindOf[a], kindOf[b], kindOf[c]);
    coverTexels(uvs, faceUvs, f, (t, ka, kb, kc) => {
      kinds[t] = kind;
      for (let i = 0; i < 3; i++)
        places[3 * t + i] = ka * template[3 * a + i] + kb * template[3 * b + i] + kc * template[3 * c + i];
    });
  }
  for (let round = 0; round < BORDER; round++) grow(places, kinds);
  let n = 0;
  for (let t = 0; t < kinds.length; t++) if (kinds[t] >= HEAD) n++;
  const numbers = new Uint32Array(n);
  const known = new Float64Array(3 * n);
  const scales = new Float64Array(n);
  const inFace = new Uint8Array(n);
  for (let t = 0, i = 0; t < kinds.length; t++) {
    if (kinds[t] < HEAD) continue;
    numbers[i] = t;
    for (let a = 0; a < 3; a++) known[3 * i + a] = places[3 * t + a];
    scales[i] = 1 / Math.sqrt(1 + likeness(2 * places[3 * t], 0));
    inFace[i] = kinds[t] === FACE ? 1 : 0;
    i++;
  }
  return { numbers, places: known, scales, inFace };
}

/** What texels show: nothing, what lies apart, the head, its face. */
const NOTHING = 0;
const OTHER = 1;
const HEAD = 2;
const FACE = 3;

/** Calls `found` for the texels whose middles a face covers, with the shares of its corners. */
function coverTexels(
  uvs: Float32Array,
  faceUvs: Uint32Array,
  f: number,
  found: (t: number, a: number, b: number, c: number) => void,
): void {
  const i = 2 * faceUvs[f];
  const j = 2 * faceUvs[f + 1];
  const k = 2 * faceUvs[f + 2];
  const ax = uvs[i] * SIZE - 0.5;
  const ay = uvs[i + 1] * SIZE - 0.5;
  const bx = uvs[j] * SIZE - 0.5 - ax;
  const by = uvs[j + 1] * SIZE - 0.5 - ay;
  const cx = uvs[k] * SIZE - 0.5 - ax;
  const cy = uvs[k + 1] * SIZE - 0.5 - ay;
  const area = bx * cy - cx * by;
  if (area === 0) return;
  const right = Math.min(Math.floor(ax + Math.max(0, bx, cx)), SIZE - 1);
  const bottom = Math.min(Math.floor(ay + Math.max(0, by, cy)), SIZE - 1);
  const left = Math.max(Math.ceil(ax + Math.min(0, bx, cx)), 0);
  for (let y = Math.max(Math.ceil(ay + Math.min(0, by, cy)), 0); y <= bottom; y++)
    for (let x = left; x <= right; x++) {
      const b = ((x - ax) * cy - cx * (y - ay)) / area;
      const c = (bx * (y - ay) - (x - ax) * by) / area;
      if (b >= 0 && c >= 0 && b + c <= 1) found(y * SIZE + x, 1 - b - c, b, c);
    }
}

/** Carries places on by a texel, into what no chart has: the mean of the neighbours that are known. */
function grow(places: Float64Array, kinds: Uint8Array): void {
  const before = kinds.slice();
  for (let t = 0; t < kinds.length; t++) {
    if (before[t] !== NOTHING) continue;
    let count = 0;
    for (let side = 0; side < 4; side++) {
      const q = t + (side < 2 ? 2 * side - 1 : (2 * side - 5) * SIZE);
      // Beyond the map's sides there is another row, of which nothing is known at a border of every atlas.
      if (!(before[q] >= HEAD)) continue;
      count++;
      for (let i = 0; i < 3; i++) places[3 * t + i] += places[3 * q + i];
    }
    if (count === 0) continue;
    kinds[t] = HEAD;
    for (let i = 0; i < 3; i++) places[3 * t + i] /= count;
  }
}
