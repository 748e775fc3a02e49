/**
 * Pictures to files, by what the file is called: stills as PNG, JPEG or WebP; sequences as a folder of PNGs, animated
 * WebP or GIF, or a film through the `ffmpeg` on the PATH. sharp is loaded where it is needed: it takes 0.09 s.
 */
import path from 'node:path';
import { InvalidArgumentError, throwIfAborted } from '../core/errors.ts';
import type { Image8 } from '../core/image.ts';
import { writeFileAtomically, writeFolderAtomically } from './atomic.ts';
import { FILM_ENDINGS, writeFilm } from './film.ts';

/** What a sequence is written as. */
export type SequenceKind = 'folder' | 'webp' | 'gif' | 'film';

/** One picture as bytes in the format that `file` ends in; PNG where that says nothing. */
export async function encodePicture(picture: Image8, file: string): Promise<Uint8Array> {
  const ending = path.extname(file).toLowerCase();
  const { width, height, data } = picture;
  const { default: sharp } = await import('sharp');
  let image = sharp(data, { raw: { width, height, channels: 4 } });
  const opaque = isOpaque(picture);
  if (opaque) image = image.removeAlpha();
  if (ending === '.png' || ending === '') return image.png({ compressionLevel: 6 }).toBuffer();
  if (ending === '.webp') return image.webp({ quality: 90, lossless: !opaque }).toBuffer();
  if (ending === '.jpg' || ending === '.jpeg') {
    if (!opaque)
      throw new InvalidArgumentError(`${file}: JPEG cannot be transparent; write a PNG or set a background`);
    return image.jpeg({ quality: 92 }).toBuffer();
  }
  throw new InvalidArgumentError(`${file}: pictures are written as .png, .jpg or .webp; choose one of these`);
}

/** How a sequence called `out` is written. @throws {InvalidArgumentError} when its ending says nothing */
export function sequenceKind(out: string): SequenceKind {
  const ending = path.extname(out).toLowerCase();
  if (ending === '.webp' || ending === '.gif') return ending === '.gif' ? 'gif' : 'webp';
  if (FILM_ENDINGS.includes(ending)) return 'film';
  if (ending === '' || out.endsWith('/') || out.endsWith(path.sep)) return 'folder';
  throw new InvalidArgumentError(
    `${out}: a turntable is written as .mp4, .webp, .gif, or into a folder of PNGs (a name without ending)`,
  );
}

/**
 * Writes pictures of one size as a sequence, whole or not at all.
 * @param frames asked for one by one, so that only one is in memory where the format allows it
 * @throws {PhotofitError} when it cannot be written, or ffmpeg is missing or fails
 */
export async function writeSequence(
  out: string,
  frames: { readonly count: number; at(index: number): Image8 },
  options: { readonly fps: number; readonly signal?: AbortSignal },
): Promise<void> {
  const kind = sequenceKind(out);
  if (kind === 'film') {
    const first = frames.at(0);
    const { width, height } = first;
    return writeFilm(out, { width, height, channels: 4, ...options }, async (write) => {
      for (let i = 0; i < frames.count; i++) await write((i === 0 ? first : frames.at(i)).data);
    });
  }
  if (kind === 'folder') {
    const digits = Math.max(3, String(frames.count - 1).length);
    const files: [string, Uint8Array][] = [];
    for (let i = 0; i < frames.count; i++) {
      throwIfAborted(options.signal);
      files.push([`${String(i).padStart(digits, '0')}.png`, await encodePicture(frames.at(i), '.png')]);
    }
    return writeFolderAtomically(out, files, { signal: options.signal });
  }
  const stills: Uint8Array[] = [];
  for (let i = 0; i < frames.count; i++) {
    throwIfAborted(options.signal);
    stills.push(await encodePicture(frames.at(i), '.png'));
  }
  const { default: sharp } = await import('sharp');
  const animation = sharp(stills, { join: { animated: true } });
  const delay = Array.from(stills, () => Math.round(1000 / options.fps));
  const bytes =
    kind === 'gif'
      ? await animation.gif({ delay, loop: 0 }).toBuffer()
      : await animation.webp({ delay, loop: 0, quality: 85 }).toBuffer();
  return writeFileAtomically(out, bytes, { signal: options.signal });
}

function isOpaque({ data }: Image8): boolean {
  for (let i = 3; i < data.length; i += 4) if (data[i] !== 255) return false;
  return true;
}
