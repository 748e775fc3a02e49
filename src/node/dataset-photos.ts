/** Finding photos below folders and hashing them: from what was named to the manifest. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { InvalidArgumentError, throwIfAborted } from '../core/errors.ts';
import type { ProgressListener } from '../core/progress.ts';
import { type HashedFile, type Manifest, manifestOf } from '../dataset/manifest.ts';
import { PHOTO_EXTENSIONS } from './photo.ts';

/** Options of {@link collectPhotos}. */
export interface CollectOptions {
  /** Of an earlier run: files that it names and that did not change since are not read again. */
  readonly known?: Manifest | null;
  readonly signal?: AbortSignal;
  readonly onProgress?: ProgressListener;
}

/** Files read at the same time. */
const LANES = 8;

/** Photos found, and files that could not be read. */
export interface CollectedPhotos {
  readonly manifest: Manifest;
  /** One sentence per file. */
  readonly unreadable: readonly string[];
}

/**
 * The manifest of all photos named, and of all below the folders named; names that begin with a dot are left out.
 * @throws {InvalidArgumentError} when there is no such file or folder, or no photo
 */
export async function collectPhotos(
  named: readonly string[],
  options: CollectOptions = {},
): Promise<CollectedPhotos> {
  const { signal } = options;
  const files = [...new Set((await Promise.all(named.map(photosBelow))).flat())];
  if (files.length === 0)
    throw new InvalidArgumentError(
      `${named.join(', ')}: holds no pictures; files ending in ${PHOTO_EXTENSIONS.join(', ')} are looked for, in folders below it too`,
    );
  const known = new Map<string, HashedFile>();
  for (const { also = [], ...photo } of options.known?.photos ?? [])
    for (const file of [photo.file, ...also]) known.set(file, { ...photo, file });
  const hashed: HashedFile[] = [];
  const unreadable: string[] = [];
  let done = 0;
  const queue = files.values();
  const lane = async () => {
    for (const file of queue) {
      throwIfAborted(signal);
      const result = await hashFile(file, known.get(file), signal);
      if (typeof result === 'string') unreadable.push(result);
      else hashed.push(result);
      options.onProgress?.({ stage: 'look through the photos', fraction: ++done / files.length });
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return { manifest: manifestOf(hashed), unreadable: unreadable.sort() };
}

async function photosBelow(named: string): Promise<string[]> {
  const root = path.resolve(named);
  const found = await stat(root).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'ENOENT' && cause.code !== 'ENOTDIR') throw cause;
    throw new InvalidArgumentError(`${named}: there is no such file or folder`, { cause });
  });
  if (!found.isDirectory()) return [root];
  const out: string[] = [];
  const visit = async (folder: string): Promise<void> => {
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      if (entry.name.startsWith('.')) continue;
      const file = path.join(folder, entry.name);
      if (entry.isDirectory()) await visit(file);
      else if (PHOTO_EXTENSIONS.includes(path.extname(entry.name).slice(1).toLowerCase())) out.push(file);
    }
  };
  await visit(root);
  return out;
}

async function hashFile(
  file: string,
  known: HashedFile | undefined,
  signal?: AbortSignal,
): Promise<HashedFile | string> {
  try {
    const { size: bytes, mtimeMs } = await stat(file);
    const modified = Math.round(mtimeMs);
    if (known?.bytes === bytes && known.modified === modified) return known;
    const hash = createHash('sha256');
    await pipeline(createReadStream(file), hash, { signal });
    return { hash: hash.digest('hex'), file, bytes, modified };
  } catch (cause) {
    throwIfAborted(signal);
    return `${file}: could not be read (${(cause as Error).message}); it is left out`;
  }
}
