/**
 * What the pixels of a face crop say about texels: how far each is to be believed, which texels it mixes, and how well each
 * texel was seen. The method is in `texture/observe.ts`, plain TypeScript for reading in `reference/evidence.ts`. In TypeScript
 * this, what pixels see and the residuals took 120 ms of a photo and three times that the first time in a process, before V8 had
 * optimised it.
 */
import { InvalidArgumentError } from '../core/errors.ts';
import { jobOf, whole } from './job.ts';
import { PIXEL, SURFACE_STRIDE, type SurfaceCamera, type SurfaceMesh } from './pixel-surface.ts';
import { type F32, type I32, type Kernels, requireLength, type U8, type U32 } from './runtime.ts';
import { takeLight } from './sample-sums.ts';
import type { TexelSamples } from './texels.ts';

/** What {@link takeEvidence} weighs. */
export interface EvidenceInput {
  /** (pixels,8) from {@link pixelSurface}. */
  readonly surface: F32;
  /** (pixels) float32 distance to the nearest outline, pixels. */
  readonly outline: F32;
  /** (pixels) {@link PIXEL}. */
  readonly flags: U8;
  /** (pixels) float32 what skin says, multiplied by all other factors. */
  readonly trust: F32;
  /** (pixels,3) float32. */
  readonly photo: F32;
  /** (pixels) float32 gloss that is taken off the photo. */
  readonly gloss?: F32;
  /** (9,3) light and (9) factors of the basis' polynomials. */
  readonly light: ArrayLike<number>;
  readonly basis: ArrayLike<number>;
  /** Where trust begins and is full: pixels from an outline, cosine (in apertures), mean shading. */
  readonly edge: readonly [number, number];
  readonly angle: readonly [number, number];
  readonly apertureAngle: readonly [number, number];
  readonly lit: readonly [number, number];
  /** Shading is taken as at least this. */
  readonly leastShading: number;
  /** (H,W) int32 node of each texel, −1 for none. */
  readonly nodes: I32;
  readonly width: number;
  readonly height: number;
}

/** Pixels that are trusted or measured; arrays may have room for more. */
export interface Evidence extends TexelSamples {
  /** (P) uint32. */
  readonly pixels: U32;
  /** (P) float32 in [0, 1]; zero for pixels that are there to be measured only. */
  readonly trust: F32;
  /** (P,4) float32, at least `leastShading`; the photo's colours without gloss, and the gloss. */
  readonly shading: F32;
  readonly colours: F32;
  /** (P) {@link PIXEL}. */
  readonly flags: U8;
}

/** Pixels of a raster that show a face. @param faceIndex (pixels) int32, −1 for none */
export function countSeen(kernels: Kernels, faceIndex: I32): number {
  return kernels.raw.countSeen(faceIndex.length, faceIndex.ptr);
}

/**
 * Marks the nodes that evidence is about.
 * @param visibility (n) float32
 * @param numbers (n) int32, overwritten: 0 where a node was seen or a trusted pixel samples it, −1 elsewhere
 * @throws {InvalidArgumentError} on shapes that do not match
 */
export function markSeen(kernels: Kernels, evidence: Evidence, visibility: F32, numbers: I32): void {
  requireLength('markSeen', 'numbers', numbers, visibility.length, '(n)');
  const { count, taps, trust } = evidence;
  kernels.raw.markSeen(visibility.length, visibility.ptr, count, taps.ptr, trust.ptr, numbers.ptr);
}

/**
 * Evidence about a part of the nodes, in memory that the caller gives back.
 * @param numbers (n) int32 number of each node in the part; taps of nodes that are not in it, −1, become its first one
 */
export function renumberEvidence(kernels: Kernels, evidence: Evidence, numbers: I32): Evidence {
  const length = 4 * evidence.count;
  const taps = kernels.u32(length, false);
  kernels.raw.renumber(length, evidence.taps.ptr, numbers.ptr, taps.ptr);
  return { ...evidence, taps };
}

/** Room for the evidence of so many pixels, in memory that the caller gives back. */
export function takeRoom(kernels: Kernels, count: number): Evidence {
  return {
    count,
    pixels: kernels.u32(count, false),
    taps: kernels.u32(4 * count, false),
    weights: kernels.f32(4 * count, false),
    trust: kernels.f32(count, false),
    shading: kernels.f32(4 * count, false),
    colours: kernels.f32(4 * count, false),
    flags: kernels.u8(count, false),
  };
}

/**
 * Weighs pixels and lists those that are trusted, or measured, and lie on the texel graph.
 * @param room at least for all pixels that are trusted or measured; they are written there
 * @throws {InvalidArgumentError} on shapes that do not match, or without enough room
 */
export function takeEvidence(kernels: Kernels, input: EvidenceInput, room: Evidence): Evidence {
  const pixels = input.outline.length;
  const name = 'takeEvidence';
  requireLength(name, 'surface', input.surface, SURFACE_STRIDE * pixels, '(pixels,8)');
  requireLength(name, 'flags', input.flags, pixels, '(pixels)');
  requireLength(name, 'trust', input.trust, pixels, '(pixels)');
  requireLength(name, 'photo', input.photo, 3 * pixels, '(pixels,3)');
  if (input.gloss) requireLength(name, 'gloss', input.gloss, pixels, '(pixels)');
  requireLength(name, 'light', input.light, 27, '(9,3)');
  requireLength(name, 'basis', input.basis, 9, '(9)');
  requireLength(name, 'nodes', input.nodes, input.width * input.height, '(H,W)');
  const most = kernels.raw.countTrusted(pixels, input.trust.ptr, input.flags.ptr, PIXEL.measured);
  if (most > room.count)
    throw new InvalidArgumentError(
      `${name}: room for ${room.count} pixels is not enough, there are up to ${most}`,
    );
  const count = kernels.scope(() => {
    const light = takeLight(kernels, input);
    const job = jobOf(kernels, [
      [whole(pixels), input.surface, input.outline, input.flags, input.trust, input.photo],
      [input.gloss ?? whole(0), light],
      input.edge,
      input.angle,
      input.apertureAngle,
      input.lit,
      [input.leastShading, input.nodes, whole(input.width), whole(input.height)],
      [room.pixels, room.taps, room.weights, room.trust, room.shading, room.colours, room.flags],
    ]);
    return kernels.raw.takeEvidence(job);
  });
  return { ...room, count };
}

/** What {@link nodeVisibility} looks at. */
export interface VisibilityInput {
  /** (n) uint32 and (n,3) float32: where each node lies on the mesh. */
  readonly nodeFaces: U32;
  readonly nodeBarycentrics: F32;
  readonly mesh: Pick<SurfaceMesh, 'faces' | 'vertices'>;
  /** (F) uint8 piece of the head that each face is of: a node is seen where its own piece is. */
  readonly pieces: U8;
  readonly camera: SurfaceCamera & {
    readonly principal: readonly number[];
    /** Focal length in pixels, or pixels per metre. */
    readonly factor: number;
  };
  /** Pixels a side. */
  readonly size: number;
  /** Metres a node may lie behind the nearest surface. */
  readonly slack: number;
  /** (size²), (size²,8), (size²). */
  readonly faceIndex: I32;
  readonly surface: F32;
  readonly trust: F32;
  readonly evidence: Evidence;
}

/**
 * How well each node was seen: the trust of the pixel in which its own point is, 0 where something else hides it; or, where
 * that is more, the mean trust of the pixels that sample it. (Where a UV layout folds over itself, the back of an eyeball
 * on its front, a texel has more than one point, and the hidden one must not hide it.)
 *
 * @param out (n) float32, overwritten
 * @throws {InvalidArgumentError} on shapes that do not match
 */
export function nodeVisibility(kernels: Kernels, input: VisibilityInput, out: F32): void {
  const { mesh, camera, evidence, size } = input;
  const n = out.length;
  requireLength('nodeVisibility', 'nodeFaces', input.nodeFaces, n, '(n)');
  requireLength('nodeVisibility', 'nodeBarycentrics', input.nodeBarycentrics, 3 * n, '(n,3)');
  requireLength('nodeVisibility', 'faceIndex', input.faceIndex, size * size, '(size,size)');
  requireLength('nodeVisibility', 'surface', input.surface, SURFACE_STRIDE * size * size, '(size,size,8)');
  requireLength('nodeVisibility', 'trust', input.trust, size * size, '(size,size)');
  requireLength('nodeVisibility', 'pieces', input.pieces, mesh.faces.length / 3, '(F)');
  kernels.scope(() => {
    const scratch = () => kernels.f32(n, false);
    const job = jobOf(kernels, [
      [whole(n), input.nodeFaces, input.nodeBarycentrics, mesh.faces, mesh.vertices, input.pieces],
      camera.translation,
      camera.principal,
      [camera.factor, camera.orthographic, whole(size), input.slack],
      [input.faceIndex, input.surface, input.trust],
      [whole(evidence.count), evidence.taps, evidence.weights, evidence.trust, scratch(), scratch(), out],
    ]);
    kernels.raw.nodeVisibility(job);
  });
}
