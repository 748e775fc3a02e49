import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import { collectSamples } from '../../src/kernels/collect.ts';
import { createRasterizeOutput, rasterize } from '../../src/kernels/rasterize.ts';
import { type CollectReferenceInput, collectReference } from '../../src/kernels/reference/collect.ts';
import type { Kernels } from '../../src/kernels/runtime.ts';
import { BUILDS } from './builds.ts';

const [WIDTH, HEIGHT] = [37, 29];

/** A bumpy sheet over most of the picture; the right third of it is not wanted. */
function sheet() {
  const random = createRandom(2);
  const n = 8;
  const positions: number[] = [];
  const normals: number[] = [];
  const vertices: number[] = [];
  const uvs: number[] = [];
  for (let y = 0; y < n; y++)
    for (let x = 0; x < n; x++) {
      const [px, py] = [2 + 4.6 * x + random.normal(), 2 + 3.6 * y + random.normal()];
      positions.push(px, py, 1 + 0.1 * random.uniform());
      vertices.push(0.1 * px, -0.1 * py, random.normal());
      normals.push(0.8 * random.normal(), 0.8 * random.normal(), 1, 0);
      uvs.push(x / n, y / n);
    }
  const faces: number[] = [];
  const wanted: number[] = [];
  for (let y = 0; y + 1 < n; y++)
    for (let x = 0; x + 1 < n; x++) {
      const i = y * n + x;
      faces.push(i, i + n + 1, i + 1, i, i + n, i + n + 1);
      wanted.push(x < 5 ? 1 : 0, x < 5 ? 1 : 0);
    }
  const numbers = new Map<string, number>();
  const edges = faces.map((v, i) => {
    const w = faces[i - (i % 3) + ((i + 1) % 3)];
    const key = [Math.min(v, w), Math.max(v, w)].join();
    if (!numbers.has(key)) numbers.set(key, numbers.size);
    return numbers.get(key)!;
  });
  const V = n * n;
  // Slots in another order than vertices.
  const slots = Array.from({ length: V }, (_, v) => V - 1 - v);
  const bySlot = slots.flatMap((s) => normals.slice(4 * s, 4 * s + 4));
  return { positions, vertices, normals: bySlot, uvs, faces, wanted, edges, edgeCount: numbers.size, slots };
}

const world = sheet();

function collect(kernels: Kernels, how: 'all' | 'masked' | 'perspective' | 'parallel') {
  const room = WIDTH * HEIGHT;
  const raster = createRasterizeOutput(kernels, WIDTH, HEIGHT);
  const faces = kernels.u32(world.faces);
  const positions = kernels.f32(world.positions);
  const vertices = kernels.f32(world.vertices);
  const normals = kernels.f32(world.normals);
  rasterize(
    kernels,
    { positions, faces, width: WIDTH, height: HEIGHT, cull: 'none', perspective: false },
    raster,
  );
  const mask =
    how === 'all' ? null : Float32Array.from({ length: room }, (_, p) => Math.max(0, Math.sin(0.13 * p)));
  const viewer = how === 'parallel' ? ([0, 0.2, 1] as const) : ([1, -1, 8] as const);
  const careful = how === 'perspective' || how === 'parallel';
  const textureSize = [64, 32] as const;
  const plain: CollectReferenceInput = {
    width: WIDTH,
    height: HEIGHT,
    faceIndex: raster.faceIndex.view,
    barycentrics: raster.barycentrics.view,
    faces: world.faces,
    edges: world.edges,
    wanted: world.wanted,
    textureFaces: world.faces,
    textureCoordinates: world.uvs,
    textureSize,
    slots: world.slots,
    mask,
    careful: careful
      ? { normals: world.normals, vertices: world.vertices, viewer, parallel: how === 'parallel' }
      : null,
  };
  const expected = collectReference(plain);
  const out = {
    corners: kernels.u32(3 * room),
    edges: kernels.u32(3 * room),
    barycentrics: kernels.f32(3 * room),
    mask: kernels.f32(room),
  };
  const got = collectSamples(
    kernels,
    {
      faces,
      edges: kernels.u32(world.edges),
      edgeCount: world.edgeCount,
      wanted: kernels.u8(world.wanted),
      textureFaces: faces,
      textureCoordinates: kernels.f32(world.uvs),
      slots: kernels.i32(world.slots),
      slotCount: world.slots.length,
    },
    {
      raster,
      width: WIDTH,
      height: HEIGHT,
      mask: mask ? kernels.f32(mask) : null,
      textureSize,
      careful: careful ? { normals, vertices, viewer, parallel: how === 'parallel' } : null,
    },
    out,
    room,
  );
  return { expected, got, out };
}

describe.each(BUILDS)('collectSamples (%s)', (_name, create) => {
  const kernels = create();

  it.each(['all', 'masked', 'perspective', 'parallel'] as const)(
    'collects what the reference does: %s',
    (how) => {
      kernels.scope(() => {
        const { expected, got, out } = collect(kernels, how);
        expect(expected.length).toBeGreaterThan(100);
        expect(got.count).toBe(expected.length);
        for (const [n, sample] of expected.entries()) {
          expect(got.pixels.view[n]).toBe(sample.pixel);
          expect(out.mask.view[n]).toBeCloseTo(sample.weight, 5);
          for (let a = 0; a < 3; a++) {
            expect(got.active[out.corners.view[3 * n + a]]).toBe(sample.slots[a]);
            expect(out.barycentrics.view[3 * n + a]).toBeCloseTo(sample.barycentrics[a], 6);
            const edge = out.edges.view[3 * n + a];
            const ends = [got.ends[2 * edge], got.ends[2 * edge + 1]].map((i) => got.active[i]);
            expect(ends.sort()).toEqual([sample.slots[a], sample.slots[(a + 1) % 3]].sort());
          }
          for (let a = 0; a < 2; a++) expect(got.points.view[2 * n + a]).toBeCloseTo(sample.point[a], 4);
        }
        // Numbered in order, each once, and each edge of the mesh by one number.
        expect(new Set(got.active).size).toBe(got.active.length);
        expect(got.ends.length / 2).toBe(new Set(expected.flatMap((s) => s.edges)).size);
        expect(Math.max(...out.edges.view.subarray(0, 3 * got.count))).toBe(got.ends.length / 2 - 1);
        expect(out.corners.view.slice(0, 3)).toEqual(Uint32Array.from([0, 1, 2]));
      });
    },
  );

  it('refuses rooms and normals of the wrong size', () => {
    kernels.scope(() => {
      const raster = createRasterizeOutput(kernels, 2, 2);
      const faces = kernels.u32([0, 1, 2]);
      const mesh = {
        faces,
        edges: faces,
        edgeCount: 3,
        wanted: kernels.u8([1]),
        textureFaces: faces,
        textureCoordinates: kernels.f32(6),
        slots: kernels.i32([0, 1, 2]),
        slotCount: 3,
      };
      const input = { raster, width: 2, height: 2, mask: null, textureSize: [1, 1] as const, careful: null };
      const room = (n: number) => ({
        corners: kernels.u32(3 * n),
        edges: kernels.u32(3 * n),
        barycentrics: kernels.f32(3 * n),
        mask: kernels.f32(n),
      });
      raster.faceIndex.view.fill(-1);
      expect(collectSamples(kernels, mesh, input, room(4), 4).count).toBe(0);
      expect(() => collectSamples(kernels, mesh, input, room(3), 4)).toThrow(/out.corners/);
      const careful = {
        normals: kernels.f32(4),
        vertices: kernels.f32(9),
        viewer: [0, 0, 1] as const,
        parallel: true,
      };
      expect(() => collectSamples(kernels, mesh, { ...input, careful }, room(4), 4)).toThrow(/normals/);
    });
  });
});
