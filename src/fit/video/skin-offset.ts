/**
 * What a texture space leaves of a person's skin, as the key frames show it.
 *
 * A few dozen components give skin its tone, but not the edges of these lips, brows and lids, and edges are what a moving
 * face is followed by. So what pixels of the key frames differ by from the fitted head, over the shading there, is averaged
 * by texel, weighted by how surely a pixel is skin and by squared shading. Heads are fitted to some pixels, so a part of
 * every difference is an edge in the wrong place: of the mean m over N frames, v its variance as the frames' own means say,
 * the share N/(N + κ) · |m|²/(|m|² + v) is kept.
 *
 * It is no texture to look at (`src/texture/solve-offset.ts` makes that, in many times the time).
 */
import { cropCamera, projectResident } from '../../camera/project.ts';
import type { ImageF } from '../../core/image.ts';
import type { VideoFrame } from '../../core/video.ts';
import { collectSamples } from '../../kernels/collect.ts';
import { photometricResiduals, Q_STRIDE, takePhoto } from '../../kernels/photometric.ts';
import { createRasterizeOutput, rasterize } from '../../kernels/rasterize.ts';
import type { F32, Kernels } from '../../kernels/runtime.ts';
import { fanNormals } from '../../kernels/surface.ts';
import { SH_CONSTANTS } from '../../light/sh.ts';
import { posedKinds } from '../../model/resident-head.ts';
import { resampleCrop } from '../../render/resample.ts';
import type { ResidentModel } from '../resident.ts';
import { createSampleArrays, takeAppearance } from '../samples.ts';
import { projectedNormals } from '../surface-rows.ts';
import type { PhotoFit } from '../types.ts';

/** A key frame with its fit. */
export interface KeyFit {
  readonly frame: VideoFrame;
  readonly fit: PhotoFit;
}

/** Pixels along the side of the crops compared. */
const SIZE = 384;
/** κ: frames' worth of evidence that there is no difference. */
const KAPPA = 1;
/** Shading below which a pixel says nothing. */
const DARK = 0.1;

/**
 * (H,W,3) to add to the albedo of `fits`; null for heads without texture.
 * @param resident of the model that `fits` were made with.
 */
export function skinOffset(
  kernels: Kernels,
  resident: ResidentModel,
  fits: readonly KeyFit[],
): ImageF | null {
  const texture = resident.texture?.fine;
  if (!texture) return null;
  const { width, height } = texture;
  const texels = width * height;
  const sum = new Float64Array(3 * texels);
  const squares = new Float64Array(texels);
  const weight = new Float64Array(texels);
  const frames = new Float64Array(texels);
  for (const { frame, fit } of fits) {
    const own = new Float64Array(4 * texels);
    kernels.scope(() => addDifferences(kernels, resident, frame, fit, own));
    for (let i = 0; i < texels; i++) {
      const w = own[4 * i + 3];
      if (w === 0) continue;
      weight[i] += w;
      frames[i]++;
      for (let c = 0; c < 3; c++) {
        sum[3 * i + c] += own[4 * i + c];
        squares[i] += own[4 * i + c] ** 2 / w;
      }
    }
  }
  const data = new Float32Array(3 * texels);
  for (let i = 0; i < texels; i++) {
    if (frames[i] === 0) continue;
    let square = 0;
    for (let c = 0; c < 3; c++) square += (sum[3 * i + c] / weight[i]) ** 2;
    const doubt = Math.max(squares[i] / weight[i] - square, 0) / Math.max(frames[i] - 1, 1);
    const kept = (frames[i] / (frames[i] + KAPPA)) * (square / Math.max(square + doubt, 1e-12));
    for (let c = 0; c < 3; c++) data[3 * i + c] = (kept * sum[3 * i + c]) / weight[i];
  }
  return { width, height, channels: 3, data };
}

/** Adds a frame's weighted differences, and their weights, to `out` (H,W,4). */
function addDifferences(
  kernels: Kernels,
  resident: ResidentModel,
  frame: VideoFrame,
  fit: PhotoFit,
  out: Float64Array,
): void {
  const { head, fans, skin } = resident;
  const map = resident.texture!.fine;
  const own = fit.skin.crop;
  const crop = { origin: own.origin, scale: (own.scale * SIZE) / own.size, size: SIZE };
  const mask = new Float32Array(SIZE * SIZE);
  const at = Int32Array.from({ length: SIZE }, (_, v) => Math.floor(((v + 0.5) * own.size) / SIZE));
  for (let y = 0; y < SIZE; y++) {
    const row = at[y] * own.size;
    for (let x = 0; x < SIZE; x++) mask[y * SIZE + x] = fit.skin.mask[row + at[x]] / 255;
  }
  resident.pose(fit.params);
  const camera = cropCamera(fit.camera, crop.origin, crop.scale);
  const raster = createRasterizeOutput(kernels, SIZE, SIZE);
  const positions = kernels.f32(head.vertices.length, false);
  projectResident(kernels, camera, head.vertices, positions);
  const mesh = { positions, faces: head.faces, kinds: posedKinds(head) };
  const flat = { ...mesh, width: SIZE, height: SIZE, cull: 'back' } as const;
  rasterize(kernels, { ...flat, perspective: false }, raster);
  const normals = kernels.f32(4 * fans.centres.length, false);
  fanNormals(kernels, fans, head.vertices, normals);
  const arrays = createSampleArrays(kernels, resident, SIZE, mask);
  const parallel = camera.kind === 'orthographic';
  const [x, y, z] = camera.translation;
  const { count, points, active } = collectSamples(
    kernels,
    skin,
    {
      raster,
      width: SIZE,
      height: SIZE,
      mask: kernels.f32(mask),
      textureSize: [map.width, map.height],
      careful: { normals, vertices: head.vertices, viewer: parallel ? [0, 0, 1] : [-x, -y, -z], parallel },
    },
    arrays,
    arrays.mask.length,
  );
  takeAppearance(kernels, map, points, arrays.appearance, count);
  const q = projectedNormals(resident, camera, normals, active, kernels.f32(Q_STRIDE * active.length));
  const against = (photo: ImageF): F32 => {
    const colours = kernels.f32(4 * count, false);
    const input = {
      q,
      photo: takePhoto(kernels, photo),
      light: Float64Array.from(fit.light),
      basis: SH_CONSTANTS,
      texture: Float64Array.from(fit.params.texture),
      loss: { sigma: 1, k: 1, weight: 1 },
    };
    photometricResiduals(kernels, { ...arrays, count }, input, colours);
    return colours;
  };
  const residual = against(resampleCrop(frame.image, crop, kernels)).view;
  // The same light on white skin is the shading.
  const black = { width: 2, height: 2, channels: 3, data: new Float32Array(12) };
  const appearance = arrays.appearance.view;
  const stride = map.channels;
  appearance.fill(0);
  for (let i = 0; i < count; i++) appearance.fill(1, stride * i, stride * i + 3);
  const shading = against(black).view;
  const [places, weights] = [points.view, arrays.mask.view];
  for (let i = 0; i < count; i++) {
    const o = 4 * i;
    const level = (shading[o] + shading[o + 1] + shading[o + 2]) / 3;
    if (!(Math.min(shading[o], shading[o + 1], shading[o + 2]) > DARK)) continue;
    const w = weights[i] * level * level;
    const px = Math.min(Math.max(places[2 * i] - 0.5, 0), map.width - 1.001);
    const py = Math.min(Math.max(places[2 * i + 1] - 0.5, 0), map.height - 1.001);
    const ix = Math.floor(px);
    const iy = Math.floor(py);
    for (let k = 0; k < 4; k++) {
      const [right, below] = [k & 1, k >> 1];
      const share = w * (right ? px - ix : 1 - px + ix) * (below ? py - iy : 1 - py + iy);
      const to = 4 * ((iy + below) * map.width + ix + right);
      out[to + 3] += share;
      for (let c = 0; c < 3; c++) out[to + c] -= (share * residual[o + c]) / shading[o + c];
    }
  }
}
