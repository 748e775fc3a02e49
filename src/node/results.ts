/**
 * A fit as a folder of files: what `photofit fit` leaves behind. The folder appears whole or not at all.
 *
 * Pictures are encoded by sharp on its own threads while GLB, OBJ and npz are made on this one, or on a helper's.
 */
import sharp from 'sharp';
import type { ImageF } from '../core/image.ts';
import type { DecodedPhoto } from '../core/photo.ts';
import { fitArrays } from '../fit/arrays.ts';
import { renderFit } from '../fit/render-fit.ts';
import { type FitFile, fitFileText, toFitFile } from '../fit/schema.ts';
import type { PhotoFit } from '../fit/types.ts';
import { finishGlb } from '../io/glb.ts';
import { writeNpz } from '../io/npz.ts';
import { writeMtl } from '../io/obj-write.ts';
import { createKernels, type Kernels } from '../kernels/runtime.ts';
import { mapBytes } from '../kernels/texture-map.ts';
import type { HeadModel } from '../model/head-model.ts';
import { poseHead } from '../model/pose.ts';
import { skinAlbedo } from '../render/albedo.ts';
import type { TextureOffset } from '../texture/solve-offset.ts';
import { writeFolderAtomically } from './atomic.ts';
import { energyPng } from './energy-picture.ts';
import { type FitMeshes, makeFitMeshes, OBJ_NAMES } from './fit-meshes.ts';
import { overlayCrop, overlayPng } from './overlay.ts';
import { packageVersion } from './version.ts';

/** The files of a result folder, in the order they are put in place: `fit.json` last, it vouches for the rest. */
export const FIT_FOLDER_FILES = [
  'head.glb',
  'head.obj',
  'head.mtl',
  'texture.png',
  'visibility.png',
  'overlay.png',
  'energy.png',
  'fit.npz',
  'fit.json',
] as const;

/** What {@link makeFitFiles} writes down. */
export interface FitFolderInput {
  /** Path of the photo as the user gave it. */
  readonly file: string;
  /** As it was fitted. */
  readonly photo: DecodedPhoto;
  readonly model: HeadModel;
  readonly fit: PhotoFit;
  /** Texture that matches the photo; the parametric one is written where this is absent. */
  readonly offset?: TextureOffset | null;
  /** Number of the face in the photo in order of size; 1 unless given. */
  readonly face?: number;
  /** Milliseconds spent before, `texture` on the offset; `perceive` and `solve` are known from the fit. */
  readonly timingMs?: { readonly decode?: number; readonly perceive?: number; readonly texture?: number };
  /** What the overlay is rendered with; made for it unless given. */
  readonly kernels?: Kernels;
  /** (V,3) of the fit as posed, where the caller has them. */
  readonly vertices?: Float32Array;
  /** Meshes that are being made elsewhere; what fails there is made here. */
  readonly meshes?: Promise<FitMeshes>;
  /** Cancels before anything is in place. */
  readonly signal?: AbortSignal;
}

/** What was written. */
export interface WrittenFit {
  readonly folder: string;
  /** Content of its `fit.json`. */
  readonly file: FitFile;
}

/** The files of a result folder, ready to be written. */
export interface FitFiles {
  /** Content of `fit.json`. */
  readonly file: FitFile;
  /** Name and content, in the order of {@link FIT_FOLDER_FILES}; those that the fit does not have are left out. */
  readonly files: readonly (readonly [string, Uint8Array | string])[];
}

/**
 * Writes the files of {@link FIT_FOLDER_FILES} into `folder` (`visibility.png` with an offset only); other files in it stay.
 * @throws {PhotofitError} when the folder cannot be written, or the fit holds a number that is not finite
 * @throws {AbortedError} when cancelled; nothing is left
 */
export async function writeFitFolder(folder: string, input: FitFolderInput): Promise<WrittenFit> {
  const made = await makeFitFiles(input);
  await putFitFolder(folder, made, input.signal);
  return { folder, file: made.file };
}

/**
 * Puts files that {@link makeFitFiles} made into `folder`.
 * @throws {PhotofitError} when the folder cannot be written
 * @throws {AbortedError} when cancelled; nothing is left
 */
export function putFitFolder(folder: string, { files }: FitFiles, signal?: AbortSignal): Promise<void> {
  return writeFolderAtomically(folder, files, { ours: FIT_FOLDER_FILES, signal });
}

/**
 * Makes the files of a result folder; nothing is written. The work of {@link writeFitFolder}, apart from the disk: a
 * thread can make them while another one writes those of the face before.
 * @throws {PhotofitError} when the fit holds a number that is not finite
 */
export async function makeFitFiles(input: FitFolderInput): Promise<FitFiles> {
  const { model, fit, photo, offset } = input;
  const started = performance.now();
  const albedo = offset?.albedo ?? skinAlbedo(model, fit.params) ?? undefined;
  const kernels = input.kernels ?? (await createKernels());
  const pictureOfTexture = albedo ? pngOf(kernels, albedo) : null;
  const crop = overlayCrop(fit.skin.crop);
  const vertices = input.vertices ?? poseHead(model, fit.params).vertices;
  const head = renderFit(kernels, fit, model, { crop, size: crop.size, albedo, vertices });
  const pictures = Promise.all([
    overlayPng({ photo: photo.image, crop, head, detected: fit.observation.landmarks68, kernels }),
    energyPng(fit.energy.curve, 'energy by stage'),
    offset
      ? pngOf(kernels, { width: offset.width, height: offset.height, channels: 1, data: offset.visibility })
      : null,
  ]);
  // Should a writer below throw, the pictures' own failure must not go unheard.
  pictures.catch(() => {});
  pictureOfTexture?.catch(() => {});
  const mtl = writeMtl({ material: OBJ_NAMES.material, textureFile: 'texture.png' });
  // Stored: deflating took a tenth of the time of all files, for 3 % of their size.
  const npz = writeNpz(fitArrays(fit, model, vertices), { compress: false });
  const meshes = (await input.meshes?.catch(() => null)) ?? makeFitMeshes(model, fit, vertices);
  const texture = await pictureOfTexture;
  const glb = finishGlb(meshes.glb, texture);
  const [overlay, energy, visibility] = await pictures;

  const decode = input.timingMs?.decode ?? 0;
  const perceive = input.timingMs?.perceive ?? fit.timingMs.perceive;
  const solved = input.timingMs?.texture ?? 0;
  const now = performance.now();
  const file = toFitFile(fit, model, {
    version: packageVersion(),
    path: input.file,
    face: input.face ?? 1,
    photo,
    timingMs: {
      decode,
      perceive,
      texture: solved,
      // Making the files' contents; putting them on the disk comes after and cannot be known here.
      write: now - started,
      total: decode + perceive + fit.timingMs.solve + solved + (now - started),
    },
    ...(offset && { textureOffset: offsetEntry(offset) }),
  });
  const contents: Readonly<Record<(typeof FIT_FOLDER_FILES)[number], Uint8Array | string | null>> = {
    'head.glb': glb,
    'head.obj': meshes.obj,
    'head.mtl': texture ? mtl : null,
    'texture.png': texture,
    'visibility.png': visibility,
    'overlay.png': overlay,
    'energy.png': energy,
    'fit.npz': npz,
    'fit.json': fitFileText(file),
  };
  const files = FIT_FOLDER_FILES.flatMap((name) => {
    const content = contents[name];
    return content === null ? [] : [[name, content] as const];
  });
  return { file, files };
}

function offsetEntry({ width, height, metrics }: TextureOffset): FitFile['texture_offset'] {
  const { before, after, shadingShare } = metrics;
  return {
    width,
    height,
    skin_l1_before: before.l1,
    skin_l1: after.l1,
    skin_psnr_db: after.psnrDb,
    shading_share: shadingShare,
  };
}

/** A picture in [0, 1] as a PNG file. */
function pngOf(kernels: Kernels, picture: ImageF): Promise<Uint8Array> {
  const { width, height, channels, data } = picture;
  const raw = { width, height, channels: channels as 1 | 3 };
  return sharp(mapBytes(kernels, data), { raw }).png({ compressionLevel: 5 }).toBuffer();
}
