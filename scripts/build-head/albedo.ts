/**
 * Albedo space: mean and components in standard deviations, sRGB-encoded.
 *
 * A random face is a skin tone (melanin and haemoglobin) times the details of a mix of the source's skins, with
 * brows, lips, under-eye shade, beard shadow, blush and freckles of random strength; eyes with a random iris. The
 * space is the principal components of many such faces.
 */
import type { Random } from '../../src/core/random.ts';
import type { Atlas } from './atlas.ts';
import { EYE_DISCS, eyeDiscRadius } from './atlas.ts';
import { components } from './identity.ts';
import type { SourceSkin } from './source.ts';
import { interpolate, type TexelMap, texelMap } from './texels.ts';
import type { Topology } from './topology.ts';

/** The space. */
export interface AlbedoSpace {
  readonly size: number;
  /** (size²,3) */
  readonly mean: Float32Array;
  /** T components (size²,3). */
  readonly basis: readonly Float32Array[];
  readonly names: readonly string[];
  /** A few of the random faces it was made of, for pictures. */
  readonly examples: readonly Float32Array[];
}

/** Soft masks over texels, 0…1, by what is painted there. */
export interface PaintMasks {
  readonly brow: readonly Float32Array[];
  readonly lips: Float32Array;
  readonly beard: Float32Array;
  readonly underEye: Float32Array;
  readonly cheek: Float32Array;
  readonly nose: Float32Array;
  readonly lidLine: Float32Array;
  readonly scalp: Float32Array;
  readonly interior: Float32Array;
  readonly socket: Float32Array;
  readonly tongue: Float32Array;
  readonly teeth: Float32Array;
  readonly eye: Float32Array;
}

/** Tones from very light to very dark skin, sRGB: melanin alone. */
const TONES: readonly (readonly number[])[] = [
  [0.97, 0.88, 0.83],
  [0.92, 0.78, 0.7],
  [0.81, 0.63, 0.52],
  [0.64, 0.455, 0.35],
  [0.44, 0.3, 0.23],
  [0.25, 0.175, 0.145],
];

/** Builds the space from the skins at `size`². */
export function buildAlbedo(
  random: Random,
  skins: readonly SourceSkin[],
  topology: Topology,
  atlas: Atlas,
  masks: (map: TexelMap) => PaintMasks,
  size: number,
  T: number,
  samples: number,
): AlbedoSpace {
  const map = texelMap(topology, atlas, size);
  const details = skins.map((s) => skinDetail(s, atlas, map));
  const m = masks(map);
  const faces: Float32Array[] = [];
  for (let i = 0; i < samples; i++) faces.push(randomFace(random, details, m, size));
  const n = 3 * size * size;
  const mean = new Float32Array(n);
  for (const f of faces) for (let i = 0; i < n; i++) mean[i]! += f[i]! / samples;
  const centred = faces.map((f) => Float64Array.from(f, (x, i) => x - mean[i]!));
  const pca = components(centred, null, T);
  return {
    size,
    mean,
    basis: pca.components.map((c) => Float32Array.from(c.basis)),
    names: pca.components.map((_, i) => `albedo_${i}`),
    examples: faces.slice(0, 8),
  };
}

/** log of a skin over its own tone, on the atlas, mirrored: (size²,3). */
function skinDetail(skin: SourceSkin, atlas: Atlas, map: TexelMap): Float32Array {
  const { size } = map;
  const out = new Float32Array(3 * size * size);
  const rgb = new Float32Array(3 * size * size);
  for (let i = 0; i < size * size; i++) {
    const j = map.fill[i]!;
    const f = map.face[j]!;
    let [u, v] = [0, 0];
    for (let k = 0; k < 3; k++) {
      const t = atlas.faceUvs[3 * f + k]!;
      u += map.bary[3 * j + k]! * atlas.sourceUvs[2 * t]!;
      v += map.bary[3 * j + k]! * atlas.sourceUvs[2 * t + 1]!;
    }
    if (Number.isNaN(u)) continue;
    sampleSkin(skin, u, v, rgb, 3 * i);
  }
  const tone = [0, 0, 0];
  let count = 0;
  // The tone is the mean over the middle of the face.
  for (let y = Math.floor(size * 0.25); y < size * 0.7; y++) {
    for (let x = Math.floor(size * 0.33); x < size * 0.67; x++) {
      count++;
      for (let k = 0; k < 3; k++) tone[k]! += Math.log(Math.max(0.02, rgb[3 * (y * size + x) + k]!));
    }
  }
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      for (let k = 0; k < 3; k++) {
        const a = rgb[3 * (y * size + x) + k]!;
        const b = rgb[3 * (y * size + size - 1 - x) + k]!;
        if (a <= 0 && b <= 0) continue;
        out[3 * (y * size + x) + k] = Math.log(Math.max(0.02, (a + b) / 2)) - tone[k]! / count;
      }
    }
  }
  return out;
}

function sampleSkin(skin: SourceSkin, u: number, v: number, out: Float32Array, at: number): void {
  const x = Math.min(skin.width - 1.001, Math.max(0, u * skin.width - 0.5));
  const y = Math.min(skin.height - 1.001, Math.max(0, v * skin.height - 0.5));
  const [i, j] = [Math.floor(x), Math.floor(y)];
  const [a, b] = [x - i, y - j];
  for (let k = 0; k < 3; k++) {
    const p = (ii: number, jj: number) => skin.data[3 * (jj * skin.width + ii) + k]!;
    out[at + k] =
      (1 - b) * ((1 - a) * p(i, j) + a * p(i + 1, j)) + b * ((1 - a) * p(i, j + 1) + a * p(i + 1, j + 1));
  }
}

function toneAt(t: number): number[] {
  const s = Math.min(0.9999, Math.max(0, t)) * (TONES.length - 1);
  const i = Math.floor(s);
  return [0, 1, 2].map((k) => TONES[i]![k]! * (1 - s + i) + TONES[i + 1]![k]! * (s - i));
}

function randomFace(
  random: Random,
  details: readonly Float32Array[],
  m: PaintMasks,
  size: number,
): Float32Array {
  const n = size * size;
  // Roughly even over tones, with tails.
  const melanin = Math.min(1, Math.max(0, 0.4 + 0.26 * random.normal()));
  const tone = toneAt(melanin);
  const blood = random.normal();
  const yellow = random.normal();
  tone[1]! *= Math.exp(-0.03 * blood - 0.008 * yellow);
  tone[2]! *= Math.exp(-0.022 * blood - 0.045 * yellow);
  tone[0]! *= Math.exp(0.006 * blood);
  const mix = details.map(() => (0.45 * random.normal()) / Math.sqrt(1));
  const pick = random.below(details.length);
  const lipDark = 0.1 + 0.07 * random.normal();
  const lipRed = 0.13 + 0.07 * random.normal();
  const browKind = random.below(m.brow.length);
  const browDark = Math.min(1.3, Math.max(0, 0.75 + 0.35 * random.normal()));
  const hair = hairColour(random, melanin);
  const beard = Math.max(
    0,
    random.uniform() < 0.5 ? 0.05 * random.normal() : 0.25 * Math.abs(random.normal()),
  );
  const under = 0.06 + 0.06 * random.normal();
  const blush = 0.03 + 0.04 * random.normal();
  const noseRed = 0.02 + 0.03 * random.normal();
  const lid = 0.18 + 0.12 * random.normal();
  const scalp = Math.max(0, Math.min(1, 0.35 + 0.35 * random.normal()));
  const iris = irisColour(random);
  const sclera = 0.83 + 0.05 * random.normal();
  const wave = waves(random);
  const out = new Float32Array(3 * n);
  for (let i = 0; i < n; i++) {
    const low = wave((i % size) / size, Math.floor(i / size) / size);
    for (let k = 0; k < 3; k++) {
      let d = details[pick]![3 * i + k]! * 0.75;
      for (let s = 0; s < details.length; s++)
        d += (mix[s]! * (details[s]![3 * i + k]! - details[pick]![3 * i + k]!)) / details.length;
      let log = Math.log(tone[k]!) + 0.8 * Math.max(-0.35, Math.min(0.25, d)) + low;
      const redness = k === 0 ? 0.15 : k === 1 ? 1 : 0.8;
      log -= m.lips[i]! * (lipDark + lipRed * redness * 1.6);
      log -= m.cheek[i]! * blush * redness + m.nose[i]! * noseRed * redness;
      log -= m.underEye[i]! * under * (k === 2 ? 0.8 : k === 0 ? 0.9 : 1.1);
      log -= m.beard[i]! * beard * (k === 2 ? 0.85 : 1);
      log -= m.lidLine[i]! * Math.max(0, lid) * 2.2;
      let x = Math.exp(log);
      const b = Math.min(1, m.brow[browKind]![i]! * browDark);
      x = x * (1 - b) + hair[k]! * b;
      const sc = m.scalp[i]! * scalp;
      x = x * (1 - sc) + hair[k]! * 1.15 * sc;
      x = mixTo(x, [0.5, 0.22, 0.2][k]!, m.interior[i]!);
      x = mixTo(x, [0.74, 0.5, 0.46][k]! * Math.min(1, 0.55 + 0.5 * tone[0]!), m.socket[i]!);
      x = mixTo(x, [0.66, 0.33, 0.31][k]!, m.tongue[i]!);
      x = mixTo(x, [0.86, 0.82, 0.74][k]!, m.teeth[i]!);
      out[3 * i + k] = Math.min(1, Math.max(0, x));
    }
  }
  paintEyes(out, size, iris, sclera, m.eye);
  return out;
}

function mixTo(x: number, y: number, w: number): number {
  return x * (1 - w) + y * w;
}

function hairColour(random: Random, melanin: number): number[] {
  const t = Math.min(1, Math.max(0, random.uniform() * 0.9 + melanin * 0.9 - 0.25));
  const light = [0.52, 0.38, 0.25];
  const dark = [0.12, 0.09, 0.08];
  const grey = random.uniform() < 0.12 ? random.uniform() : 0;
  return [0, 1, 2].map((k) => mixTo(mixTo(light[k]!, dark[k]!, t ** 0.6), [0.6, 0.58, 0.56][k]!, grey));
}

function irisColour(random: Random): number[] {
  const t = random.uniform();
  const brown = [0.3, 0.19, 0.12];
  const blue = [0.42, 0.5, 0.56];
  const green = [0.42, 0.42, 0.28];
  const base = t < 0.65 ? brown : t < 0.85 ? blue : green;
  const l = Math.exp(0.25 * random.normal());
  return base.map((x) => x * l);
}

/** Smooth variation over the face: a few cosines, symmetric in u. */
function waves(random: Random): (u: number, v: number) => number {
  const terms = Array.from({ length: 8 }, (_, i) => ({
    a: (0.05 * random.normal()) / (1 + 0.4 * i),
    p: 1 + (i % 3),
    q: 1 + Math.floor(i / 3),
    f: 2 * Math.PI * random.uniform(),
  }));
  return (u, v) =>
    terms.reduce(
      (s, t) =>
        s +
        t.a * Math.cos(2 * Math.PI * t.p * Math.abs(u - 0.5)) * Math.cos(2 * Math.PI * t.q * v * 0.6 + t.f),
      0,
    );
}

function paintEyes(
  out: Float32Array,
  size: number,
  iris: number[],
  sclera: number,
  mask: Float32Array,
): void {
  const pupil = eyeDiscRadius(10.5);
  const limbus = eyeDiscRadius(29.5);
  for (const c of [EYE_DISCS.left, EYE_DISCS.right]) {
    for (let y = 0; y < size; y++) {
      for (let x = 0; x < size; x++) {
        const i = y * size + x;
        if (mask[i]! === 0) continue;
        const r = Math.hypot((x + 0.5) / size - c[0], (y + 0.5) / size - c[1]) / EYE_DISCS.radius;
        if (r > 1.25) continue;
        const edge = 1.2 / (EYE_DISCS.radius * size);
        const white = [sclera, sclera * 0.965, sclera * 0.945];
        // Redder towards the corners.
        const red = Math.min(1, Math.max(0, (r - 0.66) / 0.2)) * 0.18;
        const inIris = step((limbus - r) / edge);
        const inPupil = step((pupil - r) / edge);
        const ring = Math.max(0, 1 - Math.abs(r - limbus) / (1.2 * edge));
        for (let k = 0; k < 3; k++) {
          let v = white[k]! * (1 - red * (k === 0 ? 0.35 : 1));
          v = mixTo(v, iris[k]!, inIris);
          v = mixTo(v, v * 0.62, ring);
          v = mixTo(v, 0.04, inPupil);
          out[3 * i + k] = v;
        }
      }
    }
  }
}

function step(t: number): number {
  const x = Math.min(1, Math.max(0, t + 0.5));
  return x * x * (3 - 2 * x);
}

export { interpolate };
