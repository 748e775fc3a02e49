/**
 * Surface samples for the photometric energy: the pixels in which the head's skin is seen, as points on the surface.
 *
 * A sample sits where a pixel's centre meets the mesh. Pixels next to the region's or the head's border are left out
 * (their colour is half somebody else's), grazing ones count less.
 */
import type { Camera } from '../camera/camera.ts';
import type { Kernels } from '../kernels/runtime.ts';
import { sampleMap } from '../render/albedo.ts';
import { vertexNormals } from '../render/normals.ts';
import type { ActiveMesh, SurfaceSamples } from '../render/photometric-blocks.ts';
import { rasterMesh } from '../render/raster.ts';
import type { PreparedModel } from './prepare.ts';

/** Samples with the mesh they lie on and where they came from. */
export interface PixelSamples {
  readonly mesh: ActiveMesh;
  readonly samples: SurfaceSamples;
  /** (N) pixel numbers y·width + x. */
  readonly pixels: Uint32Array;
}

/**
 * Takes samples at the pixels of a `size`×`size` picture.
 * @param vertices (V,3) posed, metres.
 * @param mask (size,size) weights in [0, 1] of pixels being skin; null for all.
 */
export function takeSamples(
  kernels: Kernels,
  prepared: PreparedModel,
  vertices: Float32Array,
  camera: Camera,
  size: number,
  mask: Float32Array | null,
): PixelSamples {
  const { model, skinFaces } = prepared;
  // Screen-space barycentrics make the sample's position exactly linear in the corners' projections.
  const raster = rasterMesh(kernels, vertices, model.faces, camera, size, size, {
    perspectiveCorrect: false,
  });
  const normals = vertexNormals(vertices, model.faces);
  const skin = new Uint8Array(size * size);
  for (let p = 0; p < skin.length; p++) {
    const f = raster.faceIndex[p];
    skin[p] = f >= 0 && skinFaces[f] ? 1 : 0;
  }
  const pixels: number[] = [];
  const weights: number[] = [];
  for (let y = 1; y < size - 1; y++)
    for (let x = 1; x < size - 1; x++) {
      const p = y * size + x;
      if (!skin[p] || !interior(skin, p, size)) continue;
      const facing = cosineToViewer(model.faces, normals, raster, vertices, camera, p);
      const w = (mask ? mask[p] : 1) * Math.min(Math.max((facing - 0.1) / 0.3, 0), 1);
      if (w <= 0) continue;
      pixels.push(p);
      weights.push(w);
    }
  const mesh = numberMesh(model.faces, raster.faceIndex, pixels, vertices.length / 3);
  const N = pixels.length;
  const map = prepared.texture ? (size <= 128 ? prepared.texture.coarse : prepared.texture.fine) : null;
  const T = map ? map.channels / 3 - 1 : 0;
  const triangles = new Uint32Array(N);
  const barycentrics = new Float32Array(3 * N);
  const albedo = new Float32Array(3 * N).fill(0.6);
  const albedoBasis = new Float32Array(3 * N * T);
  const texel = new Float32Array(3 * (1 + T));
  for (let i = 0; i < N; i++) {
    const p = pixels[i];
    const f = raster.faceIndex[p];
    triangles[i] = mesh.triangleOf[f];
    let [u, v] = [0, 0];
    for (let a = 0; a < 3; a++) {
      const b = raster.barycentrics[3 * p + a];
      barycentrics[3 * i + a] = b;
      const t = 2 * model.faceUvs[3 * f + a];
      u += b * model.uvs[t];
      v += b * model.uvs[t + 1];
    }
    if (!map) continue;
    sampleMap(map, u, v, texel, 0);
    for (let c = 0; c < 3; c++) {
      albedo[3 * i + c] = texel[c];
      for (let t = 0; t < T; t++) albedoBasis[(3 * i + c) * T + t] = texel[3 * (1 + t) + c];
    }
  }
  return {
    mesh: mesh.active,
    samples: { count: N, triangles, barycentrics, mask: Float32Array.from(weights), albedo, albedoBasis },
    pixels: Uint32Array.from(pixels),
  };
}

function interior(skin: Uint8Array, p: number, size: number): boolean {
  return (
    (skin[p - 1] & skin[p + 1] & skin[p - size] & skin[p + size] & skin[p - size - 1]) === 1 &&
    (skin[p - size + 1] & skin[p + size - 1] & skin[p + size + 1]) === 1
  );
}

/** Cosine between the interpolated normal and the direction to the viewer. */
function cosineToViewer(
  faces: Uint32Array,
  normals: Float32Array,
  raster: { readonly faceIndex: Int32Array; readonly barycentrics: Float32Array },
  vertices: Float32Array,
  camera: Camera,
  p: number,
): number {
  const f = 3 * raster.faceIndex[p];
  let [nx, ny, nz, x, y, z] = [0, 0, 0, 0, 0, 0];
  for (let a = 0; a < 3; a++) {
    const b = raster.barycentrics[3 * p + a];
    const v = 3 * faces[f + a];
    nx += b * normals[v];
    ny += b * normals[v + 1];
    nz += b * normals[v + 2];
    x += b * vertices[v];
    y += b * vertices[v + 1];
    z += b * vertices[v + 2];
  }
  const n = Math.max(Math.hypot(nx, ny, nz), 1e-12);
  if (camera.kind === 'orthographic') return nz / n;
  const [tx, ty, tz] = camera.translation;
  const d = Math.hypot(x + tx, y + ty, z + tz);
  return -(nx * (x + tx) + ny * (y + ty) + nz * (z + tz)) / (n * d);
}

function numberMesh(
  faces: Uint32Array,
  faceIndex: Int32Array,
  pixels: readonly number[],
  V: number,
): { active: ActiveMesh; triangleOf: Int32Array } {
  const triangleOf = new Int32Array(faces.length / 3).fill(-1);
  const vertexOf = new Int32Array(V).fill(-1);
  const vertices: number[] = [];
  const corners: number[] = [];
  const triangleEdges: number[] = [];
  const edges: number[] = [];
  const edgeOf = new Map<number, number>();
  for (const p of pixels) {
    const f = faceIndex[p];
    if (triangleOf[f] >= 0) continue;
    triangleOf[f] = corners.length / 3;
    const local = [0, 0, 0];
    for (let a = 0; a < 3; a++) {
      const v = faces[3 * f + a];
      if (vertexOf[v] < 0) {
        vertexOf[v] = vertices.length;
        vertices.push(v);
      }
      local[a] = vertexOf[v];
    }
    corners.push(...local);
    for (let a = 0; a < 3; a++) {
      const i = local[a];
      const j = local[(a + 1) % 3];
      const key = Math.min(i, j) * V + Math.max(i, j);
      let e = edgeOf.get(key);
      if (e === undefined) {
        e = edges.length / 2;
        edgeOf.set(key, e);
        edges.push(i, j);
      }
      triangleEdges.push(e);
    }
  }
  return {
    active: {
      vertices: Uint32Array.from(vertices),
      corners: Uint32Array.from(corners),
      triangleEdges: Uint32Array.from(triangleEdges),
      edges: Uint32Array.from(edges),
    },
    triangleOf,
  };
}
