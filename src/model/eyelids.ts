/**
 * Lids that sink into eyeballs.
 *
 * Lids are blendshapes and eyeballs are stiff, so in many models a lid crosses the eyeball under it: where it shuts, or at
 * rest on faces far from the mean. Nobody has ever seen an eyeball on a lid. So pictures are drawn by this rule: **an
 * eyeball never hides a lid of its own that has sunk into it**. Nothing is moved; parameters and vertices are what they
 * are, only which of two faces a pixel shows is decided otherwise.
 *
 * A face has sunk when a corner of it is nearer to the eyeball's centre than the eyeball's farthest point, and it is turned
 * away from that centre by less than 60°. Its direction tells a lid from what lies behind a lid's edge: inner sides face
 * the eyeball, and the corner of an eye, where the eyeball dips into the socket by right, stands across. The depth of such
 * a face is not asked for: who sees its outer side looks at the front of the eyeball too. An eyeball that bulges over lids
 * outside it hides them as before.
 *
 * Tried: faces turned away on the template, in every pose (the fold of an upper lid lay over open eyes of another face).
 * Drawing the eyeball some millimetres farther off would bring inner sides of lids before it, and in profile the bridge of
 * the nose.
 */
import { YIELDING } from '../kernels/rasterize.ts';
import { findEyes, shutting } from './find-eyes.ts';
import type { Eye, Eyes, HeadModel } from './head-model.ts';

/** Kind of an eyeball's face: this more than that of its lids' sunken faces, which is 1 + the eye's number. */
export const EYEBALL = YIELDING;

/** Cosine of the angle up to which a sunken face is turned away from the centre. */
const AWAY = 0.5;
/** The middle of a flat face between corners on an eyeball is farther in, by this share of the radius. */
const FLAT = 0.02;
/** How far eyes are shut where a model is looked at. */
const SHUT = [0, 0.5, 1] as const;

const known = new WeakMap<HeadModel, Eyes | null>();

/**
 * The eyes of `model`; null where no lid sinks into them on the mean face, open or shut, and depth alone decides. Personal
 * models have those of the model that they were made from (`HeadModel.eyes`).
 */
export function eyesOf(model: HeadModel): Eyes | null {
  if (model.eyes !== undefined) return model.eyes;
  let eyes = known.get(model);
  if (eyes === undefined) {
    eyes = findEyes(model);
    if (eyes && !anySinks(eyes, model)) eyes = null;
    known.set(model, eyes);
  }
  return eyes;
}

/**
 * Kinds of a model's faces in a pose, as `rasterize` takes them: (F); null where depth alone decides.
 * @param vertices (V,3) as posed; a turn or a shift of the whole changes nothing.
 */
export function faceKinds(model: HeadModel, vertices: Float32Array): Uint8Array | null {
  const eyes = eyesOf(model);
  if (!eyes) return null;
  const kinds = new Uint8Array(model.faces.length / 3);
  return sunkenLids(eyes, vertices, kinds) ? kinds : null;
}

/**
 * Kinds of faces in a pose: eyeballs and the lids that have sunk into them.
 * @param vertices (V,3) as posed.
 * @param kinds (F) overwritten.
 * @returns whether any lid has sunk; where none has, depth alone decides.
 */
export function sunkenLids({ eyes }: Eyes, vertices: Float32Array, kinds: Uint8Array): boolean {
  kinds.fill(0);
  let any = false;
  for (let e = 0; e < eyes.length; e++) if (sinkLids(eyes[e], vertices, kinds, e + 1)) any = true;
  return any;
}

function sinkLids(eye: Eye, vertices: Float32Array, kinds: Uint8Array, kind: number): boolean {
  const { ball, shares, lids, corners, faces } = eye;
  let cx = 0;
  let cy = 0;
  let cz = 0;
  for (let i = 0; i < ball.length; i++) {
    const v = 3 * ball[i];
    cx += shares[i] * vertices[v];
    cy += shares[i] * vertices[v + 1];
    cz += shares[i] * vertices[v + 2];
  }
  let far = 0;
  for (let i = 0; i < ball.length; i++) far = Math.max(far, squared(vertices, 3 * ball[i], cx, cy, cz));
  far *= (1 + FLAT) ** 2;
  let any = false;
  for (let i = 0; i < lids.length; i++) {
    const a = 3 * corners[3 * i];
    const b = 3 * corners[3 * i + 1];
    const c = 3 * corners[3 * i + 2];
    if (
      squared(vertices, a, cx, cy, cz) >= far &&
      squared(vertices, b, cx, cy, cz) >= far &&
      squared(vertices, c, cx, cy, cz) >= far
    )
      continue;
    if (!(turnedAway(vertices, a, b, c, cx, cy, cz) > AWAY)) continue;
    kinds[lids[i]] = kind;
    any = true;
  }
  if (any) for (let i = 0; i < faces.length; i++) kinds[faces[i]] = EYEBALL + kind;
  return any;
}

function squared(v: Float32Array, at: number, x: number, y: number, z: number): number {
  return (v[at] - x) ** 2 + (v[at + 1] - y) ** 2 + (v[at + 2] - z) ** 2;
}

/** Cosine between a face's normal and the way to its middle from a point. */
function turnedAway(
  v: Float32Array,
  a: number,
  b: number,
  c: number,
  x: number,
  y: number,
  z: number,
): number {
  const ux = v[b] - v[a];
  const uy = v[b + 1] - v[a + 1];
  const uz = v[b + 2] - v[a + 2];
  const wx = v[c] - v[a];
  const wy = v[c + 1] - v[a + 1];
  const wz = v[c + 2] - v[a + 2];
  const nx = uy * wz - uz * wy;
  const ny = uz * wx - ux * wz;
  const nz = ux * wy - uy * wx;
  const dx = (v[a] + v[b] + v[c]) / 3 - x;
  const dy = (v[a + 1] + v[b + 1] + v[c + 1]) / 3 - y;
  const dz = (v[a + 2] + v[b + 2] + v[c + 2]) / 3 - z;
  const lengths = (nx * nx + ny * ny + nz * nz) * (dx * dx + dy * dy + dz * dz);
  return (nx * dx + ny * dy + nz * dz) / Math.sqrt(lengths);
}

/** Whether a lid sinks while the mean face shuts its eyes. */
function anySinks(eyes: Eyes, model: HeadModel): boolean {
  const kinds = new Uint8Array(model.faces.length / 3);
  const shut = shutting(model, eyes);
  const vertices = new Float32Array(shut.length);
  for (const share of SHUT) {
    for (let i = 0; i < shut.length; i++) vertices[i] = model.template[i] + share * shut[i];
    if (sunkenLids(eyes, vertices, kinds)) return true;
  }
  return false;
}
