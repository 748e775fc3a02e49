/**
 * Pixel work of finding hair over a face (the method is in `fit/hair.ts`). In plain TypeScript (`reference/hair.ts`) it took
 * 0.06 s of a warm fit's processor time and 0.24 s of a process' first one.
 */
import type { ImageF } from '../core/image.ts';
import { type Kernels, requireLength } from './runtime.ts';

/** What hair is told by. */
export interface HairInput {
  /** (H,W,3) each. */
  readonly photo: ImageF;
  readonly render: ImageF;
  /** (H,W) 1 where skin may be, and where the face is, hair or not. */
  readonly region: Uint8Array;
  readonly core: Uint8Array;
  /** (H,W) 1 along brows and lids. */
  readonly lines: Uint8Array;
  /** From the chin to the brows, any length. */
  readonly up: readonly [number, number];
  /** Whole pixels: width of the ring around the face, of neighbourhoods, half width of brows. */
  readonly ring: number;
  readonly radius: number;
  readonly brow: number;
}

/** Of the tables that colours are counted in. */
const TABLES = 2 * 6 * 24 * 24;

/**
 * Flags (H,W): 1 where hair lies over the region.
 * @throws {InvalidArgumentError} on sizes that do not match.
 */
export function hairFlags(kernels: Kernels, input: HairInput): Uint8Array {
  const { photo, render, region, core, lines } = input;
  const { width, height } = photo;
  const pixels = width * height;
  const name = 'hairFlags';
  requireLength(name, 'photo', photo.data, 3 * pixels, '(H,W,3)');
  requireLength(name, 'render', render.data, 3 * pixels, '(H,W,3)');
  requireLength(name, 'region', region, pixels, '(H,W)');
  requireLength(name, 'core', core, pixels, '(H,W)');
  requireLength(name, 'lines', lines, pixels, '(H,W)');
  return kernels.scope(() => {
    const out = kernels.u8(pixels, false);
    const pictures = [photo.data, render.data].map((data) => kernels.f32(data).ptr);
    const flags = [region, core, lines].map((data) => kernels.u8(data).ptr);
    const scratch = [
      kernels.f32(5 * pixels, false),
      kernels.u8(9 * pixels, false),
      kernels.f64(width, false),
      kernels.f32(TABLES, false),
      kernels.f64(32, false),
    ];
    const job = kernels.u32(18);
    const fields = job.view;
    fields.set([...pictures, ...flags, width, height, input.ring, input.radius, input.brow]);
    new Float32Array(fields.buffer, job.ptr + 40, 2).set(input.up);
    fields.set([out.ptr, ...scratch.map((array) => array.ptr)], 12);
    kernels.raw.hairFlags(job.ptr);
    return out.view.slice();
  });
}
