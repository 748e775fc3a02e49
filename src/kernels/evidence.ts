/**
 * What the pixels of a face crop say about texels: which point of the surface each sees, how far it is to be believed,
 * which texels it mixes, and how far it is from what was expected. The method is in `texture/observe.ts` and its
 * neighbours, plain TypeScript for reading in `reference/evidence.ts`. In TypeScript it took 120 ms of a photo and three
 * times that the first time in a process, before V8 had optimised it.
 */
import { InvalidArgumentError } from '../core/errors.ts';
import { jobOf, whole } from './job.ts';
import { type F32, type I32, type Kernels, requireLength, type U8, type U32 } from './runtime.ts';
import { takeLight } from './sample-sums.ts';
import type { TexelSamples } from './texels.ts';

/** A mesh with what is interpolated over it, in kernel memory. */
export interface SurfaceMesh {
  /** (F,3) uint32. */
  readonly faces: U32;
  readonly faceUvs: U32;
  /** (V,3) float32 metres, model space, and unit normals. */
  readonly vertices: F32;
  readonly normals: F32;
  /** (U,2) float32. */
  readonly uvs: F32;
}

/** Where a camera stands; a number tells its kind of projection. */
export interface SurfaceCamera {
  readonly translation: readonly number[];
  readonly orthographic: boolean;
}

/** Floats that {@link pixelSurface} has of each pixel. */
export const SURFACE_STRIDE = 8;

/**
 * The surface that each pixel sees: unit normal, depth (camera z), texture coordinates, cosine between normal and view,
 * and a zero; all zero where there is no face.
 *
 * @param raster (pixels) int32 faces and (pixels,3) float32 barycentrics
 * @param out (pixels,8) float32, overwritten
 * @throws {InvalidArgumentError} on shapes that do not match
 */
export function pixelSurface(
  kernels: Kernels,
  mesh: SurfaceMesh,
  raster: { readonly faceIndex: I32; readonly barycentrics: F32 },
  camera: SurfaceCamera,
  out: F32,
): void {
  const pixels = raster.faceIndex.length;
  requireLength('pixelSurface', 'barycentrics', raster.barycentrics, 3 * pixels, '(pixels,3)');
  requireLength('pixelSurface', 'out', out, SURFACE_STRIDE * pixels, '(pixels,8)');
  requireLength('pixelSurface', 'normals', mesh.normals, mesh.vertices.length, '(V,3)');
  requireLength('pixelSurface', 'faceUvs', mesh.faceUvs, mesh.faces.length, '(F,3)');
  kernels.scope(() => {
    const job = jobOf(kernels, [
      [raster.faceIndex, raster.barycentrics, mesh.faces, mesh.faceUvs],
      [mesh.vertices, mesh.normals, mesh.uvs],
      camera.translation,
      [camera.orthographic, out],
    ]);
    kernels.raw.pixelSurface(job, 0, pixels);
  });
}

/** Flags of a pixel. */
export const PIXEL = {
  /** The model's skin region is seen. */
  skin: 1,
  /** The fit's metrics are taken over it. */
  measured: 2,
  /** Well inside the landmarks' hull, where hair hardly ever is. */
  inner: 4,
  /** Within the outlines of eyes and mouth. */
  aperture: 8,
} as const;

/** What {@link skinPixels} is told by, at a resolution of its own. */
export interface SkinPlanes {
  /** Pixels a side. */
  readonly side: number;
  /** (side²,4) float32: trust of skin with holes closed, of what is no skin, the mask itself, and a zero. */
  readonly planes: F32;
  /** (side²) {@link PIXEL} but `skin`; `measured` holds for skin only. */
  readonly marks: U8;
}

/**
 * Trust by skin and flags of each pixel of a (size,size) raster.
 * @param skinFaces (F) uint8
 * @param trust (size²) float32, @param flags (size²) uint8: overwritten
 * @throws {InvalidArgumentError} on shapes that do not match
 */
export function skinPixels(
  kernels: Kernels,
  skin: SkinPlanes,
  size: number,
  faceIndex: I32,
  skinFaces: U8,
  trust: F32,
  flags: U8,
): void {
  const { side, planes, marks } = skin;
  requireLength('skinPixels', 'planes', planes, 4 * side * side, '(side,side,4)');
  requireLength('skinPixels', 'marks', marks, side * side, '(side,side)');
  for (const [key, array] of Object.entries({ faceIndex, trust, flags }))
    requireLength('skinPixels', key, array, size * size, '(size,size)');
  kernels.scope(() => {
    const counts = [whole(size), whole(side)];
    kernels.raw.skinPixels(jobOf(kernels, [counts, [faceIndex, skinFaces, planes, marks, trust, flags]]));
  });
}

/** What {@link outlineDistances} looks at. */
export interface OutlineInput {
  /** Pixels a side. */
  readonly size: number;
  /** (size²) int32, (size²,8) float32 from {@link pixelSurface}, (size²) {@link PIXEL}. */
  readonly faceIndex: I32;
  readonly surface: F32;
  readonly flags: U8;
  /** First and last column and row that the photo covers. */
  readonly columns: readonly [number, number];
  readonly rows: readonly [number, number];
  /** Metres between neighbouring pixels that make a jump in depth, unless both are in apertures. */
  readonly jump: number;
}

/**
 * Distance in pixels to the nearest outline, as by {@link chamferDistances}: silhouette, depth jump, border of photo or
 * crop.
 * @param out (size²) float32, overwritten
 * @throws {InvalidArgumentError} on shapes that do not match
 */
export function outlineDistances(kernels: Kernels, input: OutlineInput, out: F32): void {
  const { size, faceIndex, surface, flags, columns, rows, jump } = input;
  for (const [key, array] of Object.entries({ faceIndex, flags, out }))
    requireLength('outlineDistances', key, array, size * size, '(size,size)');
  requireLength('outlineDistances', 'surface', surface, SURFACE_STRIDE * size * size, '(size,size,8)');
  kernels.scope(() => {
    const edges = [...columns, ...rows].map(whole);
    const job = jobOf(kernels, [[whole(size), faceIndex, surface, flags], edges, [jump, out]]);
    kernels.raw.outlineDistances(job);
  });
}

/**
 * Distance of every pixel to the nearest one that is set, in pixels: two passes with steps 1 and √2 (Borgefors 1986),
 * at most 8 % off; (H,W), all infinite when none is set.
 */
export function chamferDistances(
  kernels: Kernels,
  set: Uint8Array,
  width: number,
  height: number,
): Float32Array {
  requireLength('chamferDistances', 'set', set, width * height, '(H,W)');
  return kernels.scope(() => {
    const out = kernels.f32(width * height, false);
    const { view } = out;
    for (let p = 0; p < view.length; p++) view[p] = set[p] ? 0 : Number.POSITIVE_INFINITY;
    kernels.raw.chamferDistances(width, height, out.ptr);
    return view.slice();
  });
}

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
  /** (P,4) float32, at least `leastShading`; the photo's colours. */
  readonly shading: F32;
  readonly colours: F32;
  /** (P) {@link PIXEL}. */
  readonly flags: U8;
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
  requireLength(name, 'light', input.light, 27, '(9,3)');
  requireLength(name, 'basis', input.basis, 9, '(9)');
  requireLength(name, 'nodes', input.nodes, input.width * input.height, '(H,W)');
  const [trust, flags] = [input.trust.view, input.flags.view];
  let most = 0;
  for (let p = 0; p < pixels; p++) if (trust[p] > 0 || flags[p] & PIXEL.measured) most++;
  if (most > room.count)
    throw new InvalidArgumentError(
      `${name}: room for ${room.count} pixels is not enough, there are up to ${most}`,
    );
  const count = kernels.scope(() => {
    const light = takeLight(kernels, input);
    const job = jobOf(kernels, [
      [whole(pixels), input.surface, input.outline, input.flags, input.trust, input.photo, light],
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
  kernels.scope(() => {
    const scratch = () => kernels.f32(n, false);
    const job = jobOf(kernels, [
      [whole(n), input.nodeFaces, input.nodeBarycentrics, mesh.faces, mesh.vertices],
      camera.translation,
      camera.principal,
      [camera.factor, camera.orthographic, whole(size), input.slack],
      [input.faceIndex, input.surface, input.trust],
      [whole(evidence.count), evidence.taps, evidence.weights, evidence.trust, scratch(), scratch(), out],
    ]);
    kernels.raw.nodeVisibility(job);
  });
}

/**
 * Residuals of the parametric texture in albedo, photo/shading − albedo, and weights trust·(mean shading)², so that weighted
 * residuals are those of the picture. White is where a photo's range ends: above `saturated` only brighter counts. A
 * channel with much less light than the others follows them in brightness.
 *
 * @param rendered (P,4) float32 albedo, overwritten by the residuals
 * @param weight (P) float32, overwritten
 */
export function albedoResiduals(
  kernels: Kernels,
  evidence: Evidence,
  saturated: number,
  rendered: F32,
  weight: F32,
): void {
  const { count, shading, colours, trust } = evidence;
  requireLength('albedoResiduals', 'rendered', rendered, 4 * count, '(P,4)');
  requireLength('albedoResiduals', 'weight', weight, count, '(P)');
  kernels.raw.albedoResiduals(
    count,
    rendered.ptr,
    shading.ptr,
    colours.ptr,
    trust.ptr,
    saturated,
    weight.ptr,
  );
}

/** Pixels with what cell of a coarse grid each lies in. */
export interface CellPixels {
  readonly evidence: Evidence;
  /** (P) uint32. */
  readonly cells: U32;
  /** (P) float32. */
  readonly weight: F32;
  /** (P,4) float32. */
  readonly residual: F32;
  /** (P) float32: what weights are multiplied by. */
  readonly factor: F32;
}

/** pull (cells) += weight·factor, right (cells,4) += weight·factor·residual. */
export function sumCells(kernels: Kernels, pixels: CellPixels, pull: F32, right: F32): void {
  requireCells('sumCells', pixels);
  requireLength('sumCells', 'right', right, 4 * pull.length, '(cells,4)');
  const { evidence, cells, weight, residual, factor } = pixels;
  kernels.raw.sumCells(evidence.count, cells.ptr, weight.ptr, factor.ptr, residual.ptr, pull.ptr, right.ptr);
}

/** out (P) = the cell of each pixel's heaviest tap. @param cells (n) uint32 */
export function heaviestCells(kernels: Kernels, evidence: Evidence, cells: U32, out: U32): void {
  const { count, taps, weights } = evidence;
  requireLength('heaviestCells', 'out', out, count, '(P)');
  kernels.raw.heaviestCells(count, taps.ptr, weights.ptr, cells.ptr, out.ptr);
}

/** out (n) = mean of `value` (P) over the trusted pixels that sample each node; 0 without any. */
export function nodeMeans(kernels: Kernels, evidence: Evidence, value: F32, out: F32): void {
  const { count, taps, weights, trust } = evidence;
  requireLength('nodeMeans', 'value', value, count, '(P)');
  kernels.scope(() => {
    const total = kernels.f32(out.length, false);
    kernels.raw.nodeMeans(count, taps.ptr, weights.ptr, trust.ptr, value.ptr, out.length, total.ptr, out.ptr);
  });
}

/** Scales of {@link robustFactors}, RGB in [0, 1]. */
export interface RobustScales {
  readonly free: number;
  readonly width: number;
  readonly outside: number;
}

/**
 * Robust factors of skin pixels against their cells' surroundings; those of other pixels stay.
 * @param around (cells,4) float32
 * @param foreign (P) float32: how surely each shows something else than skin
 */
export function robustFactors(
  kernels: Kernels,
  pixels: CellPixels,
  around: F32,
  scales: RobustScales,
  foreign: F32,
): void {
  requireCells('robustFactors', pixels);
  requireLength('robustFactors', 'foreign', foreign, pixels.evidence.count, '(P)');
  const { evidence, cells, weight, residual, factor } = pixels;
  kernels.raw.robustFactors(
    evidence.count,
    cells.ptr,
    weight.ptr,
    evidence.flags.ptr,
    residual.ptr,
    evidence.shading.ptr,
    around.ptr,
    scales.free,
    scales.width,
    scales.outside,
    factor.ptr,
    foreign.ptr,
  );
}

function requireCells(kernel: string, { evidence, cells, weight, residual, factor }: CellPixels): void {
  for (const [key, array] of Object.entries({ cells, weight, factor }))
    requireLength(kernel, key, array, evidence.count, '(P)');
  requireLength(kernel, 'residual', residual, 4 * evidence.count, '(P,4)');
}
