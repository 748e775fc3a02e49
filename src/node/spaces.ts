/** Texture spaces on disk: a head that has one, or a texture file of FLAME's on a FLAME head. */
import path from 'node:path';
import { FormatError, InvalidArgumentError } from '../core/errors.ts';
import { NpzStream } from '../io/npz-stream.ts';
import { type FlameTextureOptions, readFlameTexture } from '../model/flame/texture.ts';
import { uvFromTexture } from '../model/flame/uv.ts';
import type { HeadModel } from '../model/head-model.ts';
import { openFileSource } from './file-source.ts';
import { requireTexture } from './head-figures.ts';
import { loadHeadModel } from './models.ts';

/** Triangles of every FLAME head. */
const FLAME_FACES = 9976;

/**
 * A head with the texture space that `space` names.
 * @param space an embedded head, a `.head` file, a folder with FLAME's files, or a texture space of FLAME's (`.npz`)
 * @param model the FLAME head that a `.npz` goes on
 * @throws {InvalidArgumentError} when there is none, or a `.npz` comes without a FLAME head
 * @throws {FormatError} when a file is not what it should be
 */
export async function loadSpace(
  space: string,
  model?: string,
  options: FlameTextureOptions = {},
): Promise<HeadModel> {
  if (path.extname(space).toLowerCase() !== '.npz') {
    if (model !== undefined)
      throw new InvalidArgumentError(
        `--model ${model}: is for texture spaces that come without a head (.npz); ${space} has its own`,
      );
    const head = await loadHeadModel(space);
    requireTexture(head, space);
    return head;
  }
  if (model === undefined)
    throw new InvalidArgumentError(
      `${space}: a texture space without a head; give --model with a FLAME head, a .head file or FLAME's folder`,
    );
  const head = await loadHeadModel(model);
  if (head.faces.length !== 3 * FLAME_FACES)
    throw new InvalidArgumentError(
      `--model ${model}: has ${head.faces.length / 3} triangles; ${space} is for FLAME's mesh of ${FLAME_FACES}`,
    );
  const source = await openFileSource(space);
  try {
    const { texture, vt, ft } = await readFlameTexture(await NpzStream.open(source, space), options);
    const layout = vt && ft ? uvFromTexture(vt, ft, FLAME_FACES) : null;
    return {
      ...head,
      name: path.parse(space).name,
      texture,
      ...(layout && { uvs: layout.uvs, faceUvs: layout.faceUvs }),
    };
  } catch (cause) {
    if (cause instanceof FormatError && !cause.message.includes(space))
      throw new FormatError(`${space}: ${cause.message}`, { cause });
    throw cause;
  } finally {
    await source.close();
  }
}
