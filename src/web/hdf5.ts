/**
 * HDF5 files that a user chose in a page. h5wasm is fetched from a folder of the page's server when the first file is
 * opened: it is not part of the bundle, since few pages need its 4 MB.
 */
import { FormatError } from '../core/errors.ts';
import { type Hdf5File, type Hdf5Module, openHdf5Bytes } from '../io/hdf5.ts';

/**
 * Opens an HDF5 file.
 * @param baseUrl a folder that holds `hdf5_hl.js` and `hdf5_util.js` of h5wasm's `dist/esm`
 * @throws {FormatError} when h5wasm cannot be fetched, or the file is no HDF5 file, or damaged
 */
export async function openHdf5File(file: Blob, baseUrl: string | URL): Promise<Hdf5File> {
  const base = new URL(baseUrl, globalThis.location?.href);
  if (!base.pathname.endsWith('/')) base.pathname += '/';
  const url = new URL('hdf5_hl.js', base).href;
  let module: Hdf5Module;
  try {
    module = await import(/* webpackIgnore: true */ /* @vite-ignore */ url);
  } catch (cause) {
    throw new FormatError(`${url}: fetching h5wasm failed; serve the file there or pass another base URL`, {
      cause,
    });
  }
  const bytes = new Uint8Array(await file.arrayBuffer());
  return openHdf5Bytes(module, bytes, file instanceof File ? file.name : 'HDF5 file');
}
