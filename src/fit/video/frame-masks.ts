/** Masks and weights of a frame's crop, pixel by pixel. */

/** A square of `from` pixels a side as one of `to`, at least as many: each takes the one that it lies in. */
export function enlarge(square: Float32Array, from: number, out: Float32Array, to: number): void {
  const detail = to / from;
  const columns = new Uint32Array(to);
  for (let x = 0; x < to; x++) columns[x] = Math.floor(x / detail);
  for (let y = 0; y < to; y++) {
    const row = from * columns[y];
    for (let x = 0; x < to; x++) out[y * to + x] = square[row + columns[x]];
  }
}

/** Takes out of `mask` what lies outside the picture. */
export function keepCovered(mask: Uint8Array, coverage: Float32Array): void {
  for (let p = 0; p < mask.length; p++) if (coverage[p] === 0) mask[p] = 0;
}

/** Mean weight over `region`; 0 where nothing is seen. */
export function shareKept(region: Uint8Array, weights: Float32Array): number {
  let kept = 0;
  let seen = 0;
  for (let p = 0; p < region.length; p++) {
    if (!region[p]) continue;
    seen++;
    kept += weights[p];
  }
  return seen > 0 ? kept / seen : 0;
}
