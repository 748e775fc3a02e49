/**
 * Photos in a page, through the browser's own decoders: `createImageBitmap` applies EXIF orientation and converts to
 * sRGB, an OffscreenCanvas gives the pixels. Unlike on Node, a truncated JPEG may be shown as far as it goes: browsers
 * do not tell.
 */
import { FormatError, InvalidArgumentError, throwIfAborted } from '../core/errors.ts';
import {
  DECODE_DEFAULTS,
  type DecodedPhoto,
  type DecodeOptions,
  flattenOverWhite,
  TRANSPARENT_WARNING,
} from '../core/photo.ts';
import { readFocal35mm } from '../io/exif.ts';

/**
 * Decodes a photo: a `File` of an input element, or what `fetch` gave.
 * @throws {FormatError} when it is empty or the browser cannot decode it
 * @throws {AbortedError} when cancelled
 */
export async function decodePhoto(blob: Blob, options: DecodeOptions = {}): Promise<DecodedPhoto> {
  const maxDimension = options.maxDimension ?? DECODE_DEFAULTS.maxDimension;
  if (!Number.isInteger(maxDimension) || maxDimension < 1) {
    throw new InvalidArgumentError(
      `decodePhoto: maxDimension must be a positive integer, got ${maxDimension}`,
    );
  }
  const name = blob instanceof File ? blob.name : 'photo';
  if (blob.size === 0) throw new FormatError(`${name}: the file is empty`);
  throwIfAborted(options.signal);
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(blob, {
      imageOrientation: 'from-image',
      premultiplyAlpha: 'none',
      colorSpaceConversion: 'default',
    });
  } catch (cause) {
    throw new FormatError(`${name}: is not a picture that this browser can read, or is damaged`, { cause });
  }
  try {
    throwIfAborted(options.signal);
    const { width: originalWidth, height: originalHeight } = bitmap;
    const scale = Math.min(1, maxDimension / Math.max(originalWidth, originalHeight));
    const width = Math.max(1, Math.round(originalWidth * scale));
    const height = Math.max(1, Math.round(originalHeight * scale));
    const context = new OffscreenCanvas(width, height).getContext('2d', {
      colorSpace: 'srgb',
      willReadFrequently: true,
    });
    if (!context) throw new FormatError(`${name}: ${width} × ${height} pixels are too many for this browser`);
    context.imageSmoothingQuality = 'high';
    context.drawImage(bitmap, 0, 0, width, height);
    const { data } = context.getImageData(0, 0, width, height);
    const warnings = flattenOverWhite(data) ? [TRANSPARENT_WARNING] : [];
    const focal35mm = await readFocal35mm(new Uint8Array(await blob.arrayBuffer()));
    throwIfAborted(options.signal);
    return { image: { width, height, data }, originalWidth, originalHeight, scale, focal35mm, warnings };
  } finally {
    bitmap.close();
  }
}
