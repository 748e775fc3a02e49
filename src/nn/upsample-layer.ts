/**
 * Enlarges a picture by a whole factor, by nearest neighbour or bilinearly (pixel centres at halves, edges clamped), one
 * axis after the other.
 */
import type { Kernels, WasmArray } from '../kernels/runtime.ts';
import { createVolume, type Layer, type Volume } from './volume.ts';

/** How pixels in between are made. */
export type UpsampleKind = 'nearest' | 'bilinear';

/** Makes the layer and its output. */
export function upsampleLayer(
  kernels: Kernels,
  input: Volume,
  factor: number,
  kind: UpsampleKind,
): { layer: Layer; output: Volume } {
  const { height, width, channels } = input;
  const output = createVolume(kernels, factor * height, factor * width, channels);
  const inRow = 4 * width * channels;
  const down = blendPlan(kernels, height, factor, kind, inRow);
  const across = blendPlan(kernels, width, factor, kind, 4 * channels);
  const outRow = 4 * output.width * channels;
  const { raw } = kernels;
  const layer: Layer = {
    forward() {
      output.values.view.fill(0);
      kernels.scope(() => {
        const row = kernels.f32(width * channels);
        for (let y = 0; y < output.height; y++) {
          row.view.fill(0);
          raw.blendRows(input.values.ptr, down.ptr + 16 * y, row.ptr, 0, 1, width * channels);
          raw.blendRows(
            row.ptr,
            across.ptr,
            output.values.ptr + y * outRow,
            4 * channels,
            output.width,
            channels,
          );
        }
      });
    },
    backward() {
      kernels.scope(() => {
        const row = kernels.f32(width * channels);
        for (let y = 0; y < output.height; y++) {
          row.view.fill(0);
          raw.spreadRows(
            output.gradient.ptr + y * outRow,
            4 * channels,
            across.ptr,
            row.ptr,
            output.width,
            channels,
          );
          raw.spreadRows(row.ptr, 0, down.ptr + 16 * y, input.gradient.ptr, 1, width * channels);
        }
      });
    },
  };
  return { layer, output };
}

/** Which two of `count` positions each of `factor·count` is made of: byte offsets (`step` apart) and weights. */
function blendPlan(
  kernels: Kernels,
  count: number,
  factor: number,
  kind: UpsampleKind,
  step: number,
): WasmArray {
  const bytes = new ArrayBuffer(16 * factor * count);
  const view = new DataView(bytes);
  for (let i = 0; i < factor * count; i++) {
    const at = (i + 0.5) / factor - 0.5;
    const low = kind === 'nearest' ? Math.floor(i / factor) : Math.floor(at);
    const weight = kind === 'nearest' ? 0 : at - low;
    const clamp = (k: number) => step * Math.min(Math.max(k, 0), count - 1);
    view.setInt32(16 * i, clamp(low), true);
    view.setInt32(16 * i + 4, clamp(low + 1), true);
    view.setFloat32(16 * i + 8, 1 - weight, true);
    view.setFloat32(16 * i + 12, weight, true);
  }
  return kernels.u8(new Uint8Array(bytes));
}
