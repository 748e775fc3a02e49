/**
 * HDF5 files, read through h5wasm (the HDF5 library as WebAssembly): an optional package of 4 MB, so the module is
 * handed in by the platform (`photofit/node`, `photofit/web`) and loaded only when a file is opened.
 *
 * The library prints its errors to stderr unless it is told to throw them; here it is told to, and they become
 * {@link FormatError}s with the file's name.
 */
import { FormatError } from '../core/errors.ts';
import { dtypeOf, type NpyArray, type NpyData } from './npy.ts';

/** What is used of h5wasm. */
export interface Hdf5Module {
  readonly ready: Promise<{
    readonly FS: {
      writeFile(name: string, bytes: Uint8Array): void;
      unlink(name: string): void;
    };
    activate_throwing_error_handler?(): unknown;
  }>;
  readonly File: new (name: string, mode: 'r') => { get(path: string): unknown; close(): unknown };
}

/** An opened HDF5 file; close it when done. */
export interface Hdf5File {
  /** How errors call it. */
  readonly name: string;
  /** Shape of a data set; null where there is none of that path. */
  shape(path: string): readonly number[] | null;
  /**
   * Rows `from` … `to`−1 (all by default) of a numeric data set, row-major.
   * @throws {FormatError} when it is missing, damaged or no numbers
   */
  numbers(path: string, from?: number, to?: number): NpyArray;
  /** A data set of text, or of bytes that are UTF-8; null where there is none. @throws {FormatError} when damaged */
  text(path: string): string | null;
  /** Gives the file back. */
  close(): void;
}

interface Dataset {
  readonly type: string;
  readonly shape: number[] | null;
  readonly value: unknown;
  slice(ranges: number[][]): unknown;
}

/**
 * Opens a file by its name in the module's file system: in Node, the path.
 * @throws {FormatError} when it is no HDF5 file, or damaged
 */
export async function openHdf5(module: Hdf5Module, path: string, name = path): Promise<Hdf5File> {
  const { activate_throwing_error_handler: throwing } = await module.ready;
  throwing?.();
  const fail = (what: string, cause?: unknown): never => {
    throw new FormatError(`${name}: ${what}`, { cause });
  };
  const guarded = <T>(what: string, work: () => T): T => {
    try {
      return work();
    } catch (cause) {
      if (cause instanceof FormatError) throw cause;
      return fail(what, cause);
    }
  };
  const file = guarded(
    'is no HDF5 file, or cut short or damaged; download it again',
    () => new module.File(path, 'r'),
  );
  const dataset = (at: string): Dataset | null => {
    let found: unknown;
    try {
      found = file.get(at);
    } catch {
      // With the throwing handler a path that leads nowhere throws, too.
      return null;
    }
    return (found as { type?: string } | null)?.type === 'Dataset' ? (found as Dataset) : null;
  };
  return {
    name,
    shape: (at) => dataset(at)?.shape ?? null,
    numbers(at, from, to) {
      const found = dataset(at);
      if (!found?.shape) return fail(`the data set ${at} is missing`);
      const shape = [...found.shape];
      const all = from === undefined && to === undefined;
      const begin = from ?? 0;
      const end = Math.min(to ?? shape[0], shape[0]);
      const value = guarded(`the data set ${at} cannot be read; the file is damaged`, () =>
        all ? found.value : found.slice([[begin, end], ...shape.slice(1).map(() => [])]),
      );
      if (!ArrayBuffer.isView(value) || value instanceof DataView)
        return fail(`the data set ${at} does not hold numbers`);
      if (!all) shape[0] = end - begin;
      const data = value as unknown as NpyData;
      const count = shape.reduce((a, b) => a * b, 1);
      if (data.length !== count)
        return fail(`the data set ${at} gives ${data.length} numbers for the shape (${shape.join(', ')})`);
      return { dtype: dtypeOf(data), shape, fortranOrder: false, data };
    },
    text(at) {
      const found = dataset(at);
      if (!found) return null;
      const value = guarded(`the data set ${at} cannot be read; the file is damaged`, () => found.value);
      const first = Array.isArray(value) ? value[0] : value;
      if (typeof first === 'string') return first;
      if (first instanceof Uint8Array || first instanceof Int8Array)
        return new TextDecoder().decode(Uint8Array.from(first));
      return fail(`the data set ${at} does not hold text`);
    },
    close: () => void file.close(),
  };
}

/**
 * Opens a file that is in memory, such as one chosen in a page; it is copied into the module's own file system.
 * @param name how errors call the file
 * @throws {FormatError} when it is no HDF5 file, or damaged
 */
export async function openHdf5Bytes(
  module: Hdf5Module,
  bytes: Uint8Array,
  name = 'HDF5 file',
): Promise<Hdf5File> {
  const { FS } = await module.ready;
  const path = `photofit-${nextFile++}.h5`;
  FS.writeFile(path, bytes);
  try {
    const file = await openHdf5(module, path, name);
    return {
      ...file,
      close() {
        file.close();
        FS.unlink(path);
      },
    };
  } catch (error) {
    FS.unlink(path);
    throw error;
  }
}

/** Names in the module's file system must differ while several files are open. */
let nextFile = 1;
