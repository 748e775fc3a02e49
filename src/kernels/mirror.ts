/**
 * The other side of a head: for a point of the surface, the nearest point of the surface to its mirror image in the plane
 * x = 0. On meshes that are themselves symmetric, as most are, it is exact for most faces and costs a look-up. In TypeScript
 * it took 0.1 s of the first texture of a process. Sums are float64; for reading: `reference/mirror.ts`.
 */
import { jobOf, whole } from './job.ts';
import { type Kernels, requireLength } from './runtime.ts';

/** Metres between a mirror image and the surface beyond which it is nobody's mirror point. */
export const REACH = 0.01;

/** What {@link mirrorTaps} looks at, in plain arrays. */
export interface MirroredTexels {
  /** (V,3) float32 metres and (F,3) uint32; (U,2) float32 and (F,3) uint32. */
  readonly template: Float32Array;
  readonly faces: Uint32Array;
  readonly uvs: Float32Array;
  readonly faceUvs: Uint32Array;
  /** (n) uint32 and (n,3) float32: where nodes lie on the mesh. */
  readonly nodeFaces: Uint32Array;
  readonly nodeBarycentrics: Float32Array;
  /** (H·W) int32 node of each texel, −1 for none. */
  readonly nodes: Int32Array;
  readonly width: number;
  readonly height: number;
}

/**
 * The four nodes around the mirror point of each node and their bilinear weights; zeros where the other side has no such
 * point within {@link REACH}, or one of the four is no node.
 * @returns (n,4) each
 * @throws {InvalidArgumentError} on shapes that do not match
 */
export function mirrorTaps(
  kernels: Kernels,
  input: MirroredTexels,
): { taps: Uint32Array; weights: Float32Array } {
  const { width, height } = input;
  const n = input.nodeFaces.length;
  const V = input.template.length / 3;
  const F = input.faces.length / 3;
  requireLength('mirrorTaps', 'nodes', input.nodes, width * height, '(H,W)');
  requireLength('mirrorTaps', 'nodeBarycentrics', input.nodeBarycentrics, 3 * n, '(n,3)');
  requireLength('mirrorTaps', 'faceUvs', input.faceUvs, 3 * F, '(F,3)');
  return kernels.scope(() => {
    const { raw } = kernels;
    const vertices = kernels.f32(input.template);
    const faces = kernels.u32(input.faces);
    const images = kernels.u32(V, false);
    const next = kernels.i32(V, false);
    const buckets = 2 ** Math.ceil(Math.log2(2 * V + 2));
    raw.mirrorImages(V, vertices.ptr, buckets, kernels.i32(buckets, false).ptr, next.ptr, images.ptr);
    const starts = kernels.u32(V + 1, false);
    const list = kernels.u32(3 * F, false);
    raw.facesAround(V, F, faces.ptr, starts.ptr, list.ptr, next.ptr);
    const twins = kernels.i32(F, false);
    const order = kernels.u8(3 * F, false);
    raw.twinFaces(F, faces.ptr, images.ptr, starts.ptr, list.ptr, twins.ptr, order.ptr);
    const taps = kernels.u32(4 * n);
    const weights = kernels.f32(4 * n);
    const job = jobOf(kernels, [
      [whole(n), kernels.u32(input.nodeFaces), kernels.f32(input.nodeBarycentrics)],
      [faces, vertices, kernels.u32(input.faceUvs), kernels.f32(input.uvs)],
      [images, starts, list, twins, order],
      [kernels.i32(input.nodes), whole(width), whole(height), REACH, taps, weights],
    ]);
    raw.mirrorTaps(job);
    return { taps: taps.view.slice(), weights: weights.view.slice() };
  });
}
