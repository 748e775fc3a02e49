/** A folder of pictures as a video: in natural order of their names, at a constant rate. */
import path from 'node:path';
import sharp from 'sharp';
import { FormatError, InvalidArgumentError, throwIfAborted } from '../core/errors.ts';
import type { FrameRange, VideoFrame } from '../core/video.ts';
import { frameGate } from '../io/frame-range.ts';
import { decodePhoto, PHOTO_EXTENSIONS } from './photo.ts';
import { picturesIn } from './pictures-in.ts';
import type { OpenVideo } from './video-types.ts';

/**
 * Opens a folder of pictures. The first one says how large frames are; others are fitted into that size, with black
 * borders where their proportions differ. Damaged pictures are left out, with a warning.
 * @param options.rate pictures a second
 * @throws {FormatError} when it holds no picture that can be read
 */
export async function openPictureFolder(
  folder: string,
  options: { readonly maxDimension: number; readonly rate: number; readonly signal?: AbortSignal },
): Promise<OpenVideo> {
  const { maxDimension, rate } = options;
  if (!(rate > 0 && rate < Infinity))
    throw new InvalidArgumentError(`openVideo: pictureRate must be a positive number, got ${rate}`);
  const files = await picturesIn(folder);
  if (files.length === 0)
    throw new FormatError(
      `${folder}: the folder holds no pictures; files ending in ${PHOTO_EXTENSIONS.join(', ')} are looked for, not in folders below it`,
    );
  const warnings: string[] = [];
  const decode = async (file: string, signal?: AbortSignal) => {
    try {
      return (await decodePhoto(file, { maxDimension, signal })).image;
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      const sentence = `left out: ${error.message}`;
      if (!warnings.includes(sentence)) warnings.push(sentence);
      return null;
    }
  };
  let first = null;
  for (const file of files) {
    first = await decode(file, options.signal);
    if (first) break;
  }
  if (!first) throw new FormatError(`${folder}: none of its ${files.length} pictures can be read`);
  const { width, height } = first;

  async function* frames(range: FrameRange = {}): AsyncGenerator<VideoFrame, void, void> {
    const gate = frameGate(range);
    let given = 0;
    for (let index = 0; index < files.length; index++) {
      throwIfAborted(range.signal);
      const time = index / rate;
      const verdict = gate(time);
      if (verdict === 'after') break;
      if (verdict !== 'taken') continue;
      const image = await decode(files[index], range.signal);
      if (!image) continue;
      given++;
      if (image.width === width && image.height === height) yield { index, time, image };
      else {
        const { data } = await sharp(image.data, {
          raw: { width: image.width, height: image.height, channels: 4 },
        })
          .resize({ width, height, fit: 'contain', background: '#000' })
          .raw()
          .toBuffer({ resolveWithObject: true });
        const sentence = `${path.basename(files[index])} is ${image.width} × ${image.height} and was fitted into ${width} × ${height}`;
        if (warnings.length < 20 && !warnings.includes(sentence)) warnings.push(sentence);
        yield { index, time, image: { width, height, data: new Uint8ClampedArray(data) } };
      }
    }
    if (given === 0)
      throw new InvalidArgumentError(
        `${folder}: has no picture from ${range.start ?? 0} s on; it ends after ${(files.length / rate).toFixed(2)} s`,
      );
  }

  return {
    width,
    height,
    duration: files.length / rate,
    frameCount: files.length,
    rate,
    decoder: 'pictures',
    warnings,
    frames,
    close: () => {},
  };
}
