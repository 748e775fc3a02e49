/**
 * The skin region of a state as its energy sees it: what masks and metrics compare with the photo. The same colours as
 * `render/render-head.ts` gives there, at a tenth of the work: no other part of the head, nothing but colour.
 */
import { cropCamera, projectPoints } from '../camera/project.ts';
import type { ImageF } from '../core/image.ts';
import { firstOf } from '../kernels/part.ts';
import {
  appearanceStride,
  photometricResiduals,
  Q_STRIDE,
  type SampleArrays,
  takePhoto,
} from '../kernels/photometric.ts';
import { createRasterizeOutput, rasterize } from '../kernels/rasterize.ts';
import type { Kernels } from '../kernels/runtime.ts';
import { sampleBilinear } from '../kernels/sample.ts';
import { fanNormals } from '../kernels/surface.ts';
import { SH_CONSTANTS } from '../light/sh.ts';
import type { FitState } from './parameters.ts';
import type { ResidentModel } from './resident.ts';
import { GREY } from './samples.ts';

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
  const { head, prepared, fans } = resident;
  const { faces, faceUvs, uvs } = prepared.model;
  const { fanOf, skinFaces } = prepared;
  const camera = cropCamera(state.camera, [0, 0], scale);
  const region = new Uint8Array(size * size);
  const rgb: ImageF = { width: size, height: size, channels: 3, data: new Float32Array(3 * size * size) };
  resident.pose(state);
  kernels.scope(() => {
    const raster = createRasterizeOutput(kernels, size, size);
    const positions = kernels.f32(projectPoints(camera, head.vertices.view));
    const perspective = camera.kind === 'perspective';
    rasterize(
      kernels,
      { positions, faces: head.faces, width: size, height: size, cull: 'back', perspective },
      raster,
    );
    const seen = raster.faceIndex.view;
    let N = 0;
    for (let p = 0; p < region.length; p++) {
      const f = seen[p];
      if (f < 0 || !skinFaces[f]) continue;
      region[p] = 1;
      N++;
    }
    const texture = resident.texture?.fine;
    const corners = kernels.u32(3 * N);
    const barycentrics = kernels.f32(3 * N);
    const points = kernels.f32(2 * N);
    const appearance = kernels.f32(N * (texture ? texture.channels : appearanceStride(0)));
    const normals = kernels.f32(4 * fans.centres.length);
    const q = kernels.f32(Q_STRIDE * fans.centres.length);
    const colours = kernels.f32(4 * N);
    const photo = takePhoto(kernels, { width: 2, height: 2, channels: 3, data: new Float32Array(12) });
    fanNormals(kernels, fans, head.vertices, normals);
    const [numbers, unit] = [q.view, normals.view];
    for (let i = 0; i < fans.centres.length; i++)
      for (let a = 0; a < 3; a++) numbers[Q_STRIDE * i + 2 + a] = unit[4 * i + a];
    const [faceIndex, weights] = [raster.faceIndex.view, raster.barycentrics.view];
    const out = { corners: corners.view, barycentrics: barycentrics.view, points: points.view };
    const [width, height] = texture ? [texture.width, texture.height] : [0, 0];
    for (let p = 0, n = 0; p < region.length; p++) {
      if (!region[p]) continue;
      const f = 3 * faceIndex[p];
      let u = 0;
      let v = 0;
      for (let a = 0; a < 3; a++) {
        const b = weights[3 * p + a];
        const t = 2 * faceUvs[f + a];
        u += b * uvs[t];
        v += b * uvs[t + 1];
        out.corners[3 * n + a] = fanOf[faces[f + a]];
        out.barycentrics[3 * n + a] = b;
      }
      out.points[2 * n] = u * width;
      out.points[2 * n + 1] = v * height;
      n++;
    }
    if (texture) sampleBilinear(kernels, texture, points, appearance);
    else for (let n = 0; n < N; n++) appearance.view.fill(GREY, 4 * n, 4 * n + 3);
    const samples: SampleArrays = {
      count: N,
      corners,
      edges: corners,
      barycentrics,
      mask: firstOf(points, N),
      appearance,
    };
    photometricResiduals(
      kernels,
      samples,
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
    const colour = colours.view;
    for (let p = 0, n = 0; p < region.length; p++) {
      if (!region[p]) continue;
      rgb.data[3 * p] = colour[4 * n];
      rgb.data[3 * p + 1] = colour[4 * n + 1];
      rgb.data[3 * p + 2] = colour[4 * n + 2];
      n++;
    }
  });
  return { region, rgb };
}
