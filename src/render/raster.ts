/** Which part of a mesh each pixel of a picture sees; plain arrays around the rasteriser kernel. */
import type { Camera } from '../camera/camera.ts';
import { projectPoints } from '../camera/project.ts';
import { createRasterizeOutput, rasterize } from '../kernels/rasterize.ts';
import type { Kernels } from '../kernels/runtime.ts';

/** Visible faces of a picture. */
export interface Raster {
  readonly width: number;
  readonly height: number;
  /** (H,W) int32, −1 for none. */
  readonly faceIndex: Int32Array;
  /** (H,W,3) float32. */
  readonly barycentrics: Float32Array;
  /** (V,3) float32 projected vertices: u, v, q. */
  readonly positions: Float32Array;
}

/** Options of {@link rasterMesh}. */
export interface RasterOptions {
  /** Barycentrics of the surface (default) rather than of the screen. */
  readonly perspectiveCorrect?: boolean;
  readonly cull?: 'back' | 'none';
  /** (F) uint8 kinds of faces, of `faceKinds`. */
  readonly kinds?: Uint8Array | null;
}

/**
 * Rasterises a mesh.
 * @param vertices (V,3) metres.
 * @param faces (F,3).
 */
export function rasterMesh(
  kernels: Kernels,
  vertices: Float32Array,
  faces: Uint32Array,
  camera: Camera,
  width: number,
  height: number,
  options: RasterOptions = {},
): Raster {
  const positions = projectPoints(camera, vertices);
  const mark = kernels.mark();
  try {
    const p = kernels.f32(positions.length);
    const f = kernels.u32(faces.length);
    const out = createRasterizeOutput(kernels, width, height);
    p.view.set(positions);
    f.view.set(faces);
    const perspective = camera.kind === 'perspective' && (options.perspectiveCorrect ?? true);
    const kinds = options.kinds ? kernels.u8(options.kinds) : null;
    const cull = options.cull ?? 'back';
    rasterize(kernels, { positions: p, faces: f, kinds, width, height, cull, perspective }, out);
    return {
      width,
      height,
      faceIndex: out.faceIndex.view.slice(),
      barycentrics: out.barycentrics.view.slice(),
      positions,
    };
  } finally {
    kernels.release(mark);
  }
}
