/** Plain float64 twin of `kernels/paint.ts`, for reading and for tests. */
import { type PaintedHead, type PaintTarget, SHADES } from '../paint.ts';
import type { RasterizeOutput } from '../rasterize.ts';

/** As `paintHead`, on copies: the pixels afterwards. */
export function paintHeadReference(
  raster: RasterizeOutput,
  width: number,
  { faces, faceUvs, hidden, uvs, shades, map, plain, clay }: PaintedHead,
  { pixels, columns, over, shape, bounds }: PaintTarget,
): Uint8Array {
  const out = pixels.view.slice();
  const put = (y: number, column: number, colour: readonly number[]) => {
    for (let c = 0; c < 3; c++)
      out[4 * (y * columns + column) + c] = Math.floor(Math.min(Math.max(colour[c], 0), 255));
    out[4 * (y * columns + column) + 3] = 255;
  };
  const [left, top, right, bottom] = bounds;
  for (let y = top; y < bottom; y++)
    for (let x = left; x < right; x++) {
      const f = raster.faceIndex.view[y * width + x];
      if (f < 0) continue;
      const b = raster.barycentrics.view.subarray(3 * (y * width + x));
      const mixed = (corners: Uint32Array, values: Float32Array, stride: number, i: number) =>
        [0, 1, 2].reduce((sum, k) => sum + b[k] * values[stride * corners[3 * f + k] + i], 0);
      const light = [0, 1, 2, 3].map((i) => mixed(faces.view, shades.view, SHADES, i));
      put(
        y,
        shape + x,
        clay.map((tone) => tone * light[3]),
      );
      if (hidden.view[f]) continue;
      let colour: readonly number[] = plain.map((tone) => tone / 255);
      if (map) {
        const [u, v] = [map.width, map.height].map((size, i) =>
          Math.min(Math.max(mixed(faceUvs.view, uvs.view, 2, i) * size - 0.5, 0), size - 1),
        );
        const texel = (column: number, row: number, c: number) =>
          map.data.view[
            3 * (Math.min(row, map.height - 1) * map.width + Math.min(column, map.width - 1)) + c
          ];
        const [ix, iy] = [Math.floor(u), Math.floor(v)];
        const [fx, fy] = [u - ix, v - iy];
        colour = [0, 1, 2].map(
          (c) =>
            (1 - fy) * ((1 - fx) * texel(ix, iy, c) + fx * texel(ix + 1, iy, c)) +
            fy * ((1 - fx) * texel(ix, iy + 1, c) + fx * texel(ix + 1, iy + 1, c)),
        );
      }
      put(
        y,
        over + x,
        colour.map((share, c) => 255 * share * light[c]),
      );
    }
  return out;
}
