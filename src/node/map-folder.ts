/** Texture maps in a folder, read one at a time: what completion and PCA work on. */
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { FormatError, InvalidArgumentError } from '../core/errors.ts';
import { parseGateFile } from '../dataset/gate-file.ts';
import { workPaths } from '../dataset/layout.ts';
import { type DecodedMap, decodeMap, type EncodeMapOptions, encodeMap } from '../dataset/map-file.ts';
import type { TextureMap, TextureMapSource } from '../texture/texture-map.ts';
import { writeFileAtomically } from './atomic.ts';

/** Maps on disk. */
export interface MapFolder extends TextureMapSource {
  /** Hash of the UV layout that all maps lie on; null where the files do not say. */
  readonly layoutHash: string | null;
  /** File of map `index`. */
  file(index: number): string;
  read(index: number): Promise<DecodedMap>;
}

/** Options of {@link openMapFolder}. */
export interface OpenMapFolderOptions {
  /** Maps to take, in this order; all, by name, where absent. */
  readonly names?: readonly string[];
}

/**
 * Opens a folder of maps: files `NAME.npz`, or folders `NAME/map.npz` as fits are. Names that begin with a dot are being
 * written and are left out.
 * @throws {InvalidArgumentError} when there is no such folder, no map in it, or one of `names` is missing
 * @throws {FormatError} when the first map cannot be read; later from `read`, also for another size or UV layout
 */
export async function openMapFolder(folder: string, options: OpenMapFolderOptions = {}): Promise<MapFolder> {
  const found = await mapsIn(folder);
  const names = options.names ?? [...found.keys()];
  const files = names.map((name) => {
    const file = found.get(name);
    if (!file)
      throw new InvalidArgumentError(
        `${folder}: there is no map ${name}; the step that makes it did not finish`,
      );
    return file;
  });
  if (files.length === 0)
    throw new InvalidArgumentError(
      `${folder}: holds no texture maps; give the work folder of photofit space fit, or a folder of .npz maps`,
    );
  const read = async (file: string) => decodeMap(await readFile(file), file);
  const first = await read(files[0]);
  return {
    names,
    size: first.size,
    layoutHash: first.layoutHash,
    file: (index) => files[index],
    async read(index) {
      const map = await read(files[index]);
      if (map.size !== first.size)
        throw new FormatError(
          `${files[index]}: has ${map.size}² texels, ${files[0]} ${first.size}²; maps of one folder must be alike`,
        );
      if (map.layoutHash !== first.layoutHash)
        throw new FormatError(
          `${files[index]}: lies on another UV layout than ${files[0]}; maps of one folder must share it`,
        );
      return map;
    },
  };
}

/**
 * The maps of a work folder's fits that passed the gate.
 * @throws {InvalidArgumentError} when nothing was fitted or nothing was good enough
 */
export async function openFittedMaps(work: string): Promise<MapFolder> {
  const paths = workPaths(work);
  const text = await readFile(paths.gate, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'ENOENT') throw cause;
    throw new InvalidArgumentError(`${work}: no photos were fitted here yet; run photofit space fit first`, {
      cause,
    });
  });
  const { kept } = parseGateFile(text, paths.gate);
  if (kept.length === 0)
    throw new InvalidArgumentError(
      `${work}: none of the fits was good enough to use; see ${paths.gate} for why`,
    );
  return openMapFolder(paths.fits, { names: kept });
}

/** Writes one map, whole or not at all. */
export function writeMap(file: string, map: TextureMap, options: EncodeMapOptions = {}): Promise<void> {
  return writeFileAtomically(file, encodeMap(map, options));
}

/** Name and file of every map, by name. */
async function mapsIn(folder: string): Promise<Map<string, string>> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'ENOENT' && cause.code !== 'ENOTDIR') throw cause;
    throw new InvalidArgumentError(`${folder}: there is no such folder`, { cause });
  });
  const maps = entries.flatMap((entry): [string, string][] => {
    if (entry.name.startsWith('.')) return [];
    if (entry.isDirectory()) {
      const file = path.join(folder, entry.name, 'map.npz');
      return existsSync(file) ? [[entry.name, file]] : [];
    }
    return entry.name.endsWith('.npz') ? [[entry.name.slice(0, -4), path.join(folder, entry.name)]] : [];
  });
  return new Map(maps.sort(([a], [b]) => (a < b ? -1 : 1)));
}
