/**
 * Videos through mediabunny on Node, with the decoders of the optional package `@mediabunny/server` (node-av, an FFmpeg
 * as a Node addon). 400 frames of 512²: 2.9 ms a frame.
 */
import type { VideoSample } from 'mediabunny';
import { openMedia } from '../io/media-frames.ts';
import type { OpenVideo, VideoOptions } from './video-types.ts';

/** The part of `@mediabunny/server` that is used; its types are there only where it is installed. */
export interface MediabunnyServer {
  registerMediabunnyServer(options?: { hardwareContext?: () => null }): void;
}

let server: Promise<MediabunnyServer | null> | null = null;

/** The server package, its decoders registered; null where it is not installed or does not load. */
export function mediabunnyServer(): Promise<MediabunnyServer | null> {
  // A name that the compiler and bundlers don't follow: the package is optional.
  const name = '@mediabunny/server';
  server ??= (import(name) as Promise<MediabunnyServer>).then(
    (module) => {
      // Without a hardware context: looking for one prints to stderr, and small pictures gain nothing.
      module.registerMediabunnyServer({ hardwareContext: () => null });
      return module;
    },
    () => null,
  );
  return server;
}

/** Opens a video file; errors as those of `openMedia`. */
export async function openWithMediabunny(
  file: string,
  _server: MediabunnyServer,
  options: Required<Pick<VideoOptions, 'maxDimension'>> & Pick<VideoOptions, 'signal'>,
): Promise<OpenVideo> {
  const { FilePathSource } = await import('mediabunny');
  const video = await openMedia({
    source: new FilePathSource(file),
    name: file,
    pixels,
    maxDimension: options.maxDimension,
    advice: 'install ffmpeg and leave the decoder to photofit, or convert it to H.264 in MP4',
    signal: options.signal,
  });
  return { ...video, decoder: 'mediabunny' };
}

async function pixels(sample: VideoSample, width: number, height: number): Promise<Uint8ClampedArray> {
  const same = sample.displayWidth === width && sample.displayHeight === height;
  const plain = same && sample.rotation === 0 && !sample.flip && sample.codedWidth === width;
  const upright = plain ? sample : await sample.transform({ width, height, fit: 'fill', alpha: 'discard' });
  try {
    const data = new Uint8ClampedArray(4 * width * height);
    const options = { format: 'RGBA' } as const;
    await upright.copyTo(data, options);
    return data;
  } finally {
    if (upright !== sample) upright.close();
  }
}
