/** Head models in the browser: fetched by URL, or read from a file the user chose. */
import { FormatError } from '../core/errors.ts';
import { type HeadPack, readHeadPack } from '../model/pack.ts';

/**
 * Fetches a `.head` file, or reads one that is there as a `Blob`; the caller keeps it, nothing is cached here.
 * @throws {FormatError} when it cannot be fetched or is not a head model
 */
export async function loadHeadModel(source: string | URL | Blob): Promise<HeadPack> {
  if (source instanceof Blob) {
    const name = source instanceof File ? source.name : 'head pack';
    return readHeadPack(new Uint8Array(await source.arrayBuffer()), name);
  }
  const url = new URL(source, globalThis.location?.href);
  const response = await fetch(url);
  if (!response.ok) {
    throw new FormatError(
      `${url}: fetching the head model failed with HTTP ${response.status}; serve the file there or pass another URL`,
    );
  }
  return readHeadPack(new Uint8Array(await response.arrayBuffer()), url.href);
}
