/**
 * The focal length that a camera wrote into a photo, in millimetres on 35 mm film.
 *
 * EXIF has it directly (FocalLengthIn35mmFilm), or as the true focal length with the density of pixels on the sensor
 * (FocalPlaneXResolution): focal35 = focal · 43.27 / sensor diagonal. A focal length alone says nothing.
 */
import exifr from 'exifr';

/** Diagonal of a 36 × 24 mm frame. */
const FILM_DIAGONAL = Math.hypot(36, 24);
/** Beyond these it is a typing error or an editor's invention: no camera that photographs a face has them. */
const PLAUSIBLE = [8, 1200] as const;
/**
 * Sensors from one inch to medium format, millimetres. A program that shrinks a picture updates its size but not the
 * density of the sensor's pixels, which then looks far too small.
 */
const SENSOR_DIAGONAL = [15, 60] as const;
/** Millimetres of EXIF's FocalPlaneResolutionUnit: inch, centimetre, millimetre. */
const UNIT_MM: Readonly<Record<number, number>> = { 2: 25.4, 3: 10, 4: 1 };

/**
 * Focal length in millimetres on 35 mm film; null where the file does not say or what it says is not possible.
 * @param bytes a JPEG, PNG, TIFF, HEIC or WebP file (some AVIF files too), or a bare EXIF block
 */
export async function readFocal35mm(bytes: Uint8Array): Promise<number | null> {
  let tags: Record<string, unknown> | undefined;
  try {
    tags = await exifr.parse(exifPart(bytes), {
      pick: [
        'FocalLengthIn35mmFormat',
        'FocalLength',
        'FocalPlaneXResolution',
        'FocalPlaneYResolution',
        'FocalPlaneResolutionUnit',
        'ExifImageWidth',
        'ExifImageHeight',
      ],
      translateValues: false,
    });
  } catch {
    // Damaged or absent metadata is no reason to refuse a picture.
    return null;
  }
  if (!tags) return null;
  const number = (key: string): number => {
    const value = tags[key];
    return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : Number.NaN;
  };
  const direct = number('FocalLengthIn35mmFormat');
  if (plausible(direct)) return direct;
  const unit = UNIT_MM[number('FocalPlaneResolutionUnit')] ?? Number.NaN;
  const xDensity = number('FocalPlaneXResolution');
  const yDensity = number('FocalPlaneYResolution') || xDensity;
  const diagonal =
    Math.hypot(number('ExifImageWidth') / xDensity, number('ExifImageHeight') / yDensity) * unit;
  if (!(diagonal >= SENSOR_DIAGONAL[0] && diagonal <= SENSOR_DIAGONAL[1])) return null;
  const derived = (number('FocalLength') * FILM_DIAGONAL) / diagonal;
  return plausible(derived) ? derived : null;
}

function plausible(focal: number): boolean {
  return focal >= PLAUSIBLE[0] && focal <= PLAUSIBLE[1];
}

/** What exifr can read: the EXIF chunk of a WebP file, an EXIF block without its `Exif` heading, else the file. */
function exifPart(bytes: Uint8Array): Uint8Array {
  const text = (at: number, n: number) => String.fromCharCode(...bytes.subarray(at, at + n));
  if (text(0, 6) === 'Exif\0\0') return bytes.subarray(6);
  if (text(0, 4) !== 'RIFF' || text(8, 4) !== 'WEBP') return bytes;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 12; at + 8 <= bytes.length; ) {
    const length = view.getUint32(at + 4, true);
    if (text(at, 4) === 'EXIF') return exifPart(bytes.slice(at + 8, at + 8 + length));
    at += 8 + length + (length & 1);
  }
  return bytes;
}
