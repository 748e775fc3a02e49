/**
 * The renderer of photometric_optimization, number by number: what its energy is computed on. Differences from
 * `render-head.ts`, all deliberate there and reproduced here:
 *
 *   - shading normals are vertex normals in **model** space (after the head's pose, before the camera's flip of y and z;
 *     the two agree for our cameras), interpolated and **not** made unit length again: shading is up to 1 % darker
 *     where triangles are large;
 *   - the albedo is sampled bilinearly with **zero** outside the map, texel centres at half-integers;
 *   - nothing is culled: the nearest surface counts, whichever way it faces;
 *   - outside the head albedo and shading are what zero attributes give: the map at UV grid (0, 0), its middle, and the
 *     shading of a zero normal; the picture itself is multiplied by coverage.
 *
 * Pixels cover their centres (PyTorch3D with blur 0 and one face per pixel does the same), barycentrics are not
 * perspective-corrected: the camera is orthographic.
 */
import type { Camera, OrthographicCamera } from '../camera/camera.ts';
import type { ImageF } from '../core/image.ts';
import type { Kernels } from '../kernels/runtime.ts';
import { shBasis } from '../light/sh.ts';
import { vertexNormals } from './normals.ts';
import { rasterMesh } from './raster.ts';

/** What to render. */
export interface OriginalRenderInput {
  /** (V,3) float32 metres, posed. */
  readonly vertices: Float32Array;
  /** (F,3). */
  readonly faces: Uint32Array;
  /** (U,2), v down. */
  readonly uvs: Float32Array;
  /** (F,3). */
  readonly faceUvs: Uint32Array;
  /** (H,W,3) albedo, not clamped. */
  readonly albedo: ImageF;
  /** (9,3) spherical harmonics. */
  readonly light: ArrayLike<number>;
  /** In pixels of the picture; {@link originalCamera} makes one of the original's three numbers. */
  readonly camera: Camera;
  /** Width and height of the picture; the original's is 224. */
  readonly size: number;
}

/** The original's pictures; (size,size,…) float32. */
export interface OriginalPictures {
  /** (size,size) 1 where the head covers the pixel. */
  readonly alpha: Float32Array;
  /** (size,size,2) UV in −1…1; zero outside. */
  readonly uvGrid: Float32Array;
  readonly albedo: ImageF;
  readonly shading: ImageF;
  /** albedo · shading · alpha. */
  readonly image: ImageF;
}

/**
 * The original's camera (s, tx, ty), whose picture coordinates in −1…1 are s·(x+tx), −s·(y+ty), as one of ours for a
 * picture of `size` pixels.
 */
export function originalCamera(camera: ArrayLike<number>, size: number): OrthographicCamera {
  const [scale, tx, ty] = [camera[0], camera[1], camera[2]];
  return {
    kind: 'orthographic',
    scale: (scale * size) / 2,
    principal: [size / 2, size / 2],
    translation: [tx, ty, 0],
  };
}

/** Renders as the original does. */
export function renderOriginal(kernels: Kernels, input: OriginalRenderInput): OriginalPictures {
  const { vertices, faces, uvs, faceUvs, light, size } = input;
  const raster = rasterMesh(kernels, vertices, faces, input.camera, size, size, {
    cull: 'none',
  });
  const normals = vertexNormals(vertices, faces);
  const n = size * size;
  const picture = (): ImageF => ({ width: size, height: size, channels: 3, data: new Float32Array(3 * n) });
  const [albedo, shading, image] = [picture(), picture(), picture()];
  const alpha = new Float32Array(n);
  const uvGrid = new Float32Array(2 * n);
  const basis = new Float64Array(9);
  const colour = new Float32Array(3);
  for (let p = 0; p < n; p++) {
    const f = raster.faceIndex[p];
    let [x, y, z, u, v] = [0, 0, 0, 0, 0];
    if (f >= 0) {
      alpha[p] = 1;
      for (let i = 0; i < 3; i++) {
        const b = raster.barycentrics[3 * p + i];
        const at = 3 * faces[3 * f + i];
        const t = 2 * faceUvs[3 * f + i];
        x += b * normals[at];
        y += b * normals[at + 1];
        z += b * normals[at + 2];
        u += b * (2 * uvs[t] - 1);
        v += b * (2 * uvs[t + 1] - 1);
      }
      uvGrid[2 * p] = u;
      uvGrid[2 * p + 1] = v;
    }
    shBasis(x, y, z, basis);
    sampleZeroPadded(input.albedo, (u + 1) / 2, (v + 1) / 2, colour);
    for (let c = 0; c < 3; c++) {
      let s = 0;
      for (let k = 0; k < 9; k++) s += light[3 * k + c] * basis[k];
      albedo.data[3 * p + c] = colour[c];
      shading.data[3 * p + c] = s;
      image.data[3 * p + c] = colour[c] * s * alpha[p];
    }
  }
  return { alpha, uvGrid, albedo, shading, image };
}

/** Bilinear sample at (u, v) in [0, 1], v down; texels outside the map are zero. */
function sampleZeroPadded(map: ImageF, u: number, v: number, out: Float32Array): void {
  const { width, height, data } = map;
  const x = u * width - 0.5;
  const y = v * height - 0.5;
  const x0 = Math.floor(x);
  const y0 = Math.floor(y);
  out.fill(0);
  for (let dy = 0; dy < 2; dy++)
    for (let dx = 0; dx < 2; dx++) {
      const [xi, yi] = [x0 + dx, y0 + dy];
      if (xi < 0 || yi < 0 || xi >= width || yi >= height) continue;
      const w = (dx ? x - x0 : 1 - x + x0) * (dy ? y - y0 : 1 - y + y0);
      for (let c = 0; c < 3; c++) out[c] += w * data[(yi * width + xi) * 3 + c];
    }
}
