/** Averages over square windows, whose cost does not depend on the window. */

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
