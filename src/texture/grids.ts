/** Small operations on square pictures of one plane. */

/** 0 below `low`, 1 above `high`, smooth between. */
export function smoothstep(low: number, high: number, x: number): number {
  const t = Math.min(1, Math.max(0, (x - low) / (high - low)));
  return t * t * (3 - 2 * t);
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
