/** What `photofit energy` does. */
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { FormatError, InvalidArgumentError } from '../core/errors.ts';
import {
  type OriginalObservation,
  type OriginalState,
  originalEnergy,
  originalObservation,
  originalState,
} from '../fit/original-energy.ts';
import { readOriginalFit } from '../fit/original-files.ts';
import { originalView } from '../fit/original-view.ts';
import { type FitFile, fromFitFile, parseFitFile } from '../fit/schema.ts';
import { type NpyArray, readNpy, toFloat32 } from '../io/npy.ts';
import { npzGet, readNpz } from '../io/npz.ts';
import { createKernels } from '../kernels/runtime.ts';
import type { HeadModel } from '../model/head-model.ts';
import { decodePhoto } from '../node/photo.ts';
import { loadHead } from '../node/spaces.ts';
import { type CliContext, EXIT } from './context.ts';
import type { EnergyOptions } from './energy-options.ts';

/** Prints the terms of one fit, and their sum. */
export async function printEnergy(
  fit: string,
  options: EnergyOptions,
  { stdout }: CliContext,
): Promise<number> {
  const terms = options.energy === 'own' ? await ownTerms(fit) : await originalTerms(fit, options);
  if (options.json) stdout.write(`${JSON.stringify({ fit, energy: options.energy, terms })}\n`);
  else {
    const width = Math.max(...Object.keys(terms).map((name) => name.length)) + 2;
    for (const [name, value] of Object.entries(terms))
      stdout.write(`${name.padEnd(width)}${value.toPrecision(6)}\n`);
  }
  return EXIT.ok;
}

async function ownTerms(fit: string): Promise<Record<string, number>> {
  if (isOriginalFile(fit))
    throw new InvalidArgumentError(
      `${fit}: a file of the original has the original's energy only; add --energy original`,
    );
  const { file } = await readFitFile(fit);
  return { ...file.energy.terms, total: file.energy.total };
}

async function originalTerms(fit: string, options: EnergyOptions): Promise<Record<string, number>> {
  const { model, state, observation } = isOriginalFile(fit)
    ? await theirs(fit, options)
    : await ours(fit, options);
  const { landmark, photometric, shape, expression, total } = originalEnergy(
    await createKernels(),
    model,
    state,
    observation,
  );
  return { landmark, photometric, shape, expression, total };
}

/** What `originalEnergy` takes. */
interface Case {
  readonly model: HeadModel;
  readonly state: OriginalState;
  readonly observation: OriginalObservation;
}

const isOriginalFile = (fit: string) => fit.toLowerCase().endsWith('.npy');

/** A fit.npy of the original, with its image, landmark and mask files. */
async function theirs(fit: string, options: EnergyOptions): Promise<Case> {
  const { photo, model } = options;
  if (!photo || !model)
    throw new InvalidArgumentError(
      `${fit}: a file of the original names neither photo nor model; give --photo and --model`,
    );
  const stem = photo.slice(0, photo.length - path.extname(photo).length);
  const head = await loadHead(model, options.space);
  const { image } = await decodePhoto(photo);
  const mask = await readNumbers(options.mask ?? `${stem}_seg.npy`, [image.height, image.width]);
  const landmarks = await readNumbers(options.landmarks ?? `${stem}.npy`, [68, 2]);
  return {
    model: head,
    state: originalState(head, readOriginalFit(await readFile(fit), fit)),
    observation: originalObservation(image, mask, landmarks),
  };
}

/** A result folder of ours: photo and mask as they were fitted, unless others are given. */
async function ours(fit: string, options: EnergyOptions): Promise<Case> {
  const { file, folder } = await readFitFile(fit);
  const model = await loadHead(options.model ?? file.model.name, options.space);
  const stored = fromFitFile(file, model);
  const { image } = await decodePhoto(options.photo ?? file.input.path);
  const { width, height } = file.input;
  if (image.width !== width || image.height !== height)
    throw new InvalidArgumentError(
      `${options.photo ?? file.input.path}: is ${image.width} × ${image.height}, the fit was of ${width} × ${height}; give the photo that was fitted`,
    );
  const { crop } = file;
  const mask = options.mask
    ? cropMask(await readNumbers(options.mask, [height, width]), width, crop)
    : toFloat32(
        npzGet(readNpz(await readFile(path.join(folder, 'fit.npz')), 'fit.npz'), 'skin_mask', 'fit.npz'),
      );
  const landmarks68 = options.landmarks
    ? await readNumbers(options.landmarks, [68, 2])
    : stored.observation.landmarks68;
  const viewed = { ...stored, observation: { ...stored.observation, landmarks68 } };
  return { model, ...originalView(viewed, crop, mask, image) };
}

async function readFitFile(fit: string): Promise<{ file: FitFile; folder: string }> {
  const isFolder = (await stat(fit)).isDirectory();
  const file = isFolder ? path.join(fit, 'fit.json') : fit;
  return { file: parseFitFile(await readFile(file, 'utf8'), file), folder: path.dirname(file) };
}

async function readNumbers(file: string, shape: readonly [number, number]): Promise<Float32Array> {
  const array: NpyArray = readNpy(await readFile(file), file);
  if (`${array.shape}` !== `${shape}`)
    throw new FormatError(`${file}: an array of shape (${array.shape}), (${shape}) expected`);
  return toFloat32(array, file);
}

/** A mask over the whole photo, taken at the crop's pixels. */
function cropMask(mask: Float32Array, width: number, { origin, scale, size }: FitFile['crop']): Float32Array {
  const height = mask.length / width;
  const out = new Float32Array(size * size);
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++) {
      const px = Math.floor(origin[0] + (x + 0.5) / scale);
      const py = Math.floor(origin[1] + (y + 0.5) / scale);
      if (px >= 0 && py >= 0 && px < width && py < height) out[y * size + x] = mask[py * width + px];
    }
  return out;
}
