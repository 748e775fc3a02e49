import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import {
  type ConvShape,
  convBackwardSource,
  convBackwardWeights,
  convForward,
  packConvWeights,
  planConv,
} from '../../src/kernels/conv.ts';
import { convReference } from '../../src/kernels/reference/conv.ts';
import { BUILDS } from './builds.ts';

const shape = (
  [height, width, channels, outs]: readonly number[],
  [kernel, stride, dilation, padding]: readonly number[],
): ConvShape => ({ height, width, channels, outs, kernel, stride, dilation, padding });

const SHAPES: readonly ConvShape[] = [
  shape([6, 7, 8, 8], [1, 1, 1, 0]),
  shape([9, 12, 8, 16], [3, 1, 1, 1]),
  shape([10, 5, 16, 8], [5, 1, 1, 2]),
  shape([16, 16, 16, 24], [7, 2, 1, 3]),
  shape([9, 11, 8, 16], [3, 2, 1, 1]),
  shape([12, 12, 8, 8], [3, 1, 4, 4]),
  shape([13, 9, 8, 8], [5, 1, 2, 4]),
  shape([14, 15, 8, 8], [3, 3, 2, 1]),
  shape([8, 8, 8, 8], [3, 1, 1, 0]),
  shape([4, 4, 8, 8], [7, 1, 2, 6]),
];

describe.each(BUILDS)('convolution (%s)', (_name, create) => {
  it.each(SHAPES.map((s) => [JSON.stringify(s), s] as const))('equals the reference: %s', (_label, s) => {
    const kernels = create();
    const random = createRandom(11);
    const normals = (length: number) => Float32Array.from({ length }, () => random.normal());
    const plan = planConv(kernels, s);
    const outLength = plan.outHeight * plan.outWidth * s.outs;
    const [source, weights, bias, outGrad] = [
      normals(s.height * s.width * s.channels),
      normals(s.kernel ** 2 * s.channels * s.outs),
      normals(s.outs),
      normals(outLength),
    ];
    const expected = convReference(s, source, weights, bias, outGrad);
    const [x, w, b, g] = [source, weights, bias, outGrad].map((data) => kernels.f32(data));
    packConvWeights(plan, w);
    const out = kernels.f32(outLength);
    convForward(kernels, plan, x, b, out);
    close(out.view, expected.out, 1);
    // Gradients are added to what stands there.
    const [dx, dw, db] = [source.length, weights.length, s.outs].map((n) =>
      kernels.f32(new Float32Array(n).fill(1)),
    );
    convBackwardSource(kernels, plan, g, dx);
    convBackwardWeights(kernels, plan, x, g, dw, db);
    const plusOne = (values: Float64Array) => values.map((v) => v + 1);
    close(dx.view, plusOne(expected.sourceGrad), 1);
    close(dw.view, plusOne(expected.weightGrad), 1);
    close(db.view, plusOne(expected.biasGrad), 1);
  });

  /** Sums of up to 400 products of standard normals in float32: √400 · 20 · 6e-8 or so. */
  function close(got: ArrayLike<number>, expected: ArrayLike<number>, scale: number) {
    expect(got.length).toBe(expected.length);
    let worst = 0;
    for (let i = 0; i < got.length; i++) worst = Math.max(worst, Math.abs(got[i] - expected[i]));
    expect(worst).toBeLessThan(1e-4 * scale);
  }

  it('refuses sizes it cannot do', () => {
    const kernels = create();
    const s = SHAPES[0];
    expect(() => planConv(kernels, { ...s, channels: 12 })).toThrow('multiples of 8');
    expect(() => planConv(kernels, { ...s, kernel: 0 })).toThrow('kernel must be a positive integer, got 0');
    expect(() => planConv(kernels, { ...s, kernel: 9 })).toThrow('does not fit 6 × 7');
    const plan = planConv(kernels, s);
    expect(() => packConvWeights(plan, kernels.f32(3))).toThrow('weights must be (K,K,in,out) with 64');
  });
});
