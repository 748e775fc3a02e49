/**
 * Surface samples for the photometric energy: the pixels in which the head's skin is seen, as points on the surface.
 *
 * A sample sits where a pixel's centre meets the mesh. Pixels next to the region's or the head's border are left out
 * (their colour is half somebody else's), grazing ones count less.
 */
import type { Camera } from '../camera/camera.ts';
import { projectPoints } from '../camera/project.ts';
import { firstOf } from '../kernels/part.ts';
import { appearanceStride, type SampleArrays } from '../kernels/photometric.ts';
import { createRasterizeOutput, rasterize } from '../kernels/rasterize.ts';
import type { F32, Kernels } from '../kernels/runtime.ts';
import { sampleBilinear } from '../kernels/sample.ts';
import type { ResidentModel } from './resident.ts';

/** Samples and the part of the mesh that they lie on. */
export interface PixelSamples {
  readonly arrays: SampleArrays;
  /** (A) fans of the vertices that samples depend on; `arrays.corners` are positions in this list. */
  readonly active: Uint32Array;
  /** (D,2) positions in `active`. */
  readonly edges: Uint32Array;
}

/** Albedo of models without a texture space. */
export const GREY = 0.6;

/** Room in kernel memory for the samples of a `size`×`size` picture, in the mask's pixels at most. */
export function createSampleArrays(
  kernels: Kernels,
  resident: ResidentModel,
  size: number,
  mask: Float32Array | null,
): SampleArrays {
  const N = mask ? mask.reduce((count, w) => (w > 0 ? count + 1 : count), 0) : size * size;
  const stride = resident.texture ? resident.texture.fine.channels : appearanceStride(0);
  return {
    count: 0,
    corners: kernels.u32(3 * N),
    edges: kernels.u32(3 * N),
    barycentrics: kernels.f32(3 * N),
    mask: kernels.f32(N),
    appearance: kernels.f32(N * stride),
  };
}

/**
 * Takes samples at the pixels of a `size`×`size` picture of the head as it was posed last.
 * @param normals (fans,4) float32 unit normals.
 * @param mask (size,size) weights in [0, 1] of pixels being skin; null for all.
 * @param arrays of {@link createSampleArrays}, overwritten.
 */
export function takeSamples(
  kernels: Kernels,
  resident: ResidentModel,
  normals: F32,
  camera: Camera,
  size: number,
  mask: Float32Array | null,
  arrays: SampleArrays,
): PixelSamples {
  const { head, prepared, texture } = resident;
  const { model, skinFaces, fanOf, faceEdges } = prepared;
  const { faces, faceUvs, uvs } = model;
  return kernels.scope(() => {
    const raster = createRasterizeOutput(kernels, size, size);
    const positions = kernels.f32(projectPoints(camera, head.vertices.view));
    const points = kernels.f32(2 * size * size);
    // Screen-space barycentrics make the sample's position exactly linear in the corners' projections.
    rasterize(
      kernels,
      { positions, faces: head.faces, width: size, height: size, cull: 'back', perspective: false },
      raster,
    );
    const faceIndex = raster.faceIndex.view;
    const barycentrics = raster.barycentrics.view;
    const facing = createFacing(camera, faces, fanOf, normals.view, head.vertices.view);
    const numbers = createNumbering(prepared.fans.centres.length, prepared.edgeCount);
    const skin = new Uint8Array(size * size);
    for (let p = 0; p < skin.length; p++) {
      const f = faceIndex[p];
      skin[p] = f >= 0 ? skinFaces[f] : 0;
    }
    const out = {
      corners: arrays.corners.view,
      edges: arrays.edges.view,
      barycentrics: arrays.barycentrics.view,
      mask: arrays.mask.view,
      points: points.view,
    };
    const map = texture ? (size <= 128 ? texture.coarse : texture.fine) : null;
    let n = 0;
    for (let y = 1; y < size - 1; y++)
      for (let x = 1; x < size - 1; x++) {
        const p = y * size + x;
        const seen = mask ? mask[p] : 1;
        if (seen <= 0 || !skin[p] || !interior(skin, p, size)) continue;
        const f = 3 * faceIndex[p];
        const b0 = barycentrics[3 * p];
        const b1 = barycentrics[3 * p + 1];
        const b2 = barycentrics[3 * p + 2];
        const w = seen * Math.min(Math.max((facing(f, b0, b1, b2) - 0.1) / 0.3, 0), 1);
        if (w <= 0) continue;
        out.mask[n] = w;
        let u = 0;
        let v = 0;
        for (let a = 0; a < 3; a++) {
          const b = barycentrics[3 * p + a];
          out.barycentrics[3 * n + a] = b;
          const i = numbers.vertex(fanOf[faces[f + a]]);
          out.corners[3 * n + a] = i;
          const next = numbers.vertex(fanOf[faces[f + (a === 2 ? 0 : a + 1)]]);
          out.edges[3 * n + a] = numbers.edge(faceEdges[f + a], i, next);
          const t = 2 * faceUvs[f + a];
          u += b * uvs[t];
          v += b * uvs[t + 1];
        }
        if (map) {
          out.points[2 * n] = u * map.width;
          out.points[2 * n + 1] = v * map.height;
        }
        n++;
      }
    if (map)
      sampleBilinear(kernels, map, firstOf(points, 2 * n), firstOf(arrays.appearance, n * map.channels));
    else {
      const grey = arrays.appearance.view;
      for (let i = 0; i < n; i++) grey.fill(GREY, 4 * i, 4 * i + 3);
    }
    return {
      arrays: { ...arrays, count: n },
      active: Uint32Array.from(numbers.active),
      edges: Uint32Array.from(numbers.edges),
    };
  });
}

function interior(skin: Uint8Array, p: number, size: number): boolean {
  return (
    (skin[p - 1] & skin[p + 1] & skin[p - size] & skin[p + size] & skin[p - size - 1]) === 1 &&
    (skin[p - size + 1] & skin[p + size - 1] & skin[p + size + 1]) === 1
  );
}

/** Cosine between the interpolated normal and the direction to the viewer, at a point of the face from `f` on. */
function createFacing(
  camera: Camera,
  faces: Uint32Array,
  fanOf: Int32Array,
  normals: Float32Array,
  vertices: Float32Array,
): (f: number, b0: number, b1: number, b2: number) => number {
  const [tx, ty, tz] = camera.translation;
  const orthographic = camera.kind === 'orthographic';
  return (f, b0, b1, b2) => {
    const n0 = 4 * fanOf[faces[f]];
    const n1 = 4 * fanOf[faces[f + 1]];
    const n2 = 4 * fanOf[faces[f + 2]];
    const nx = b0 * normals[n0] + b1 * normals[n1] + b2 * normals[n2];
    const ny = b0 * normals[n0 + 1] + b1 * normals[n1 + 1] + b2 * normals[n2 + 1];
    const nz = b0 * normals[n0 + 2] + b1 * normals[n1 + 2] + b2 * normals[n2 + 2];
    const n = Math.max(Math.sqrt(nx * nx + ny * ny + nz * nz), 1e-12);
    if (orthographic) return nz / n;
    const v0 = 3 * faces[f];
    const v1 = 3 * faces[f + 1];
    const v2 = 3 * faces[f + 2];
    const x = b0 * vertices[v0] + b1 * vertices[v1] + b2 * vertices[v2] + tx;
    const y = b0 * vertices[v0 + 1] + b1 * vertices[v1 + 1] + b2 * vertices[v2 + 1] + ty;
    const z = b0 * vertices[v0 + 2] + b1 * vertices[v1 + 2] + b2 * vertices[v2 + 2] + tz;
    return -(nx * x + ny * y + nz * z) / (n * Math.sqrt(x * x + y * y + z * z));
  };
}

/** Numbers the vertices and edges in use in the order in which they are met. */
function createNumbering(fans: number, edgeCount: number) {
  const vertexNumber = new Int32Array(fans).fill(-1);
  const edgeNumber = new Int32Array(edgeCount).fill(-1);
  const active: number[] = [];
  const edges: number[] = [];
  return {
    active,
    edges,
    vertex(fan: number): number {
      if (vertexNumber[fan] < 0) vertexNumber[fan] = active.push(fan) - 1;
      return vertexNumber[fan];
    },
    edge(edge: number, i: number, j: number): number {
      if (edgeNumber[edge] < 0) edgeNumber[edge] = edges.push(i, j) / 2 - 1;
      return edgeNumber[edge];
    },
  };
}
