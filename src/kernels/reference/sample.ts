/** Reference of `kernels/sample.ts`, float64. */

/** Values and derivatives, (N,C) each. */
export interface SampleReference {
  readonly value: Float64Array;
  readonly dx: Float64Array;
  readonly dy: Float64Array;
}

/**
 * As `sampleBilinear`.
 * @param image (H,W,C)
 * @param points (N,2)
 */
export function sampleBilinearReference(
  image: ArrayLike<number>,
  width: number,
  height: number,
  channels: number,
  points: ArrayLike<number>,
): SampleReference {
  const n = points.length / 2;
  const value = new Float64Array(n * channels);
  const dx = new Float64Array(n * channels);
  const dy = new Float64Array(n * channels);
  /** Cell [first, second], position in it, and whether the coordinate moves it. */
  const locate = (coordinate: number, size: number) => {
    const u = coordinate - 0.5;
    const clamped = Math.min(Math.max(u, 0), size - 1);
    const first = Math.max(Math.min(Math.floor(clamped), size - 2), 0);
    return {
      first,
      second: Math.min(first + 1, size - 1),
      t: clamped - first,
      moves: u < 0 || u > size - 1 ? 0 : 1,
    };
  };
  for (let i = 0; i < n; i++) {
    const x = locate(points[2 * i], width);
    const y = locate(points[2 * i + 1], height);
    for (let c = 0; c < channels; c++) {
      const at = (column: number, row: number) => image[(row * width + column) * channels + c];
      const v00 = at(x.first, y.first);
      const v10 = at(x.second, y.first);
      const v01 = at(x.first, y.second);
      const v11 = at(x.second, y.second);
      const o = i * channels + c;
      value[o] = (1 - y.t) * ((1 - x.t) * v00 + x.t * v10) + y.t * ((1 - x.t) * v01 + x.t * v11);
      dx[o] = x.moves * ((1 - y.t) * (v10 - v00) + y.t * (v11 - v01));
      dy[o] = y.moves * ((1 - x.t) * (v01 - v00) + x.t * (v11 - v10));
    }
  }
  return { value, dx, dy };
}
