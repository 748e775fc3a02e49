/** A person's skin as a `texture.png`. sharp is loaded where it is needed: it takes 0.09 s. */
import { FormatError } from '../core/errors.ts';
import type { ImageF } from '../core/image.ts';

/** A `texture.png`: the file, and (H,W,3) what is in it. */
export interface LoadedTexture {
  readonly png: Uint8Array;
  readonly albedo: ImageF;
}

/** An albedo map as a PNG file. */
export async function albedoPng({ width, height, data }: ImageF): Promise<Uint8Array> {
  const { default: sharp } = await import('sharp');
  const bytes = Uint8ClampedArray.from(data, (value) => 255 * value);
  return sharp(bytes, { raw: { width, height, channels: 3 } })
    .png({ compressionLevel: 6 })
    .toBuffer();
}

/** An albedo map (H,W,3) as a `texture.png` would have it, in 8 bits. */
export async function asTextureFile(albedo: ImageF): Promise<LoadedTexture> {
  return decodeTexture(await albedoPng(albedo), 'texture.png');
}

/**
 * A texture from its file.
 * @param file what to call it in messages
 * @throws {FormatError} when it is no picture
 */
export async function decodeTexture(png: Uint8Array, file: string): Promise<LoadedTexture> {
  const { default: sharp } = await import('sharp');
  try {
    const { data, info } = await sharp(png)
      .toColourspace('srgb')
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    const albedo = { width: info.width, height: info.height, channels: 3 };
    // `Float32Array.from` takes ten times as long, with garbage of its own for each of the 800,000.
    const values = new Float32Array(data.length);
    for (let i = 0; i < data.length; i++) values[i] = data[i] / 255;
    return { png, albedo: { ...albedo, data: values } };
  } catch (cause) {
    throw new FormatError(`${file}: not a picture that can be read; remove it to use the fit's own texture`, {
      cause,
    });
  }
}
