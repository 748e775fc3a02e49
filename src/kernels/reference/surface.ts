/** Reference of `kernels/surface.ts`, float64: sums over faces. */

/**
 * Unit normals of vertices, area-weighted.
 * @param vertices (V,3)
 * @param faces (F,3)
 * @returns (V,3) and (V) lengths of the area-weighted sums
 */
export function normalsReference(
  vertices: ArrayLike<number>,
  faces: ArrayLike<number>,
): { normals: Float64Array; lengths: Float64Array } {
  const normals = new Float64Array(vertices.length);
  const lengths = new Float64Array(vertices.length / 3);
  for (let f = 0; f < faces.length; f += 3) {
    const [a, b, c] = [0, 1, 2].map((i) => corner(vertices, faces[f + i]));
    const n = cross(subtract(b, a), subtract(c, a));
    for (let i = 0; i < 3; i++) for (let k = 0; k < 3; k++) normals[3 * faces[f + i] + k] += n[k];
  }
  for (let v = 0; v < lengths.length; v++) {
    lengths[v] = Math.hypot(normals[3 * v], normals[3 * v + 1], normals[3 * v + 2]);
    for (let k = 0; k < 3; k++) normals[3 * v + k] /= Math.max(lengths[v], 1e-20);
  }
  return { normals, lengths };
}

/**
 * Derivative rows of u, v, n_x, n_y, n_z of one vertex.
 * @param projection (8) ∂(u, v)/∂(x, y, z) by rows, two unused
 * @param rows (3V,n) derivative rows of all vertices
 * @returns (5,n)
 */
export function surfaceRowsReference(
  vertices: ArrayLike<number>,
  faces: ArrayLike<number>,
  vertex: number,
  projection: ArrayLike<number>,
  rows: ArrayLike<number>,
  n: number,
): Float64Array {
  const out = new Float64Array(5 * n);
  const { normals, lengths } = normalsReference(vertices, faces);
  const normal = corner(normals, vertex);
  for (let k = 0; k < n; k++) {
    const d = (v: number) => [0, 1, 2].map((a) => rows[(3 * v + a) * n + k]);
    const own = d(vertex);
    for (let r = 0; r < 2; r++) for (let a = 0; a < 3; a++) out[r * n + k] += projection[3 * r + a] * own[a];
    let sum = [0, 0, 0];
    for (let f = 0; f < faces.length; f += 3) {
      const [i, j, l] = [faces[f], faces[f + 1], faces[f + 2]];
      if (i !== vertex && j !== vertex && l !== vertex) continue;
      const [a, b, c] = [i, j, l].map((v) => corner(vertices, v));
      // d((b−a) × (c−a))
      const first = cross(subtract(d(j), d(i)), subtract(c, a));
      const second = cross(subtract(b, a), subtract(d(l), d(i)));
      sum = sum.map((s, axis) => s + first[axis] + second[axis]);
    }
    const along = sum[0] * normal[0] + sum[1] * normal[1] + sum[2] * normal[2];
    for (let a = 0; a < 3; a++)
      out[(2 + a) * n + k] = (sum[a] - along * normal[a]) / Math.max(lengths[vertex], 1e-20);
  }
  return out;
}

function corner(points: ArrayLike<number>, v: number): number[] {
  return [points[3 * v], points[3 * v + 1], points[3 * v + 2]];
}

function subtract(a: readonly number[], b: readonly number[]): number[] {
  return a.map((x, i) => x - b[i]);
}

function cross(a: readonly number[], b: readonly number[]): number[] {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}
