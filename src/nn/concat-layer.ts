/** Puts the channels of pictures of one size side by side. */
import { InvalidArgumentError } from '../core/errors.ts';
import type { Kernels } from '../kernels/runtime.ts';
import { createVolume, type Layer, type Volume } from './volume.ts';

/**
 * Makes the layer and its output.
 * @throws {InvalidArgumentError} when the inputs differ in size
 */
export function concatLayer(kernels: Kernels, inputs: readonly Volume[]): { layer: Layer; output: Volume } {
  const { height, width } = inputs[0];
  for (const v of inputs)
    if (v.height !== height || v.width !== width)
      throw new InvalidArgumentError(
        `concatLayer: inputs must be ${height} × ${width} as the first is, got ${v.height} × ${v.width}`,
      );
  const channels = inputs.reduce((sum, v) => sum + v.channels, 0);
  const output = createVolume(kernels, height, width, channels);
  const pixels = height * width;
  const { raw } = kernels;
  const layer: Layer = {
    forward() {
      output.values.view.fill(0);
      let to = output.values.ptr;
      for (const v of inputs) {
        raw.addStrided(v.values.ptr, 4 * v.channels, to, 4 * channels, pixels, v.channels);
        to += 4 * v.channels;
      }
    },
    backward() {
      let from = output.gradient.ptr;
      for (const v of inputs) {
        raw.addStrided(from, 4 * channels, v.gradient.ptr, 4 * v.channels, pixels, v.channels);
        from += 4 * v.channels;
      }
    },
  };
  return { layer, output };
}
