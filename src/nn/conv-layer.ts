/** A convolution with bias, and an exponential linear unit (Clevert et al. 2016) after it where asked for. */
import { withDefaults } from '../core/defaults.ts';
import {
  type ConvShape,
  convBackwardSource,
  convBackwardWeights,
  convForward,
  packConvWeights,
  planConv,
} from '../kernels/conv.ts';
import type { Kernels } from '../kernels/runtime.ts';
import { createVolume, type Layer, type Parameter, type Volume } from './volume.ts';

/** What a convolution is made with. */
export interface ConvOptions {
  /** Of its parameters: `NAME.weight` and `NAME.bias`. */
  readonly name: string;
  /** Output channels, a multiple of 8. */
  readonly outs: number;
  /** Odd number of taps along each axis. */
  readonly kernel: number;
  readonly stride?: number;
  readonly dilation?: number;
  /** ELU afterwards. */
  readonly elu?: boolean;
  /** Start from zeros, so that the network begins as if this layer were not there. */
  readonly zero?: boolean;
  /** False where nobody needs the gradient of the input. */
  readonly inputGradient?: boolean;
}

/** Defaults of {@link ConvOptions}. */
export const CONV_DEFAULTS = { stride: 1, dilation: 1, elu: true, zero: false, inputGradient: true } as const;

/** Variance of weights times their number per output that keeps an ELU network's signals of one size. */
const ELU_GAIN = 1.55;

/** Makes the layer, its parameters and its output; `padding` keeps the size (divided by the stride). */
export function convLayer(
  kernels: Kernels,
  input: Volume,
  options: ConvOptions,
): { layer: Layer; output: Volume; parameters: Parameter[] } {
  const o = withDefaults(CONV_DEFAULTS, options);
  const shape: ConvShape = {
    height: input.height,
    width: input.width,
    channels: input.channels,
    outs: o.outs,
    kernel: o.kernel,
    stride: o.stride,
    dilation: o.dilation,
    padding: (o.dilation * (o.kernel - 1)) / 2,
  };
  const plan = planConv(kernels, shape);
  const output = createVolume(kernels, plan.outHeight, plan.outWidth, o.outs);
  const fan = o.kernel ** 2 * input.channels;
  const weight: Parameter = {
    name: `${o.name}.weight`,
    shape: [o.kernel, o.kernel, input.channels, o.outs],
    values: kernels.f32(fan * o.outs),
    gradient: kernels.f32(fan * o.outs),
    initialSd: o.zero ? 0 : Math.sqrt(ELU_GAIN / fan),
  };
  const bias: Parameter = {
    name: `${o.name}.bias`,
    shape: [o.outs],
    values: kernels.f32(o.outs),
    gradient: kernels.f32(o.outs),
    initialSd: 0,
  };
  const { raw } = kernels;
  const layer: Layer = {
    refresh: () => packConvWeights(plan, weight.values, o.inputGradient),
    forward() {
      convForward(kernels, plan, input.values, bias.values, output.values);
      if (o.elu) raw.elu(output.values.ptr, output.values.length);
    },
    backward() {
      const { values, gradient } = output;
      if (o.elu) raw.eluBackward(values.ptr, gradient.ptr, gradient.length);
      convBackwardWeights(kernels, plan, input.values, gradient, weight.gradient, bias.gradient);
      if (o.inputGradient) convBackwardSource(kernels, plan, gradient, input.gradient);
    },
  };
  return { layer, output, parameters: [weight, bias] };
}
