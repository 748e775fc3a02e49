/**
 * NumPy's .npz archives: a ZIP of .npy files. Entries are inflated when first asked for, so that a caller who
 * wants three arrays of a large archive pays for three. Writing is deterministic: entries in the order given,
 * timestamps fixed to 1980-01-01.
 */

import { zipSync } from 'fflate';
import { withDefaults } from '../core/defaults.ts';
import { FormatError } from '../core/errors.ts';
import { type NpyArray, readNpy, writeNpy } from './npy.ts';
import { extractZipEntry, listZip, type ZipEntry } from './zip.ts';

class LazyNpz extends Map<string, NpyArray> {
  readonly #bytes: Uint8Array;
  readonly #entries = new Map<string, ZipEntry>();
  readonly #name: string;

  constructor(bytes: Uint8Array, name: string) {
    super();
    this.#bytes = bytes;
    this.#name = name;
    for (const entry of listZip(bytes, name))
      if (entry.name.endsWith('.npy')) this.#entries.set(entry.name.slice(0, -4), entry);
  }
  override get size(): number {
    return this.#entries.size;
  }
  override has(key: string): boolean {
    return this.#entries.has(key);
  }
  override get(key: string): NpyArray | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    let value = super.get(key);
    if (!value) {
      value = readNpy(extractZipEntry(this.#bytes, entry, this.#name), `${this.#name}: ${key}`);
      super.set(key, value);
    }
    return value;
  }
  override keys(): MapIterator<string> {
    return this.#entries.keys();
  }
  override *values(): MapIterator<NpyArray> {
    for (const key of this.#entries.keys()) yield this.get(key)!;
  }
  override *entries(): MapIterator<[string, NpyArray]> {
    for (const key of this.#entries.keys()) yield [key, this.get(key)!];
  }
  override [Symbol.iterator](): MapIterator<[string, NpyArray]> {
    return this.entries();
  }
  override forEach(visit: (value: NpyArray, key: string, map: Map<string, NpyArray>) => void): void {
    for (const [key, value] of this.entries()) visit(value, key, this);
  }
}

/**
 * Opens an archive. Each array is inflated, checked and decoded when first asked for, then kept.
 * @param bytes the whole archive; kept, and shared by arrays that are stored uncompressed.
 * @param name how errors call the file.
 * @throws {FormatError} at once when it is no archive; from `get` when an entry is damaged.
 */
export function readNpz(bytes: Uint8Array, name = 'npz'): Map<string, NpyArray> {
  return new LazyNpz(bytes, name);
}

/** The array called `key`. @throws {FormatError} naming the arrays there are, when it is missing. */
export function npzGet(npz: ReadonlyMap<string, NpyArray>, key: string, name = 'npz'): NpyArray {
  const array = npz.get(key);
  if (!array)
    throw new FormatError(`${name}: array "${key}" is missing; it has ${[...npz.keys()].join(', ')}`);
  return array;
}

/**
 * @returns `values`
 * @throws {FormatError} naming file and array, when a number is NaN or infinite
 */
export function requireFinite<T extends ArrayLike<number>>(values: T, key: string, name = 'npz'): T {
  // A loop: arrays of this size are no place for callbacks.
  for (let i = 0; i < values.length; i++)
    if (!Number.isFinite(values[i]))
      throw new FormatError(
        `${name}: array "${key}" has ${values[i]} at item ${i}, where a number must be; whatever wrote it failed`,
      );
  return values;
}

/** Options of {@link writeNpz}. */
export interface WriteNpzOptions {
  /** Deflate the entries, as `numpy.savez_compressed` does. */
  readonly compress?: boolean;
}

/** Defaults of {@link WriteNpzOptions}. */
export const WRITE_NPZ_DEFAULTS = { compress: true } as const satisfies WriteNpzOptions;

/**
 * Writes an archive of arrays; the same input gives the same bytes.
 * @throws {InvalidArgumentError} as {@link writeNpy}.
 */
export function writeNpz(
  entries: Readonly<Record<string, NpyArray>>,
  options: WriteNpzOptions = {},
): Uint8Array {
  const { compress } = withDefaults(WRITE_NPZ_DEFAULTS, options);
  const files: Record<string, Uint8Array> = {};
  for (const [key, array] of Object.entries(entries)) files[`${key}.npy`] = writeNpy(array);
  // The format stores local time; this constructor is local too, so the bytes are alike in every time zone.
  return zipSync(files, { level: compress ? 6 : 0, mtime: new Date(1980, 0, 1) });
}
