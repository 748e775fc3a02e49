/**
 * One photo of a data set: decoded, fitted, written; or the record of why it could not be. Used by every way of running,
 * in this process, on threads and in queue workers. Doing a photo twice does no harm: what is there stays, and would have
 * been the same.
 *
 * What is wrong with a photo is recorded and the next one comes; what is wrong with the surroundings (a full disk, a
 * folder that may not be written) is thrown, since it would fail every other photo as well.
 */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { AbortedError, NoFaceError, PhotofitError } from '../core/errors.ts';
import type { DecodedPhoto } from '../core/photo.ts';
import { type FittedMap, fitMap } from '../dataset/fit-map.ts';
import { FIT_FILES, type WorkPaths } from '../dataset/layout.ts';
import type { PhotoEntry } from '../dataset/manifest.ts';
import { encodeMap } from '../dataset/map-file.ts';
import { failureText, measuresText } from '../dataset/photo-files.ts';
import type { WorkFile } from '../dataset/work-file.ts';
import { fitArrays } from '../fit/arrays.ts';
import { renderFit } from '../fit/render-fit.ts';
import { fitFileText, toFitFile } from '../fit/schema.ts';
import { writeNpz } from '../io/npz.ts';
import { createKernels, type Kernels } from '../kernels/runtime.ts';
import type { HeadModel } from '../model/head-model.ts';
import { observationOfLandmarks } from '../perceive/ibug68.ts';
import type { FaceObservation, FacePerception } from '../perceive/types.ts';
import { resampleCrop } from '../render/resample.ts';
import { writeFileAtomically, writeFolderAtomically } from './atomic.ts';
import { readFfhqLandmarks, readFfhqMask } from './ffhq-files.ts';
import { overlayCrop } from './overlay.ts';
import { loadPerception } from './perception.ts';
import { decodePhoto } from './photo.ts';
import { packageVersion } from './version.ts';

/** What became of a photo. */
export interface PhotoOutcome {
  readonly hash: string;
  readonly fitted: boolean;
  /** Why not. */
  readonly why?: string;
}

/** Side of one panel of `overlay.jpg`, pixels. */
export const DATASET_PANEL = 160;

/** Fits the photos of one work folder, one at a time. */
export class PhotoFitter {
  readonly #kernels: Kernels;
  /** Loaded for the first photo that needs it. */
  #perception: Promise<FacePerception> | null = null;
  readonly #model: HeadModel;
  readonly #work: WorkFile;
  readonly #paths: WorkPaths;

  private constructor(kernels: Kernels, { paths, file, model }: FitterInput) {
    this.#kernels = kernels;
    this.#model = model;
    this.#work = file;
    this.#paths = paths;
  }

  /** Loads the kernels. */
  static async create(input: FitterInput): Promise<PhotoFitter> {
    return new PhotoFitter(await createKernels(), input);
  }

  /**
   * Does one photo, unless it was done already.
   * @throws {AbortedError} when `signal` is aborted
   * @throws {PhotofitError} when results cannot be written
   */
  async run(entry: PhotoEntry, signal?: AbortSignal): Promise<PhotoOutcome> {
    const { hash } = entry;
    const folder = this.#paths.fit(hash);
    const failure = this.#paths.failure(hash);
    if (existsSync(folder)) return { hash, fitted: true };
    let files: [string, Uint8Array | string][];
    try {
      files = await this.#filesOf(entry, signal);
    } catch (error) {
      if (error instanceof AbortedError) throw error;
      return recordFailure(this.#paths, entry, error);
    }
    await writeFolderAtomically(folder, files, { keep: true, signal });
    await rm(failure, { force: true });
    return { hash, fitted: true };
  }

  /** Frees the networks. */
  dispose(): void {
    this.#perception?.then(
      (perception) => perception.dispose(),
      () => {},
    );
  }

  async #filesOf(entry: PhotoEntry, signal?: AbortSignal): Promise<[string, Uint8Array | string][]> {
    const photo = await decodePhoto(entry.file, { signal });
    const { observation, faces } = await this.#observe(entry.file, photo, signal);
    const name = path.basename(entry.file);
    const mask = this.#work.fit.beside ? await maskBeside(entry.file, photo) : null;
    const made = await fitMap(
      this.#kernels,
      { name, photo, observation, faces, mask },
      this.#model,
      this.#work.fit,
      signal,
    );
    const { fit, offset, map, measures } = made;
    const { before, after, shadingShare } = offset.metrics;
    const file = toFitFile(fit, this.#model, {
      version: packageVersion(),
      path: name,
      face: 1,
      photo,
      // Times differ from run to run; results must not.
      timingMs: { total: 0, decode: 0, perceive: 0, solve: 0, texture: 0, write: 0 },
      textureOffset: {
        width: map.size,
        height: map.size,
        skin_l1_before: before.l1,
        skin_l1: after.l1,
        skin_psnr_db: after.psnrDb,
        shading_share: shadingShare,
      },
    });
    const contents: Record<(typeof FIT_FILES)[number], Uint8Array | string> = {
      'map.npz': encodeMap(map, { layoutHash: this.#work.model.layout }),
      'fit.npz': writeNpz(fitArrays(fit, this.#model)),
      'overlay.jpg': await overlayJpeg(this.#kernels, photo, made, this.#model),
      'measures.json': measuresText(measures),
      'fit.json': fitFileText(file),
    };
    return FIT_FILES.map((key) => [key, contents[key]]);
  }

  async #observe(
    file: string,
    photo: DecodedPhoto,
    signal?: AbortSignal,
  ): Promise<{ observation: FaceObservation; faces: number }> {
    if (this.#work.fit.beside) {
      const npy = beside(file, '.npy');
      if (existsSync(npy)) {
        const landmarks68 = (await readFfhqLandmarks(npy)).map((x) => x * photo.scale);
        return { observation: observationOfLandmarks(landmarks68), faces: 1 };
      }
    }
    this.#perception ??= loadPerception();
    const found = await (await this.#perception).detect(photo.image, { signal });
    if (found.length === 0) throw new NoFaceError('no face was found');
    return { observation: found[0], faces: found.length };
  }
}

/** Writes down that a photo could not be fitted. */
export async function recordFailure(
  paths: WorkPaths,
  { hash, file }: PhotoEntry,
  error: unknown,
): Promise<PhotoOutcome> {
  const why = sentence(error, file);
  const name = error instanceof Error ? error.name : 'Error';
  const record = { format: 'space-failure/1', file: path.basename(file), error: name, why } as const;
  await writeFileAtomically(paths.failure(hash), failureText(record));
  return { hash, fitted: false, why };
}

/** What a {@link PhotoFitter} works on. */
export interface FitterInput {
  readonly paths: WorkPaths;
  readonly file: WorkFile;
  readonly model: HeadModel;
}

/** The sentence of an error, the photo's folder left out so that the record is the same wherever photos lie. */
function sentence(error: unknown, file: string): string {
  const message = error instanceof Error ? error.message : String(error);
  const text =
    error instanceof PhotofitError ? message : `unexpected error (a defect of photofit): ${message}`;
  const short = text
    .split(file)
    .join(path.basename(file))
    .replace(/\s*\n\s*/g, ' ');
  return short.startsWith(path.basename(file)) ? short : `${path.basename(file)}: ${short}`;
}

function beside(file: string, tail: string): string {
  return path.join(path.dirname(file), path.parse(file).name + tail);
}

/** `NAME_seg.npy`, scaled to the decoded photo; null where there is none. */
async function maskBeside(file: string, photo: DecodedPhoto): Promise<Float32Array | null> {
  const npy = beside(file, '_seg.npy');
  if (!existsSync(npy)) return null;
  const { originalWidth: w, originalHeight: h, image } = photo;
  const mask = await readFfhqMask(npy, w, h);
  if (image.width === w && image.height === h) return mask;
  return Float32Array.from({ length: image.width * image.height }, (_, p) => {
    const x = Math.floor((((p % image.width) + 0.5) * w) / image.width);
    const y = Math.floor(((Math.floor(p / image.width) + 0.5) * h) / image.height);
    return mask[y * w + x];
  });
}

/** Photo, render with the initial space's texture over it, the same with the offset, and the map's seen part. */
async function overlayJpeg(
  kernels: Kernels,
  photo: DecodedPhoto,
  { fit, offset, map }: FittedMap,
  model: HeadModel,
): Promise<Uint8Array> {
  const side = DATASET_PANEL;
  const crop = overlayCrop(fit.skin.crop, side);
  const background = resampleCrop(photo.image, crop).data;
  const plain = renderFit(kernels, fit, model, { crop, size: side });
  const matched = renderFit(kernels, fit, model, { crop, size: side, albedo: offset.albedo });
  const out = new Uint8ClampedArray(3 * 4 * side * side);
  const put = (panel: number, value: (p: number, c: number) => number) => {
    for (let y = 0; y < side; y++)
      for (let x = 0; x < side; x++)
        for (let c = 0; c < 3; c++)
          out[3 * (y * 4 * side + panel * side + x) + c] = 255 * value(y * side + x, c);
  };
  put(0, (p, c) => background[3 * p + c]);
  for (const [panel, { rgb, mask }] of [plain, matched].entries())
    put(panel + 1, (p, c) => (mask[p] ? rgb.data[3 * p + c] : background[3 * p + c]));
  const step = map.size / side;
  put(3, (p, c) => {
    const x = Math.floor(((p % side) + 0.5) * step);
    const y = Math.floor((Math.floor(p / side) + 0.5) * step);
    const t = y * map.size + x;
    const v = map.visibility[t] / 255;
    return v * map.albedo[3 * t + c] + (1 - v) * 0.2 * map.albedo[3 * t + c];
  });
  return sharp(out, { raw: { width: 4 * side, height: side, channels: 3 } })
    .jpeg({ quality: 85 })
    .toBuffer();
}
