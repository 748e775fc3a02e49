/** Small operations on square pictures of one plane. */

/** 0 below `low`, 1 above `high`, smooth between. */
export function smoothstep(low: number, high: number, x: number): number {
  const t = Math.min(1, Math.max(0, (x - low) / (high - low)));
  return t * t * (3 - 2 * t);
}

/** Mean over a (2r+1)² window, cut at the border; (size,size). */
export function boxMean(data: Float32Array, size: number, r: number): Float32Array {
  const W = size + 1;
  const sums = new Float64Array(W * W);
  for (let y = 0; y < size; y++) {
    let row = 0;
    for (let x = 0; x < size; x++) {
      row += data[y * size + x];
      sums[(y + 1) * W + x + 1] = sums[y * W + x + 1] + row;
    }
  }
  const out = new Float32Array(size * size);
  for (let y = 0; y < size; y++) {
    const [y0, y1] = [Math.max(y - r, 0), Math.min(y + r + 1, size)];
    for (let x = 0; x < size; x++) {
      const [x0, x1] = [Math.max(x - r, 0), Math.min(x + r + 1, size)];
      const sum = sums[y1 * W + x1] - sums[y0 * W + x1] - sums[y1 * W + x0] + sums[y0 * W + x0];
      out[y * size + x] = sum / ((y1 - y0) * (x1 - x0));
    }
  }
  return out;
}

/**
 * Distance of every pixel to the nearest one that is set, in pixels: two passes with steps 1 and √2 (Borgefors 1986),
 * at most 8 % off. All Infinity when none is set.
 */
export function distanceTo(set: Uint8Array, width: number, height: number): Float32Array {
  const out = new Float32Array(width * height);
  for (let p = 0; p < out.length; p++) out[p] = set[p] ? 0 : Number.POSITIVE_INFINITY;
  const D = Math.SQRT2;
  const sweep = (p: number, next: number, above: number) => {
    let d = out[p];
    if (d === 0) return;
    let o = out[p + next] + 1;
    if (o < d) d = o;
    o = out[p + above] + 1;
    if (o < d) d = o;
    o = out[p + above - 1] + D;
    if (o < d) d = o;
    o = out[p + above + 1] + D;
    if (o < d) d = o;
    out[p] = d;
  };
  const careful = (p: number, x: number, y: number, next: number, above: number) => {
    let d = out[p];
    const inside = (dx: number) => x + dx >= 0 && x + dx < width;
    const row = above < 0 ? y > 0 : y < height - 1;
    if (inside(next)) d = Math.min(d, out[p + next] + 1);
    if (row) d = Math.min(d, out[p + above] + 1);
    if (row && inside(-1)) d = Math.min(d, out[p + above - 1] + D);
    if (row && inside(1)) d = Math.min(d, out[p + above + 1] + D);
    out[p] = d;
  };
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const p = y * width + x;
      if (y > 0 && x > 0 && x < width - 1) sweep(p, -1, -width);
      else careful(p, x, y, -1, -width);
    }
  for (let y = height - 1; y >= 0; y--)
    for (let x = width - 1; x >= 0; x--) {
      const p = y * width + x;
      if (y < height - 1 && x > 0 && x < width - 1) sweep(p, 1, width);
      else careful(p, x, y, 1, width);
    }
  return out;
}
