/**
 * Results on disk: whole or not at all. Files are written into a hidden folder beside the target and renamed into
 * place, so that a full disk, an error or Ctrl-C leaves no half-written result.
 *
 * A folder that is not there yet appears in one rename. One that is there is kept, since it may hold files of the
 * user's: its files are replaced one by one in one synchronous sweep, the last of `files` (make it the one that says
 * what the others are, `fit.json`) removed first and put back last. A reader that finds it finds the rest.
 *
 * Swapping whole folders was rejected: it needs two renames, with no folder at all between them, and would have to
 * move the user's own files along.
 */
import { randomUUID } from 'node:crypto';
import { mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { mkdir, readdir, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { InvalidArgumentError, PhotofitError, throwIfAborted } from '../core/errors.ts';

/** Files of a folder: name (no separators) and content, in order. */
export type FolderFiles = Iterable<readonly [string, Uint8Array | string]>;

/** Options of {@link writeFolderAtomically}. */
export interface WriteFolderOptions {
  /** Names that earlier runs may have written: removed where `files` no longer has them. */
  readonly ours?: readonly string[];
  /** A folder that is there already is right as it is: leave it, also when another process is the first to put it there. */
  readonly keep?: boolean;
  /** Cancels before anything is in place. */
  readonly signal?: AbortSignal;
}

/**
 * Writes `files` into the folder `dir`, all or none; parents are made. Other files in `dir` stay.
 * @throws {PhotofitError} when it cannot be written: permission, a file in the way, disk full
 * @throws {InvalidArgumentError} when a name is not a plain file name
 * @throws {AbortedError} when cancelled; nothing is left
 */
export async function writeFolderAtomically(
  dir: string,
  files: FolderFiles,
  options: WriteFolderOptions = {},
): Promise<void> {
  const list = [...files];
  const names = list.map(([name]) => name);
  for (const name of [...names, ...(options.ours ?? [])]) checkName(name);
  throwIfAborted(options.signal);
  const target = path.resolve(dir);
  await explaining(
    dir,
    async () => {
      if (kindOf(target) === 'other') throw Object.assign(new Error(), { code: 'EEXIST' });
      await mkdir(path.dirname(target), { recursive: true });
      await inTemporaryFolder(target, async (temporary) => {
        for (const [name, content] of list) {
          await writeFile(path.join(temporary, name), content, { signal: options.signal });
        }
        throwIfAborted(options.signal);
        if (options.keep) {
          try {
            renameSync(temporary, target);
          } catch (error) {
            const taken = ['ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '');
            if (!taken || kindOf(target) !== 'folder') throw error;
          }
          return;
        }
        // From here to the end nothing yields, so that neither a signal handler nor another task of this process can
        // come between.
        if (kindOf(target) === 'none') {
          renameSync(temporary, target);
          return;
        }
        for (const name of names) {
          if (kindOf(path.join(target, name)) === 'folder')
            throw Object.assign(new Error(), { code: 'EISDIR' });
        }
        const stale = (options.ours ?? []).filter((name) => !names.includes(name));
        for (const name of [...names.slice(-1), ...stale]) rmSync(path.join(target, name), { force: true });
        for (const name of names) renameSync(path.join(temporary, name), path.join(target, name));
      });
    },
    options.signal,
  );
}

/**
 * Writes one file, whole or not at all; parents are made. A large one may come in pieces.
 * @throws {PhotofitError} when it cannot be written
 * @throws {AbortedError} when cancelled; nothing is left
 */
export async function writeFileAtomically(
  file: string,
  content: Uint8Array | string | AsyncIterable<Uint8Array>,
  options: { readonly signal?: AbortSignal } = {},
): Promise<void> {
  await produceFileAtomically(
    file,
    (aside) => writeFile(aside, content, { signal: options.signal }),
    options,
  );
}

/**
 * Has `produce` write a file aside, at the path that it is given, and moves it into place; parents are made.
 * @param options.when waited for before the file is moved into place; when that fails, so does this
 * @throws {PhotofitError} when it cannot be written
 * @throws {AbortedError} when cancelled; nothing is left
 */
export async function produceFileAtomically(
  file: string,
  produce: (aside: string) => Promise<void>,
  options: { readonly signal?: AbortSignal; readonly when?: Promise<unknown> } = {},
): Promise<void> {
  throwIfAborted(options.signal);
  const target = path.resolve(file);
  await explaining(
    file,
    async () => {
      await mkdir(path.dirname(target), { recursive: true });
      await inTemporaryFolder(target, async (temporary) => {
        const aside = path.join(temporary, 'content');
        await produce(aside);
        await options.when;
        throwIfAborted(options.signal);
        await rename(aside, target);
      });
    },
    options.signal,
  );
}

/**
 * Makes sure, before long work, that results can be put into `dir`: makes it, and a file in it for a moment.
 * @returns the outermost folder that was made for it; undefined where it was there
 * @throws {PhotofitError} when it cannot be written
 */
export async function ensureWritableFolder(dir: string): Promise<string | undefined> {
  const target = path.resolve(dir);
  let made: string | undefined;
  await explaining(dir, async () => {
    made = await mkdir(target, { recursive: true });
    await inTemporaryFolder(path.join(target, 'probe'), async () => {});
  });
  return made;
}

/** Removes the folders that {@link ensureWritableFolder} made, where nothing came into them. */
export async function removeEmptyFolders(dir: string, made: string | undefined): Promise<void> {
  if (made === undefined) return;
  const first = path.resolve(made);
  for (let folder = path.resolve(dir); ; folder = path.dirname(folder)) {
    try {
      await rmdir(folder);
    } catch {
      // Something is in it, or somebody has removed it.
      return;
    }
    if (folder === first) return;
  }
}

/** Host and process, as they stand in the name of what is being written. */
const OWNER = `${hostname().replace(/[^A-Za-z0-9.]/g, '_')}-${process.pid}`;
const PARTIAL = /^\..*\.partial-([A-Za-z0-9._]+)-(\d+)-[0-9a-f]{8}$/;
/** Milliseconds after which what another host was writing is given up. */
const STALE = 3_600_000;

/**
 * Removes what killed processes were writing into `dir`: that of processes of this host that are no more, and what is an
 * hour old from other hosts.
 * @returns how many were removed
 */
export async function removePartials(dir: string): Promise<number> {
  const names = await readdir(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    return [];
  });
  const [host] = OWNER.split('-');
  let removed = 0;
  for (const name of names) {
    const [, from, pid] = PARTIAL.exec(name) ?? [];
    if (from === undefined) continue;
    const file = path.join(dir, name);
    const modified = (await stat(file).catch(() => null))?.mtimeMs ?? Number.POSITIVE_INFINITY;
    // A process number of ours from before we started was somebody else's: containers all begin with 1.
    const running =
      Number(pid) === process.pid ? modified >= performance.timeOrigin - 1000 : isRunning(Number(pid));
    if (from === host ? running : Date.now() - modified < STALE) continue;
    await rm(file, { recursive: true, force: true });
    removed++;
  }
  return removed;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Runs `work` with a fresh folder beside `target`, on the same file system; it is gone afterwards. */
async function inTemporaryFolder(target: string, work: (temporary: string) => Promise<void>): Promise<void> {
  // Not mkdtemp: its folders are closed to everyone else, and this one becomes the result.
  const name = `.${path.basename(target).slice(0, 60)}.partial-${OWNER}-${randomUUID().slice(0, 8)}`;
  const temporary = path.join(path.dirname(target), name);
  // In one go with what follows: a folder that a thread of Node's makes could be there before anybody is to remove it.
  mkdirSync(temporary);
  // process.exit() in a handler of Ctrl-C skips `finally`, and a file that is being made just then would stop the removal.
  const remove = () => rmSync(temporary, { recursive: true, force: true, maxRetries: 5, retryDelay: 10 });
  process.once('exit', remove);
  try {
    await work(temporary);
  } finally {
    process.removeListener('exit', remove);
    await rm(temporary, { recursive: true, force: true });
  }
}

type Kind = 'none' | 'folder' | 'other';

function kindOf(target: string): Kind {
  // stat follows links: a link to a folder is a folder.
  const stat = statSync(target, { throwIfNoEntry: false });
  return stat === undefined ? 'none' : stat.isDirectory() ? 'folder' : 'other';
}

function checkName(name: string): void {
  if (name === '' || name === '.' || name === '..' || /[/\\\0]/.test(name)) {
    throw new InvalidArgumentError(`writeFolderAtomically: '${name}' is not a plain file name`);
  }
}

/** Runs `work`, turning the system's errors into sentences. */
async function explaining(output: string, work: () => Promise<void>, signal?: AbortSignal): Promise<void> {
  try {
    await work();
  } catch (cause) {
    throwIfAborted(signal);
    const code = (cause as NodeJS.ErrnoException).code;
    if (cause instanceof PhotofitError || code === undefined) throw cause;
    throw new PhotofitError(`${output}: cannot be written: ${REASONS[code] ?? (cause as Error).message}`, {
      cause,
    });
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied; choose another output folder',
  EPERM: 'permission denied; choose another output folder',
  EROFS: 'the file system is read-only; choose another output folder',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EEXIST: 'a file of that name is in the way',
  ENOTDIR: 'a part of the path is a file, not a folder',
  EISDIR: 'a folder of that name is in the way',
  ERR_FS_EISDIR: 'a folder of that name is in the way',
  ENAMETOOLONG: 'the name is too long',
};
