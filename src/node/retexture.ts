/**
 * A stored fit given a texture that matches its photo: the offset is solved for what is on disk, the files that show
 * the texture are made anew, and `fit.json` says so. Geometry, light and everything else stay as they were stored.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { FormatError, InvalidArgumentError } from '../core/errors.ts';
import type { DecodedPhoto } from '../core/photo.ts';
import type { ProgressListener } from '../core/progress.ts';
import { type FitFile, fitFileText } from '../fit/schema.ts';
import type { PhotoFit } from '../fit/types.ts';
import { npzGet, readNpz } from '../io/npz.ts';
import { createKernels } from '../kernels/runtime.ts';
import { solveTextureOffset, type TextureOffsetOptions } from '../texture/solve-offset.ts';
import { writeFolderAtomically } from './atomic.ts';
import type { LoadedFit } from './load-fit.ts';
import { decodePhoto } from './photo.ts';
import { FIT_FOLDER_FILES, makeFitFiles, type WrittenFit } from './results.ts';

/** Files of a result folder that show the texture, `fit.json` last. */
const CHANGED: readonly string[] = FIT_FOLDER_FILES.filter((n) => n !== 'energy.png' && n !== 'fit.npz');

/** Options of {@link retextureFit}. */
export interface RetextureOptions extends Pick<TextureOffsetOptions, 'size'> {
  /** The photo, where it is no longer where `fit.json` says. */
  readonly photo?: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: ProgressListener;
}

/**
 * Solves the texture offset of a fit on disk and updates its folder.
 * @throws {InvalidArgumentError} when the head has no texture coordinates, or the photo is another one
 * @throws {FormatError} when the folder's arrays are missing or damaged
 * @throws {PhotofitError} when photo or folder cannot be read or written
 * @throws {AbortedError} when cancelled; the folder is as it was
 */
export async function retextureFit(loaded: LoadedFit, options: RetextureOptions = {}): Promise<WrittenFit> {
  const { model, folder, file } = loaded;
  const { signal, onProgress, size } = options;
  if (model.uvs.length === 0)
    throw new InvalidArgumentError(
      `${folder}: its head, ${model.name}, has no texture coordinates; fit the photo with another --model`,
    );
  const started = performance.now();
  onProgress?.({ stage: 'decode', fraction: 0 });
  const photo = await photoOf(file, options);
  const decoded = performance.now();
  const fit: PhotoFit = { ...loaded.fit, skin: await storedSkin(loaded) };
  const kernels = await createKernels();
  const offset = solveTextureOffset(kernels, fit, photo.image, model, {
    size,
    signal,
    onProgress: (event) => onProgress?.({ ...event, fraction: 0.05 + 0.75 * event.fraction }),
  });
  const solved = performance.now();
  onProgress?.({ stage: 'write', fraction: 0.8 });
  const made = await makeFitFiles({ file: file.input.path, photo, model, fit, offset });
  const timing = {
    ...file.timing_ms,
    decode: tenths(decoded - started),
    texture: tenths(solved - decoded),
    write: tenths(performance.now() - solved),
  };
  const { decode, perceive, solve, texture, write } = timing;
  const updated: FitFile = {
    ...file,
    texture_offset: made.file.texture_offset,
    timing_ms: { ...timing, total: tenths(decode + perceive + solve + texture + write) },
  };
  const files = made.files
    .filter(([name]) => CHANGED.includes(name))
    .map(([name, content]) => [name, name === 'fit.json' ? fitFileText(updated) : content] as const);
  await writeFolderAtomically(folder, files, { ours: CHANGED, signal });
  return { folder, file: updated };
}

function tenths(ms: number): number {
  return Math.round(10 * ms) / 10;
}

/** The photo as it was decoded for the fit; relative names are those of the folder the fit was started in. */
async function photoOf({ input }: FitFile, { photo, signal }: RetextureOptions): Promise<DecodedPhoto> {
  const named = photo ?? input.path;
  const decoded = await decodePhoto(named, { signal }).catch((cause) => {
    if (photo !== undefined || signal?.aborted) throw cause;
    throw new InvalidArgumentError(
      `${named}: the photo that the fit was made from cannot be read; say with --photo where it is now`,
      { cause },
    );
  });
  if (decoded.image.width !== input.width || decoded.image.height !== input.height)
    throw new InvalidArgumentError(
      `${named}: is ${decoded.originalWidth} × ${decoded.originalHeight} pixels, the fit was made from a photo of ${input.original_width} × ${input.original_height}; give that one with --photo`,
    );
  return decoded;
}

/** The pixels that the fit took for skin, from its `fit.npz`. */
async function storedSkin({ folder, file }: LoadedFit): Promise<PhotoFit['skin']> {
  const npz = path.join(folder, 'fit.npz');
  const bytes = await readFile(npz).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'ENOENT') throw cause;
    throw new FormatError(`${npz}: is missing, and with it which pixels are skin; fit the photo again`, {
      cause,
    });
  });
  const arrays = readNpz(bytes, npz);
  const { shape, data } = npzGet(arrays, 'skin_mask', npz);
  const { size, origin, scale } = file.crop;
  if (!(data instanceof Uint8Array) || shape.length !== 2 || shape[0] !== size || shape[1] !== size)
    throw new FormatError(
      `${npz}: skin_mask must be uint8 of ${size} × ${size}, got ${shape.join(' × ')}; fit the photo again`,
    );
  return { crop: { size, origin, scale }, mask: data };
}
