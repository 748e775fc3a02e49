/**
 * Maps of three colours, (H,W,3) float32, in kernel memory: resized, read at the nodes of a texel graph, put together of
 * what was solved there, and compared with a photo. In TypeScript these loops over a quarter of a million texels or
 * pixels run once a photo and so, in a process that fits one, mostly before V8 has compiled them: 0.2 s instead of 0.02.
 */
import type { Evidence } from './evidence.ts';
import { PIXEL } from './pixel-surface.ts';
import { type F32, type Kernels, requireLength, type U32 } from './runtime.ts';

/** Width and height of a map. */
export type MapSize = readonly [width: number, height: number];

/**
 * Bilinear resize, texel centres at half-integers, edges clamped.
 * @param out (H,W,3) of `outSize`, overwritten
 * @throws {InvalidArgumentError} on shapes that do not match
 */
export function resizeMap(kernels: Kernels, map: F32, size: MapSize, out: F32, outSize: MapSize): void {
  requireLength('resizeMap', 'map', map, 3 * size[0] * size[1], '(H,W,3)');
  requireLength('resizeMap', 'out', out, 3 * outSize[0] * outSize[1], '(H,W,3)');
  kernels.scope(() => {
    const row = kernels.f32(3 * size[0] + 4, false);
    kernels.raw.resizeMap(map.ptr, ...size, out.ptr, ...outSize, row.ptr);
  });
}

/**
 * A map's colours at nodes, in memory that the caller gives back.
 * @param texels (n) uint32
 * @returns (n,4) float32, the fourth zero
 */
export function gatherTexels(kernels: Kernels, texels: U32, map: F32): F32 {
  const out = kernels.f32(4 * texels.length, false);
  kernels.raw.gatherTexels(texels.length, texels.ptr, map.ptr, out.ptr);
  return out;
}

/** What {@link composeMap} puts together. */
export interface ComposeInput {
  /** (H,W,3) float32. */
  readonly base: F32;
  /** (n) uint32 texels of the nodes. */
  readonly texels: U32;
  /** (n,4) float32 `base` at the nodes, and what is to be added there. */
  readonly mean: F32;
  readonly offset: F32;
  /** (k) uint32 texels around the charts, and the node whose change each takes. */
  readonly around: U32;
  readonly nodes: U32;
}

/**
 * Adds the nodes' offset to a map in [0, 1]; what leaves that range is cut.
 * @returns (H,W,3) float32 each, what was added and the sum, in memory that the caller gives back
 * @throws {InvalidArgumentError} on shapes that do not match
 */
export function composeMap(kernels: Kernels, input: ComposeInput): { change: F32; albedo: F32 } {
  const { base, texels, mean, offset, around, nodes } = input;
  requireLength('composeMap', 'mean', mean, 4 * texels.length, '(n,4)');
  requireLength('composeMap', 'offset', offset, 4 * texels.length, '(n,4)');
  requireLength('composeMap', 'nodes', nodes, around.length, '(k)');
  const change = kernels.f32(base.length);
  const albedo = kernels.f32(base.length, false);
  kernels.raw.composeMap(
    texels.length,
    texels.ptr,
    mean.ptr,
    offset.ptr,
    around.length,
    around.ptr,
    nodes.ptr,
    base.length,
    base.ptr,
    change.ptr,
    albedo.ptr,
  );
  return { change, albedo };
}

/** Values as bytes, cut to [0, 1]. */
export function mapBytes(kernels: Kernels, values: Float32Array): Uint8Array<ArrayBuffer> {
  return kernels.scope(() => {
    const from = kernels.f32(values);
    const out = kernels.u8(values.length, false);
    kernels.raw.mapBytes(values.length, from.ptr, out.ptr);
    return new Uint8Array(out.view);
  });
}

/** Sums over measured pixels. */
export interface MatchSums {
  readonly pixels: number;
  /** Of |d| and d², d = albedo·shading − photo, over the three colours. */
  readonly l1: number;
  readonly l2: number;
  /** Of the albedo's colours. */
  readonly albedo: readonly [number, number, number];
}

/**
 * How far a rendered albedo is from the photo, over the measured pixels.
 * @param albedo (P,4) float32 as the pixels sample it
 * @throws {InvalidArgumentError} on shapes that do not match
 */
export function matchSums(kernels: Kernels, evidence: Evidence, albedo: F32): MatchSums {
  const { count, flags, shading, colours } = evidence;
  requireLength('matchSums', 'albedo', albedo, 4 * count, '(P,4)');
  return kernels.scope(() => {
    const sums = kernels.f64(5);
    const pixels = kernels.raw.matchSums(
      count,
      flags.ptr,
      PIXEL.measured,
      albedo.ptr,
      shading.ptr,
      colours.ptr,
      sums.ptr,
    );
    const [l1, l2, r, g, b] = sums.view;
    return { pixels, l1, l2, albedo: [r, g, b] };
  });
}

/**
 * Brightness over square cells of the picture, over the measured pixels.
 * @param before (P,4), @param after (P,4) float32 albedo as the pixels sample it
 * @param colour RGB that the light is measured on
 * @param size pixels along a side of the picture, @param cell along that of a cell
 * @returns (cells,3) float64: pixels, light on `colour`, and mean of the light on after − before
 * @throws {InvalidArgumentError} on shapes that do not match
 */
export function cellBrightness(
  kernels: Kernels,
  evidence: Evidence,
  before: F32,
  after: F32,
  colour: readonly [number, number, number],
  size: number,
  cell: number,
): Float64Array {
  const { count, flags, pixels, shading } = evidence;
  requireLength('cellBrightness', 'before', before, 4 * count, '(P,4)');
  requireLength('cellBrightness', 'after', after, 4 * count, '(P,4)');
  return kernels.scope(() => {
    const cells = kernels.f64(3 * Math.ceil(size / cell) ** 2);
    kernels.raw.cellBrightness(
      count,
      flags.ptr,
      PIXEL.measured,
      pixels.ptr,
      size,
      cell,
      before.ptr,
      after.ptr,
      shading.ptr,
      ...colour,
      cells.ptr,
    );
    return cells.view.slice();
  });
}
