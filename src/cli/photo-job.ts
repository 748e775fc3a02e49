/**
 * One photo of `photofit fit` from file to files: decode → perceive → fit → texture → what its folders hold. Knows
 * nothing of the screen or the output folder, so that it can be done on any thread.
 */
import path from 'node:path';
import { AbortedError, InvalidArgumentError, NoFaceError, throwIfAborted } from '../core/errors.ts';
import type { ImageF } from '../core/image.ts';
import type { DecodedPhoto } from '../core/photo.ts';
import type { ProgressListener } from '../core/progress.ts';
import type { PersonOptions, ViewOptions } from '../fit/fit-options.ts';
import { fitPhoto } from '../fit/fit-photo.ts';
import { prepareModel } from '../fit/prepare.ts';
import { fitMemory, posedVertices } from '../fit/resident.ts';
import type { PhotoFit } from '../fit/types.ts';
import type { HeadModel } from '../model/head-model.ts';
import type { FitMeshes } from '../node/fit-meshes.ts';
import { decodePhoto } from '../node/photo.ts';
import { type FitFiles, makeFitFiles } from '../node/results.ts';
import type { FaceObservation } from '../perceive/types.ts';
import { solvePersonTexture, type TextureOffset } from '../texture/solve-offset.ts';
import type { TextureView } from '../texture/texture-view.ts';
import type { FitOptions } from './fit-options.ts';
import type { PhotoInput } from './inputs.ts';
import { checkMeasures, type MeasuredPicture } from './measures.ts';
import type { OpenPerception } from './open-perception.ts';

/** Share of a photo's progress that fitting takes; texture and writing are the rest. */
export const FIT_SHARE = 0.85;

/** What all photos of a run share. */
export interface PhotoSurroundings {
  readonly model: HeadModel;
  readonly perception: OpenPerception;
  readonly options: FitOptions;
  readonly signal: AbortSignal;
  /** What the texture waits for, where it is being prepared elsewhere. */
  readonly textureReady?: Promise<void>;
  /** Makes a fit's meshes elsewhere, from its vertices (V,3) as posed. */
  readonly meshes?: (fit: PhotoFit, vertices: Float32Array) => Promise<FitMeshes>;
}

/** A photo with the faces in it. */
export interface LookedAt {
  readonly decoded: DecodedPhoto;
  /** The user's mask. */
  readonly mask: ImageF | null;
  readonly faces: readonly FaceObservation[];
  readonly times: LookTimes;
}

/** A face that was fitted. */
export interface FaceResult extends FitFiles {
  /** Number in order of size, from 1. */
  readonly number: number;
  /** Where its files belong. */
  readonly folder: string;
}

/** Hears what becomes of a photo. */
export interface PhotoListener {
  readonly progress: ProgressListener;
  /** A face's files; the next face waits until they are dealt with. */
  face(result: FaceResult): void | Promise<void>;
  /** The photo, or one face of it, could not be done; the others go on. */
  failed(error: unknown, face?: number): void;
}

/** A face to fit and the folder for its results. */
export interface FaceTask {
  readonly observation: FaceObservation;
  /** Number in order of size, from 1. */
  readonly number: number;
  readonly folder: string;
  readonly warnings: readonly string[];
}

/** Milliseconds before a fit begins; decoding and detection are paid once, every face of the photo reports them. */
export interface LookTimes {
  readonly decode: number;
  readonly perceive: number;
}

/** Textures of the fits they were solved for. */
export interface SolvedTexture {
  readonly offsets: readonly { readonly fit: PhotoFit; readonly offset: TextureOffset }[];
  /** Milliseconds a photo. */
  readonly ms: number;
}

/**
 * Decodes a photo and finds the faces in it.
 * @throws {PhotofitError} when it cannot be read
 * @throws {AbortedError} when cancelled
 */
export async function lookAt(
  photo: PhotoInput,
  { options, perception, signal }: Omit<PhotoSurroundings, 'model'>,
  progress?: ProgressListener,
): Promise<LookedAt> {
  const started = performance.now();
  progress?.({ stage: 'decode', fraction: 0 });
  const decoded = await decodePhoto(photo.file, { signal });
  const mask = options.mask === undefined ? null : await readMask(options.mask, decoded);
  const decode = performance.now() - started;
  progress?.({ stage: 'perceive', fraction: 0.02 });
  const faces = await perception.faces.detect(decoded.image, { signal });
  return { decoded, mask, faces, times: { decode, perceive: performance.now() - started - decode } };
}

/**
 * Fits the faces of a photo that the options ask for; what fails is told to `listener`.
 * @param early a look that was begun before
 * @throws {AbortedError} when cancelled
 */
export async function fitPhotoFile(
  photo: PhotoInput,
  surroundings: PhotoSurroundings,
  listener: PhotoListener,
  early?: Promise<LookedAt>,
): Promise<void> {
  try {
    const looked = await (early ?? lookAt(photo, surroundings, listener.progress));
    for (const task of chooseFaces(photo, looked.faces, surroundings.options)) {
      try {
        await listener.face(await fitFace(photo, looked, task, surroundings, listener.progress));
      } catch (error) {
        if (error instanceof AbortedError) throw error;
        listener.failed(error, task.number);
      }
    }
  } catch (error) {
    if (error instanceof AbortedError) throw error;
    listener.failed(error);
  }
}

async function fitFace(
  photo: PhotoInput,
  { decoded, mask, times }: LookedAt,
  task: FaceTask,
  { model, perception, options, signal, textureReady, meshes: makeMeshes }: PhotoSurroundings,
  progress: ProgressListener,
): Promise<FaceResult> {
  checkMeasures(options, fileOf(decoded), model);
  const fit = await fitPhoto(decoded.image, model, {
    observation: task.observation,
    ...viewOptions(decoded, options),
    ...personOptions(options),
    light: options.light,
    mask: mask ?? (await perception.skin?.skinMask(decoded.image, task.observation, { signal })),
    signal,
    onProgress: (event) => progress({ ...event, fraction: 0.05 + (FIT_SHARE - 0.05) * event.fraction }),
  });
  throwIfAborted(signal);
  progress({ stage: 'texture', fraction: FIT_SHARE });
  const meshes = makeMeshes?.(fit, posedVertices(await fitMemory(prepareModel(model)), fit.params));
  meshes?.catch(() => {});
  await textureReady;
  const texture = await solveTexture([{ fit, photo: decoded.image }], model, options, signal);
  progress({ stage: 'write', fraction: (1 + FIT_SHARE) / 2 });
  return faceFiles({ photo, decoded, task, times, fit, texture, model, meshes });
}

/** The file of a photo, whose pixels are those that users count in. */
export function fileOf({ originalWidth: width, originalHeight: height }: DecodedPhoto): MeasuredPicture {
  return { width, height, name: 'the photo' };
}

/** What the options say of a photo; lengths in pixels of the file become such of the photo as it is fitted. */
export function viewOptions(
  decoded: DecodedPhoto,
  { camera, focal, distance, principalPoint: principal }: FitOptions,
): Pick<ViewOptions, 'camera' | 'focal35mm' | 'focal' | 'distance' | 'principal'> {
  return {
    camera,
    focal35mm: decoded.focal35mm,
    focal: focal === undefined ? undefined : focal * decoded.scale,
    distance,
    principal: principal && [principal[0] * decoded.scale, principal[1] * decoded.scale],
  };
}

/** What the options say of the person. */
export function personOptions({ ipd }: FitOptions): PersonOptions {
  return { ipd: ipd === undefined ? undefined : ipd / 1000 };
}

/** The texture that matches the photos, unless it is not wanted or the head has no texture coordinates. */
export async function solveTexture(
  views: readonly TextureView[],
  model: HeadModel,
  options: FitOptions,
  signal: AbortSignal,
): Promise<SolvedTexture> {
  if (!options.offset || model.uvs.length === 0) return { offsets: [], ms: 0 };
  const started = performance.now();
  const memory = await fitMemory(prepareModel(model));
  const posed = views.map((view) => ({ ...view, vertices: posedVertices(memory, view.fit.params) }));
  const { texture, metrics } = solvePersonTexture(memory.kernels, posed, model, {
    size: options.textureSize,
    signal,
  });
  const offsets = views.map(({ fit }, i) => ({ fit, offset: { ...texture, metrics: metrics[i] } }));
  return { offsets, ms: (performance.now() - started) / views.length };
}

/** A face with everything that its folder is made from. */
export interface FittedFace {
  readonly photo: PhotoInput;
  readonly decoded: DecodedPhoto;
  readonly task: FaceTask;
  readonly times: LookTimes;
  readonly fit: PhotoFit;
  readonly texture: SolvedTexture;
  readonly model: HeadModel;
  /** Where they are being made. */
  readonly meshes?: Promise<FitMeshes>;
}

/** Makes the files of a face's folder. */
export async function faceFiles({
  photo,
  decoded,
  task,
  times,
  fit,
  texture,
  model,
  meshes,
}: FittedFace): Promise<FaceResult> {
  const memory = await fitMemory(prepareModel(model));
  const made = await makeFitFiles({
    kernels: memory.kernels,
    vertices: posedVertices(memory, fit.params),
    meshes,
    file: photo.file,
    face: task.number,
    photo: { ...decoded, warnings: [...decoded.warnings, ...task.warnings] },
    model,
    fit,
    offset: texture.offsets.find((o) => o.fit === fit)?.offset ?? null,
    timingMs: { ...times, texture: texture.ms },
  });
  return { ...made, number: task.number, folder: task.folder };
}

/**
 * The faces of a photo that are asked for, each with the folder for its results.
 * @throws {NoFaceError} when there is none, or not that one
 */
export function chooseFaces(
  photo: PhotoInput,
  faces: readonly FaceObservation[],
  { face, out }: Pick<FitOptions, 'face' | 'out'>,
): FaceTask[] {
  if (faces.length === 0) {
    throw new NoFaceError(
      `${photo.file}: no face was found; use a photo in which the face is larger, sharper or less turned away`,
    );
  }
  const warnings =
    face === 'largest' && faces.length > 1
      ? [`${faces.length} faces were found, and the largest is fitted; choose another by --face`]
      : [];
  const wanted = face === 'all' ? faces.map((_, i) => i + 1) : [face === 'largest' ? 1 : face];
  return wanted.map((number) => {
    const observation = faces[number - 1];
    if (!observation) {
      throw new NoFaceError(
        `${photo.file}: face ${number} was asked for, but ${faces.length === 1 ? 'only one was' : `only ${faces.length} were`} found; choose a lower --face`,
      );
    }
    const suffix = number === 1 ? '' : `_face${number}`;
    return { observation, number, folder: path.join(out, photo.name + suffix), warnings };
  });
}

/** Red channel of the mask picture as (H,W) in [0, 1]; must have the photo's size, or the shape of it. */
export async function readMask(file: string, photo: DecodedPhoto): Promise<ImageF> {
  const { image, originalWidth, originalHeight } = await decodePhoto(file);
  if (originalWidth !== photo.originalWidth || originalHeight !== photo.originalHeight) {
    throw new InvalidArgumentError(
      `--mask ${file}: is ${originalWidth} × ${originalHeight} pixels, but the photo is ${photo.originalWidth} × ${photo.originalHeight}; it must be as large`,
    );
  }
  const { width, height, data } = image;
  return {
    width,
    height,
    channels: 1,
    data: Float32Array.from({ length: width * height }, (_, i) => data[4 * i] / 255),
  };
}
