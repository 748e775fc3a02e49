/** What of a model are its eyes: eyeballs, the faces around them that can be their lids, and how it shuts them. */
import { NotPositiveDefiniteError } from '../core/errors.ts';
import { solvePositiveDefinite } from '../linalg/cholesky.ts';
import type { Eye, Eyes, HeadModel } from './head-model.ts';
import { surfacePoint } from './surface-point.ts';

/** The eyeballs and the first of each eye's six landmarks among the inner 51. */
const SIDES = [
  { ball: 'left_eyeball', landmarks: 25 },
  { ball: 'right_eyeball', landmarks: 19 },
] as const;
/** Landmarks of upper and lower lid that lie opposite each other, among the six. */
const OPPOSITE = [
  [1, 5],
  [2, 4],
] as const;
/** Lids lie that far from the centre on the template, in radii of the eyeball; what is nearer is the socket. */
const LEAST = 0.8;
const MOST = 1.6;

/** The eyes of `model`; null without eyeballs, or where they lie behind a skin that has no opening for them. */
export function findEyes(model: HeadModel): Eyes | null {
  const { template, faces } = model;
  const places = new Uint8Array(template.length / 3);
  const found = SIDES.map((side, e) => findEye(model, side, e, places)).filter((eye) => eye !== null);
  if (found.length === 0) return null;
  for (let f = 0; f < faces.length; f += 3) {
    const place = places[faces[f]] | places[faces[f + 1]] | places[faces[f + 2]];
    if (place !== 0 && !putFace(template, faces, f, place, found)) return null;
  }
  const eyes = found.map(({ ball, shares, inside, lids, corners }) => ({
    ...{ ball, shares, faces: Uint32Array.from(inside) },
    ...{ lids: Uint32Array.from(lids), corners: Uint32Array.from(corners) },
  }));
  return { eyes };
}

/** An eye whose faces are looked for. */
interface FoundEye extends Pick<Eye, 'ball' | 'shares'> {
  /** Bits of the places of vertices: of the eyeball, near to it, in its socket. */
  readonly own: number;
  readonly near: number;
  readonly deep: number;
  /** (3) the centre, and from there to the middle of the lids. */
  readonly centre: readonly number[];
  readonly middle: readonly number[];
  readonly inside: number[];
  readonly lids: number[];
  readonly corners: number[];
}

/** Eye `e` without its faces; marks `places` (V). */
function findEye(
  model: HeadModel,
  side: (typeof SIDES)[number],
  e: number,
  places: Uint8Array,
): FoundEye | null {
  const { template, regions, landmarks } = model;
  const ball = regions.get(side.ball);
  if (!ball || ball.length < 4) return null;
  const round = sphere(template, ball);
  if (!round) return null;
  const { shares, centre, radius } = round;
  const middle = [0, 0, 0];
  for (let l = side.landmarks; l < side.landmarks + 6; l++) {
    const p = surfacePoint(model, landmarks.inner51, l, template);
    for (let a = 0; a < 3; a++) middle[a] += (p[a] - centre[a]) / 6;
  }
  const [own, near, deep] = [1, 2, 4].map((bit) => bit << (3 * e));
  markNear(template, centre, MOST * radius, near, places);
  markNear(template, centre, LEAST * radius, deep, places);
  for (const v of ball) places[v] = own;
  return { ball, shares, own, near, deep, centre, middle, inside: [], lids: [], corners: [] };
}

/** Puts a face, its corners beginning at `first`, where it belongs; false where it shuts an eyeball in. */
function putFace(
  template: Float32Array,
  faces: Uint32Array,
  first: number,
  place: number,
  eyes: readonly FoundEye[],
): boolean {
  for (const eye of eyes) {
    if (place === eye.own) eye.inside.push(first / 3);
    else if ((place & (eye.near | eye.deep)) === eye.near) {
      if (leaves(template, faces, first, eye)) return false;
      eye.lids.push(first / 3);
      eye.corners.push(faces[first], faces[first + 1], faces[first + 2]);
    }
  }
  return true;
}

/** Whether the ray from an eye's centre through the middle of its lids leaves by the outer side of a face. */
function leaves(template: Float32Array, faces: Uint32Array, first: number, eye: FoundEye): boolean {
  const [x, y, z] = eye.centre;
  const [u, v, w] = eye.middle;
  // middle·(p × q) of each edge from corner p to corner q, seen from the centre.
  let px = 0;
  let py = 0;
  let pz = 0;
  for (let i = 0; i <= 3; i++) {
    const at = 3 * faces[first + (i % 3)];
    const qx = template[at] - x;
    const qy = template[at + 1] - y;
    const qz = template[at + 2] - z;
    if (qx * u + qy * v + qz * w <= 0) return false;
    if (i > 0 && !(u * (py * qz - pz * qy) + v * (pz * qx - px * qz) + w * (px * qy - py * qx) > 0))
      return false;
    px = qx;
    py = qy;
    pz = qz;
  }
  return true;
}

/** Sets the bits `mark` of vertices less than `reach` from `centre`. */
function markNear(
  template: Float32Array,
  [x, y, z]: readonly number[],
  reach: number,
  mark: number,
  places: Uint8Array,
): void {
  const least = reach * reach;
  for (let v = 0; v < places.length; v++) {
    const dx = template[3 * v] - x;
    const dy = template[3 * v + 1] - y;
    const dz = template[3 * v + 2] - z;
    if (dx * dx + dy * dy + dz * dz < least) places[v] |= mark;
  }
}

/**
 * (V,3) what moves the mean face's lids together, in the likeliest way: each expression by its variance times what it does
 * to the distance of the lids, within its bounds. Only `eyes` are moved.
 */
export function shutting(model: HeadModel, { eyes }: Eyes): Float32Array {
  const { template, expressionBasis, expressionRange, expressionSd } = model;
  const n = template.length;
  const apart = (vertices: Float32Array, from: number) =>
    SIDES.flatMap((side) =>
      OPPOSITE.flatMap(([upper, lower]) => {
        const at = (l: number) =>
          surfacePoint(model, model.landmarks.inner51, side.landmarks + l, vertices, from);
        const below = at(lower);
        return at(upper).map((x, a) => x - below[a]);
      }),
    );
  const rest = apart(template, 0);
  const open = Math.hypot(...rest);
  // What expressions that cannot go below zero open says nothing about shutting.
  const shuts = Array.from(expressionSd, (_, e) => {
    const by = -dot(rest, apart(expressionBasis, e * n)) / open;
    return by > 0 || expressionRange[2 * e] < 0 ? by : 0;
  });
  const sum = shuts.reduce((s, x, e) => s + (x * expressionSd[e]) ** 2, 0);
  const moved = new Uint8Array(n / 3);
  for (const { ball, corners } of eyes) for (const of of [ball, corners]) for (const v of of) moved[v] = 1;
  const vertices = Uint32Array.from(moved.keys()).filter((v) => moved[v]);
  const out = new Float32Array(n);
  for (let e = 0; e < shuts.length; e++) {
    if (shuts[e] === 0) continue;
    const wanted = (shuts[e] * expressionSd[e] ** 2 * open) / sum;
    const weight = Math.max(Math.min(wanted, expressionRange[2 * e + 1]), expressionRange[2 * e]);
    addAt(vertices, weight, expressionBasis.subarray(e * n, (e + 1) * n), out);
  }
  return out;
}

function addAt(vertices: Uint32Array, weight: number, from: Float32Array, to: Float32Array): void {
  for (let i = 0; i < vertices.length; i++)
    for (let a = 3 * vertices[i]; a < 3 * vertices[i] + 3; a++) to[a] += weight * from[a];
}

/** The sphere nearest to vertices (algebraic least squares), its centre also as shares of them; null where they are flat. */
function sphere(template: Float32Array, ball: Uint32Array) {
  // Σ (|p|² − 2c·p + |c|² − r²)² is least where M·(2c, r² − |c|²) = Σ |p|²(p, 1), with M = Σ (p, 1)(p, 1)ᵀ; about the mean.
  const mean = [0, 0, 0];
  for (const v of ball) for (let a = 0; a < 3; a++) mean[a] += template[3 * v + a] / ball.length;
  const points = Array.from(ball, (v) => [0, 1, 2].map((a) => template[3 * v + a] - mean[a]).concat(1));
  const matrix = new Float64Array(16);
  const right = new Float64Array(4);
  for (const p of points) {
    const square = p[0] ** 2 + p[1] ** 2 + p[2] ** 2;
    for (let i = 0; i < 4; i++) {
      right[i] += square * p[i];
      for (let j = 0; j < 4; j++) matrix[4 * i + j] += p[i] * p[j];
    }
  }
  // Pictures of eyes on discs: nothing of them is round.
  let solved: ArrayLike<number>;
  try {
    solved = solvePositiveDefinite(matrix, 4, right);
  } catch (error) {
    if (error instanceof NotPositiveDefiniteError) return null;
    throw error;
  }
  const c = [0, 1, 2].map((a) => solved[a] / 2);
  // Of all weights that add up to this point, the smallest.
  const slope = solvePositiveDefinite(matrix, 4, Float64Array.from([...c, 1]));
  return {
    centre: c.map((x, a) => x + mean[a]),
    radius: Math.max(...points.map((p) => Math.hypot(p[0] - c[0], p[1] - c[1], p[2] - c[2]))),
    shares: Float64Array.from(points, (p) => dot(p, slope)),
  };
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}
