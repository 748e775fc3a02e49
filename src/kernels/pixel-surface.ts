/**
 * What the pixels of a face crop see: which point of the surface, whether it is skin, how far the next outline is. The method
 * is in `texture/observe.ts` and `texture/skin-trust.ts`, plain TypeScript for reading in `reference/evidence.ts`.
 */
import { jobOf, whole } from './job.ts';
import { type F32, type I32, type Kernels, requireLength, type U8, type U32 } from './runtime.ts';

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
