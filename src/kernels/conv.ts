/**
 * 2-D convolutions with stride, dilation and zero padding, forward and backward, channels last.
 *
 *   out[y, x, o] = b[o] + Σ_{j,k,i} in[s·y + d·j − p, s·x + d·k − p, i] · w[j, k, i, o]
 *
 * All three products (forward, gradient to the source, gradient to the weights) run without a gathered copy of the
 * source: a convolution is a list of taps into a zero-padded copy, neighbouring taps joined to one run where they lie
 * side by side in memory. The gradient to the source of a strided convolution is one such list per phase of the stride.
 * Taps are taken in groups whose weights for 8 channels fill at most a third of the first-level cache.
 *
 * Measured on one thread, 2 × 7-wide kernel of 64 channels at 32²: see `bench/completion.ts --layers`. im2col with
 * `gemmTN` was not pursued: its copy is k² times the source.
 */
import { InvalidArgumentError } from '../core/errors.ts';
import { type F32, type I32, type Kernels, requireLength } from './runtime.ts';

/** Sizes of a convolution. */
export interface ConvShape {
  /** Pixels of the source. */
  readonly height: number;
  readonly width: number;
  /** Channels of the source, a multiple of 8. */
  readonly channels: number;
  /** Channels of the result, a multiple of 8. */
  readonly outs: number;
  /** Taps along each axis. */
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  /** Zeros around the source. */
  readonly padding: number;
}

/** Taps that share a pass over the picture. */
interface TapGroup {
  readonly taps: I32;
  readonly count: number;
  readonly run: number;
  /** Bytes into a block of packed weights. */
  readonly weights: number;
}

/** Taps of one phase of a stride: output pixels (s·q + phase). */
interface Phase {
  readonly y: number;
  readonly x: number;
  readonly rows: number;
  readonly columns: number;
  readonly groups: readonly TapGroup[];
}

/** A convolution made ready: tap lists, and room for weights as the kernels read them. */
export interface ConvPlan {
  readonly shape: ConvShape;
  /** Pixels of the result. */
  readonly outHeight: number;
  readonly outWidth: number;
  /** (outs/8, K², channels, 8) and (channels/8, K², outs, 8) float32, from {@link packConvWeights}. */
  readonly forward: F32;
  readonly backward: F32;
  /** @internal */
  readonly forwardGroups: readonly TapGroup[];
  /** @internal taps one by one, a list per row of the kernel. */
  readonly rowTaps: readonly I32[];
  /** @internal */
  readonly phases: readonly Phase[];
  /** @internal order of taps within `backward`. */
  readonly backwardOrder: Uint32Array;
  /** @internal rows, columns and first row and column of the padded source and the padded gradient. */
  readonly source: Padded;
  /** @internal */
  readonly gradient: Padded;
}

interface Padded {
  readonly height: number;
  readonly width: number;
  readonly before: number;
}

/** Bytes of packed weights a group may take, about a third of a first-level data cache. */
const GROUP_BYTES = 16384;

/**
 * Prepares a convolution; the plan's arrays stay in kernel memory.
 * @throws {InvalidArgumentError} on sizes that are not whole numbers above zero, channels that are not multiples of 8,
 *   or a kernel larger than the padded source
 */
export function planConv(kernels: Kernels, shape: ConvShape): ConvPlan {
  const { height, width, channels, outs, kernel, stride, dilation, padding } = shape;
  for (const [name, value] of Object.entries(shape))
    if (!Number.isInteger(value) || value < (name === 'padding' ? 0 : 1))
      throw new InvalidArgumentError(`planConv: ${name} must be a positive integer, got ${value}`);
  if (channels % 8 !== 0 || outs % 8 !== 0)
    throw new InvalidArgumentError(
      `planConv: channels and outs must be multiples of 8, got ${channels} and ${outs}`,
    );
  const reach = (kernel - 1) * dilation;
  const outHeight = Math.floor((height + 2 * padding - reach - 1) / stride) + 1;
  const outWidth = Math.floor((width + 2 * padding - reach - 1) / stride) + 1;
  if (outHeight < 1 || outWidth < 1)
    throw new InvalidArgumentError(
      `planConv: a kernel that reaches over ${reach + 1} pixels does not fit ${height} × ${width} with padding ${padding}`,
    );
  const source: Padded = {
    height: Math.max((outHeight - 1) * stride + reach + 1, height + padding),
    width: Math.max((outWidth - 1) * stride + reach + 1, width + padding),
    before: padding,
  };
  const forwardTaps: { offset: number; index: number }[] = [];
  for (let j = 0; j < kernel; j++)
    for (let k = 0; k < kernel; k++)
      forwardTaps.push({
        offset: 4 * channels * (j * dilation * source.width + k * dilation),
        index: j * kernel + k,
      });
  const forwardGroups = groupTaps(kernels, forwardTaps, channels, 0);
  const rowTaps = Array.from({ length: kernel }, (_, j) =>
    kernels.i32(forwardTaps.slice(j * kernel, (j + 1) * kernel).map((tap) => tap.offset)),
  );

  // Gradient to the source: in[s·q + r] gets gradOut[q + (r + p − d·j)/s] for the taps j where that is whole.
  const least = Math.floor((padding - reach) / stride);
  const before = Math.max(0, -least);
  const after = Math.floor((stride - 1 + padding) / stride);
  const gradient: Padded = {
    before,
    height: before + Math.max(outHeight, Math.ceil(height / stride) + after),
    width: before + Math.max(outWidth, Math.ceil(width / stride) + after),
  };
  const phases: Phase[] = [];
  const order: number[] = [];
  const along = (r: number) =>
    Array.from({ length: kernel }, (_, j) => ({ j, at: (r + padding - dilation * j) / stride })).filter(
      ({ at }) => Number.isInteger(at),
    );
  for (let y = 0; y < stride; y++)
    for (let x = 0; x < stride; x++) {
      const rows = Math.ceil((height - y) / stride);
      const columns = Math.ceil((width - x) / stride);
      const taps = along(y).flatMap((v) =>
        along(x).map((h) => ({
          offset: 4 * outs * ((before + v.at) * gradient.width + before + h.at),
          index: v.j * kernel + h.j,
        })),
      );
      taps.sort((a, b) => a.offset - b.offset);
      const groups = groupTaps(kernels, taps, outs, order.length);
      order.push(...taps.map((tap) => tap.index));
      if (rows > 0 && columns > 0) phases.push({ y, x, rows, columns, groups });
    }
  const size = kernel * kernel * channels * outs;
  return {
    shape,
    outHeight,
    outWidth,
    forward: kernels.f32(size),
    backward: kernels.f32(size),
    forwardGroups,
    rowTaps,
    phases,
    backwardOrder: Uint32Array.from(order),
    source,
    gradient,
  };
}

/** Joins taps that lie side by side, then gathers them into groups; `first` taps stand before them in the packed weights. */
function groupTaps(
  kernels: Kernels,
  taps: readonly { readonly offset: number }[],
  channels: number,
  first: number,
): TapGroup[] {
  const runs: { offset: number; taps: number }[] = [];
  for (const { offset } of taps) {
    const last = runs[runs.length - 1];
    if (last && offset === last.offset + 4 * channels * last.taps) last.taps++;
    else runs.push({ offset, taps: 1 });
  }
  const groups: TapGroup[] = [];
  let done = first;
  for (let i = 0; i < runs.length; ) {
    const { taps: each } = runs[i];
    const most = Math.max(1, Math.floor(GROUP_BYTES / (32 * channels * each)));
    let end = i;
    while (end < runs.length && end - i < most && runs[end].taps === each) end++;
    groups.push({
      taps: kernels.i32(runs.slice(i, end).map((run) => run.offset)),
      count: end - i,
      run: each * channels,
      weights: 32 * channels * done,
    });
    done += each * (end - i);
    i = end;
  }
  return groups;
}

/**
 * Lays weights out for {@link convForward} and, unless told otherwise, {@link convBackwardSource}.
 * @param weights (K,K,channels,outs) float32
 */
export function packConvWeights(plan: ConvPlan, weights: F32, backward = true): void {
  const { channels, outs, kernel } = plan.shape;
  requireLength('packConvWeights', 'weights', weights, kernel * kernel * channels * outs, '(K,K,in,out)');
  const w = weights.view;
  const to = plan.forward.view;
  const rows = kernel * kernel * channels;
  let at = 0;
  for (let o = 0; o < outs; o += 8)
    for (let r = 0; r < rows; r++, at += 8) for (let k = 0; k < 8; k++) to[at + k] = w[r * outs + o + k];
  if (!backward) return;
  const back = plan.backward.view;
  at = 0;
  for (let i = 0; i < channels; i += 8)
    for (const tap of plan.backwardOrder)
      for (let o = 0; o < outs; o++, at += 8)
        for (let k = 0, f = (tap * channels + i) * outs + o; k < 8; k++, f += outs) back[at + k] = w[f];
}

/**
 * out = bias + convolution of `source`, with the weights packed last.
 * @param source (H,W,channels) float32
 * @param bias (outs) float32
 * @param out (outHeight,outWidth,outs) float32
 */
export function convForward(kernels: Kernels, plan: ConvPlan, source: F32, bias: F32, out: F32): void {
  const { height, width, channels, outs, stride } = plan.shape;
  requireLength('convForward', 'source', source, height * width * channels, '(H,W,C)');
  requireLength('convForward', 'bias', bias, outs, '(O)');
  requireLength('convForward', 'out', out, plan.outHeight * plan.outWidth * outs, '(H,W,O)');
  const o = out.view;
  o.set(bias.view);
  for (let have = outs; have < o.length; have *= 2) o.copyWithin(have, 0, Math.min(have, o.length - have));
  kernels.scope(() => {
    const padded = pad(kernels, source, height, width, channels, plan.source);
    for (const group of plan.forwardGroups)
      kernels.raw.convTaps(
        padded.ptr,
        4 * stride * plan.source.width * channels,
        4 * stride * channels,
        group.taps.ptr,
        group.count,
        group.run,
        plan.forward.ptr + group.weights,
        4 * 8 * plan.shape.kernel ** 2 * channels,
        out.ptr,
        4 * plan.outWidth * outs,
        4 * outs,
        plan.outWidth,
        plan.outHeight,
        outs / 8,
      );
  });
}

/**
 * sourceGrad += gradient of ⟨outGrad, convolution⟩ with respect to the source.
 * @param outGrad (outHeight,outWidth,outs) float32
 * @param sourceGrad (H,W,channels) float32
 */
export function convBackwardSource(kernels: Kernels, plan: ConvPlan, outGrad: F32, sourceGrad: F32): void {
  const { height, width, channels, outs, stride, kernel } = plan.shape;
  requireLength('convBackwardSource', 'outGrad', outGrad, plan.outHeight * plan.outWidth * outs, '(H,W,O)');
  requireLength('convBackwardSource', 'sourceGrad', sourceGrad, height * width * channels, '(H,W,C)');
  kernels.scope(() => {
    const padded = pad(kernels, outGrad, plan.outHeight, plan.outWidth, outs, plan.gradient);
    for (const phase of plan.phases)
      for (const group of phase.groups)
        kernels.raw.convTaps(
          padded.ptr,
          4 * plan.gradient.width * outs,
          4 * outs,
          group.taps.ptr,
          group.count,
          group.run,
          plan.backward.ptr + group.weights,
          4 * 8 * kernel ** 2 * outs,
          sourceGrad.ptr + 4 * (phase.y * width + phase.x) * channels,
          4 * stride * width * channels,
          4 * stride * channels,
          phase.columns,
          phase.rows,
          channels / 8,
        );
  });
}

/**
 * weightGrad += and biasGrad += gradients of ⟨outGrad, convolution⟩.
 * @param source (H,W,channels) float32
 * @param outGrad (outHeight,outWidth,outs) float32
 * @param weightGrad (K,K,channels,outs) float32
 * @param biasGrad (outs) float32
 */
export function convBackwardWeights(
  kernels: Kernels,
  plan: ConvPlan,
  source: F32,
  outGrad: F32,
  weightGrad: F32,
  biasGrad: F32,
): void {
  const { height, width, channels, outs, stride, kernel } = plan.shape;
  const name = 'convBackwardWeights';
  requireLength(name, 'source', source, height * width * channels, '(H,W,C)');
  requireLength(name, 'outGrad', outGrad, plan.outHeight * plan.outWidth * outs, '(H,W,O)');
  requireLength(name, 'weightGrad', weightGrad, kernel * kernel * channels * outs, '(K,K,C,O)');
  requireLength(name, 'biasGrad', biasGrad, outs, '(O)');
  kernels.scope(() => {
    const padded = pad(kernels, source, height, width, channels, plan.source);
    plan.rowTaps.forEach((taps, j) => {
      for (let y = 0; y < plan.outHeight; y++)
        kernels.raw.convWeightsRow(
          padded.ptr + 4 * stride * y * plan.source.width * channels,
          4 * stride * channels,
          taps.ptr,
          kernel,
          channels,
          outGrad.ptr + 4 * y * plan.outWidth * outs,
          4 * outs,
          outs,
          plan.outWidth,
          weightGrad.ptr + 4 * j * kernel * channels * outs,
        );
    });
  });
  const sums = new Float64Array(outs);
  const g = outGrad.view;
  for (let i = 0; i < g.length; ) for (let o = 0; o < outs; o++, i++) sums[o] += g[i];
  const b = biasGrad.view;
  for (let o = 0; o < outs; o++) b[o] += sums[o];
}

/** A copy in scratch memory with zeros around it. */
function pad(
  kernels: Kernels,
  from: F32,
  height: number,
  width: number,
  channels: number,
  padded: Padded,
): F32 {
  const to = kernels.f32(padded.height * padded.width * channels);
  const [source, target] = [from.view, to.view];
  for (let y = 0; y < height; y++)
    target.set(
      source.subarray(y * width * channels, (y + 1) * width * channels),
      ((y + padded.before) * padded.width + padded.before) * channels,
    );
  return to;
}
