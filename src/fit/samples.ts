/**
 * Surface samples for the photometric energy: the pixels in which the head's skin is seen, as points on the surface.
 *
 * A sample sits where a pixel's centre meets the mesh. Pixels next to the region's or the head's border are left out
 * (their colour is half somebody else's), grazing ones count less.
 */
import type { Camera } from '../camera/camera.ts';
import { projectPoints } from '../camera/project.ts';
import { collectSamples } from '../kernels/collect.ts';
import { firstOf } from '../kernels/part.ts';
import { appearanceStride, type SampleArrays } from '../kernels/photometric.ts';
import { createRasterizeOutput, rasterize } from '../kernels/rasterize.ts';
import type { F32, Kernels } from '../kernels/runtime.ts';
import { sampleBilinear, type WasmImage } from '../kernels/sample.ts';
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

/** Room in kernel memory for the samples of a `size`×`size` picture, in the mask's pixels at most. */
export function createSampleArrays(
  kernels: Kernels,
  resident: ResidentModel,
  size: number,
  mask: Float32Array | null,
): SampleArrays {
  let N = size * size;
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
    const positions = kernels.f32(projectPoints(camera, head.vertices.view));
    // Screen-space barycentrics make the sample's position exactly linear in the corners' projections.
    rasterize(
      kernels,
      { positions, faces: head.faces, width: size, height: size, cull: 'back', perspective: false },
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
