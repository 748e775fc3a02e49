import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import { sampleSquareReference } from '../../src/kernels/reference/sample-square.ts';
import { type SquareGrid, sampleSquare } from '../../src/kernels/resample.ts';
import { BUILDS } from './builds.ts';

describe.each(BUILDS)('sampleSquare (%s)', (_name, create) => {
  const kernels = create();
  const random = createRandom(3);
  const [width, height] = [37, 29];
  const data = Uint8ClampedArray.from({ length: 4 * width * height }, () => 255.99 * random.uniform());
  const picture = { width, height, data };

  function check(grid: SquareGrid): void {
    const numbers = 3 * grid.size ** 2;
    const [got, want] = [new Float32Array(numbers), new Float32Array(numbers)];
    sampleSquare(kernels, picture, grid, 1 / 127.5, -1, got);
    sampleSquareReference(picture, grid, 1 / 127.5, -1, want);
    for (let i = 0; i < numbers; i++) expect(Math.abs(got[i] - want[i]), `${i}`).toBeLessThan(2e-6);
  }

  it('equals the reference inside, on the grid, across every border and outside', () => {
    const turned = (x0: number, y0: number, step: number, angle: number, size: number): SquareGrid => {
      const [ux, uy] = [step * Math.cos(angle), step * Math.sin(angle)];
      return { x0, y0, ux, uy, vx: -uy, vy: ux, size };
    };
    for (const grid of [
      turned(3, 4, 1, 0, 20),
      turned(10.3, 5.1, 0.7, 0.4, 15),
      turned(-6.2, 7, 1.3, -0.6, 24),
      turned(-2, -2, 1, 0, 43),
      turned(40, 30, 1.9, Math.PI, 30),
      turned(25, -9, 0.5, 1.2, 64),
      turned(500, -300, 1, 0.1, 8),
      turned(-80, -80, 9, 0, 24),
    ])
      check(grid);
    for (let k = 0; k < 40; k++)
      check(
        turned(
          60 * random.uniform() - 12,
          50 * random.uniform() - 10,
          2 * random.uniform(),
          6.3 * random.uniform(),
          11,
        ),
      );
  });

  it('shows mirrored squares, and nothing of one that is nowhere', () => {
    check({ x0: 30, y0: 3, ux: -1, uy: 0.1, vx: 0.1, vy: 1, size: 19 });
    const out = new Float32Array(3 * 25);
    const nowhere = { x0: Number.NaN, y0: 3, ux: 1, uy: 0, vx: 0, vy: 1, size: 5 };
    sampleSquare(kernels, picture, nowhere, 1, 2, out);
    expect(out.every((x) => x === 2)).toBe(true);
  });
});
