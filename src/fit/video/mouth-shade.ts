/**
 * How dark a mouth is inside. A head's light comes from everywhere, so that what is behind the lips would be lit as the face is:
 * bright teeth in the narrowest slit, and a light pixel or two where shut lips do not quite meet. But what comes in comes between
 * the lips. A point at the distance d behind a long slit of height h sees the share F = (h/2) / √(d² + (h/2)²) of it, and what
 * comes in goes to and fro between walls that reflect ρ of it, as in an integrating sphere: F / (1 − ρ(1 − F)), of red more than
 * of the rest. The tone of teeth comes from photos of an open mouth (`inner-mouth.ts`), so a mouth that is open as far is as
 * bright as without all this, and none is brighter.
 *
 * The slit is told by vertices of both lips that touch on the neutral face; what is in the mouth looks at those nearest to it
 * across the face. It is evaluated at vertices. Not told: lips' shadows under light from above, as when a head looks down.
 */
import { type HeadModel, headSizes, jointIndex } from '../../model/head-model.ts';

/** Regions in the mouth. */
const INSIDE = ['teeth', 'tongue', 'mouth_interior'] as const;
/** Metres between vertices of both lips that touch, at most. */
const CONTACT = 0.0025;
/** Pairs of the lips that a vertex looks at. */
const NEAREST = 4;
/** Reflectance of what is in a mouth, red, green and blue. */
const REFLECTANCE = [0.85, 0.7, 0.7] as const;
/** F of an open mouth: front teeth 9 mm behind lips that are 6 mm apart. */
const OPEN = 0.3;

/** The slit between a head's lips, and what is behind it. */
export interface MouthShade {
  /** (P) vertices of the upper and of the lower lip, and metres between them at rest. */
  readonly upper: Uint32Array;
  readonly lower: Uint32Array;
  readonly rest: Float32Array;
  /** (N) vertices in the mouth. */
  readonly inside: Uint32Array;
  /** (N,NEAREST) pairs that they look at. */
  readonly pairs: Uint32Array;
}

/** The mouth of `model`; null for a head that has none to look into. */
export function mouthShade(model: HeadModel): MouthShade | null {
  const { J } = headSizes(model);
  const jaw = jointIndex(model, 'jaw');
  const inside = Uint32Array.from(INSIDE.flatMap((name) => Array.from(model.regions.get(name) ?? [])));
  const lips = Array.from(model.regions.get('lips') ?? []);
  if (jaw < 0 || inside.length === 0) return null;
  const { template: t } = model;
  const below = (v: number) => model.skinWeights[v * J + jaw] >= 0.5;
  const lower = lips.filter(below);
  const touching: { u: number; l: number; apart: number }[] = [];
  for (const u of lips.filter((v) => !below(v))) {
    let [nearest, least] = [-1, CONTACT];
    for (const l of lower) {
      const apart = distance(t, u, l);
      if (apart < least) [nearest, least] = [l, apart];
    }
    if (nearest >= 0) touching.push({ u, l: nearest, apart: least });
  }
  if (touching.length < NEAREST) return null;
  const pairs = new Uint32Array(NEAREST * inside.length);
  for (const [i, v] of inside.entries()) {
    const away = touching.map(({ u, l }, p) => [Math.abs((t[3 * u] + t[3 * l]) / 2 - t[3 * v]), p]);
    away.sort((a, b) => a[0] - b[0]);
    for (let k = 0; k < NEAREST; k++) pairs[NEAREST * i + k] = away[k][1];
  }
  return {
    upper: Uint32Array.from(touching, ({ u }) => u),
    lower: Uint32Array.from(touching, ({ l }) => l),
    rest: Float32Array.from(touching, ({ apart }) => apart),
    inside,
    pairs,
  };
}

/** Darkens `shades` (V,stride) of what is in the mouth, the first three of each vertex, for posed `vertices` (V,3). */
export function shadeMouth(
  mouth: MouthShade,
  vertices: Float32Array,
  shades: Float32Array,
  stride: number,
): void {
  const { upper, lower, rest, inside, pairs } = mouth;
  for (let i = 0; i < inside.length; i++) {
    const v = 3 * inside[i];
    let share = 0;
    for (let k = 0; k < NEAREST; k++) {
      const p = pairs[NEAREST * i + k];
      const [a, b] = [3 * upper[p], 3 * lower[p]];
      const half = Math.max(distance(vertices, upper[p], lower[p]) - rest[p], 0) / 2;
      const x = (vertices[a] + vertices[b]) / 2 - vertices[v];
      const y = (vertices[a + 1] + vertices[b + 1]) / 2 - vertices[v + 1];
      const z = (vertices[a + 2] + vertices[b + 2]) / 2 - vertices[v + 2];
      share += half / Math.max(Math.sqrt(x * x + y * y + z * z + half * half), 1e-9) / NEAREST;
    }
    for (let c = 0; c < 3; c++) shades[stride * inside[i] + c] *= shaded(share, REFLECTANCE[c]);
  }
}

/** Brightness in a cavity into which a share of the light comes, over that in an open mouth. */
function shaded(share: number, reflectance: number): number {
  const inCavity = (f: number) => f / (1 - reflectance * (1 - f));
  return Math.min(inCavity(share) / inCavity(OPEN), 1);
}

function distance(points: Float32Array, i: number, j: number): number {
  return Math.hypot(
    points[3 * i] - points[3 * j],
    points[3 * i + 1] - points[3 * j + 1],
    points[3 * i + 2] - points[3 * j + 2],
  );
}
