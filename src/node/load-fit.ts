/** A fit read back from disk, with its head model and its texture: what `photofit render` and `export` work on. */
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { InvalidArgumentError } from '../core/errors.ts';
import { type FitFile, fromFitFile, parseFitFile, type StoredFit } from '../fit/schema.ts';
import { type LoadedHead, listHeadFiles } from './models.ts';
import { loadHead } from './spaces.ts';
import { decodeTexture, type LoadedTexture } from './texture-file.ts';

/** A fit from disk. */
export interface LoadedFit {
  /** Content of its `fit.json`. */
  readonly file: FitFile;
  readonly fit: StoredFit;
  readonly model: LoadedHead;
  /** The `texture.png` beside it; null where there is none. */
  readonly texture: LoadedTexture | null;
  /** Folder that it lies in. */
  readonly folder: string;
}

/**
 * Reads a fit.
 * @param fileOrFolder a `fit.json`, or the folder that `photofit fit` wrote it into
 * @param options.model head that it was made with, where that is not an embedded one
 * @param options.space texture space file that it was made with, where it was made with one
 * @throws {InvalidArgumentError} when there is no fit, or its head or texture space is needed and not given
 * @throws {FormatError} when a file is damaged, or the head is another one than the fit was made with
 */
export async function loadFit(
  fileOrFolder: string,
  options: { readonly model?: string; readonly space?: string } = {},
): Promise<LoadedFit> {
  const json = await fitFileOf(fileOrFolder);
  const folder = path.dirname(json);
  const file = parseFitFile(await readFile(json, 'utf8'), json);
  if (file.model.space && options.space === undefined)
    throw new InvalidArgumentError(
      `${json}: was made with the texture space ${file.model.space.name}; give its file with --space`,
    );
  const model = await loadHead(options.model ?? (await embeddedHead(file, json)), options.space);
  const fit = fromFitFile(file, model);
  return { file, fit, model, texture: await readTexture(path.join(folder, 'texture.png')), folder };
}

async function fitFileOf(fileOrFolder: string): Promise<string> {
  const kind = async (file: string) =>
    stat(file).then(
      (found) => (found.isDirectory() ? 'folder' : 'file'),
      (error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error;
        return 'none';
      },
    );
  const found = await kind(fileOrFolder);
  if (found === 'file') return fileOrFolder;
  if (found === 'none')
    throw new InvalidArgumentError(
      `${fileOrFolder}: no such file or folder; give a fit.json, or the folder that photofit fit wrote it into`,
    );
  const json = path.join(fileOrFolder, 'fit.json');
  if ((await kind(json)) === 'file') return json;
  throw new InvalidArgumentError(
    `${fileOrFolder}: the folder has no fit.json; give the folder of one face, as photofit fit writes it`,
  );
}

/** Name of the embedded head that a fit names. */
async function embeddedHead(file: FitFile, json: string): Promise<string> {
  const { name } = file.model;
  const names = (await listHeadFiles()).map((head) => head.name);
  if (names.includes(name)) return name;
  throw new InvalidArgumentError(
    `${json}: was made with the head ${name}, which does not come with photofit; give its file or folder with --model`,
  );
}

async function readTexture(file: string): Promise<LoadedFit['texture']> {
  const png = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    return null;
  });
  return png && decodeTexture(png, file);
}
