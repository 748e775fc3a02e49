/**
 * The skin region of a state as its energy sees it: what masks and metrics compare with the photo. The same colours as
 * `render/render-head.ts` gives there, at a tenth of the work: no other part of the head, nothing but colour.
 */
import { cropCamera, projectResident } from '../camera/project.ts';
import type { ImageF } from '../core/image.ts';
import { collectSamples } from '../kernels/collect.ts';
import { appearanceStride, photometricResiduals, Q_STRIDE, takePhoto } from '../kernels/photometric.ts';
import { createRasterizeOutput, rasterize } from '../kernels/rasterize.ts';
import type { F32, Kernels } from '../kernels/runtime.ts';
import { scatterColours } from '../kernels/skin.ts';
import { fanNormals } from '../kernels/surface.ts';
import { SH_CONSTANTS } from '../light/sh.ts';
import { posedKinds } from '../model/resident-head.ts';
import type { FitState } from './parameters.ts';
import type { ResidentModel } from './resident.ts';
import { takeAppearance } from './samples.ts';

/** Where the skin region is seen, and its colours there. */
export interface SkinPicture {
  /** (size,size) 1 where the region is seen. */
  readonly region: Uint8Array;
  /** (size,size,3), zero elsewhere. */
  readonly rgb: ImageF;
  /** (size,size,3) unit normals in camera space, where they were asked for. */
  readonly normals: ImageF | null;
  /** Which pixels these are (N), and (N,2) where on a picture over the UV map they lie, in its pixels; where it was given. */
  readonly points: { readonly pixels: Uint32Array; readonly places: Float32Array } | null;
}

/** What {@link renderSkin} is to tell beside the colours. */
export interface SkinOptions {
  readonly normals?: boolean;
  /** A picture over the UV map: where on it pixels lie. */
  readonly over?: Pick<ImageF, 'width' | 'height'> | null;
}

/** Renders the skin of `state` into a square of `size` pixels; `scale` is pixels per pixel of the state's camera. */
export function renderSkin(
  kernels: Kernels,
  resident: ResidentModel,
  state: FitState,
  size: number,
  scale: number,
  options: SkinOptions = {},
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
      {
        ...{ positions, faces: head.faces, kinds: posedKinds(head) },
        ...{ width: size, height: size, cull: 'back', perspective },
      },
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
    takeNormals(active, normals.view, q.view);
    // Against a black photo residuals are the picture itself, wherever (u, v) lies.
    const photo = takePhoto(kernels, { width: 2, height: 2, channels: 3, data: new Float32Array(12) });
    const loss = { sigma: 1, k: 1, weight: 1 };
    const paint = (look: F32, light: ArrayLike<number>, texture: ArrayLike<number>, to: F32): ImageF => {
      const colours = kernels.f32(4 * count, false);
      const input = { q, photo, light, basis: SH_CONSTANTS, texture, loss };
      photometricResiduals(kernels, { ...arrays, appearance: look, count }, input, colours);
      scatterColours(kernels, colours, pixels, count, to, seen);
      return { width: size, height: size, channels: 3, data: to.view.slice() };
    };
    const rgb = paint(appearance, state.light, state.texture, picture);
    let facing: ImageF | null = null;
    if (options.normals) {
      const white = kernels.f32(appearanceStride(0) * count, false);
      white.view.fill(1);
      facing = paint(white, AXES, [], kernels.f32(3 * size * size));
    }
    const { over } = options;
    const told = over && {
      pixels: pixels.view.slice(0, count),
      places: placesOn(points.view.subarray(0, 2 * count), map ?? { width: 1, height: 1 }, over),
    };
    return { region: seen.view.slice(), rgb, normals: facing, points: told ?? null };
  });
}

/** Places (N,2) on a picture as those on another one of the same. */
function placesOn(
  places: Float32Array,
  from: { readonly width: number; readonly height: number },
  to: { readonly width: number; readonly height: number },
): Float32Array {
  const out = new Float32Array(places.length);
  for (let i = 0; i < places.length; i += 2) {
    out[i] = (places[i] * to.width) / from.width;
    out[i + 1] = (places[i + 1] * to.height) / from.height;
  }
  return out;
}

/** Normals of the active fans to where residuals look for them. */
function takeNormals(active: Uint32Array, normals: Float32Array, q: Float32Array): void {
  for (let i = 0; i < active.length; i++)
    for (let a = 0; a < 3; a++) q[Q_STRIDE * i + 2 + a] = normals[4 * active[i] + a];
}

/** A light that makes white skin show its normal: x in red, y in green, z in blue. */
const AXES = Float64Array.from({ length: 27 }, (_, i) =>
  i === 3 || i === 7 || i === 11 ? 1 / SH_CONSTANTS[1] : 0,
);
