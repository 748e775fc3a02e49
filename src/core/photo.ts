/** A decoded photo: what the platforms' decoders (`node/photo.ts`, `web/photo.ts`) hand to fitting. */
import type { Image8 } from './image.ts';

/** A photo, upright and in sRGB. */
export interface DecodedPhoto {
  /**
   * EXIF orientation applied, sRGB, at most `maxDimension` on its longer side. Where alpha is below 255 the colour
   * has been laid over white; alpha itself is kept.
   */
  readonly image: Image8;
  /** Pixels of the file, upright. */
  readonly originalWidth: number;
  /** Pixels of the file, upright. */
  readonly originalHeight: number;
  /** Pixels of `image` per pixel of the file; 1 unless the photo was larger than `maxDimension`. */
  readonly scale: number;
  /** Focal length in millimetres on 35 mm film (36 × 24 mm, by the diagonal) from EXIF; null where unknown. */
  readonly focal35mm: number | null;
  /** Sentences for the user: what was odd about the file but could be dealt with. */
  readonly warnings: readonly string[];
}

/** Options of the decoders. */
export interface DecodeOptions {
  /** Longest side of the decoded image in pixels; larger photos are shrunk. */
  readonly maxDimension?: number;
  /** Cancels between the steps of decoding. */
  readonly signal?: AbortSignal;
}

/** Defaults of {@link DecodeOptions}. */
export const DECODE_DEFAULTS = { maxDimension: 4096 } as const;

/**
 * Lays the colour of transparent pixels over white, in place, keeping alpha: what lies under transparency is often
 * black or noise, which a face detector and a fit would take for picture.
 * @param data (n,4) uint8 straight alpha
 * @returns whether any pixel was transparent
 */
export function flattenOverWhite(data: Uint8ClampedArray): boolean {
  let found = false;
  for (let i = 3; i < data.length; i += 4) {
    const a = data[i];
    if (a === 255) continue;
    found = true;
    for (let c = i - 3; c < i; c++) data[c] = (data[c] * a) / 255 + 255 - a;
  }
  return found;
}

/** Warning given by the decoders after {@link flattenOverWhite} found something. */
export const TRANSPARENT_WARNING = 'the photo has transparent parts; they are taken as white';
