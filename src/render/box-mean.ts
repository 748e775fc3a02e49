/** Averages over square windows, whose cost does not depend on the window. */

/** Mean over a (2r+1)² window, cut at the border; (size,size). */
export function boxMean(data: Float32Array, size: number, r: number): Float32Array {
  const W = size + 1;
  const sums = summed(data, size);
  const out = new Float32Array(size * size);
  for (let y = 0; y < size; y++) {
    const y0 = W * Math.max(y - r, 0);
    const y1 = W * Math.min(y + r + 1, size);
    for (let x = 0; x < size; x++) {
      const x0 = Math.max(x - r, 0);
      const x1 = Math.min(x + r + 1, size);
      const sum = sums[y1 + x1] - sums[y0 + x1] - sums[y1 + x0] + sums[y0 + x0];
      out[y * size + x] = sum / (((y1 - y0) / W) * (x1 - x0));
    }
  }
  return out;
}

/** (size + 1)²: sums of all that lies above and to the left. */
function summed(data: Float32Array, size: number): Float64Array {
  const W = size + 1;
  const sums = new Float64Array(W * W);
  for (let y = 0; y < size; y++) {
    let row = 0;
    for (let x = 0; x < size; x++) {
      row += data[y * size + x];
      sums[(y + 1) * W + x + 1] = sums[y * W + x + 1] + row;
    }
  }
  return sums;
}
