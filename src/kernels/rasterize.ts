/**
 * Which face is seen through each pixel, where on it, and how near: a z-buffer over triangles.
 *
 * Pixel centres are at +0.5, y points down, larger q is nearer and is interpolated linearly in screen space: with
 * q = 1/distance that is exact for a perspective picture, and the barycentrics become those of the surface by
 * b_i·q_i / Σ b·q. Meshes are counter-clockwise seen from outside with y up; with y down their front faces turn the
 * other way and have **negative** area ½·((x1−x0)(y2−y0) − (y1−y0)(x2−x0)).
 *
 * Coverage follows the top-left rule and is watertight: each pixel centre inside a closed outline belongs to
 * exactly one face of each layer. Edge functions are float32, evaluated from the same end of a shared edge, so
 * that both faces see exactly opposite values. There is no near-plane clipping: heads stand well before the camera.
 *
 * Of faces with exactly equal q the first wins.
 *
 * Faces may have kinds. Those of YIELDING + k are drawn after all others and never hide faces of kind k, whatever q says:
 * eyeballs and lids that have sunk into them (`model/eyelids.ts`).
 */
import {
  type F32,
  type I32,
  type Kernels,
  requireLength,
  resolveRange,
  type U8,
  type U32,
  type WorkRange,
} from './runtime.ts';
import { cutRange } from './tasks.ts';

/** Rows worth a task. */
const GRAIN = 56;

/** The least kind of faces that yield. */
export const YIELDING = 128;

/** What {@link rasterize} draws. */
export interface RasterizeInput {
  /** (V,3) float32: pixels x, pixels y, depth q. */
  readonly positions: F32;
  /** (F,3) uint32 vertex numbers. */
  readonly faces: U32;
  /** Pixels. */
  readonly width: number;
  /** Pixels. */
  readonly height: number;
  /** `back`: draw front faces only; `none`: draw both sides. */
  readonly cull: 'back' | 'none';
  /** q = 1/distance: faces with a vertex of q ≤ 0 are skipped, barycentrics are perspective-correct. */
  readonly perspective: boolean;
  /** (F) uint8 kinds of faces; all alike where absent. */
  readonly kinds?: U8 | null;
}

/** What {@link rasterize} fills in. */
export interface RasterizeOutput {
  /** (H,W) int32, −1 where there is no face. */
  readonly faceIndex: I32;
  /** (H,W,3) float32, sums to 1; zeros where there is no face. */
  readonly barycentrics: F32;
  /** (H,W) float32 q, −∞ where there is no face. */
  readonly depth: F32;
}

/** Takes the arrays of {@link RasterizeOutput} from kernel memory; `rasterize` clears them. */
export function createRasterizeOutput(kernels: Kernels, width: number, height: number): RasterizeOutput {
  return {
    faceIndex: kernels.i32(width * height, false),
    barycentrics: kernels.f32(3 * width * height, false),
    depth: kernels.f32(width * height, false),
  };
}

/**
 * Draws all faces. Faces with NaN or infinite coordinates, with zero area or outside the picture are skipped;
 * vertex numbers are trusted to be below V.
 *
 * @param rows rows [begin, end) to clear and draw, all by default; workers take a band each
 * @throws {InvalidArgumentError} on lengths that do not match
 */
export function rasterize(
  kernels: Kernels,
  input: RasterizeInput,
  output: RasterizeOutput,
  rows?: WorkRange,
): RasterizeOutput {
  const { positions, faces, width, height } = input;
  const pixels = width * height;
  requireLength('rasterize', 'positions', positions, 3 * Math.floor(positions.length / 3), '(V,3)');
  requireLength('rasterize', 'faces', faces, 3 * Math.floor(faces.length / 3), '(F,3)');
  if (input.kinds) requireLength('rasterize', 'kinds', input.kinds, faces.length / 3, '(F)');
  requireLength('rasterize', 'faceIndex', output.faceIndex, pixels, '(H,W)');
  requireLength('rasterize', 'barycentrics', output.barycentrics, 3 * pixels, '(H,W,3)');
  requireLength('rasterize', 'depth', output.depth, pixels, '(H,W)');
  const [begin, end] = resolveRange('rasterize', rows, height);
  // Every band looks at all faces, so that more bands than threads would only cost.
  kernels.run(
    'rasterizeRows',
    cutRange(begin, end, kernels.threads, GRAIN).map(([from, to]) => [
      positions.ptr,
      faces.ptr,
      faces.length / 3,
      width,
      from,
      to,
      input.perspective ? 1 : 0,
      input.cull === 'back' ? 1 : 0,
      input.kinds ? input.kinds.ptr : 0,
      output.faceIndex.ptr,
      output.barycentrics.ptr,
      output.depth.ptr,
    ]),
  );
  return output;
}
