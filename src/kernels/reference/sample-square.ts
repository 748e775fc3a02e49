/** {@link sampleSquare} of `kernels/resample.ts` in plain TypeScript. */
import type { BytePicture, SquareGrid } from '../resample.ts';

/** As the kernel. */
export function sampleSquareReference(
  { width, height, data }: BytePicture,
  { x0, y0, ux, uy, vx, vy, size }: SquareGrid,
  scale: number,
  bias: number,
  out: Float32Array,
): void {
  const value = (x: number, y: number, c: number) =>
    x >= 0 && y >= 0 && x < width && y < height ? data[4 * (y * width + x) + c] : 0;
  for (let j = 0, o = 0; j < size; j++)
    for (let i = 0; i < size; i++)
      for (let c = 0; c < 3; c++, o++) {
        const x = x0 + ux * i + vx * j;
        const y = y0 + uy * i + vy * j;
        const [xi, yi] = [Math.floor(x), Math.floor(y)];
        const [wx, wy] = [x - xi, y - yi];
        const upper = (1 - wx) * value(xi, yi, c) + wx * value(xi + 1, yi, c);
        const lower = (1 - wx) * value(xi, yi + 1, c) + wx * value(xi + 1, yi + 1, c);
        out[o] = bias + scale * ((1 - wy) * upper + wy * lower);
      }
}
