/**
 * The skin region of a state as its energy sees it: what masks and metrics compare with the photo. The same colours as
 * `render/render-head.ts` gives there, at a tenth of the work: no other part of the head, nothing but colour.
 */
import { cropCamera, projectResident } from '../camera/project.ts';
import type { ImageF } from '../core/image.ts';
import { collectSamples } from '../kernels/collect.ts';
import { appearanceStride, photometricResiduals, Q_STRIDE, takePhoto } from '../kernels/photometric.ts';
import { createRasterizeOutput, rasterize } from '../kernels/rasterize.ts';
import type { Kernels } from '../kernels/runtime.ts';
import { scatterColours } from '../kernels/skin.ts';
import { fanNormals } from '../kernels/surface.ts';
import { SH_CONSTANTS } from '../light/sh.ts';
import type { FitState } from './parameters.ts';
import type { ResidentModel } from './resident.ts';
import { takeAppearance } from './samples.ts';

/** Where the skin region is seen, and its colours there. */
export interface SkinPicture {
  /** (size,size) 1 where the region is seen. */
  readonly region: Uint8Array;
  /** (size,size,3), zero elsewhere. */
  readonly rgb: ImageF;
}

/** Renders the skin of `state` into a square of `size` pixels; `scale` is pixels per pixel of the state's camera. */
export function renderSkin(
  kernels: Kernels,
  resident: ResidentModel,
  state: FitState,
  size: number,
  scale: number,
): SkinPicture {
  const { head, fans, skin } = resident;
  const camera = cropCamera(state.camera, [0, 0], scale);
  resident.pose(state);
  return kernels.scope(() => {
    const seen = kernels.u8(size * size);
    const picture = kernels.f32(3 * size * size);
    const raster = createRasterizeOutput(kernels, size, size);
    const positions = kernels.f32(head.vertices.length, false);
    projectResident(kernels, camera, head.vertices, positions);
    const perspective = camera.kind === 'perspective';
    rasterize(
      kernels,
      { positions, faces: head.faces, width: size, height: size, cull: 'back', perspective },
      raster,
    );
    const map = resident.texture?.fine ?? null;
    const room = size * size;
    const arrays = {
      corners: kernels.u32(3 * room, false),
      edges: kernels.u32(3 * room, false),
      barycentrics: kernels.f32(3 * room, false),
      mask: kernels.f32(room, false),
    };
    const { count, points, pixels, active } = collectSamples(
      kernels,
      skin,
      {
        raster,
        width: size,
        height: size,
        mask: null,
        textureSize: map ? [map.width, map.height] : [1, 1],
        careful: null,
      },
      arrays,
      room,
    );
    const appearance = kernels.f32(count * (map ? map.channels : appearanceStride(0)), !map);
    takeAppearance(kernels, map, points, appearance, count);
    const normals = kernels.f32(4 * fans.centres.length, false);
    fanNormals(kernels, fans, head.vertices, normals);
    const q = kernels.f32(Q_STRIDE * active.length);
    const [numbers, unit] = [q.view, normals.view];
    for (let i = 0; i < active.length; i++)
      for (let a = 0; a < 3; a++) numbers[Q_STRIDE * i + 2 + a] = unit[4 * active[i] + a];
    const colours = kernels.f32(4 * count, false);
    // Against a black photo residuals are the picture itself, wherever (u, v) lies.
    const photo = takePhoto(kernels, { width: 2, height: 2, channels: 3, data: new Float32Array(12) });
    photometricResiduals(
      kernels,
      { ...arrays, appearance, count },
      {
        q,
        photo,
        light: state.light,
        basis: SH_CONSTANTS,
        texture: state.texture,
        loss: { sigma: 1, k: 1, weight: 1 },
      },
      colours,
    );
    scatterColours(kernels, colours, pixels, count, picture, seen);
    const rgb: ImageF = { width: size, height: size, channels: 3, data: picture.view.slice() };
    return { region: seen.view.slice(), rgb };
  });
}
