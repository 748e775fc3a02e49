/**
 * Videos on Node: a file through the `ffmpeg` on the PATH, or through mediabunny where its server package is installed;
 * a folder of pictures in the order of their names. ffmpeg comes first: it reads more formats (AVI), and most machines
 * have it; `@mediabunny/server` is 213 MB of node_modules and so never a dependency.
 */
import { stat } from 'node:fs/promises';
import { withDefaults } from '../core/defaults.ts';
import { InvalidArgumentError, PhotofitError, throwIfAborted } from '../core/errors.ts';
import { hasFfmpeg } from './ffmpeg.ts';
import { openProbed, openWithFfmpeg } from './video-ffmpeg.ts';
import type { OpenVideo, VideoOptions } from './video-types.ts';

/** Defaults of {@link VideoOptions}. */
export const VIDEO_DEFAULTS = { maxDimension: 1920, decoder: 'auto', pictureRate: 25 } as const;

/** Whether {@link openVideo} would have ffprobe look into it. */
export async function isReadByFfmpeg(file: string, { decoder, probed }: VideoOptions): Promise<boolean> {
  if (probed || (decoder ?? VIDEO_DEFAULTS.decoder) === 'mediabunny') return false;
  const kind = await stat(file).catch(() => null);
  return kind?.isFile() === true && (await hasFfmpeg());
}

/**
 * Opens a video file or a folder of pictures.
 * @throws {FormatError} when it is no video, or damaged so that nothing can be read
 * @throws {InvalidArgumentError} when it is not there, or an option is out of range
 * @throws {PhotofitError} when nothing is installed that can decode it
 */
export async function openVideo(file: string, options: VideoOptions = {}): Promise<OpenVideo> {
  const { maxDimension, decoder, pictureRate } = withDefaults(VIDEO_DEFAULTS, options);
  if (!Number.isInteger(maxDimension) || maxDimension < 16)
    throw new InvalidArgumentError(
      `openVideo: maxDimension must be a whole number from 16, got ${maxDimension}`,
    );
  const { signal } = options;
  throwIfAborted(signal);
  const kind = await stat(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error;
    return null;
  });
  if (!kind) throw new InvalidArgumentError(`${file}: there is no such file or folder; give a video`);
  // Other readers are loaded where they are needed: their libraries took 0.1 s of every thread that opens a video.
  if (kind.isDirectory()) {
    const { openPictureFolder } = await import('./video-folder.ts');
    return openPictureFolder(file, { maxDimension, rate: pictureRate, signal });
  }
  if (kind.size === 0) throw new InvalidArgumentError(`${file}: the file is empty`);
  const { probed, shared } = options;
  if (probed) return openProbed(file, probed, { maxDimension, shared });
  if (decoder !== 'mediabunny' && (await hasFfmpeg()))
    return openWithFfmpeg(file, { maxDimension, shared, signal });
  if (decoder !== 'ffmpeg') {
    const { mediabunnyServer, openWithMediabunny } = await import('./video-mediabunny.ts');
    const server = await mediabunnyServer();
    if (server) return openWithMediabunny(file, server, { maxDimension, signal });
  }
  const missing = {
    auto: 'neither ffmpeg (with ffprobe) is on the PATH nor the package @mediabunny/server is installed',
    ffmpeg: 'ffmpeg or ffprobe is not on the PATH',
    mediabunny: 'the package @mediabunny/server is not installed',
  }[decoder];
  throw new PhotofitError(
    `${file}: videos cannot be decoded here: ${missing}; install ffmpeg (Debian: apt install ffmpeg) or run npm install @mediabunny/server, or give a folder of pictures`,
  );
}
