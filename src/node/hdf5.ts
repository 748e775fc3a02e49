/** HDF5 files on disk, through the optional package h5wasm; they are read where they lie, not into memory. */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { InvalidArgumentError } from '../core/errors.ts';
import { type Hdf5File, type Hdf5Module, openHdf5 } from '../io/hdf5.ts';

/**
 * Opens an HDF5 file.
 * @throws {InvalidArgumentError} when h5wasm is not installed
 * @throws {FormatError} when it is no HDF5 file, or damaged; file-system errors pass through
 */
export async function openHdf5File(file: string): Promise<Hdf5File> {
  // The library says the same of a file that is not there and of one that is none of its kind.
  await stat(file);
  return openHdf5(await hdf5Module(), path.resolve(file), file);
}

async function hdf5Module(): Promise<Hdf5Module> {
  try {
    return (await import('h5wasm/node')) as unknown as Hdf5Module;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw cause;
    throw new InvalidArgumentError(
      'HDF5 files need the package h5wasm, an optional dependency that is not installed; run: npm install h5wasm@0.10.3',
      { cause },
    );
  }
}
