/** What the benches over photos share: which photos, and pictures side by side in one PNG to look at. */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import type { ImageF } from '../src/core/image.ts';

/** The pictures of ../shared/data where that is there, and the examples. */
export function defaultPhotos(): string[] {
  const list = (dir: string, pattern: RegExp) =>
    existsSync(dir)
      ? readdirSync(dir)
          .filter((f) => pattern.test(f))
          .sort()
          .map((f) => path.join(dir, f))
      : [];
  return [
    ...list('../shared/data/ffhq', /^\d+\.png$/),
    ...list('../shared/data/photos', /\.png$/),
    ...list('examples', /\.jpg$/),
  ];
}

/** `over` on `under` (H,W,3) where `mask` (H,W) is 1. */
export function blend(under: ImageF, over: ImageF, mask: Float32Array): ImageF {
  const data = under.data.slice();
  for (let p = 0; p < mask.length; p++)
    for (let c = 0; c < 3; c++) data[3 * p + c] += mask[p] * (over.data[3 * p + c] - data[3 * p + c]);
  return { ...under, data };
}

/** Writes pictures of `side`×`side` pixels in a row. */
export async function writeContactSheet(
  pictures: readonly ImageF[],
  side: number,
  file: string,
): Promise<void> {
  const composites = await Promise.all(
    pictures.map(async ({ width, height, data }, i) => ({
      input: await sharp(
        Uint8Array.from(data, (x) => Math.min(Math.max(Math.round(255 * x), 0), 255)),
        { raw: { width, height, channels: 3 } },
      )
        .png()
        .toBuffer(),
      left: i * side,
      top: 0,
    })),
  );
  await sharp({ create: { width: side * pictures.length, height: side, channels: 3, background: 'black' } })
    .composite(composites)
    .png()
    .toFile(file);
}
