/** References of `kernels/texture-map.ts`, float64; that of `resizeMap` is `resize` of `render/resample.ts`. */

/** (n,4) colours of a map (H,W,3) at `texels`, and zeros. */
export function gatherTexelsReference(texels: ArrayLike<number>, map: ArrayLike<number>): number[] {
  return Array.from(texels).flatMap((t) => [map[3 * t], map[3 * t + 1], map[3 * t + 2], 0]);
}

/** What is added to `base` and the sum; arguments as of `ComposeInput`. */
export function composeMapReference(
  input: Readonly<Record<'base' | 'texels' | 'mean' | 'offset' | 'around' | 'nodes', ArrayLike<number>>>,
): { change: number[]; albedo: number[] } {
  const { base, texels, mean, offset, around, nodes } = input;
  const change = Array.from(base, () => 0);
  for (let i = 0; i < texels.length; i++)
    for (let c = 0; c < 3; c++)
      change[3 * texels[i] + c] = cut(mean[4 * i + c] + offset[4 * i + c]) - mean[4 * i + c];
  for (let k = 0; k < around.length; k++)
    for (let c = 0; c < 3; c++) change[3 * around[k] + c] = change[3 * texels[nodes[k]] + c];
  return { change, albedo: change.map((x, i) => cut(base[i] + x)) };
}

/** Pixels to compare, (P) and (P,4). */
export type ComparedPixels = Readonly<
  Record<'measured' | 'pixels' | 'shading' | 'colours', ArrayLike<number>>
>;

/** Number of measured pixels, and sums over them: |d|, d², the albedo's colours; d = albedo·shading − photo. */
export function matchSumsReference(
  { measured, shading, colours }: ComparedPixels,
  albedo: ArrayLike<number>,
) {
  const sums = { pixels: 0, l1: 0, l2: 0, albedo: [0, 0, 0] };
  for (let p = 0; p < measured.length; p++) {
    if (!measured[p]) continue;
    sums.pixels++;
    for (let c = 0; c < 3; c++) {
      const d = albedo[4 * p + c] * shading[4 * p + c] - colours[4 * p + c];
      sums.l1 += Math.abs(d);
      sums.l2 += d * d;
      sums.albedo[c] += albedo[4 * p + c];
    }
  }
  return sums;
}

/** (cells,3) pixels, light on `colour`, and mean of the light on after − before. */
export function cellBrightnessReference(
  { measured, pixels, shading }: ComparedPixels,
  before: ArrayLike<number>,
  after: ArrayLike<number>,
  colour: readonly number[],
  size: number,
  cell: number,
): number[] {
  const across = Math.ceil(size / cell);
  const cells = new Array<number>(3 * across * across).fill(0);
  for (let p = 0; p < measured.length; p++) {
    if (!measured[p]) continue;
    const [x, y] = [pixels[p] % size, Math.floor(pixels[p] / size)];
    const at = 3 * (Math.floor(y / cell) * across + Math.floor(x / cell));
    cells[at]++;
    for (let c = 0; c < 3; c++) {
      const i = 4 * p + c;
      cells[at + 1] += shading[i] * colour[c];
      cells[at + 2] += (shading[i] * (after[i] - before[i])) / 3;
    }
  }
  return cells;
}

function cut(x: number): number {
  return Math.min(1, Math.max(0, x));
}
