/** Head models on disk: the embedded ones by name, any `.head` file by path. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { InvalidArgumentError } from '../core/errors.ts';
import { type HeadPack, readHeadPack } from '../model/pack.ts';

const ENDING = '.head';
// The same two steps up from src/node and from dist/node.
const EMBEDDED = fileURLToPath(new URL('../../models/', import.meta.url));

/** The head used when none is asked for. */
export const DEFAULT_HEAD = 'open-head';

/** A head model on disk. */
export interface HeadFile {
  /** File name without `.head`; embedded heads are loaded by it. */
  readonly name: string;
  readonly file: string;
  /** True for the heads that come with photofit. */
  readonly embedded: boolean;
}

/** The embedded heads, and the `.head` files of `folder` when one is given, by name. */
export async function listHeadFiles(folder?: string): Promise<HeadFile[]> {
  const own = folder === undefined ? [] : await headFilesIn(folder, false);
  return [...(await headFilesIn(EMBEDDED, true)), ...own];
}

/**
 * Reads a head model; the caller keeps it, nothing is cached here.
 * @param nameOrPath name of an embedded head, or path of a `.head` file
 * @throws {InvalidArgumentError} when there is no such head
 * @throws {FormatError} when the file is not a head model
 */
export async function loadHeadModel(nameOrPath: string = DEFAULT_HEAD): Promise<HeadPack> {
  const embedded = await headFilesIn(EMBEDDED, true);
  const file = embedded.find((head) => head.name === nameOrPath)?.file ?? nameOrPath;
  return readHeadPack(await readHeadFile(file, nameOrPath, embedded), file);
}

async function readHeadFile(file: string, asked: string, embedded: readonly HeadFile[]): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code !== 'ENOENT' && code !== 'EISDIR' && code !== 'ENOTDIR') throw cause;
    const names = embedded.map((head) => head.name).join(', ') || 'none';
    throw new InvalidArgumentError(
      `${asked}: no head model of that name and no such file; embedded heads: ${names}. Give one of them or the path of a ${ENDING} file`,
      { cause },
    );
  }
}

async function headFilesIn(folder: string, embedded: boolean): Promise<HeadFile[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(ENDING)).sort();
  return names.map((name) => ({
    name: name.slice(0, -ENDING.length),
    file: path.join(folder, name),
    embedded,
  }));
}
