/** Float pictures as PNG files. */
import sharp from 'sharp';
import type { Image8, ImageF } from '../core/image.ts';

/** `picture` (one or three channels, colours in [0, 1], clamped) as a PNG file. */
export function picturePng(picture: ImageF): Promise<Uint8Array> {
  const { width, height, channels, data } = picture;
  const bytes = Uint8ClampedArray.from(data, (value) => 255 * value);
  const raw = { width, height, channels: channels as 1 | 3 };
  return sharp(bytes as Image8['data'], { raw })
    .png({ compressionLevel: 5 })
    .toBuffer();
}
