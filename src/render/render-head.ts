/**
 * Pictures of a head: colour, albedo, shading and a grey shape preview, from one rasterisation.
 * Colour = albedo(uv) · shading(normal) + gloss(mirrored view), in sRGB-encoded values as in the fit's energy; not
 * tone-mapped.
 */
import type { Camera } from '../camera/camera.ts';
import type { ImageF } from '../core/image.ts';
import type { Kernels } from '../kernels/runtime.ts';
import { GLOSS_COUNT, glossAt } from '../light/gloss.ts';
import { shBasis } from '../light/sh.ts';
import { sampleMap } from './albedo.ts';
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
/** Directions towards the preview's lights and their strengths. */
const KEY = [-0.35, 0.35, 0.87, 0.7] as const;
const FILL = [0.6, 0.1, 0.79, 0.35] as const;

/** Renders `input`. */
export function renderHead(kernels: Kernels, input: RenderInput): RenderedHead {
  const { width, height, faces, faceUvs, uvs, light } = input;
  const gloss = input.gloss && Float64Array.from(input.gloss);
  const raster = rasterMesh(kernels, input.vertices, faces, input.camera, width, height, {
    cull: input.cull ?? 'back',
    kinds: input.kinds,
  });
  const vn = vertexNormals(input.vertices, faces);
  const picture = (): ImageF => ({
    width,
    height,
    channels: 3,
    data: new Float32Array(3 * width * height),
  });
  const out = { rgb: picture(), albedo: picture(), shading: picture(), shape: picture(), normals: picture() };
  const { faceIndex, barycentrics } = raster;
  const [albedo, shading, rgb, shape, normals] = [
    out.albedo.data,
    out.shading.data,
    out.rgb.data,
    out.shape.data,
    out.normals.data,
  ];
  const basis = new Float64Array(9);
  const mirrored = new Float64Array(GLOSS_COUNT);
  const a = new Float32Array(3);
  for (let p = 0; p < width * height; p++) {
    const f = faceIndex[p];
    if (f < 0) continue;
    let x = 0;
    let y = 0;
    let z = 0;
    let u = 0;
    let v = 0;
    for (let i = 0; i < 3; i++) {
      const b = barycentrics[3 * p + i];
      const n = 3 * faces[3 * f + i];
      const t = 2 * faceUvs[3 * f + i];
      x += b * vn[n];
      y += b * vn[n + 1];
      z += b * vn[n + 2];
      u += b * uvs[t];
      v += b * uvs[t + 1];
    }
    const k = 1 / Math.max(Math.sqrt(x * x + y * y + z * z), 1e-12);
    x *= k;
    y *= k;
    z *= k;
    shBasis(x, y, z, basis);
    if (input.albedo) sampleMap(input.albedo, u, v, a, 0);
    else a.fill(GREY);
    const grey = clay(x, y, z);
    normals[3 * p] = x;
    normals[3 * p + 1] = y;
    normals[3 * p + 2] = z;
    const shine = gloss
      ? glossAt(gloss, input.camera, (p % width) + 0.5, Math.floor(p / width) + 0.5, normals, 3 * p, mirrored)
      : 0;
    for (let c = 0; c < 3; c++) {
      let s = 0;
      for (let j = 0; j < 9; j++) s += light[3 * j + c] * basis[j];
      const o = 3 * p + c;
      albedo[o] = a[c];
      shading[o] = s;
      rgb[o] = a[c] * s + shine;
      shape[o] = CLAY[c] * grey;
    }
  }
  return { ...out, raster };
}

/** Brightness of clay under the preview's lights, for a unit normal in camera space. */
export function clay(x: number, y: number, z: number): number {
  return (
    0.12 +
    KEY[3] * Math.max(0, KEY[0] * x + KEY[1] * y + KEY[2] * z) +
    FILL[3] * Math.max(0, FILL[0] * x + FILL[1] * y + FILL[2] * z)
  );
}
