/**
 * A large .npz archive written in pieces: FLAME's texture space is 630 MB, which should not exist twice in memory.
 * Entries are stored, not deflated, as `numpy.savez` does; sizes and checksums follow the data and stand in the
 * directory, where every reader looks.
 */
import { Zip, ZipPassThrough } from 'fflate';
import { InvalidArgumentError } from '../core/errors.ts';
import { npyHeaderBytes } from './npy.ts';

/** An array that comes in pieces. */
export interface NpyPieces {
  /** NumPy's type string, e.g. `<f4`. */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Its elements, row-major and little-endian, cut anywhere. */
  pieces(): Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
}

/**
 * The archive's bytes; the same input gives the same bytes.
 * @throws {InvalidArgumentError} when an array's pieces do not fill its shape, or the archive is over 4 GB
 */
export async function* npzPieces(
  entries: Readonly<Record<string, NpyPieces>>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const ready: Uint8Array[] = [];
  let total = 0;
  const zip = new Zip((error, piece) => {
    if (error) throw error;
    total += piece.length;
    ready.push(piece);
  });
  for (const [name, entry] of Object.entries(entries)) {
    const header = npyHeaderBytes(entry.dtype, entry.shape);
    const file = new ZipPassThrough(`${name}.npy`);
    file.mtime = new Date(1980, 0, 1);
    zip.add(file);
    file.push(header.bytes);
    let seen = 0;
    for await (const piece of entry.pieces()) {
      seen += piece.length;
      file.push(piece);
      yield* ready.splice(0);
      if (total > 0xffffffff)
        throw new InvalidArgumentError('npzPieces: more than 4 GB; write fewer components or a smaller map');
    }
    if (seen !== header.dataLength)
      throw new InvalidArgumentError(
        `npzPieces: ${name} has ${seen} bytes, its shape (${entry.shape}) takes ${header.dataLength}`,
      );
    file.push(new Uint8Array(0), true);
  }
  zip.end();
  yield* ready.splice(0);
}
