/** Work folders on disk (`src/dataset/layout.ts`): opened, checked against what a run wants, their state read. */

import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { withDefaults } from '../core/defaults.ts';
import { FormatError, InvalidArgumentError } from '../core/errors.ts';
import { checkMapModel } from '../dataset/fit-map.ts';
import { type WorkPaths, workPaths } from '../dataset/layout.ts';
import { type Manifest, manifestText, parseManifest } from '../dataset/manifest.ts';
import {
  checkSameWork,
  PHOTO_FIT_DEFAULTS,
  type PhotoFitSettings,
  parseWorkFile,
  type WorkFile,
  workFileText,
} from '../dataset/work-file.ts';
import { uvLayoutHash } from '../model/space-pack.ts';
import { TEXTURE_SIZES } from '../texture/solve-offset.ts';
import { ensureWritableFolder, removePartials, writeFileAtomically } from './atomic.ts';
import { DEFAULT_HEAD, type LoadedHead } from './models.ts';
import { loadHead } from './spaces.ts';

/** An open work folder. */
export interface Work {
  readonly paths: WorkPaths;
  readonly file: WorkFile;
  /** The head wearing the initial texture space. */
  readonly model: LoadedHead;
}

/** What a run wants of a work folder; what is absent is as it was, or by default in a new folder. */
export interface WorkWishes {
  /** As for `loadHead`. */
  readonly model?: string;
  /** Initial texture space, a `.space` file. */
  readonly space?: string;
  readonly fit?: Partial<PhotoFitSettings>;
}

/**
 * Opens the work folder `root`, making it when it is new.
 * @throws {InvalidArgumentError} when it was started with something else than what is wanted
 */
export async function openWork(root: string, wishes: WorkWishes = {}): Promise<Work> {
  const paths = workPaths(root);
  const existing = await readWork(paths);
  checkSettings(wishes.fit ?? {});
  const modelSource = absolute(wishes.model) ?? existing?.model.source ?? DEFAULT_HEAD;
  const spaceSource = spaceWithin(paths, wishes.space) ?? existing?.space?.source ?? null;
  const model = await loadHead(modelSource, spaceFile(paths, spaceSource));
  checkMapModel(model);
  const file: WorkFile = {
    format: 'space-work/1',
    model: { name: model.name, source: modelSource, hash: model.hash, layout: await uvLayoutHash(model) },
    space:
      spaceSource === null ? null : { source: spaceSource, hash: model.texture?.source?.hash ?? model.hash },
    fit: withDefaults({ ...PHOTO_FIT_DEFAULTS, ...existing?.fit }, wishes.fit),
  };
  if (existing) checkSameWork(existing, file, root);
  await ensureWritableFolder(root);
  for (const folder of [paths.fits, paths.failed]) await ensureWritableFolder(folder);
  if (!existing) await writeFileAtomically(paths.work, workFileText(file));
  return { paths, file: existing ?? file, model };
}

/**
 * Opens a work folder that must be there: for the stages after the first, and for queue workers.
 * @throws {InvalidArgumentError} when it is none
 * @throws {FormatError} when its head or space are no longer those that it was started with
 */
export async function reopenWork(root: string): Promise<Work> {
  const paths = workPaths(root);
  const file = await readWork(paths);
  if (!file)
    throw new InvalidArgumentError(
      `${root}: is no work folder; photofit space fit PHOTOS -o ${root} makes one`,
    );
  const model = await loadHead(file.model.source, spaceFile(paths, file.space?.source ?? null));
  if (model.hash !== file.model.hash)
    throw new FormatError(
      `${root}: was started with another ${file.space ? 'head model or texture space' : 'head model'} than ${file.space?.source ?? file.model.source} holds now; put the former back, or start another folder`,
    );
  return { paths, file, model };
}

/** The manifest of a work folder; null where there is none yet. */
export async function readManifest(paths: WorkPaths): Promise<Manifest | null> {
  const text = await readIfThere(paths.manifest);
  return text === null ? null : parseManifest(text, paths.manifest);
}

/** Writes the manifest, unless it says that already: several runs may share the folder. */
export async function writeManifest(paths: WorkPaths, manifest: Manifest): Promise<void> {
  const text = manifestText(manifest);
  if ((await readIfThere(paths.manifest)) !== text) await writeFileAtomically(paths.manifest, text);
}

/** Which photos are done, by hash. */
export interface WorkState {
  readonly fitted: ReadonlySet<string>;
  /** Without those that were fitted later. */
  readonly failed: ReadonlySet<string>;
}

/** The state of a work folder: what lies there. */
export async function readState(paths: WorkPaths): Promise<WorkState> {
  const names = async (folder: string) =>
    (
      await readdir(folder).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error;
        return [];
      })
    ).filter((name) => /^[0-9a-f]{64}(\.json)?$/.test(name));
  const fitted = new Set(await names(paths.fits));
  const failed = (await names(paths.failed)).map((name) => name.slice(0, 64));
  return { fitted, failed: new Set(failed.filter((hash) => !fitted.has(hash))) };
}

/** Removes what killed runs left half-written. */
export async function sweepWork(paths: WorkPaths): Promise<number> {
  let removed = 0;
  for (const folder of [paths.root, paths.fits, paths.failed, paths.completed, paths.report])
    removed += await removePartials(folder);
  return removed;
}

/** Text of a file, null where there is none. */
export async function readIfThere(file: string): Promise<string | null> {
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error;
    return null;
  });
}

/**
 * What a work folder was started with; null where there is none yet.
 * @throws {FormatError} when the description is damaged
 */
export async function readWork(paths: WorkPaths): Promise<WorkFile | null> {
  const text = await readIfThere(paths.work);
  return text === null ? null : parseWorkFile(text, paths.work);
}

function checkSettings(fit: Partial<PhotoFitSettings>): void {
  if (fit.map !== undefined && !(TEXTURE_SIZES as readonly number[]).includes(fit.map))
    throw new InvalidArgumentError(`--map-size: must be one of ${TEXTURE_SIZES.join(', ')}, got ${fit.map}`);
  if (fit.size !== undefined && !(fit.size >= 64 && fit.size <= 1024 && fit.size % 4 === 0))
    throw new InvalidArgumentError(`--size: must be a multiple of 4 from 64 to 1024, got ${fit.size}`);
}

/** A path that means the same wherever a process is started; names of embedded heads stay as they are. */
function absolute(model: string | undefined): string | undefined {
  return model === undefined || /^[\w-]+$/.test(model) ? model : path.resolve(model);
}

/** A space within the work folder by its name there, so that the folder can be moved; others by their whole path. */
function spaceWithin(paths: WorkPaths, space: string | undefined): string | undefined {
  if (space === undefined) return undefined;
  const inside = path.relative(paths.root, space);
  return path.basename(inside) === inside && inside !== '..' ? inside : path.resolve(space);
}

function spaceFile(paths: WorkPaths, source: string | null): string | undefined {
  if (source === null) return undefined;
  return path.isAbsolute(source) ? source : `${paths.root}/${source}`;
}
