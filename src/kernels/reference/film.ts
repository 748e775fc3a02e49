/** Plain float64 twin of `kernels/film.ts`, for reading and for tests. */
import { YUV_FACTORS } from '../film.ts';

/** As `yuvPlanes`, rounded once. */
export function yuvPlanesReference(rgba: Uint8Array, width: number, height: number): Uint8Array {
  const out = new Uint8Array((3 * width * height) / 2);
  const level = (row: number, offset: number, colour: (c: number) => number) =>
    Math.round(offset + [0, 1, 2].reduce((sum, c) => sum + YUV_FACTORS[row][c] * colour(c), 0));
  for (let p = 0; p < width * height; p++) out[p] = level(0, 16, (c) => rgba[4 * p + c]);
  let at = width * height;
  for (const row of [1, 2])
    for (let y = 0; y < height; y += 2)
      for (let x = 0; x < width; x += 2) {
        const square = [0, 1, width, width + 1].map((o) => 4 * (y * width + x + o));
        out[at++] = level(row, 128, (c) => square.reduce((sum, p) => sum + rgba[p + c] / 4, 0));
      }
  return out;
}
