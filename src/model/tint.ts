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
    let [brown, red] = [0, 0];
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
  const n = texels.numbers.length;
  const left = Float64Array.from(texels.inFace);
  const columns: Float64Array[] = [];
  for (let k = 0; k < TINT_MODES; k++) {
    // The texel of the face that what there is so far tells least about.
    let pivot = 0;
    for (let i = 1; i < n; i++) if (left[i] > left[pivot]) pivot = i;
    const column = covariances(texels, pivot);
    for (const before of columns) {
      const share = before[pivot];
      for (let i = 0; i < n; i++) column[i] -= share * before[i];
    }
    const scale = 1 / Math.sqrt(Math.max(column[pivot], 1e-12));
    for (let i = 0; i < n; i++) {
      column[i] *= scale;
      left[i] -= column[i] * column[i];
      data[TINT_MODES * texels.numbers[i] + k] = column[i];
    }
    columns.push(column);
  }
  return { width: SIZE, height: SIZE, channels: TINT_MODES, data };
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
  const [x, y, z] = places.subarray(3 * j, 3 * j + 3);
  const out = new Float64Array(scales.length);
  for (let i = 0, at = 0; i < out.length; i++, at += 3) {
    const rest = (places[at + 1] - y) ** 2 + (places[at + 2] - z) ** 2;
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

/** The texels whose middles the charts of the face's part of the mesh cover, and some around these. */
function placeTexels(model: HeadModel, face: Iterable<number>): Texels {
  const { template, faces, faceUvs, uvs } = model;
  const inside = new Uint8Array(template.length / 3);
  for (const v of face) inside[v] = 1;
  const wanted = connected(model, inside);
  const places = new Float64Array(3 * SIZE * SIZE);
  const kinds = new Uint8Array(SIZE * SIZE);
  for (let f = 0; f < faces.length; f += 3) {
    const [a, b, c] = [faces[f], faces[f + 1], faces[f + 2]];
    const kind = !wanted[a] ? OTHER : inside[a] && inside[b] && inside[c] ? FACE : HEAD;
    coverTexels(uvs, faceUvs, f, (t, ka, kb, kc) => {
      kinds[t] = kind;
      for (let i = 0; i < 3; i++)
        places[3 * t + i] = ka * template[3 * a + i] + kb * template[3 * b + i] + kc * template[3 * c + i];
    });
  }
  for (let round = 0; round < BORDER; round++) grow(places, kinds);
  const numbers = Uint32Array.from(kinds.keys()).filter((t) => kinds[t] >= HEAD);
  const at = new Float64Array(3 * numbers.length);
  for (let i = 0; i < at.length; i++) at[i] = places[3 * numbers[Math.floor(i / 3)] + (i % 3)];
  return {
    numbers,
    places: at,
    scales: Float64Array.from(numbers, (t) => 1 / Math.sqrt(1 + likeness(2 * places[3 * t], 0))),
    inFace: Uint8Array.from(numbers, (t) => (kinds[t] === FACE ? 1 : 0)),
  };
}

/** What texels show: nothing, what does not hang together with the face, the head, its face. */
const [NOTHING, OTHER, HEAD, FACE] = [0, 1, 2, 3];

/** Calls `found` for the texels whose middles a face covers, with the shares of its corners. */
function coverTexels(
  uvs: Float32Array,
  faceUvs: Uint32Array,
  f: number,
  found: (t: number, a: number, b: number, c: number) => void,
): void {
  const [i, j, k] = [2 * faceUvs[f], 2 * faceUvs[f + 1], 2 * faceUvs[f + 2]];
  const [ax, ay] = [uvs[i] * SIZE - 0.5, uvs[i + 1] * SIZE - 0.5];
  const [bx, by] = [uvs[j] * SIZE - 0.5 - ax, uvs[j + 1] * SIZE - 0.5 - ay];
  const [cx, cy] = [uvs[k] * SIZE - 0.5 - ax, uvs[k + 1] * SIZE - 0.5 - ay];
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

/** (V) 1 where a vertex hangs together with those of `part`: eyeballs, teeth and tongue do not with the face. */
function connected({ faces }: HeadModel, part: Uint8Array): Uint8Array {
  const inside = part.slice();
  for (let more = true; more; ) {
    more = false;
    for (let f = 0; f < faces.length; f += 3) {
      const some = inside[faces[f]] + inside[faces[f + 1]] + inside[faces[f + 2]];
      if (some === 0 || some === 3) continue;
      for (let a = 0; a < 3; a++) inside[faces[f + a]] = 1;
      more = true;
    }
  }
  return inside;
}

/** Carries places on by a texel, into what no chart has: the mean of the neighbours that are known. */
function grow(places: Float64Array, kinds: Uint8Array): void {
  const before = kinds.slice();
  for (let t = 0; t < kinds.length; t++) {
    if (before[t] !== NOTHING) continue;
    const x = t % SIZE;
    const around = [x > 0 ? t - 1 : -1, x + 1 < SIZE ? t + 1 : -1, t - SIZE, t + SIZE];
    let count = 0;
    const sum = [0, 0, 0];
    for (const q of around) {
      if (!(before[q] >= HEAD)) continue;
      count++;
      for (let i = 0; i < 3; i++) sum[i] += places[3 * q + i];
    }
    if (count === 0) continue;
    kinds[t] = HEAD;
    for (let i = 0; i < 3; i++) places[3 * t + i] = sum[i] / count;
  }
}
