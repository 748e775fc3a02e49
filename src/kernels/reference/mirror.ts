/** Reference of `kernels/mirror.ts`, float64. */
import { REACH } from '../mirror.ts';

/** A mesh, in plain arrays. */
export interface MeshReference {
  readonly template: ArrayLike<number>;
  readonly faces: ArrayLike<number>;
}

/** Finds the mirror point of a point of the surface: its face and barycentrics, null without one. */
export type MirrorReference = (
  face: number,
  beta: readonly number[],
) => { face: number; beta: number[] } | null;

/** The other side of a mesh. */
export function mirrorReference({ template, faces }: MeshReference): MirrorReference {
  const vertex = (v: number) => [template[3 * v], template[3 * v + 1], template[3 * v + 2]];
  const corners = (f: number) => [faces[3 * f], faces[3 * f + 1], faces[3 * f + 2]];
  const all = Array.from({ length: faces.length / 3 }, (_, f) => corners(f));
  const images = Array.from({ length: template.length / 3 }, (_, v) => {
    const [x, y, z] = vertex(v);
    let best = -1;
    let least = Number.POSITIVE_INFINITY;
    for (let w = 0; w < template.length / 3; w++) {
      const d = square(minus(vertex(w), [-x, y, z]));
      if (d < least) [least, best] = [d, w];
    }
    return best;
  });
  return (face, beta) => {
    const mirrored = corners(face).map((v) => images[v]);
    const twin = all.findLastIndex(
      (others) => new Set(mirrored).size === 3 && mirrored.every((v) => others.includes(v)),
    );
    if (twin >= 0) return { face: twin, beta: corners(twin).map((v) => beta[mirrored.indexOf(v)]) };
    const [x, y, z] = [0, 1, 2].map((axis) =>
      corners(face).reduce((sum, v, a) => sum + beta[a] * vertex(v)[axis], 0),
    );
    const image = [-x, y, z];
    let found: { face: number; beta: number[] } | null = null;
    let least = REACH * REACH;
    for (const v of mirrored)
      for (const [f, others] of all.entries()) {
        if (!others.includes(v)) continue;
        const near = closestOnTriangle(others.map(vertex), image);
        if (near.square >= least) continue;
        least = near.square;
        found = { face: f, beta: near.beta };
      }
    return found;
  };
}

function minus(a: readonly number[], b: readonly number[]): number[] {
  return a.map((x, i) => x - b[i]);
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

function square(a: readonly number[]): number {
  return dot(a, a);
}

/** Closest point of a triangle: barycentrics and squared distance (Ericson 2005, 5.1.5). */
function closestOnTriangle([a, b, c]: number[][], p: number[]): { beta: number[]; square: number } {
  const [u, v, w] = [minus(b, a), minus(c, a), minus(p, a)];
  const det = square(u) * square(v) - dot(u, v) ** 2;
  const s = det > 1e-20 ? (square(v) * dot(u, w) - dot(u, v) * dot(v, w)) / det : 0;
  const t = det > 1e-20 ? (square(u) * dot(v, w) - dot(u, v) * dot(u, w)) / det : 0;
  // Inside, or the nearest of the three edges' nearest points.
  const share = (from: number[], along: number[]) =>
    Math.min(Math.max(dot(from, along) / Math.max(square(along), 1e-20), 0), 1);
  const onBC = share(minus(p, c), minus(b, c));
  const inside = s >= 0 && t >= 0 && s + t <= 1;
  const places = inside
    ? [[s, t]]
    : [
        [share(w, u), 0],
        [0, share(w, v)],
        [onBC, 1 - onBC],
      ];
  let best = { beta: [1, 0, 0], square: Number.POSITIVE_INFINITY };
  for (const [i, j] of places) {
    const d = square(w.map((x, k) => x - i * u[k] - j * v[k]));
    if (d < best.square) best = { beta: [1 - i - j, i, j], square: d };
  }
  return best;
}
