import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import { firstOf } from '../../src/kernels/part.ts';
import { normalsReference, surfaceRowsReference } from '../../src/kernels/reference/surface.ts';
import { buildFans, fanNormals, surfaceRows, takeFans, tangentFrames } from '../../src/kernels/surface.ts';
import { BUILDS } from './builds.ts';

/** A wavy grid with a border, and a fin on one edge: three faces meet there. */
function sheet(seed: number) {
  const random = createRandom(seed);
  const n = 5;
  const vertices: number[] = [];
  for (let y = 0; y < n; y++)
    for (let x = 0; x < n; x++)
      vertices.push(x + 0.2 * random.normal(), y + 0.2 * random.normal(), 0.5 * random.normal());
  const faces: number[] = [];
  for (let y = 0; y + 1 < n; y++)
    for (let x = 0; x + 1 < n; x++) {
      const i = y * n + x;
      faces.push(i, i + 1, i + n + 1, i, i + n + 1, i + n);
    }
  const fin = vertices.length / 3;
  vertices.push(2, 2.5, 2);
  faces.push(12, 13, fin);
  // A vertex of no face.
  vertices.push(9, 9, 9);
  return { vertices: Float32Array.from(vertices), faces: Uint32Array.from(faces), random };
}

describe.each(BUILDS)('surface (%s)', (_name, create) => {
  const kernels = create();
  const { vertices, faces, random } = sheet(4);
  const V = vertices.length / 3;
  const all = Uint32Array.from({ length: V }, (_, v) => v);

  it('normals of inner, border, finned and lonely vertices', () => {
    const { normals, lengths } = normalsReference(vertices, faces);
    const fans = buildFans(all, faces, Int32Array.from(all));
    kernels.scope(() => {
      const out = kernels.f32(4 * V);
      fanNormals(kernels, takeFans(kernels, fans), kernels.f32(vertices), out);
      for (let v = 0; v < V; v++) {
        for (let a = 0; a < 3; a++)
          expect(Math.abs(out.view[4 * v + a] - normals[3 * v + a])).toBeLessThan(1e-5);
        if (lengths[v] > 0) expect(out.view[4 * v + 3] * lengths[v]).toBeCloseTo(1, 4);
      }
    });
  });

  it('rows of projection and normal, for some of the vertices', () => {
    const centres = Uint32Array.from([0, 6, 7, 12, 13, 24]);
    // Rows lie in another order than vertices.
    const rowOf = Int32Array.from(all, (v) => V - 1 - v);
    const stride = 16;
    const byVertex = Float32Array.from({ length: 3 * V * stride }, () => random.normal());
    const byRow = new Float32Array(byVertex.length);
    for (let v = 0; v < V; v++)
      byRow.set(byVertex.subarray(3 * v * stride, 3 * (v + 1) * stride), 3 * rowOf[v] * stride);
    const active = Uint32Array.from([4, 1, 3]);
    const projection = Float32Array.from({ length: 8 * active.length }, () => random.normal());
    kernels.scope(() => {
      const fans = takeFans(kernels, buildFans(centres, faces, rowOf));
      const normals = kernels.f32(4 * centres.length);
      const points = kernels.f32(vertices);
      const out = kernels.f32(4 * active.length * stride + 1);
      const list = kernels.u32(active);
      const frames = kernels.f32(8 * active.length);
      fanNormals(kernels, fans, points, normals);
      tangentFrames(kernels, list, normals, frames);
      surfaceRows(
        kernels,
        fans,
        {
          vertices: points,
          normals,
          active: list,
          frames,
          projection: kernels.f32(projection),
          rows: kernels.f32(byRow),
          stride,
        },
        firstOf(out, 4 * active.length * stride),
      );
      for (const [i, fan] of active.entries()) {
        const J = projection.subarray(8 * i, 8 * i + 8);
        const expected = surfaceRowsReference(vertices, faces, centres[fan], J, byVertex, stride);
        const at = (row: number, k: number) => out.view[(4 * i + row) * stride + k];
        const tangents = frames.view.subarray(8 * i, 8 * i + 8);
        for (let k = 0; k < stride; k++) {
          for (let row = 0; row < 2; row++)
            expect(Math.abs(at(row, k) - expected[row * stride + k])).toBeLessThan(2e-5);
          // ∂n = t₁·row₂ + t₂·row₃
          for (let a = 0; a < 3; a++) {
            const dn = tangents[a] * at(2, k) + tangents[4 + a] * at(3, k);
            expect(Math.abs(dn - expected[(2 + a) * stride + k])).toBeLessThan(2e-5);
          }
        }
      }
      expect(out.view[4 * active.length * stride]).toBe(0);
    });
  });

  it('tangents are unit vectors across any normal', () => {
    const directions = [
      [0, 0, 1],
      [0, 0, -1],
      [1, 0, 0],
      [0.6, 0, -0.8],
      [0.6, -0.64, 0.48],
    ];
    kernels.scope(() => {
      const normals = kernels.f32(directions.flatMap((n) => [...n, 1]));
      const out = kernels.f32(8 * directions.length);
      tangentFrames(kernels, kernels.u32(directions.map((_, i) => i)), normals, out);
      for (const [i, n] of directions.entries()) {
        const [t1, t2] = [0, 4].map((o) => out.view.subarray(8 * i + o, 8 * i + o + 3));
        const dot = (a: ArrayLike<number>, b: ArrayLike<number>) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
        expect(
          [dot(t1, t1), dot(t2, t2), dot(t1, t2), dot(t1, n), dot(t2, n)].map((x) => Math.round(1e6 * x) + 0),
        ).toEqual([1e6, 1e6, 0, 0, 0]);
      }
    });
  });

  it('refuses lengths that do not match', () => {
    kernels.scope(() => {
      const fans = takeFans(kernels, buildFans(all, faces, Int32Array.from(all)));
      const normals = kernels.f32(4 * V);
      const points = kernels.f32(vertices);
      expect(() => fanNormals(kernels, fans, points, kernels.f32(3))).toThrow(/out must be \(fans,4\)/);
      const input = {
        vertices: points,
        normals,
        active: kernels.u32([0]),
        frames: kernels.f32(8),
        projection: kernels.f32(8),
        rows: kernels.f32(3 * V * 12),
        stride: 12,
      };
      expect(() => surfaceRows(kernels, fans, input, kernels.f32(48))).toThrow(
        /stride must be a multiple of 8/,
      );
      expect(() => firstOf(points, 3 * V + 1)).toThrow(/firstOf/);
    });
  });
});
