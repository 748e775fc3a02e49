import { describe, expect, it } from 'vitest';
import { InvalidArgumentError } from '../../src/core/errors.ts';
import { createRandom } from '../../src/core/random.ts';
import {
  createFeatureMap,
  featuresOf,
  type LayerShape,
  planLayer,
  poolLayer,
  runLayer,
  setFeatures,
} from '../../src/kernels/inference.ts';
import { layerReference, poolReference } from '../../src/kernels/reference/inference.ts';
import { BUILDS } from './builds.ts';

interface Case {
  readonly source: readonly [height: number, width: number];
  readonly out: readonly [height: number, width: number];
  readonly shape: LayerShape;
  readonly separable?: boolean;
  readonly activation?: boolean;
  /** Channels added. */
  readonly add?: number;
}
const shape = (channels: number, outs: number, kernel = 1, stride = 1, before = 0): LayerShape => ({
  ...{ channels, outs, kernel, stride, before },
});

/** Widths of 1 to 4 beyond a multiple of four, strides, paddings as a network of even sizes has them. */
const CASES: readonly Case[] = [
  { source: [3, 8], out: [3, 8], shape: shape(8, 16) },
  { source: [2, 5], out: [2, 5], shape: shape(16, 8), activation: true, add: 8 },
  { source: [5, 6], out: [5, 6], shape: shape(8, 24), activation: true, add: 8 },
  { source: [4, 7], out: [4, 7], shape: shape(4, 213) },
  { source: [16, 16], out: [8, 8], shape: shape(3, 16, 3, 2, 0), activation: true },
  { source: [16, 14], out: [8, 7], shape: shape(3, 24, 5, 2, 1), activation: true },
  { source: [8, 8], out: [4, 4], shape: shape(16, 8, 2, 2), activation: true },
  { source: [3, 3], out: [1, 1], shape: shape(32, 14, 3, 3) },
  { source: [7, 6], out: [7, 6], shape: shape(8, 8, 3, 1, 1), separable: true, activation: true, add: 8 },
  { source: [5, 9], out: [5, 9], shape: shape(12, 16, 3, 1, 1), separable: true, add: 8 },
  { source: [8, 12], out: [4, 6], shape: shape(16, 32, 3, 2, 0), separable: true, activation: true, add: 16 },
];

describe.each(BUILDS)('layers of inference (%s)', (_name, create) => {
  it.each(CASES.map((c) => [JSON.stringify(c), c] as const))('equal the reference: %s', (_label, c) => {
    const kernels = create();
    const random = createRandom(5);
    const normals = (length: number) => Float32Array.from({ length }, () => random.normal());
    const { channels, outs, kernel } = c.shape;
    const numbers = {
      weights: normals((c.separable ? 1 : kernel ** 2) * channels * outs),
      bias: normals(outs),
      slope: c.activation ? normals(outs) : null,
      filters: c.separable ? normals(9 * channels) : null,
    };
    const [h, w] = c.source;
    const values = normals(h * w * channels);
    const added = c.add ? normals(c.out[0] * c.out[1] * c.add) : null;
    const expected = layerReference(
      c.shape,
      numbers,
      { height: h, width: w, channels, values },
      added && { height: c.out[0], width: c.out[1], channels: c.add!, values: added },
      ...c.out,
    );
    const layer = planLayer(kernels, c.shape, numbers);
    const source = createFeatureMap(kernels, h, w, channels, { before: 2, after: 2 });
    setFeatures(source, values);
    const add = c.add ? createFeatureMap(kernels, ...c.out, c.add, { before: 1, after: 0 }) : null;
    if (add && added) setFeatures(add, added);
    const out = createFeatureMap(kernels, ...c.out, layer.paddedOuts, { before: 1, after: 2 });
    runLayer(kernels, layer, source, add, out);
    const got = featuresOf(out, outs);
    expect(got.length).toBe(expected.length);
    let worst = 0;
    for (let i = 0; i < got.length; i++) worst = Math.max(worst, Math.abs(got[i] - expected[i]));
    // Sums of up to 288 products of a few standard normals in float32.
    expect(worst).toBeLessThan(1e-4);
    // Borders stay zero, or the next reader pads with something else.
    const inside = featuresOf(out).reduce((sum, v) => sum + Math.abs(v), 0);
    const all = out.array.view.reduce((sum, v) => sum + Math.abs(v), 0);
    expect(Math.abs(all - inside)).toBeLessThan(1e-3 * all);
    expect(out.array.view.subarray(0, out.channels * (1 + out.width + 2)).every((v) => v === 0)).toBe(true);
  });

  it('pools', () => {
    const kernels = create();
    const random = createRandom(6);
    const values = Float32Array.from({ length: 6 * 10 * 8 }, () => random.normal());
    const source = createFeatureMap(kernels, 6, 10, 8, { before: 1, after: 1 });
    setFeatures(source, values);
    const out = createFeatureMap(kernels, 3, 5, 8);
    poolLayer(kernels, source, out);
    expect([...featuresOf(out)]).toEqual([...poolReference({ height: 6, width: 10, channels: 8, values })]);
  });

  it('refuses a source whose border is too narrow', () => {
    const kernels = create();
    const layer = planLayer(kernels, shape(8, 8, 3, 1, 1), {
      weights: new Float32Array(64),
      bias: new Float32Array(8),
      slope: null,
      filters: new Float32Array(72),
    });
    const out = createFeatureMap(kernels, 4, 4, 8);
    for (const border of [
      { before: 0, after: 1 },
      { before: 1, after: 0 },
    ])
      expect(() => runLayer(kernels, layer, createFeatureMap(kernels, 4, 4, 8, border), null, out)).toThrow(
        InvalidArgumentError,
      );
  });
});
