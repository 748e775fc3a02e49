/**
 * The line of lashes along the upper lids. Nothing of a lid is taken from where a photo shows its lashes (`skin-trust.ts`):
 * the few texels there are stretched to a whole shut lid by a blink, and what the photo has there, lashes and what of the eye
 * a fit that is a pixel off puts on the lid, would go with them. Without any, open eyes look bare. So the very edge of the lid
 * is made as much darker than the lid as the photo has it, alike along the whole edge.
 */
import type { Image8 } from '../core/image.ts';
import { median } from '../core/quantile.ts';
import type { PhotoFit } from '../fit/types.ts';
import type { HeadModel, SurfacePoints } from '../model/head-model.ts';
import { surfacePoint } from '../model/surface-point.ts';
import { nodesOn } from './nodes-on.ts';
import { facesInSkin } from './skin-trust.ts';
import type { TexelGraph } from './texel-graph.ts';
import type { TextureView } from './texture-view.ts';

/** Tuning; lengths in eye distances of the photo unless a unit is given. */
export const LASHES_DEFAULTS = {
  /** Metres from the edge of the lid at which lashes end. */
  width: 0.0012,
  /** Share of the edge over which they fade at each corner. */
  taper: 0.2,
  /** Where lashes are looked for, above the edge of the lid. */
  across: [0, 0.03],
  /** Where the skin that they are compared with is. */
  skin: 0.07,
  /** Least brightness of lashes over that of skin. */
  least: 0.15,
} as const;

/** Nodes at the edges of the upper lids. */
export interface LashNodes {
  readonly nodes: Uint32Array;
  /** float32 1 at the edge itself, falling to 0. */
  readonly weights: Float32Array;
}

/** Face-mesh points along the edges of the upper lids, and those of the inner 51 landmarks for heads without them. */
const EDGES = [
  { mesh: [33, 246, 161, 160, 159, 158, 157, 173, 133], inner: [19, 20, 21, 22] },
  { mesh: [362, 398, 384, 385, 386, 387, 388, 466, 263], inner: [25, 26, 27, 28] },
] as const;
/** iBUG-68 numbers of the same. */
const LIDS = [
  [36, 37, 38, 39],
  [42, 43, 44, 45],
] as const;
/** Places along each piece of a lid's outline that are looked at, and across it. */
const ALONG = 6;
const ACROSS = 8;

/** The nodes of `graph` at the edges of the upper lids of a model's neutral head. */
export function lashNodes(model: HeadModel, graph: TexelGraph): LashNodes {
  const nodes: number[] = [];
  const weights: number[] = [];
  const edges = EDGES.map((edge) => lidEdge(model, edge));
  const near = facesNear(model, facesInSkin(model), edges);
  for (const i of nodesOn(graph.faces, near)) {
    const edge = edges[near[graph.faces[i]] - 1];
    const weight = lashWeight(edge, surfacePoint(model, graph, i, model.template));
    if (weight === 0) continue;
    nodes.push(i);
    weights.push(weight);
  }
  return { nodes: Uint32Array.from(nodes), weights: Float32Array.from(weights) };
}

/**
 * (3) how bright lashes are over the skin above them, in all photos together; 1 where none shows that skin.
 */
export function lashShade(views: readonly TextureView[]): Float32Array {
  const { least } = LASHES_DEFAULTS;
  const shades: Shades = [[], [], []];
  for (const view of views) lookAtLashes(view, shades);
  return Float32Array.from(shades, (s) => (s.length > 0 ? Math.min(Math.max(median(s), least), 1) : 1));
}

type Shades = readonly [number[], number[], number[]];

/** Adds what one photo shows at places along both lids. */
function lookAtLashes({ fit, photo }: TextureView, shades: Shades): void {
  const landmarks = fit.observation.landmarks68;
  const { across, skin } = LASHES_DEFAULTS;
  const at = (l: number) => [landmarks[2 * l], landmarks[2 * l + 1]] as const;
  const [right, left] = [at(36), at(45)];
  const eyes = Math.hypot(left[0] - right[0], left[1] - right[1]);
  for (const lid of LIDS)
    for (let k = 0; k + 1 < lid.length; k++) {
      const [a, b] = [at(lid[k]), at(lid[k + 1])];
      const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
      const length = Math.max(Math.hypot(dx, dy), 1e-6);
      // Upwards on an upright face: lids run from its right to its left.
      const up = [dy / length, -dx / length];
      for (let j = 0; j < ALONG; j++) {
        const t = (j + 0.5) / ALONG;
        const place = (by: number): Place => [
          a[0] + t * dx + by * eyes * up[0],
          a[1] + t * dy + by * eyes * up[1],
        ];
        if (!isSkin(fit, place(skin))) continue;
        const plain = sample(photo, place(skin));
        let darkest: readonly number[] | null = null;
        for (let i = 0; i < ACROSS; i++) {
          const here = sample(photo, place(across[0] + ((across[1] - across[0]) * i) / (ACROSS - 1)));
          if (here && (!darkest || brightness(here) < brightness(darkest))) darkest = here;
        }
        if (plain && darkest) for (let c = 0; c < 3; c++) shades[c].push(darkest[c] / Math.max(plain[c], 1));
      }
    }
}

/**
 * Darkens the edges of the lids.
 * @param mean (n,4) parametric albedo, @param offset (n,4) filled; changed in place
 * @param shade (3) from {@link lashShade}
 */
export function addLashes(
  { nodes, weights }: LashNodes,
  shade: ArrayLike<number>,
  mean: Float32Array,
  offset: Float32Array,
): void {
  for (const [k, i] of nodes.entries())
    for (let c = 0; c < 3; c++) {
      const at = 4 * i + c;
      offset[at] += weights[k] * (shade[c] - 1) * (mean[at] + offset[at]);
    }
}

/** The edge of an upper lid of the neutral head as a line of K points. */
interface LidEdge {
  /** (K,3). */
  readonly line: Float64Array;
  /** What lies near it, (3) each. */
  readonly least: Float64Array;
  readonly most: Float64Array;
}

function lidEdge(model: HeadModel, { mesh, inner }: (typeof EDGES)[number]): LidEdge {
  const { indices, points } = model.landmarks.mesh;
  const numbers = mesh.map((index) => indices.indexOf(index));
  const place = (among: SurfacePoints, l: number) => surfacePoint(model, among, l, model.template);
  const placed = numbers.filter((l) => l >= 0);
  const line =
    placed.length > inner.length
      ? placed.map((l) => place(points, l))
      : inner.map((l) => place(model.landmarks.inner51, l));
  const { width } = LASHES_DEFAULTS;
  const beyond = (extreme: (...values: number[]) => number, by: number) =>
    Float64Array.from([0, 1, 2], (a) => extreme(...line.map((p) => p[a])) + by);
  return {
    line: Float64Array.from(line.flat()),
    least: beyond(Math.min, -width),
    most: beyond(Math.max, width),
  };
}

/** (F) which edge, from 1, a face of `skin` (F) may be near; 0 for none. Edges are apart by more than a face. */
function facesNear({ faces, template }: HeadModel, skin: Uint8Array, edges: readonly LidEdge[]): Uint8Array {
  const out = new Uint8Array(skin.length);
  for (let f = 0; f < out.length; f++) {
    if (skin[f] === 0) continue;
    for (let k = 0; k < edges.length; k++) if (isNear(edges[k], template, faces, 3 * f)) out[f] = k + 1;
  }
  return out;
}

/** Whether the face with corners faces[at…at+2] reaches into what lies near an edge. */
function isNear({ least, most }: LidEdge, template: Float32Array, faces: Uint32Array, at: number): boolean {
  for (let a = 0; a < 3; a++) {
    const x = template[3 * faces[at] + a];
    const y = template[3 * faces[at + 1] + a];
    const z = template[3 * faces[at + 2] + a];
    if (Math.min(x, y, z) > most[a] || Math.max(x, y, z) < least[a]) return false;
  }
  return true;
}

/** How surely there are lashes at a place: 1 at the edge itself, falling to 0 away from it and towards its corners. */
function lashWeight({ line, least, most }: LidEdge, p: readonly number[]): number {
  for (let a = 0; a < 3; a++) if (p[a] < least[a] || p[a] > most[a]) return 0;
  const { width, taper } = LASHES_DEFAULTS;
  const pieces = line.length / 3 - 1;
  // The nearest place, and where along the line it lies, by pieces, from 0 to 1.
  let distance = Infinity;
  let along = 0;
  for (let k = 0; k < pieces; k++) {
    const dx = line[3 * k + 3] - line[3 * k];
    const dy = line[3 * k + 4] - line[3 * k + 1];
    const dz = line[3 * k + 5] - line[3 * k + 2];
    const qx = p[0] - line[3 * k];
    const qy = p[1] - line[3 * k + 1];
    const qz = p[2] - line[3 * k + 2];
    const square = Math.max(dx * dx + dy * dy + dz * dz, 1e-18);
    const t = Math.min(Math.max((qx * dx + qy * dy + qz * dz) / square, 0), 1);
    const here = Math.sqrt((qx - t * dx) ** 2 + (qy - t * dy) ** 2 + (qz - t * dz) ** 2);
    if (here >= distance) continue;
    distance = here;
    along = (k + t) / pieces;
  }
  const d = distance / width;
  return d < 1 ? (1 - d * d) ** 2 * Math.min(1, Math.min(along, 1 - along) / taper) : 0;
}

type Place = readonly [x: number, y: number];

/** Whether the fit took a place of the photo for skin. */
function isSkin({ skin: { crop, mask } }: PhotoFit, place: Place): boolean {
  const [x, y] = place.map((at, i) => Math.floor((at - crop.origin[i]) * crop.scale));
  return x >= 0 && y >= 0 && x < crop.size && y < crop.size && mask[y * crop.size + x] >= 128;
}

/** The colour at a place of the photo, 0…255; null outside. */
function sample({ width, height, data }: Image8, [x, y]: Place): readonly number[] | null {
  const [ix, iy] = [Math.floor(x), Math.floor(y)];
  if (!(ix >= 0 && iy >= 0 && ix < width && iy < height)) return null;
  const at = 4 * (iy * width + ix);
  return [data[at], data[at + 1], data[at + 2]];
}

function brightness(colour: readonly number[]): number {
  return colour[0] + colour[1] + colour[2];
}
