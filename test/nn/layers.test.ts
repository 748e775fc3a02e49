/** Every layer's derivatives against central differences: of inputs and of parameters, through ⟨weights, output⟩. */
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import { createKernelsSync } from '../../src/kernels/runtime.ts';
import { Network } from '../../src/nn/network.ts';
import type { Volume } from '../../src/nn/volume.ts';

interface Case {
  readonly name: string;
  readonly size: readonly [height: number, width: number];
  readonly build: (network: Network, input: Volume) => Volume;
  /** Relative; layers without curvature are exact up to float32, ELU adds the step's third-order term. */
  readonly tolerance: number;
}

const linear = { elu: false } as const;
const CASES: readonly Case[] = [
  {
    name: 'convolution',
    size: [6, 5],
    build: (n, x) => n.conv(x, { name: 'a', outs: 8, kernel: 3, ...linear }),
    tolerance: 2e-3,
  },
  {
    name: 'convolution of stride 2 and kernel 5',
    size: [8, 12],
    build: (n, x) => n.conv(x, { name: 'a', outs: 16, kernel: 5, stride: 2, ...linear }),
    tolerance: 2e-3,
  },
  {
    name: 'convolution of dilation 2 and kernel 7',
    size: [9, 9],
    build: (n, x) => n.conv(x, { name: 'a', outs: 8, kernel: 7, dilation: 2, ...linear }),
    tolerance: 2e-3,
  },
  {
    name: 'convolution and ELU',
    size: [6, 7],
    build: (n, x) => n.conv(x, { name: 'a', outs: 8, kernel: 3 }),
    tolerance: 5e-3,
  },
  {
    name: 'nearest upsampling',
    size: [4, 3],
    build: (n, x) => n.upsample(x, 2, 'nearest'),
    tolerance: 2e-3,
  },
  {
    name: 'bilinear upsampling by 2',
    size: [4, 3],
    build: (n, x) => n.upsample(x, 2, 'bilinear'),
    tolerance: 2e-3,
  },
  {
    name: 'bilinear upsampling by 4',
    size: [3, 5],
    build: (n, x) => n.upsample(x, 4, 'bilinear'),
    tolerance: 2e-3,
  },
  {
    name: 'concatenation, the input used twice',
    size: [4, 4],
    build: (n, x) => n.concat([x, n.conv(x, { name: 'a', outs: 16, kernel: 1, ...linear }), x]),
    tolerance: 2e-3,
  },
  {
    name: 'a small encoder and decoder',
    size: [8, 8],
    build: (n, x) => {
      const a = n.conv(x, { name: 'a', outs: 8, kernel: 3, stride: 2 });
      const b = n.conv(a, { name: 'b', outs: 8, kernel: 3, dilation: 2 });
      const c = n.concat([n.upsample(b, 2, 'bilinear'), n.upsample(a, 2, 'nearest'), x]);
      return n.conv(c, { name: 'c', outs: 8, kernel: 3, ...linear });
    },
    tolerance: 1e-2,
  },
];

describe('layers', () => {
  it.each(CASES)('$name: gradients are those of central differences', ({ size, build, tolerance }) => {
    const kernels = createKernelsSync();
    const network = new Network(kernels);
    const input = network.input(size[0], size[1], 8);
    const output = build(network, input);
    const random = createRandom(5);
    const x = Float32Array.from({ length: input.values.length }, () => random.normal());
    const weights = Float64Array.from({ length: output.values.length }, () => random.normal());
    const flat = network.initialParameters(3);
    // Biases start at zero; here they are to matter.
    for (let i = 0; i < flat.length; i++) if (flat[i] === 0) flat[i] = 0.1 * random.normal();
    const loss = (data: Float32Array, parameters: Float32Array) => {
      network.load(parameters);
      input.values.view.set(data);
      network.forward();
      return output.values.view.reduce((sum, v, i) => sum + v * weights[i], 0);
    };
    loss(x, flat);
    network.clearGradients();
    output.gradient.view.set(weights);
    network.backward();
    const inputGradient = input.gradient.view.slice();
    const gradient = new Float32Array(network.size);
    network.copyGradients(gradient);

    const check = (analytic: Float32Array, at: (direction: Float32Array, step: number) => number) => {
      for (let trial = 0; trial < 6; trial++) {
        const direction = analytic.map(() => random.normal());
        const h = 4e-3;
        const numeric = (at(direction, h) - at(direction, -h)) / (2 * h);
        const expected = analytic.reduce((sum, g, i) => sum + g * direction[i], 0);
        const scale = Math.hypot(...analytic) + 1e-3;
        expect(Math.abs(numeric - expected) / scale).toBeLessThan(tolerance);
      }
    };
    const moved = (from: Float32Array, d: Float32Array, h: number) => from.map((v, i) => v + h * d[i]);
    check(inputGradient, (d, h) => loss(moved(x, d, h), flat));
    if (flat.length > 0) check(gradient, (d, h) => loss(x, moved(flat, d, h)));
  });

  it('gradients of a single number each are right, too', () => {
    const kernels = createKernelsSync();
    const network = new Network(kernels);
    const input = network.input(4, 4, 8);
    const output = network.conv(input, { name: 'a', outs: 8, kernel: 3, ...linear });
    const random = createRandom(8);
    const flat = network.initialParameters(1);
    network.load(flat);
    input.values.view.set(input.values.view.map(() => random.normal()));
    output.gradient.view[output.gradient.length - 1] = 1;
    network.backward();
    const gradient = new Float32Array(network.size);
    network.copyGradients(gradient);
    const last = () => {
      network.forward();
      return output.values.view[output.values.length - 1];
    };
    for (const i of [7, 8 * 8 * 4 + 15, 8 * 8 * 9 - 1, network.size - 1]) {
      const changed = flat.slice();
      changed[i] += 0.5;
      network.load(flat);
      const before = last();
      network.load(changed);
      expect((last() - before) / 0.5).toBeCloseTo(gradient[i], 4);
    }
  });

  it('parameters have names, and the same seed gives the same ones', () => {
    const network = new Network(createKernelsSync());
    network.conv(network.input(4, 4, 8), { name: 'stem', outs: 8, kernel: 3 });
    expect(network.parameters.map((p) => p.name)).toEqual(['stem.weight', 'stem.bias']);
    expect(network.initialParameters(1)).toEqual(network.initialParameters(1));
    expect(network.initialParameters(1)).not.toEqual(network.initialParameters(2));
    expect(() => network.load(new Float32Array(3))).toThrow(`needs ${network.size} numbers, got 3`);
  });
});
