/** The part of the WebAssembly module's exports that networks are made of; see `exports.ts`. */

/** Addresses and counts only, see assembly/. @internal */
export interface NetworkExports {
  convTaps(
    source: number,
    sourceRow: number,
    sourcePixel: number,
    taps: number,
    tapCount: number,
    run: number,
    weights: number,
    weightBlock: number,
    out: number,
    outRow: number,
    outPixel: number,
    width: number,
    rows: number,
    blocks: number,
  ): void;
  convWeightsRow(
    source: number,
    sourcePixel: number,
    taps: number,
    tapCount: number,
    channels: number,
    outGrad: number,
    outPixel: number,
    outs: number,
    width: number,
    grad: number,
  ): void;
  elu(values: number, count: number): void;
  eluBackward(y: number, grad: number, count: number): void;
  addStrided(
    from: number,
    fromStride: number,
    to: number,
    toStride: number,
    count: number,
    channels: number,
  ): void;
  blendRows(from: number, plan: number, to: number, toStride: number, count: number, channels: number): void;
  spreadRows(to: number, toStride: number, plan: number, from: number, count: number, channels: number): void;
  inferConv(
    source: number,
    sourceRow: number,
    sourcePixel: number,
    taps: number,
    tapCount: number,
    run: number,
    weights: number,
    bias: number,
    slope: number,
    add: number,
    addRow: number,
    addPixel: number,
    addBlocks: number,
    out: number,
    outRow: number,
    outPixel: number,
    width: number,
    rows: number,
    blocks: number,
  ): void;
  inferSeparable(
    source: number,
    line: number,
    channels: number,
    stride: number,
    filters: number,
    scratch: number,
    noTap: number,
    weights: number,
    bias: number,
    slope: number,
    add: number,
    addRow: number,
    addPixel: number,
    addBlocks: number,
    out: number,
    outRow: number,
    outPixel: number,
    width: number,
    rows: number,
    blocks: number,
  ): void;
  maxPool(
    source: number,
    line: number,
    channels: number,
    out: number,
    outRow: number,
    width: number,
    rows: number,
  ): void;
}
