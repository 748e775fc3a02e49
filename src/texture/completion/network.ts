/**
 * The inpainting network, after GMCNN (Wang et al. 2018): three branches that see the map through kernels of 7, 5 and 3
 * with growing dilations, brought back to the map's size and decoded together; ELU, no normalisation.
 *
 *   branch   in → c → 2c (half) → 2c → 4c (quarter) → 4c → dilations 2, 4, 8 → 4c
 *   merge    7: ×4 bilinear;  5: ×2 nearest, 2c, 2c, ×2 bilinear;  3: ×2, 2c, 2c, ×2, c, c;  all 7c and the input → c → out
 *
 * Adapted: c = 16 instead of 32, two plain convolutions fewer per branch and no dilation of 16 (a quarter of a 128²
 * map has 32 texels: every tap but one would lie outside); zeros outside the charts instead of reflection; the input
 * joins the decoder. Without that nothing reaches the output but through a quarter of the resolution, and the network
 * could weigh its inputs by region but not tell a freckle from its neighbours: 466 steps of 16 on 300 maps ended where
 * step 80 was, and level with the best of its inputs (0.0187 on strokes, 0.0139 on unseen texels, see docs).
 *
 * The network does not paint from nothing. It is told three completions (principal components; mirror and harmonic
 * fill of what deviates from the mean; and of what deviates from the principal components) and answers, per texel, how
 * much of each to take and what to add:
 *
 *   y = Σ_k softmax(a)_k · completion_k + 0.1·b
 *
 * With its last layer at zero it begins as their mean.
 */
import { InvalidArgumentError } from '../../core/errors.ts';
import type { Kernels } from '../../kernels/runtime.ts';
import { Network } from '../../nn/network.ts';
import type { Volume } from '../../nn/volume.ts';

/** Sizes of a completion network. */
export interface CompletionShape {
  /** Texels of the part of the map that is looked at, multiples of 4. */
  readonly height: number;
  readonly width: number;
  /** c, a multiple of 8. */
  readonly base: number;
}

/** Channels in and out; see `examples.ts` for their meaning. */
export const INPUT_CHANNELS = 24;
export const OUTPUT_CHANNELS = 8;
/** Completions the network chooses among. */
export const CANDIDATES = 3;
/** What an added value of 1 is in albedo; inputs are divided by it. */
export const ALBEDO_UNIT = 0.1;

/** A network with its ends. */
export interface CompletionNetwork {
  readonly shape: CompletionShape;
  readonly network: Network;
  /** (height,width,24). */
  readonly input: Volume;
  /** (height,width,8). */
  readonly output: Volume;
}

const DILATIONS = [2, 4, 8];

/** Builds the network; its parameters are zeros until they are loaded. */
export function createCompletionNetwork(kernels: Kernels, shape: CompletionShape): CompletionNetwork {
  const { height, width, base: c } = shape;
  if (height % 4 !== 0 || width % 4 !== 0)
    throw new InvalidArgumentError(
      `createCompletionNetwork: height and width must be multiples of 4, got ${height} × ${width}`,
    );
  if (!Number.isInteger(c / 8) || c < 8)
    throw new InvalidArgumentError(`createCompletionNetwork: base must be a multiple of 8, got ${c}`);
  const network = new Network(kernels);
  const input = network.input(height, width, INPUT_CHANNELS);
  const branch = (kernel: number) => {
    let x = input;
    let index = 0;
    const conv = (outs: number, stride = 1, dilation = 1) => {
      const name = `branch${kernel}.${index++}`;
      x = network.conv(x, { name, outs, kernel, stride, dilation, inputGradient: x !== input });
    };
    conv(c);
    conv(2 * c, 2);
    conv(2 * c);
    conv(4 * c, 2);
    conv(4 * c);
    for (const dilation of DILATIONS) conv(4 * c, 1, dilation);
    conv(4 * c);
    return x;
  };
  const conv = (x: Volume, name: string, outs: number, kernel: number) =>
    network.conv(x, { name, outs, kernel });
  const wide = network.upsample(branch(7), 4, 'bilinear');
  let middle = network.upsample(branch(5), 2, 'nearest');
  middle = conv(conv(middle, 'merge5.0', 2 * c, 5), 'merge5.1', 2 * c, 5);
  middle = network.upsample(middle, 2, 'bilinear');
  let fine = network.upsample(branch(3), 2, 'nearest');
  fine = conv(conv(fine, 'merge3.0', 2 * c, 3), 'merge3.1', 2 * c, 3);
  fine = network.upsample(fine, 2, 'nearest');
  fine = conv(conv(fine, 'merge3.2', c, 3), 'merge3.3', c, 3);
  const decoded = conv(network.concat([wide, middle, fine, input]), 'decode.0', c, 3);
  const output = network.conv(decoded, {
    name: 'decode.1',
    outs: OUTPUT_CHANNELS,
    kernel: 3,
    elu: false,
    zero: true,
  });
  return { shape, network, input, output };
}
