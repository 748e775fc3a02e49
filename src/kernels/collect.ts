/**
 * Pixels of a rasterised mesh as points on its surface.
 *
 * A sample is a pixel whose face is wanted. Its corners and edges are numbered in the order in which pixels meet
 * them, row by row, so that sums over vertices and edges need no more room than what is seen. Done carefully, pixels
 * next to the border of what is wanted are left out, and the weight falls to zero where the surface turns away:
 * w = clamp((cos − 0.1)/0.3) with the angle between interpolated normal and viewer.
 */
import type { RasterizeOutput } from './rasterize.ts';
import { type F32, type I32, type Kernels, requireLength, type U8, type U32 } from './runtime.ts';

/** A mesh of which a part is wanted. */
export interface CollectMesh {
  /** (F,3) vertices, and (F,3) edges (0,1), (1,2), (2,0) of the wanted faces, below `edgeCount`. */
  readonly faces: U32;
  readonly edges: U32;
  readonly edgeCount: number;
  /** (F) 1 for wanted faces. */
  readonly wanted: U8;
  /** (F,3) and (U,2) texture corners and coordinates. */
  readonly textureFaces: U32;
  readonly textureCoordinates: F32;
  /** (V) slot of each vertex of a wanted face, below `slotCount`. */
  readonly slots: I32;
  readonly slotCount: number;
}

/** Where samples go; every array has room for as many as there can be. */
export interface CollectedArrays {
  /** (N,3) numbers of vertices and of edges. */
  readonly corners: U32;
  readonly edges: U32;
  /** (N,3). */
  readonly barycentrics: F32;
  /** (N). */
  readonly mask: F32;
}

/** What to collect. */
export interface CollectInput {
  readonly raster: RasterizeOutput;
  readonly width: number;
  readonly height: number;
  /** (H,W) weights, zero for pixels to leave out; all count one where null. */
  readonly mask: F32 | null;
  /** Texels across and down of the map that `points` are for. */
  readonly textureSize: readonly [number, number];
  /** Leave out borders and weigh by angle; what for, null to take every pixel. */
  readonly careful: {
    /** (slots,4) unit normals, one unused. */
    readonly normals: F32;
    /** (V,3). */
    readonly vertices: F32;
    /** Position of the viewer, or the direction towards him. */
    readonly viewer: readonly [number, number, number];
    readonly parallel: boolean;
  } | null;
}

/** Samples, and what they touch. */
export interface Collected {
  /** N. */
  readonly count: number;
  /** (N,2) positions in the texture map, texels. */
  readonly points: F32;
  /** (N) pixel numbers. */
  readonly pixels: U32;
  /** (A) slots by number of vertex. */
  readonly active: Uint32Array;
  /** (D,2) numbers of vertices by number of edge. */
  readonly ends: Uint32Array;
}

/**
 * Collects samples. Points and pixels lie in kernel memory that the caller gives back.
 * @param room N at most.
 * @throws {InvalidArgumentError} on lengths that do not match.
 */
export function collectSamples(
  kernels: Kernels,
  mesh: CollectMesh,
  input: CollectInput,
  out: CollectedArrays,
  room: number,
): Collected {
  const name = 'collectSamples';
  const { raster, width, height, mask, careful } = input;
  requireLength(name, 'raster', raster.faceIndex, width * height, '(H,W)');
  if (mask) requireLength(name, 'mask', mask, width * height, '(H,W)');
  requireLength(name, 'edges', mesh.edges, mesh.faces.length, '(F,3)');
  requireLength(name, 'textureFaces', mesh.textureFaces, mesh.faces.length, '(F,3)');
  requireLength(name, 'wanted', mesh.wanted, mesh.faces.length / 3, '(F)');
  requireLength(name, 'out.corners', out.corners, 3 * room, '(N,3)');
  requireLength(name, 'out.edges', out.edges, 3 * room, '(N,3)');
  requireLength(name, 'out.barycentrics', out.barycentrics, 3 * room, '(N,3)');
  requireLength(name, 'out.mask', out.mask, room, '(N)');
  if (careful) requireLength(name, 'normals', careful.normals, 4 * mesh.slotCount, '(slots,4)');
  const points = kernels.f32(2 * room, false);
  const pixels = kernels.u32(room, false);
  return kernels.scope(() => {
    const plane = kernels.u8(width * height, false);
    const vertexNumbers = kernels.i32(mesh.slotCount, false);
    const edgeNumbers = kernels.i32(mesh.edgeCount, false);
    const active = kernels.u32(mesh.slotCount, false);
    const ends = kernels.u32(2 * mesh.edgeCount, false);
    const counts = kernels.u32(2);
    const job = kernels.u32(36);
    vertexNumbers.view.fill(-1);
    edgeNumbers.view.fill(-1);
    const [x, y, z] = careful?.viewer ?? [0, 0, 0];
    job.view.set([
      raster.faceIndex.ptr,
      raster.barycentrics.ptr,
      width,
      height,
      mesh.wanted.ptr,
      mesh.faces.ptr,
      mesh.edges.ptr,
      mesh.textureFaces.ptr,
      mesh.textureCoordinates.ptr,
      0,
      0,
      mesh.slots.ptr,
      careful ? careful.normals.ptr : 0,
      careful ? careful.vertices.ptr : 0,
      0,
      0,
      0,
      careful?.parallel ? 1 : 0,
      mask ? mask.ptr : 0,
      careful ? 1 : 0,
      plane.ptr,
      out.corners.ptr,
      out.edges.ptr,
      out.barycentrics.ptr,
      out.mask.ptr,
      points.ptr,
      pixels.ptr,
      vertexNumbers.ptr,
      edgeNumbers.ptr,
      active.ptr,
      ends.ptr,
      counts.ptr,
    ]);
    const numbers = new Float32Array(job.view.buffer, job.ptr, 17);
    numbers.set(input.textureSize, 9);
    numbers.set([x, y, z], 14);
    const count = kernels.raw.collectSamples(job.ptr);
    const [A, D] = counts.view;
    return { count, points, pixels, active: active.view.slice(0, A), ends: ends.view.slice(0, 2 * D) };
  });
}
