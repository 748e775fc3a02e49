/**
 * Albedo space: mean and components in standard deviations, sRGB-encoded.
 *
 * A random face is a skin colour (melanin, blood and carotene, `optics.ts`) times the details of a mix of the
 * source's skins, with brows, lips, lash lines, under-eye shade, beard shadow, blush and hair of random strength and
 * place; eyes with a random iris. The space is the principal components of many such faces. Everything is symmetric
 * about u = 1/2, so only the left half of the atlas is computed.
 *
 * The skins' broad light and dark is partly baked illumination: of what varies more slowly than about a tenth of the
 * face, details leave out what follows the normals, and keep half of the rest.
 */
import type { Random } from '../../src/core/random.ts';
import { SH_COUNT, shBasis } from '../../src/light/sh.ts';
import { solvePositiveDefinite } from '../../src/linalg/cholesky.ts';
import type { Atlas } from './atlas.ts';
import { EYE_DISCS, eyeDiscRadius } from './atlas.ts';
import { components } from './identity.ts';
import { skinColour } from './optics.ts';
import type { BrowCard, PaintMasks } from './paint.ts';
import type { SourceSkin } from './source.ts';
import { type TexelMap, texelMap } from './texels.ts';

/** The space. */
export interface AlbedoSpace {
  readonly size: number;
  /** (size²,3) */
  readonly mean: Float32Array;
  /** T components (size²,3). */
  readonly basis: readonly Float32Array[];
  readonly names: readonly string[];
  /** Share of the variance they carry. */
  readonly captured: number;
}

/** Half of the visible iris' width over the eyeball's radius, as an angle in degrees (5.9 mm on 12.7 mm). */
const IRIS_ANGLE = 27.5;

/** The cards slant inwards on the base head; this much of it (metres a metre) is taken out. */
const BROW_TILT = 0.17;

/** Builds the space at `size`² from `samples` random faces. */
export function buildAlbedo(
  random: Random,
  skins: readonly SourceSkin[],
  cards: readonly BrowCard[],
  atlas: Atlas,
  paint: (map: TexelMap) => PaintMasks,
  size: number,
  T: number,
  samples: number,
): AlbedoSpace {
  const map = texelMap(atlas, size);
  const half = leftHalf(size);
  const full = paint(map);
  const details = skins.map((s) => skinDetail(s, atlas, map, full, half));
  const masks = halve(full, half);
  const faces: Float64Array[] = [];
  for (let i = 0; i < samples; i++) faces.push(randomFace(random, details, cards, masks, half, size));
  const mean = new Float64Array(3 * half.length);
  for (const f of faces) for (let i = 0; i < mean.length; i++) mean[i]! += f[i]! / samples;
  for (const f of faces) for (let i = 0; i < mean.length; i++) f[i]! -= mean[i]!;
  const pca = components(faces, null, T);
  return {
    size,
    mean: unfold(mean, size),
    basis: pca.components.map((c) => unfold(c.basis, size)),
    names: pca.components.map((_, i) => `albedo_${i}`),
    captured: pca.components.reduce((s, c) => s + c.variance, 0) / pca.total,
  };
}

/** Texels of the left half of the atlas, row by row. */
function leftHalf(size: number): Int32Array {
  const w = size / 2;
  return Int32Array.from({ length: size * w }, (_, i) => Math.floor(i / w) * size + (i % w));
}

function unfold(half: ArrayLike<number>, size: number): Float32Array {
  const w = size / 2;
  const out = new Float32Array(3 * size * size);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < w; x++) {
      for (let k = 0; k < 3; k++) {
        const v = half[3 * (y * w + x) + k]!;
        out[3 * (y * size + x) + k] = v;
        out[3 * (y * size + size - 1 - x) + k] = v;
      }
    }
  }
  return out;
}

function halve(m: PaintMasks, half: Int32Array): PaintMasks {
  const pick = (a: Float32Array) => Float32Array.from(half, (i) => a[i]!);
  const triples = (a: Float32Array) =>
    Float32Array.from({ length: 3 * half.length }, (_, i) => a[3 * half[Math.floor(i / 3)]! + (i % 3)]!);
  const out = Object.fromEntries(
    Object.entries(m as unknown as Record<string, Float32Array>).map(([name, a]) => [
      name,
      a === m.position || a === m.normal ? triples(a) : pick(a),
    ]),
  );
  return out as unknown as PaintMasks;
}

/**
 * log of a skin over its own colour on the left half, both sides averaged. Of what varies slowly, what follows the
 * normals of the face is taken for baked light and left out; of the rest, and beside the face, half stays.
 */
function skinDetail(
  skin: SourceSkin,
  atlas: Atlas,
  map: TexelMap,
  masks: PaintMasks,
  half: Int32Array,
): Float32Array {
  const { size } = map;
  const log = new Float32Array(3 * size * size);
  const rgb = [0, 0, 0];
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
    sampleSkin(skin, u, v, rgb);
    for (let k = 0; k < 3; k++) log[3 * i + k] = Math.log(Math.max(0.02, rgb[k]!));
  }
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size / 2; x++) {
      for (let k = 0; k < 3; k++) {
        const [a, b] = [3 * (y * size + x) + k, 3 * (y * size + size - 1 - x) + k];
        const m = (log[a]! + log[b]!) / 2;
        log[a] = m;
        log[b] = m;
      }
    }
  }
  const broad = blur(log, size, Math.round(size * 0.035));
  const light = [0, 1, 2].map((k) => fitLight(broad, k, masks));
  const out = new Float32Array(3 * half.length);
  const basis = new Float64Array(SH_COUNT);
  half.forEach((i, j) => {
    const [x, y, z] = masks.normal.subarray(3 * i, 3 * i + 3);
    shBasis(x!, y!, z!, basis);
    const face = step((masks.position[3 * i + 2]! - 0.085) / 0.05);
    for (let k = 0; k < 3; k++) {
      const { coefficients, mean } = light[k]!;
      const baked = basis.reduce((sum, b, c) => sum + b * coefficients[c]!, 0);
      const slow = broad[3 * i + k]!;
      const high = log[3 * i + k]! - slow;
      out[3 * j + k] = high + 0.5 * (slow - mix(mean, baked, face));
    }
  });
  return out;
}

/** Spherical harmonics of the normals that come nearest to a channel over the face's skin, and its mean there. */
function fitLight(
  log: Float32Array,
  k: number,
  m: PaintMasks,
): { readonly coefficients: Float64Array; readonly mean: number } {
  const n = SH_COUNT;
  const A = new Float64Array(n * n);
  const g = new Float64Array(n);
  const basis = new Float64Array(n);
  let [weight, sum] = [0, 0];
  for (let i = 0; i < m.front.length; i++) {
    const w = m.front[i]! * (1 - m.lips[i]!) * (1 - m.temple[i]!) * (1 - m.lidLine[i]!) * (1 - m.nostril[i]!);
    if (w <= 0) continue;
    const [x, y, z] = m.normal.subarray(3 * i, 3 * i + 3);
    shBasis(x!, y!, z!, basis);
    weight += w;
    sum += w * log[3 * i + k]!;
    for (let a = 0; a < n; a++) {
      g[a]! += w * basis[a]! * log[3 * i + k]!;
      for (let b = 0; b < n; b++) A[a * n + b]! += w * basis[a]! * basis[b]!;
    }
  }
  for (let a = 0; a < n; a++) A[a * n + a]! += 1e-4 * weight;
  return { coefficients: solvePositiveDefinite(A, n, g), mean: sum / weight };
}

function sampleSkin(skin: SourceSkin, u: number, v: number, out: number[]): void {
  const x = Math.min(skin.width - 1.001, Math.max(0, u * skin.width - 0.5));
  const y = Math.min(skin.height - 1.001, Math.max(0, v * skin.height - 0.5));
  const [i, j] = [Math.floor(x), Math.floor(y)];
  const [a, b] = [x - i, y - j];
  for (let k = 0; k < 3; k++) {
    const p = (ii: number, jj: number) => skin.data[3 * (jj * skin.width + ii) + k]!;
    out[k] =
      (1 - b) * ((1 - a) * p(i, j) + a * p(i + 1, j)) + b * ((1 - a) * p(i, j + 1) + a * p(i + 1, j + 1));
  }
}

/** Three box blurs of radius r along both axes. */
function blur(image: Float32Array, size: number, r: number): Float32Array {
  let src = image;
  for (let pass = 0; pass < 3; pass++) {
    for (const stride of [3, 3 * size]) {
      const across = stride === 3 ? 3 * size : 3;
      const out = new Float32Array(src.length);
      for (let line = 0; line < size; line++) {
        for (let k = 0; k < 3; k++) {
          const at = (i: number) => src[line * across + Math.min(size - 1, Math.max(0, i)) * stride + k]!;
          let sum = 0;
          for (let d = -r; d <= r; d++) sum += at(d);
          for (let i = 0; i < size; i++) {
            out[line * across + i * stride + k] = sum / (2 * r + 1);
            sum += at(i + r + 1) - at(i - r);
          }
        }
      }
      src = out;
    }
  }
  return src;
}

function randomFace(
  random: Random,
  details: readonly Float32Array[],
  cards: readonly BrowCard[],
  m: PaintMasks,
  half: Int32Array,
  size: number,
): Float64Array {
  const n = half.length;
  const spread = (mean: number, sd: number) => mean + sd * clamp(random.normal(), -2.5, 2.5);
  const dark = clamp(spread(-2.9, 1.2), -4.8, -0.7);
  const melanin = Math.exp(dark);
  const colour = skinColour(melanin, Math.exp(spread(-4.0, 0.5)), Math.max(0, spread(0.06, 0.06)));
  // How bright a photo's skin comes out is a matter of exposure; what the light cannot explain ends up here.
  const brightness = Math.exp(spread(0.02, 0.1));
  const tone = colour.map((c) => Math.log(c * brightness));
  const kind = random.below(details.length);
  const other = random.below(details.length);
  const share = random.uniform();
  const detail = spread(0.85, 0.3);
  const lipDark = spread(0.1, 0.09);
  const lipRed = spread(0.2, 0.1);
  const card = cards[random.below(cards.length)]!;
  const brow = {
    strength: clamp(spread(0.75, 0.35), 0, 1.25),
    x: spread(1, 0.05),
    y: spread(0.0105, 0.0022),
    thick: spread(1, 0.2),
  };
  const hair = hairColour(random, (dark + 4.7) / 3.9);
  const beard = random.uniform() < 0.55 ? Math.max(0, spread(0, 0.04)) : Math.abs(spread(0, 0.22));
  const under = spread(0.05, 0.07);
  const blush = spread(0.04, 0.05);
  const noseRed = spread(0.03, 0.04);
  const lid = Math.max(0, spread(0.4, 0.25));
  const shaven = clamp(spread(0.5, 0.4), 0, 1);
  const iris = irisColour(random);
  const sclera = spread(0.74, 0.06);
  const wave = waves(random);
  const out = new Float64Array(3 * n);
  for (let i = 0; i < n; i++) {
    const texel = half[i]!;
    const low = wave((texel % size) / size, Math.floor(texel / size) / size);
    const x = m.position[3 * i]!;
    const y = m.position[3 * i + 1]!;
    const browHere =
      m.front[i]! > 0 && y > 0.738 && y < 0.775
        ? Math.min(
            1,
            brow.strength *
              card(
                Math.abs(x) * brow.x,
                0.762 + (y + brow.y - BROW_TILT * (0.035 - Math.abs(x)) - 0.762) / brow.thick,
              ),
          )
        : 0;
    const hairHere = m.scalp[i]! * shaven;
    const detailHere = detail * (1 - Math.max(m.temple[i]!, m.neck[i]!));
    for (let k = 0; k < 3; k++) {
      const redness = k === 0 ? 0.15 : k === 1 ? 1 : 0.8;
      const d = (1 - share * 0.5) * details[kind]![3 * i + k]! + share * 0.5 * details[other]![3 * i + k]!;
      let log = tone[k]! + detailHere * clamp(d, -0.3, 0.22) + low * (1 - m.neck[i]!);
      log -= m.lips[i]! * (lipDark + lipRed * redness);
      log -= (m.cheek[i]! * blush + m.nose[i]! * noseRed) * redness;
      log -= m.underEye[i]! * under * (k === 2 ? 0.8 : k === 0 ? 0.9 : 1.1);
      log -= m.beard[i]! * beard * (k === 2 ? 0.85 : 1);
      log -= m.lidLine[i]! * lid;
      let v = Math.exp(log);
      v = mix(v, Math.min(v, hair[k]!), browHere);
      v = mix(v, hair[k]! * 1.1, hairHere);
      // Seen into a nostril: mucosa in the dark. No light model knows that little light gets in.
      v = mix(v, Math.min(v, [0.2, 0.085, 0.07][k]!), m.nostril[i]!);
      v = mix(v, [0.36, 0.15, 0.14][k]! * m.depth[i]!, m.interior[i]!);
      v = mix(v, [0.72, 0.43, 0.4][k]! * clamp(0.4 + 0.6 * colour[0]!, 0, 0.95), m.socket[i]!);
      v = mix(v, [0.6, 0.31, 0.29][k]! * m.depth[i]!, m.tongue[i]!);
      if (m.teeth[i]! > 0)
        v = m.depth[i]! * (m.teeth[i]! * [0.76, 0.72, 0.64][k]! + m.gums[i]! * [0.6, 0.32, 0.31][k]!);
      out[3 * i + k] = clamp(v, 0, 1);
    }
    if (m.eye[i]! > 0) paintEye(out, i, texel, size, iris, sclera);
  }
  return out;
}

function mix(x: number, y: number, w: number): number {
  return x * (1 - w) + y * w;
}

function clamp(x: number, a: number, b: number): number {
  return Math.min(b, Math.max(a, x));
}

/** Brows and scalp: darker hair with darker skin, now and then grey. */
function hairColour(random: Random, darkness: number): number[] {
  const t = clamp(0.25 + 0.75 * random.uniform() + 0.8 * darkness - 0.3, 0, 1);
  const light = [0.5, 0.37, 0.25];
  const black = [0.1, 0.08, 0.075];
  const grey = random.uniform() < 0.12 ? random.uniform() : 0;
  return [0, 1, 2].map((k) => mix(mix(light[k]!, black[k]!, Math.sqrt(t)), [0.6, 0.58, 0.56][k]!, grey));
}

function irisColour(random: Random): number[] {
  const t = random.uniform();
  const base = t < 0.65 ? [0.29, 0.18, 0.11] : t < 0.85 ? [0.4, 0.48, 0.54] : [0.4, 0.4, 0.27];
  const l = Math.exp(0.25 * random.normal());
  return base.map((x) => x * l);
}

/** Smooth variation of lightness over the face: a few cosines, even about the middle. */
function waves(random: Random): (u: number, v: number) => number {
  const terms = Array.from({ length: 8 }, (_, i) => ({
    a: (0.04 * random.normal()) / (1 + 0.4 * i),
    p: 1 + (i % 3),
    q: 1 + Math.floor(i / 3),
    f: 2 * Math.PI * random.uniform(),
  }));
  return (u, v) =>
    terms.reduce(
      (s, t) =>
        s + t.a * Math.cos(2 * Math.PI * t.p * Math.abs(u - 0.5)) * Math.cos(1.2 * Math.PI * t.q * v + t.f),
      0,
    );
}

function paintEye(
  out: Float64Array,
  i: number,
  texel: number,
  size: number,
  iris: number[],
  sclera: number,
): void {
  const c = EYE_DISCS.right;
  const r =
    Math.sqrt(
      (((texel % size) + 0.5) / size - c[0]) ** 2 + ((Math.floor(texel / size) + 0.5) / size - c[1]) ** 2,
    ) / EYE_DISCS.radius;
  const edge = 1.2 / (EYE_DISCS.radius * size);
  const limbus = eyeDiscRadius(IRIS_ANGLE);
  const white = [sclera, sclera * 0.955, sclera * 0.93];
  const red = clamp((r - 0.66) / 0.15, 0, 1) * 0.22;
  const inIris = step((limbus - r) / edge);
  const inPupil = step((eyeDiscRadius(10) - r) / edge);
  const ring = Math.max(0, 1 - Math.abs(r - limbus) / (1.3 * edge));
  const up = (c[1] - (Math.floor(texel / size) + 0.5) / size) / EYE_DISCS.radius;
  const shade = clamp((up - 0.05) / 0.4, 0, 1);
  for (let k = 0; k < 3; k++) {
    let v = white[k]! * (1 - red * (k === 0 ? 0.35 : 1));
    v = mix(v, iris[k]!, inIris);
    v = mix(v, v * 0.65, ring);
    // The upper lid and its lashes shade the eyeball.
    out[3 * i + k] = mix(v, 0.04, inPupil) * (1 - 0.4 * shade);
  }
}

function step(t: number): number {
  const x = clamp(t + 0.5, 0, 1);
  return x * x * (3 - 2 * x);
}
