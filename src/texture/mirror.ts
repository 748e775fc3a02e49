/**
 * The other side of the face: for a point of the surface, the nearest point of the surface to its mirror image in the
 * plane x = 0 of the template. Works for any head; on meshes that are themselves symmetric, as most are, it is exact and
 * costs a look-up.
 */
import type { TexturedMesh } from './texel-graph.ts';

/** Finds mirror points; made once per model by {@link mirrorOf}. */
export interface Mirror {
  /**
   * The mirror point of (face, barycentrics at `b[at…at+2]`) as a face and, through `out` (3), barycentrics; −1 where
   * the other side has nothing within {@link REACH}.
   */
  find(face: number, b: Float32Array, at: number, out: Float64Array): number;
}

/** Metres between a mirror image and the surface beyond which it is nobody's mirror point. */
export const REACH = 0.01;

const known = new WeakMap<TexturedMesh, Mirror>();

/** The mirror of `model`. */
export function mirrorOf(model: TexturedMesh): Mirror {
  const old = known.get(model);
  if (old) return old;
  const made = buildMirror(model);
  known.set(model, made);
  return made;
}

function buildMirror(model: TexturedMesh): Mirror {
  const { template, faces } = model;
  const V = template.length / 3;
  const F = faces.length / 3;
  const twins = mirrorVertices(template);
  const byCorners = new Map<number, number>();
  // Sorted corners as one number, exact up to 200,000 vertices.
  const key = (a: number, b: number, c: number) => {
    const [low, high] = [Math.min(a, b, c), Math.max(a, b, c)];
    return (low * V + (a + b + c - low - high)) * V + high;
  };
  for (let f = 0; f < F; f++) byCorners.set(key(faces[3 * f], faces[3 * f + 1], faces[3 * f + 2]), f);
  const exact = new Int32Array(F);
  for (let f = 0; f < F; f++)
    exact[f] =
      byCorners.get(key(twins[faces[3 * f]], twins[faces[3 * f + 1]], twins[faces[3 * f + 2]])) ?? -1;
  const around: number[][] = Array.from({ length: V }, () => []);
  for (let i = 0; i < faces.length; i++) around[faces[i]].push(Math.floor(i / 3));
  const candidates = new Map<number, number[]>();
  const candidatesOf = (face: number): number[] => {
    let list = candidates.get(face);
    if (!list) {
      list = [...new Set([0, 1, 2].flatMap((a) => around[twins[faces[3 * face + a]]]))];
      candidates.set(face, list);
    }
    return list;
  };
  const closest = new Float64Array(4);
  return {
    find(face, b, at, out) {
      const twin = exact[face];
      if (twin >= 0) {
        for (let a = 0; a < 3; a++)
          for (let i = 0; i < 3; i++)
            if (faces[3 * twin + i] === twins[faces[3 * face + a]]) out[i] = b[at + a];
        return twin;
      }
      let [x, y, z] = [0, 0, 0];
      for (let a = 0; a < 3; a++) {
        const v = 3 * faces[3 * face + a];
        x -= b[at + a] * template[v];
        y += b[at + a] * template[v + 1];
        z += b[at + a] * template[v + 2];
      }
      let best = -1;
      let least = REACH * REACH;
      for (const f of candidatesOf(face)) {
        closestOnTriangle(template, faces, f, x, y, z, closest);
        if (closest[3] < least) {
          least = closest[3];
          best = f;
          out.set(closest.subarray(0, 3));
        }
      }
      return best;
    },
  };
}

/** (V) nearest vertex to the mirror image of each vertex, by a grid of cells. */
function mirrorVertices(template: Float32Array): Uint32Array {
  const V = template.length / 3;
  const cell = 0.006;
  const cells = new Map<number, number[]>();
  const index = (x: number) => Math.floor(x / cell) + 2048;
  const hash = (i: number, j: number, k: number) => (i * 4096 + j) * 4096 + k;
  for (let v = 0; v < V; v++) {
    const h = hash(index(template[3 * v]), index(template[3 * v + 1]), index(template[3 * v + 2]));
    const list = cells.get(h);
    if (list) list.push(v);
    else cells.set(h, [v]);
  }
  return Uint32Array.from({ length: V }, (_, v) => {
    const [x, y, z] = [-template[3 * v], template[3 * v + 1], template[3 * v + 2]];
    let best = v;
    let least = Number.POSITIVE_INFINITY;
    const look = (w: number) => {
      const d = (template[3 * w] - x) ** 2 + (template[3 * w + 1] - y) ** 2 + (template[3 * w + 2] - z) ** 2;
      if (d < least) {
        least = d;
        best = w;
      }
    };
    const [i, j, k] = [index(x), index(y), index(z)];
    for (let a = -1; a <= 1; a++)
      for (let b = -1; b <= 1; b++)
        for (let c = -1; c <= 1; c++) cells.get(hash(i + a, j + b, k + c))?.forEach(look);
    // What lies within a cell's length is the nearest of all; else look at everything.
    if (least > cell * cell) for (let w = 0; w < V; w++) look(w);
    return best;
  });
}

/**
 * Closest point of triangle f to (x, y, z): barycentrics and squared distance to `out` (Ericson 2005, 5.1.5).
 */
function closestOnTriangle(
  p: Float32Array,
  faces: Uint32Array,
  f: number,
  x: number,
  y: number,
  z: number,
  out: Float64Array,
): void {
  const [a, b, c] = [3 * faces[3 * f], 3 * faces[3 * f + 1], 3 * faces[3 * f + 2]];
  const [ux, uy, uz] = [p[b] - p[a], p[b + 1] - p[a + 1], p[b + 2] - p[a + 2]];
  const [vx, vy, vz] = [p[c] - p[a], p[c + 1] - p[a + 1], p[c + 2] - p[a + 2]];
  const [wx, wy, wz] = [x - p[a], y - p[a + 1], z - p[a + 2]];
  const uu = ux * ux + uy * uy + uz * uz;
  const uv = ux * vx + uy * vy + uz * vz;
  const vv = vx * vx + vy * vy + vz * vz;
  const uw = ux * wx + uy * wy + uz * wz;
  const vw = vx * wx + vy * wy + vz * wz;
  const det = uu * vv - uv * uv;
  let s = det > 1e-20 ? (vv * uw - uv * vw) / det : 0;
  let t = det > 1e-20 ? (uu * vw - uv * uw) / det : 0;
  if (s < 0 || t < 0 || s + t > 1) {
    // Outside: the nearest of the three edges' nearest points.
    let least = Number.POSITIVE_INFINITY;
    const alongU = clamp01(uw / Math.max(uu, 1e-20));
    const alongV = clamp01(vw / Math.max(vv, 1e-20));
    const alongW = clamp01((vw - uw - uv + uu) / Math.max(uu - 2 * uv + vv, 1e-20));
    for (let edge = 0; edge < 3; edge++) {
      const i = edge === 0 ? alongU : edge === 1 ? 0 : 1 - alongW;
      const j = edge === 0 ? 0 : edge === 1 ? alongV : alongW;
      const d = (wx - i * ux - j * vx) ** 2 + (wy - i * uy - j * vy) ** 2 + (wz - i * uz - j * vz) ** 2;
      if (d < least) [least, s, t] = [d, i, j];
    }
  }
  out[0] = 1 - s - t;
  out[1] = s;
  out[2] = t;
  out[3] = (wx - s * ux - t * vx) ** 2 + (wy - s * uy - t * vy) ** 2 + (wz - s * uz - t * vz) ** 2;
}

function clamp01(k: number): number {
  return k < 0 ? 0 : k > 1 ? 1 : k;
}
