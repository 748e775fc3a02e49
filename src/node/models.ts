/** Head models on disk: the embedded ones by name, any `.head` file or folder of FLAME's files by path. */
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { InvalidArgumentError } from '../core/errors.ts';
import type { HeadModel } from '../model/head-model.ts';
import { readHeadPack } from '../model/pack.ts';
import { enableRelaxedSimd } from './relaxed-simd.ts';
import { shareArrays } from './worker-pool.ts';

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

/** A head model with what its files say about themselves. */
export interface LoadedHead extends HeadModel {
  readonly version: string;
  /** Who made what it came from. */
  readonly credits: string;
  /** Sources, checksums, what was missing; free form. */
  readonly provenance: Readonly<Record<string, unknown>>;
}

/** The embedded heads, and the `.head` files of `folder` when one is given, by name. */
export async function listHeadFiles(folder?: string): Promise<HeadFile[]> {
  const own = folder === undefined ? [] : await headFilesIn(folder, false);
  return [...(await headFilesIn(EMBEDDED, true)), ...own];
}

/**
 * Reads a head model; the caller keeps it, nothing is cached here. Switches on what makes fits of it fast on Node 20
 * ({@link enableRelaxedSimd}).
 * @param nameOrPath name of an embedded head, path of a `.head` file, or a folder with FLAME's files
 * @param options.shared as `shareArrays` would, bases without a copy
 * @throws {InvalidArgumentError} when there is no such head
 * @throws {FormatError} when the file is not a head model
 */
export async function loadHeadModel(
  nameOrPath: string = DEFAULT_HEAD,
  { shared = false }: { readonly shared?: boolean } = {},
): Promise<LoadedHead> {
  enableRelaxedSimd();
  const embedded = await headFilesIn(EMBEDDED, true);
  const file = embedded.find((head) => head.name === nameOrPath)?.file ?? nameOrPath;
  const found = await stat(file).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'ENOENT' && cause.code !== 'ENOTDIR') throw cause;
    const names = embedded.map((head) => head.name).join(', ') || 'none';
    throw new InvalidArgumentError(
      `${nameOrPath}: no head model of that name and no such file; embedded heads: ${names}. Give one of them, the path of a ${ENDING} file, or a folder with FLAME's files`,
      { cause },
    );
  });
  const memory = shared ? (bytes: number) => new SharedArrayBuffer(bytes) : undefined;
  const head = found.isDirectory()
    ? await loadFlameHead(file)
    : await readHeadPack(await readFile(file), file, memory);
  return shared ? shareArrays(head) : head;
}

async function loadFlameHead(folder: string): Promise<LoadedHead> {
  const { loadFlame } = await import('./flame-files.ts');
  const { flamePackInfo } = await import('../model/flame/pack-info.ts');
  const head = await loadFlame(folder);
  const { version, credits, provenance = {} } = flamePackInfo(head);
  return { ...head, version, credits, provenance };
}

async function headFilesIn(folder: string, embedded: boolean): Promise<HeadFile[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(ENDING)).sort();
  return names.map((name) => ({
    name: name.slice(0, -ENDING.length),
    file: path.join(folder, name),
    embedded,
  }));
}
