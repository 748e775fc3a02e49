/**
 * Pictures into a film, one after the other, through the `ffmpeg` on the PATH. The film is made aside and moved into
 * place when it is whole; at most a few pictures are in memory, however long it gets.
 */
import path from 'node:path';
import { withDefaults } from '../core/defaults.ts';
import { PhotofitError, throwIfAborted } from '../core/errors.ts';
import { produceFileAtomically } from './atomic.ts';
import { FFMPEG_QUIET, startFfmpeg } from './ffmpeg.ts';

/** Endings of films, with their dots. */
export const FILM_ENDINGS: readonly string[] = ['.mp4', '.mov', '.webm', '.mkv'];

/** What a film is made of. */
export interface FilmFormat {
  /** Pixels; odd sizes get a column or row of padding. */
  readonly width: number;
  readonly height: number;
  /** What pictures come as: bytes a pixel, RGB or RGBA; or the planes of `kernels/film.ts`, of even sizes. */
  readonly channels: 3 | 4 | 'yuv420';
  readonly fps: number;
  /** x264's constant rate factor: smaller is better and larger. */
  readonly quality?: number;
  /** x264's preset; faster ones make larger files. */
  readonly preset?: 'medium' | 'veryfast' | 'superfast';
  readonly signal?: AbortSignal;
}

/** What is left out of a preset: superfast films of heads that talk came out no smaller where places of B-frames were looked for. */
const CODING = { medium: [], veryfast: [], superfast: ['-b_strategy', '0'] } as const;

/** Defaults of {@link FilmFormat}. */
export const FILM_DEFAULTS = { quality: 18, preset: 'medium' } as const;

/** Puts the next picture into a film; waits while the encoder is behind. */
export type FilmPictures = (pixels: Uint8Array | Uint8ClampedArray) => Promise<void>;

/**
 * Writes a film, whole or not at all, in the format that `out` ends in.
 * @param draw gives all pictures, in order
 * @throws {PhotofitError} when ffmpeg is missing or fails, or `out` cannot be written
 * @throws {AbortedError} when cancelled
 */
export async function writeFilm(
  out: string,
  film: FilmFormat,
  draw: (write: FilmPictures) => Promise<void>,
): Promise<void> {
  await produceFileAtomically(out, (aside) => encodeFilm(aside, out, film, draw), { signal: film.signal });
}

/**
 * As {@link writeFilm}, straight into `file`, which nobody removes when it fails.
 * @param out gives the format by its ending, and is what messages call it
 * @internal
 */
export async function encodeFilm(
  file: string,
  out: string,
  film: FilmFormat,
  draw: (write: FilmPictures) => Promise<void>,
): Promise<void> {
  const format = path.extname(out).toLowerCase().slice(1);
  const ffmpeg = await startFfmpeg(encodingArguments(film, format, file)).catch((cause) => {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
    throw new PhotofitError(
      `${out}: a film needs ffmpeg, which is not on the PATH; install it, or write .webp, .gif or a folder of PNGs`,
      { cause },
    );
  });
  let said = '';
  ffmpeg.child.stderr.on('data', (part: Buffer) => {
    said += part.toString();
  });
  ffmpeg.child.stdout?.resume();
  const failed = (code: number | null) =>
    new PhotofitError(
      `${out}: ffmpeg failed: ${lastLine(said) || (code === null ? 'it was killed' : `exit code ${code}`)}`,
    );
  try {
    await draw(async (pixels) => {
      throwIfAborted(film.signal);
      if (!(await ffmpeg.write(pixels as Uint8Array))) throw failed(await ffmpeg.ended);
    });
    ffmpeg.child.stdin.end();
    const code = await ffmpeg.ended;
    if (code !== 0) throw failed(code);
  } finally {
    ffmpeg.kill();
  }
}

function encodingArguments(film: FilmFormat, format: string, file: string): string[] {
  const { width, height, channels, fps, quality, preset } = withDefaults(FILM_DEFAULTS, film);
  const container = { mkv: 'matroska' }[format] ?? format;
  const codec =
    format === 'webm'
      ? ['-c:v', 'libvpx-vp9', '-b:v', '0', '-crf', '30']
      : ['-c:v', 'libx264', '-preset', preset, ...CODING[preset], '-crf', String(quality)];
  const pixels = channels === 'yuv420' ? 'yuv420p' : channels === 3 ? 'rgb24' : 'rgba';
  const toPlanes = 'pad=ceil(iw/2)*2:ceil(ih/2)*2,scale=out_color_matrix=bt709:out_range=tv';
  return [
    [...FFMPEG_QUIET, '-loglevel', 'error', '-y'],
    ['-f', 'rawvideo', '-pix_fmt', pixels, '-s', `${width}x${height}`],
    ['-r', String(fps), '-i', 'pipe:0'],
    // Films have even sizes; their colours are told, lest players guess.
    [...(channels === 'yuv420' ? [] : ['-vf', toPlanes]), '-pix_fmt', 'yuv420p'],
    ['-colorspace', 'bt709', '-color_primaries', 'bt709', '-color_trc', 'iec61966-2-1', '-color_range', 'tv'],
    // The index goes before the pictures, so that players on the web can start at once.
    [...codec, ...(format === 'mp4' || format === 'mov' ? ['-movflags', '+faststart'] : [])],
    ['-f', container, `file:${file}`],
  ].flat();
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
