/**
 * Videos in a page, through mediabunny on the browser's WebCodecs. Pictures go over a canvas, which turns them upright
 * and scales them; `VideoFrame.copyTo` in RGBA would spare that, and is not in every browser.
 */
import { BlobSource, type VideoSample } from 'mediabunny';
import { FormatError, InvalidArgumentError, PhotofitError } from '../core/errors.ts';
import { type MediaVideo, openMedia } from '../io/media-frames.ts';

/** Options of {@link openVideo}. */
export interface VideoOptions {
  /** Longest side of the frames in pixels; larger ones are shrunk. */
  readonly maxDimension?: number;
  readonly signal?: AbortSignal;
}

/** Defaults of {@link VideoOptions}. */
export const VIDEO_DEFAULTS = { maxDimension: 1920 } as const;

/**
 * Opens a video: a `File` of an input element, or what `fetch` gave.
 * @throws {FormatError} when it is no video, has no picture, or is damaged so that nothing can be read
 * @throws {PhotofitError} when this browser cannot decode it
 */
export async function openVideo(blob: Blob, options: VideoOptions = {}): Promise<MediaVideo> {
  const maxDimension = options.maxDimension ?? VIDEO_DEFAULTS.maxDimension;
  if (!Number.isInteger(maxDimension) || maxDimension < 16)
    throw new InvalidArgumentError(
      `openVideo: maxDimension must be a whole number from 16, got ${maxDimension}`,
    );
  const name = blob instanceof File ? blob.name : 'video';
  if (blob.size === 0) throw new FormatError(`${name}: the file is empty`);
  if (typeof VideoDecoder === 'undefined')
    throw new PhotofitError(
      `${name}: this browser has no WebCodecs (or the page is not served over https); use a current one`,
    );
  let context: OffscreenCanvasRenderingContext2D | null = null;
  const pixels = async (sample: VideoSample, width: number, height: number) => {
    context ??= new OffscreenCanvas(width, height).getContext('2d', {
      colorSpace: 'srgb',
      willReadFrequently: true,
      alpha: false,
    });
    if (!context) throw new FormatError(`${name}: ${width} × ${height} pixels are too many for this browser`);
    sample.draw(context, 0, 0, width, height);
    return context.getImageData(0, 0, width, height).data;
  };
  return openMedia({
    source: new BlobSource(blob),
    name,
    pixels,
    maxDimension,
    advice: 'convert it to VP9 in WebM or to H.264 in MP4, or use another browser',
    signal: options.signal,
  });
}
