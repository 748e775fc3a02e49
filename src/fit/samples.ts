/**
 * Surface samples for the photometric energy: the pixels in which the head's skin is seen, as points on the surface.
 *
 * A sample sits where a pixel's centre meets the mesh. Pixels next to the region's or the head's border are left out
 * (their colour is half somebody else's), grazing ones count less.
 */
import type { Camera } from '../camera/camera.ts';
import { projectResident } from '../camera/project.ts';
import { collectSamples } from '../kernels/collect.ts';
import { firstOf } from '../kernels/part.ts';
import { appearanceStride, type SampleArrays } from '../kernels/photometric.ts';
import { createRasterizeOutput, rasterize } from '../kernels/rasterize.ts';
import type { F32, Kernels } from '../kernels/runtime.ts';
import { sampleBilinear, type WasmImage } from '../kernels/sample.ts';
import { posedKinds } from '../model/resident-head.ts';
import type { CommonPoints } from './common-albedo.ts';
import type { PreparedModel } from './prepare.ts';
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
const GREY = 0.6;

/** Room in kernel memory for the samples of a `size`×`size` picture, in the mask's pixels at most, and for `points` more. */
export function createSampleArrays(
  kernels: Kernels,
  resident: ResidentModel,
  size: number,
  mask: Float32Array | null,
  points = 0,
): SampleArrays {
  let N = size * size + points;
  if (mask) for (let p = 0; p < mask.length; p++) if (!(mask[p] > 0)) N--;
  const stride = resident.texture ? resident.texture.fine.channels : appearanceStride(0);
  return {
    count: 0,
    corners: kernels.u32(3 * N, false),
    edges: kernels.u32(3 * N, false),
    barycentrics: kernels.f32(3 * N, false),
    mask: kernels.f32(N, false),
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
  const { head, texture } = resident;
  return kernels.scope(() => {
    const raster = createRasterizeOutput(kernels, size, size);
    const positions = kernels.f32(head.vertices.length, false);
    projectResident(kernels, camera, head.vertices, positions);
    // Screen-space barycentrics make the sample's position exactly linear in the corners' projections.
    rasterize(
      kernels,
      {
        ...{ positions, faces: head.faces, kinds: posedKinds(head) },
        ...{ width: size, height: size, cull: 'back', perspective: false },
      },
      raster,
    );
    const map = texture ? (size <= 128 ? texture.coarse : texture.fine) : null;
    const parallel = camera.kind === 'orthographic';
    const [x, y, z] = camera.translation;
    const { count, points, active, ends } = collectSamples(
      kernels,
      resident.skin,
      {
        raster,
        width: size,
        height: size,
        mask: mask ? kernels.f32(mask) : null,
        textureSize: map ? [map.width, map.height] : [1, 1],
        careful: {
          normals,
          vertices: head.vertices,
          viewer: parallel ? [0, 0, 1] : [-x, -y, -z],
          parallel,
        },
      },
      arrays,
      arrays.mask.length,
    );
    takeAppearance(kernels, map, points, arrays.appearance, count);
    return { arrays: { ...arrays, count }, active, edges: ends };
  });
}

/**
 * Samples of known albedo at the centres of faces, after those of a picture; in place.
 * @param factor of the points' weights.
 */
export function addPoints(
  prepared: PreparedModel,
  { arrays, active, edges }: PixelSamples,
  points: CommonPoints,
  factor: number,
): PixelSamples {
  const { fanOf, model } = prepared;
  const N = points.faces.length;
  const fans = new Uint32Array(active.length + 3 * N);
  const ends = new Uint32Array(edges.length + 6 * N);
  fans.set(active);
  ends.set(edges);
  let fanCount = active.length;
  let endCount = edges.length;
  const fanNumbers = new Int32Array(prepared.fans.centres.length).fill(-1);
  for (let i = 0; i < active.length; i++) fanNumbers[active[i]] = i;
  const edgeNumbers = new Map<number, number>();
  const key = (a: number, b: number) => (a < b ? a * fanNumbers.length + b : b * fanNumbers.length + a);
  for (let e = 0; e < edges.length; e += 2) edgeNumbers.set(key(edges[e], edges[e + 1]), e / 2);
  const [corners, sides, barycentrics] = [arrays.corners.view, arrays.edges.view, arrays.barycentrics.view];
  const [mask, appearance] = [arrays.mask.view, arrays.appearance.view];
  const stride = appearance.length / mask.length;
  for (let i = 0, at = arrays.count; i < N; i++, at++) {
    for (let a = 0; a < 3; a++) {
      const fan = fanOf[model.faces[3 * points.faces[i] + a]];
      if (fanNumbers[fan] < 0) {
        fanNumbers[fan] = fanCount;
        fans[fanCount++] = fan;
      }
      corners[3 * at + a] = fanNumbers[fan];
      barycentrics[3 * at + a] = 1 / 3;
    }
    for (let a = 0; a < 3; a++) {
      const from = corners[3 * at + a];
      const to = corners[3 * at + ((a + 1) % 3)];
      let edge = edgeNumbers.get(key(from, to));
      if (edge === undefined) {
        edge = endCount / 2;
        ends[endCount++] = from;
        ends[endCount++] = to;
        edgeNumbers.set(key(from, to), edge);
      }
      sides[3 * at + a] = edge;
    }
    mask[at] = factor * points.weights[i];
    appearance.fill(0, stride * at, stride * (at + 1));
    for (let c = 0; c < 3; c++) appearance[stride * at + c] = points.albedo[3 * i + c];
  }
  return {
    arrays: { ...arrays, count: arrays.count + N },
    active: fans.slice(0, fanCount),
    edges: ends.slice(0, endCount),
  };
}

/** Mean albedo and basis at `points` (N,2) of the map; grey without one. */
export function takeAppearance(
  kernels: Kernels,
  map: WasmImage | null,
  points: F32,
  out: F32,
  count: number,
): void {
  if (map) sampleBilinear(kernels, map, firstOf(points, 2 * count), firstOf(out, count * map.channels));
  else {
    const grey = out.view;
    for (let i = 0; i < count; i++) grey.fill(GREY, 4 * i, 4 * i + 3);
  }
}
