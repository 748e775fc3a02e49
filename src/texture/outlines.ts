/** Lines and polygons as sets of pixels of a square picture. */

/** Sets the pixels that an open polyline, (K,2), runs through. */
export function drawLine(points: Float32Array, size: number, out: Uint8Array): void {
  for (let i = 0; i + 3 < points.length; i += 2) {
    const [x, y, dx, dy] = [
      points[i],
      points[i + 1],
      points[i + 2] - points[i],
      points[i + 3] - points[i + 1],
    ];
    const steps = Math.ceil(Math.max(Math.abs(dx), Math.abs(dy), 1));
    for (let k = 0; k <= steps; k++) {
      const [px, py] = [Math.floor(x + (dx * k) / steps), Math.floor(y + (dy * k) / steps)];
      if (px >= 0 && py >= 0 && px < size && py < size) out[py * size + px] = 1;
    }
  }
}

/** Sets the pixels whose centres lie in a polygon, (K,2), by the even-odd rule. */
export function fillPolygon(points: Float32Array, size: number, out: Uint8Array): void {
  const n = points.length / 2;
  const crossings = new Float64Array(n);
  for (let y = 0; y < size; y++) {
    // Where the edges cross the row's middle: inside is between the first and the second, the third and the fourth, …
    let count = 0;
    for (let i = 0, j = n - 1; i < n; j = i++) {
      const yi = points[2 * i + 1];
      const yj = points[2 * j + 1];
      if (yi > y + 0.5 === yj > y + 0.5) continue;
      const xi = points[2 * i];
      crossings[count++] = ((points[2 * j] - xi) * (y + 0.5 - yi)) / (yj - yi) + xi;
    }
    crossings.subarray(0, count).sort();
    for (let k = 0; k + 1 < count; k += 2) {
      const from = Math.max(Math.ceil(crossings[k] - 0.5), 0);
      const end = Math.min(Math.ceil(crossings[k + 1] - 0.5), size);
      if (from < end) out.fill(1, y * size + from, y * size + end);
    }
  }
}
