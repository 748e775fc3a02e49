/** Where a texture space begins, by what is named: a Basel Face Model, FLAME's texture, a head, a space, a colour. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { InvalidArgumentError } from '../core/errors.ts';
import { type MeshLandmarks, readMeshLandmarks } from '../fit/mesh-landmarks.ts';
import type { BfmModel } from '../model/bfm/bfm-model.ts';
import { bfmLandmarks } from '../model/bfm/landmarks.ts';
import { readBfmH5 } from '../model/bfm/read-bfm-h5.ts';
import { readBfmMat } from '../model/bfm/read-bfm-mat.ts';
import type { HeadModel } from '../model/head-model.ts';
import type { FacePerception } from '../perceive/types.ts';
import { bfmSurface } from '../texture/coloured-surface.ts';
import {
  type InitialSpace,
  type SpaceAbout,
  type SpaceInitOptions,
  spaceFromColour,
  spaceFromHead,
  spaceFromSurface,
} from '../texture/space-init.ts';
import { openHdf5File } from './hdf5.ts';
import { loadPerception } from './perception.ts';
import { PHOTO_EXTENSIONS } from './photo.ts';
import { loadSpace, wearFlameTexture } from './spaces.ts';

/** Options of {@link loadInitialSpace}. */
export interface LoadInitialSpaceOptions extends SpaceInitOptions {
  /** Name of the space in its file. */
  readonly name?: string;
  /** File of landmarks on a Basel model's mean face (see `model fit-mesh`); its own, or found, where absent. */
  readonly landmarks?: string;
}

/** Defaults of {@link LoadInitialSpaceOptions}, beside those of the library's `SPACE_INIT_DEFAULTS`. */
export const LOAD_INITIAL_SPACE_DEFAULTS = { name: 'initial' } as const;

/**
 * Makes an initial texture space for a head.
 * @param from a Basel Face Model (`.mat` of 2009, `.h5` of 2017 and 2019), `FLAME_texture.npz`, a head or `.space` file,
 *   or a colour as `#c68863`
 * @param model the head
 * @throws {InvalidArgumentError} when `from` is nothing of these, or does not go with the head or an option
 * @throws {FormatError} when a file is not what it should be
 * @throws {AbortedError} when cancelled
 */
export async function loadInitialSpace(
  from: string,
  model: HeadModel,
  options: LoadInitialSpaceOptions = {},
): Promise<InitialSpace> {
  const name = options.name ?? LOAD_INITIAL_SPACE_DEFAULTS.name;
  const about = (license: string, credits: string): SpaceAbout => ({
    name,
    license,
    credits,
    provenance: { command: 'space init', from: /^#/.test(from) ? from : path.basename(from) },
  });
  const ending = path.extname(from).toLowerCase();
  const isBasel = ['.mat', '.h5', '.hdf5'].includes(ending);
  if (options.landmarks !== undefined && !isBasel)
    throw new InvalidArgumentError(
      `--landmarks ${options.landmarks}: are those of a Basel Face Model's mean face; ${from} needs none`,
    );
  if (from.startsWith('#')) return spaceFromColour(colourOf(from), model, about('CC0-1.0', ''), options);
  if (isBasel) return fromBasel(from, model, about, options);
  if (ending === '.npz') {
    const { components, size, onProgress, signal } = options;
    const worn = await wearFlameTexture(model, from, {
      ...(components !== undefined && { textureComponents: components }),
      ...(size !== undefined && { textureSize: size }),
      onProgress,
      signal,
    });
    return spaceFromHead(worn, model, about('as the file', 'the makers of the file'), options);
  }
  if (PHOTO_EXTENSIONS.includes(ending.slice(1)))
    throw new InvalidArgumentError(
      `${from}: a picture is no beginning of a texture space; name a head, a .space file, FLAME_texture.npz, a Basel Face Model or a colour as #c68863 (a space from photos: photofit space build)`,
    );
  const head = await loadSpace(from);
  return spaceFromHead(head, model, about(head.license, `the makers of ${head.name}`), options);
}

async function fromBasel(
  file: string,
  model: HeadModel,
  about: (license: string, credits: string) => SpaceAbout,
  options: LoadInitialSpaceOptions,
): Promise<InitialSpace> {
  const h5 = file.toLowerCase().endsWith('.mat') ? null : await openHdf5File(file);
  let perception: FacePerception | undefined;
  try {
    const bfm = h5 ? readBfmH5(h5) : readBfmMat(await readFile(file), file);
    const surface = bfmSurface(bfm, file, await landmarksOf(bfm, options.landmarks));
    const said = about(
      "Basel's, not to be passed on",
      `Basel Face Model ${bfm.edition}, University of Basel`,
    );
    const look = async () => {
      perception = await loadPerception();
      return perception;
    };
    return await spaceFromSurface(surface, model, said, look, options);
  } finally {
    perception?.dispose();
    h5?.close();
  }
}

async function landmarksOf(bfm: BfmModel, file: string | undefined): Promise<MeshLandmarks | null> {
  if (file === undefined) return bfmLandmarks(bfm);
  return readMeshLandmarks(await readFile(file, 'utf8'), bfm.shape.mean, file);
}

/** `#rgb` or `#rrggbb` as three numbers in [0, 1]. */
function colourOf(text: string): [number, number, number] {
  const digits = /^#([0-9a-f]{3}|[0-9a-f]{6})$/i.exec(text)?.[1];
  if (!digits)
    throw new InvalidArgumentError(
      `${text}: is no colour; write it as #c68863, two hexadecimal digits each of red, green, blue`,
    );
  const n = digits.length / 3;
  const part = (i: number) => Number.parseInt(digits.slice(n * i, n * i + n).repeat(3 - n), 16) / 255;
  return [part(0), part(1), part(2)];
}
