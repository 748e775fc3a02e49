/**
 * Pictures of a head: colour, albedo, shading and a grey shape preview, from one rasterisation.
 * Colour = albedo(uv) · shading(normal) + gloss(mirrored view), in sRGB-encoded values as in the fit's energy; not
 * tone-mapped.
 */
import type { Camera } from '../camera/camera.ts';
import type { ImageF } from '../core/image.ts';
import { glossPlane } from '../kernels/gloss.ts';
import { headPixels } from '../kernels/head-pixels.ts';
import { pixelSurface, SURFACE_STRIDE } from '../kernels/pixel-surface.ts';
import type { F32, Kernels } from '../kernels/runtime.ts';
import { glossRays } from '../light/gloss.ts';
import { SH_CONSTANTS } from '../light/sh.ts';
import { vertexNormals } from './normals.ts';
import { type Raster, rasterMesh } from './raster.ts';

/** A mesh with what colours it. */
export interface RenderInput {
  /** (V,3) metres, posed. */
  readonly vertices: Float32Array;
  readonly faces: Uint32Array;
  readonly uvs: Float32Array;
  readonly faceUvs: Uint32Array;
  /** Albedo map; mid grey where absent. */
  readonly albedo: ImageF | null;
  /** (9,3) spherical-harmonics light. */
  readonly light: ArrayLike<number>;
  /** (25) white gloss, see `light/gloss.ts`; none where absent. */
  readonly gloss?: ArrayLike<number> | null;
  readonly camera: Camera;
  readonly width: number;
  readonly height: number;
  readonly cull?: 'back' | 'none';
  /** (F) uint8 kinds of faces, of `faceKinds`: lids that have sunk into eyeballs are seen. */
  readonly kinds?: Uint8Array | null;
}

/** Pictures of one head; all (H,W,3) float32, zero where there is no head. */
export interface RenderedHead {
  readonly rgb: ImageF;
  readonly albedo: ImageF;
  readonly shading: ImageF;
  /** Grey clay under two directional lights. */
  readonly shape: ImageF;
  /** (H,W,3) unit normals in camera space. */
  readonly normals: ImageF;
  readonly raster: Raster;
}

const GREY = 0.6;
/** Colour of the preview's clay. */
export const CLAY = [0.8, 0.78, 0.76] as const;
/** Directions towards the preview's lights and their strengths, and light from everywhere. */
const KEY = [-0.35, 0.35, 0.87, 0.7] as const;
const FILL = [0.6, 0.1, 0.79, 0.35] as const;
const AMBIENT = 0.12;

/** Renders `input`. */
export function renderHead(kernels: Kernels, input: RenderInput): RenderedHead {
  const { vertices, faces, camera, albedo, light, width, height } = input;
  const raster = rasterMesh(kernels, vertices, faces, camera, width, height, {
    cull: input.cull ?? 'back',
    kinds: input.kinds,
  });
  return kernels.scope(() => {
    const faceIndex = kernels.i32(raster.faceIndex);
    const mesh = {
      faces: kernels.u32(faces),
      faceUvs: kernels.u32(input.faceUvs),
      vertices: kernels.f32(vertices),
      normals: kernels.f32(vertexNormals(vertices, faces)),
      uvs: kernels.f32(input.uvs),
    };
    const seen = { faceIndex, barycentrics: kernels.f32(raster.barycentrics) };
    const surface = kernels.f32(SURFACE_STRIDE * width * height, false);
    const orthographic = camera.kind === 'orthographic';
    pixelSurface(kernels, mesh, seen, { translation: camera.translation, orthographic }, surface);
    const gloss = input.gloss ? kernels.f32(width * height, false) : null;
    if (gloss) {
      const view = { width, height, ...glossRays(camera), normals: surface, stride: SURFACE_STRIDE };
      glossPlane(kernels, view, kernels.f64(input.gloss!), gloss);
    }
    const drawn = headPixels(kernels, {
      faceIndex,
      surface,
      albedo: albedo && { ...albedo, data: kernels.f32(albedo.data) },
      grey: GREY,
      light,
      basis: SH_CONSTANTS,
      gloss,
      clay: { key: KEY, fill: FILL, colour: CLAY, ambient: AMBIENT },
    });
    const picture = ({ view }: F32): ImageF => ({ width, height, channels: 3, data: view.slice() });
    return {
      rgb: picture(drawn.rgb),
      albedo: picture(drawn.albedo),
      shading: picture(drawn.shading),
      shape: picture(drawn.shape),
      normals: picture(drawn.normals),
      raster,
    };
  });
}

/** Brightness of clay under the preview's lights, for a unit normal in camera space. */
export function clay(x: number, y: number, z: number): number {
  return (
    AMBIENT +
    KEY[3] * Math.max(0, KEY[0] * x + KEY[1] * y + KEY[2] * z) +
    FILL[3] * Math.max(0, FILL[0] * x + FILL[1] * y + FILL[2] * z)
  );
}
