/** Texture spaces on disk: a head that has one, a `.space` file on its head, or a texture file of FLAME's on a FLAME head. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { FormatError, InvalidArgumentError } from '../core/errors.ts';
import { NpzStream } from '../io/npz-stream.ts';
import { type FlameTextureOptions, readFlameTexture } from '../model/flame/texture.ts';
import { FLAME_FACES } from '../model/flame/texture-write.ts';
import { uvFromTexture } from '../model/flame/uv.ts';
import type { HeadModel } from '../model/head-model.ts';
import {
  type ReadSpaceOptions,
  readSpacePack,
  type SpacePack,
  withTextureSpace,
} from '../model/space-pack.ts';
import { openFileSource } from './file-source.ts';
import { requireTexture } from './head-figures.ts';
import { type LoadedHead, listHeadFiles, loadHeadModel } from './models.ts';

/** Ending of texture space files. */
export const SPACE_ENDING = '.space';

/**
 * Reads a texture space file.
 * @throws {InvalidArgumentError} when it is a file of FLAME's, which has to be brought into ours first
 * @throws {FormatError} when it is no texture space
 */
export async function loadTextureSpace(file: string, options: ReadSpaceOptions = {}): Promise<SpacePack> {
  if (path.extname(file).toLowerCase() === '.npz')
    throw new InvalidArgumentError(
      `${file}: is no ${SPACE_ENDING} file; make one of it: photofit space init --from ${file} --model … -o my.space`,
    );
  return readSpacePack(await readFile(file), file, options);
}

/**
 * A head, wearing another texture space where one is named.
 * @param model as `loadHeadModel`
 * @param space a `.space` file
 * @throws {InvalidArgumentError} when there is no such head, or the space was made for another texture layout
 * @throws {FormatError} when a file is not what it should be
 */
export async function loadHead(model?: string, space?: string): Promise<LoadedHead> {
  const head = await loadHeadModel(model);
  return space === undefined ? head : withTextureSpace(head, await loadTextureSpace(space), space);
}

/**
 * A head with the texture space that `space` names.
 * @param space an embedded head, a `.head` file, a folder with FLAME's files, a `.space` file, or a texture space of
 *   FLAME's (`.npz`)
 * @param model the head that a `.space` (default: the embedded one it was made on) or a `.npz` goes on
 * @throws {InvalidArgumentError} when there is none, or a file comes without its head or for another
 * @throws {FormatError} when a file is not what it should be
 */
export async function loadSpace(
  space: string,
  model?: string,
  options: FlameTextureOptions = {},
): Promise<HeadModel> {
  const ending = path.extname(space).toLowerCase();
  if (ending === SPACE_ENDING) return loadSpaceFile(space, model);
  if (ending !== '.npz') {
    if (model !== undefined)
      throw new InvalidArgumentError(
        `--model ${model}: is for texture spaces that come without a head (${SPACE_ENDING}, .npz); ${space} has its own`,
      );
    const head = await loadHeadModel(space);
    requireTexture(head, space);
    return head;
  }
  if (model === undefined)
    throw new InvalidArgumentError(
      `${space}: a texture space without a head; give --model with a FLAME head, a .head file or FLAME's folder`,
    );
  return wearFlameTexture(await loadHeadModel(model), space, options);
}

/**
 * A FLAME head wearing a texture file of FLAME's.
 * @throws {InvalidArgumentError} when the head is not FLAME's, or an option is out of range
 * @throws {FormatError} when the file is no texture space
 */
export async function wearFlameTexture(
  head: HeadModel,
  file: string,
  options: FlameTextureOptions = {},
): Promise<HeadModel> {
  if (head.faces.length !== 3 * FLAME_FACES)
    throw new InvalidArgumentError(
      `--model ${head.name}: has ${head.faces.length / 3} triangles; ${file} is for FLAME's mesh of ${FLAME_FACES}`,
    );
  const source = await openFileSource(file);
  try {
    const { texture, vt, ft } = await readFlameTexture(await NpzStream.open(source, file), options);
    const layout = vt && ft ? uvFromTexture(vt, ft, FLAME_FACES) : null;
    return {
      ...head,
      name: path.parse(file).name,
      texture,
      // The same layout, written with fewer digits, is the head's own.
      ...(layout && !sameLayout(layout, head) && { uvs: layout.uvs, faceUvs: layout.faceUvs }),
    };
  } catch (cause) {
    if (cause instanceof FormatError && !cause.message.includes(file))
      throw new FormatError(`${file}: ${cause.message}`, { cause });
    throw cause;
  } finally {
    await source.close();
  }
}

/** Whether every corner of every triangle lies at the same place of the map, to 1/20 of a texel of 512. */
function sameLayout(a: Pick<HeadModel, 'uvs' | 'faceUvs'>, b: Pick<HeadModel, 'uvs' | 'faceUvs'>): boolean {
  if (a.faceUvs.length !== b.faceUvs.length) return false;
  return a.faceUvs.every((from, i) =>
    [0, 1].every((c) => Math.abs(a.uvs[2 * from + c] - b.uvs[2 * b.faceUvs[i] + c]) < 1e-4),
  );
}

async function loadSpaceFile(file: string, model: string | undefined): Promise<HeadModel> {
  const space = await loadTextureSpace(file);
  const head = await loadHeadModel(model ?? (await headOf(space, file)));
  const worn = await withTextureSpace(head, space, file);
  requireTexture(worn, file);
  return { ...worn, name: space.name };
}

/** Name of the embedded head that a space was made on. */
async function headOf(space: SpacePack, file: string): Promise<string> {
  const names = (await listHeadFiles()).map((head) => head.name);
  if (names.includes(space.model.name)) return space.model.name;
  throw new InvalidArgumentError(
    `${file}: was made for the head ${space.model.name}, which does not come with photofit; give its file or folder with --model`,
  );
}
