import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import { type AdamState, adamStep, addGradients, GRADIENT_BLOCK } from '../../src/nn/adam.ts';

const state = (n: number, fill = 0): AdamState => ({
  parameters: new Float32Array(n).fill(fill),
  first: new Float32Array(n),
  second: new Float32Array(n),
});

describe('Adam', () => {
  it('follows the paper step by step', () => {
    const s = state(1, 1);
    let [m, v, p] = [0, 0, 1];
    for (let step = 1; step <= 20; step++) {
      const g = 2 * p - 0.3;
      adamStep(s, Float32Array.of(2 * g), 0.5, step, 0, 1, { rate: 0.05 });
      m = 0.9 * m + 0.1 * g;
      v = 0.99 * v + 0.01 * g * g;
      p -= (0.05 * (m / (1 - 0.9 ** step))) / (Math.sqrt(v / (1 - 0.99 ** step)) + 1e-8);
      expect(s.parameters[0]).toBeCloseTo(p, 5);
    }
  });

  it('finds the least of a quadratic', () => {
    const s = state(2, 3);
    for (let step = 1; step <= 800; step++) {
      const [x, y] = s.parameters;
      adamStep(s, Float32Array.of(2 * (x - 1), 20 * (y + 2)), 1, step, 0, 2, { rate: 0.05 });
    }
    expect(s.parameters[0]).toBeCloseTo(1, 2);
    expect(s.parameters[1]).toBeCloseTo(-2, 2);
  });

  it('adds gradients and norms to the same bits however the range is split', () => {
    const n = 3 * GRADIENT_BLOCK + 77;
    const random = createRandom(1);
    const examples = Array.from({ length: 5 }, () => Float32Array.from({ length: n }, () => random.normal()));
    const copy = () => examples.map((e) => e.slice());
    const [whole, parts] = [copy(), copy()];
    const [a, b] = [new Float64Array(4), new Float64Array(4)];
    addGradients(whole, 0, n, a);
    addGradients(parts, 2 * GRADIENT_BLOCK, n, b);
    addGradients(parts, 0, 2 * GRADIENT_BLOCK, b);
    expect(parts[0]).toEqual(whole[0]);
    expect(b).toEqual(a);
    const mean = examples.reduce((sum, e) => sum + e[9], 0) / 5;
    expect(whole[0][9]).toBeCloseTo(mean, 5);
    expect(a.reduce((s, x) => s + x)).toBeCloseTo(
      whole[0].reduce((s, g) => s + g * g, 0),
      1,
    );
  });
});
