/**
 * Bytes of a head's pixels from what was rasterised, for films: light of vertices interpolated over faces, times the
 * texture's colours (bilinear, as `sampleMap` of `render/albedo.ts`), and beside it the shape in grey. In plain TypeScript
 * (`reference/paint.ts`) it took half of a film's picture; float32 cuts a number that lies near a whole one to the other.
 */
import { InvalidArgumentError } from '../core/errors.ts';
import type { RasterizeOutput } from './rasterize.ts';
import { type F32, type Kernels, requireLength, type U8, type U32 } from './runtime.ts';

/** Colours of a vertex: light in red, green and blue, grey of the shape. */
export const SHADES = 4;

/** A head to be painted. */
export interface PaintedHead {
  /** (F,3) vertices and texture corners. */
  readonly faces: U32;
  readonly faceUvs: U32;
  /** (F) 1 for faces that are seen in the shape's picture alone. */
  readonly hidden: U8;
  /** (U,2). */
  readonly uvs: F32;
  /** (V,{@link SHADES}). */
  readonly shades: F32;
  /** (height,width,3) colours in [0, 1]; null for `plain` ones. */
  readonly map: { readonly data: F32; readonly width: number; readonly height: number } | null;
  /** Bytes of skin without a map under white light. */
  readonly plain: readonly [number, number, number];
  /** Bytes of the shape at grey 1. */
  readonly clay: readonly [number, number, number];
}

/** Where it is painted. */
export interface PaintTarget {
  /** RGBA, rows of `columns` pixels. */
  readonly pixels: U8;
  readonly columns: number;
  /** Columns at which the head's picture and that of its shape begin. */
  readonly over: number;
  readonly shape: number;
  /** Columns and rows of the raster that the head may cover: left, top, right, bottom. */
  readonly bounds: readonly [number, number, number, number];
}

/**
 * Paints a rasterised head.
 * @param width of the raster
 * @throws {InvalidArgumentError} on lengths that do not match, and on a place outside the raster or the picture
 */
export function paintHead(
  kernels: Kernels,
  raster: RasterizeOutput,
  width: number,
  head: PaintedHead,
  to: PaintTarget,
): void {
  const { faces, faceUvs, hidden, uvs, shades, map, plain, clay } = head;
  const name = 'paintHead';
  const rows = Math.floor(raster.faceIndex.length / width);
  requireLength(name, 'faceIndex', raster.faceIndex, rows * width, '(H,W)');
  requireLength(name, 'barycentrics', raster.barycentrics, 3 * rows * width, '(H,W,3)');
  requireLength(name, 'pixels', to.pixels, 4 * to.columns * rows, '(H,columns,4)');
  requireLength(name, 'faces', faces, 3 * hidden.length, '(F,3)');
  requireLength(name, 'shades', shades, SHADES * Math.floor(shades.length / SHADES), '(V,4)');
  if (map) {
    requireLength(name, 'faceUvs', faceUvs, faces.length, '(F,3)');
    requireLength(name, 'uvs', uvs, 2 * Math.floor(uvs.length / 2), '(U,2)');
    requireLength(name, 'map', map.data, 3 * map.width * map.height, '(height,width,3)');
  }
  const [left, top, right, bottom] = to.bounds;
  if (left < 0 || top < 0 || right > width || bottom > rows)
    throw new InvalidArgumentError(
      `${name}: bounds must lie in a raster of ${width} × ${rows}, got ${to.bounds.join(', ')}`,
    );
  if (Math.min(to.over, to.shape) < 0 || Math.max(to.over, to.shape) + width > to.columns)
    throw new InvalidArgumentError(
      `${name}: over and shape must leave ${width} of ${to.columns} columns, got ${to.over} and ${to.shape}`,
    );
  kernels.scope(() => {
    const tones = kernels.f32([...clay, 0, ...plain, 0]);
    kernels.raw.paintHead(
      raster.faceIndex.ptr,
      raster.barycentrics.ptr,
      width,
      ...to.bounds,
      faces.ptr,
      faceUvs.ptr,
      hidden.ptr,
      uvs.ptr,
      shades.ptr,
      map ? map.data.ptr : 0,
      map?.width ?? 0,
      map?.height ?? 0,
      tones.ptr,
      to.pixels.ptr + 4 * to.over,
      to.pixels.ptr + 4 * to.shape,
      4 * to.columns,
    );
  });
}
