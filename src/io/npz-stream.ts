/**
 * One array of a large .npz at a time, in pieces: FLAME's texture space is 0.6 to 1.3 GB, which neither fits a 700 MB
 * budget nor, in a browser, one ArrayBuffer. Works on anything that can be read at an offset: a file in Node, a
 * `Blob` in a browser, bytes in memory.
 *
 * fflate's streaming inflate: 630 MB in about 4 s; Node's zlib would take half, but exists on one platform only.
 */
import { Inflate } from 'fflate';
import { FormatError, throwIfAborted } from '../core/errors.ts';
import { type NpyArray, type NpyHeader, readNpy, readNpyHeader } from './npy.ts';
import {
  crc32,
  extractZipEntry,
  locateZipDirectory,
  parseZipDirectory,
  ZIP_LOCAL_HEADER,
  ZIP_TAIL,
  type ZipEntry,
  zipDataOffset,
} from './zip.ts';

/** Bytes that can be read anywhere. */
export interface ByteSource {
  /** Bytes in all. */
  readonly size: number;
  /** Reads exactly `length` bytes from `offset`. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** Bytes in memory as a source. */
export function memorySource(bytes: Uint8Array): ByteSource {
  return { size: bytes.length, read: async (offset, length) => bytes.subarray(offset, offset + length) };
}

/** A file the user chose in a browser as a source. */
export function blobSource(blob: Blob): ByteSource {
  return {
    size: blob.size,
    read: async (offset, length) => new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer()),
  };
}

/** Raw data of an array, piece by piece. */
export interface NpyStream {
  readonly header: NpyHeader;
  /** Consecutive pieces of the data after the header; they need not end at an element. */
  pieces(signal?: AbortSignal): AsyncGenerator<Uint8Array>;
}

/** Compressed bytes per step; an inflated piece is at most 1032 times that. */
const DEFLATED_STEP = 1 << 16;
const STORED_STEP = 1 << 22;

/** An .npz whose arrays are read in pieces. */
export class NpzStream {
  readonly #source: ByteSource;
  readonly #name: string;
  readonly #entries: ReadonlyMap<string, ZipEntry>;

  private constructor(source: ByteSource, name: string, entries: ReadonlyMap<string, ZipEntry>) {
    this.#source = source;
    this.#name = name;
    this.#entries = entries;
  }

  /** Opens an archive. @throws {FormatError} when it is none, or damaged. */
  static async open(source: ByteSource, name = 'npz'): Promise<NpzStream> {
    const tailLength = Math.min(source.size, ZIP_TAIL);
    const tail = await source.read(source.size - tailLength, tailLength);
    const { offset, size, entries } = locateZipDirectory(tail, source.size, name);
    const list = parseZipDirectory(await source.read(offset, size), entries, name);
    const arrays = list.filter((e) => e.name.endsWith('.npy')).map((e) => [e.name.slice(0, -4), e] as const);
    return new NpzStream(source, name, new Map(arrays));
  }

  /** Names of the arrays. */
  get keys(): string[] {
    return [...this.#entries.keys()];
  }

  /** Reads a small array as a whole; undefined where there is none. @throws {FormatError} */
  async array(key: string): Promise<NpyArray | undefined> {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    const length = (await this.#dataOffset(entry)) - entry.headerOffset + entry.compressedSize;
    const bytes = await this.#source.read(entry.headerOffset, length);
    return readNpy(
      extractZipEntry(bytes, { ...entry, headerOffset: 0 }, this.#name),
      `${this.#name}: ${key}`,
    );
  }

  /** Opens a large array; undefined where there is none. @throws {FormatError} */
  async stream(key: string): Promise<NpyStream | undefined> {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    const name = `${this.#name}: ${key}`;
    const header = await this.#readHeader(entry, name);
    const expected = header.dataOffset + header.count * header.itemSize;
    if (entry.size < expected)
      throw new FormatError(`${name}: cut short, ${expected} bytes expected for shape (${header.shape})`);
    const raw = (signal?: AbortSignal) => this.#inflated(entry, signal);
    return {
      header,
      async *pieces(signal) {
        let skip = header.dataOffset;
        for await (const piece of raw(signal)) {
          if (skip < piece.length) yield piece.subarray(skip);
          skip = Math.max(0, skip - piece.length);
        }
      },
    };
  }

  async #dataOffset(entry: ZipEntry): Promise<number> {
    const local = await this.#source.read(entry.headerOffset, ZIP_LOCAL_HEADER);
    return entry.headerOffset + zipDataOffset(local, entry, this.#name);
  }

  async #readHeader(entry: ZipEntry, name: string): Promise<NpyHeader> {
    const head: number[] = [];
    for await (const piece of this.#inflated(entry)) {
      for (const b of piece.subarray(0, 4096 - head.length)) head.push(b);
      if (head.length >= 4096) break;
    }
    return readNpyHeader(Uint8Array.from(head), name);
  }

  /** The entry's bytes, inflated; checks the CRC at the end. */
  async *#inflated(entry: ZipEntry, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    const start = await this.#dataOffset(entry);
    if (start + entry.compressedSize > this.#source.size)
      throw new FormatError(`${this.#name}: entry ${entry.name} is cut short`);
    const ready: Uint8Array[] = [];
    const inflate = entry.method === 8 ? new Inflate((piece) => ready.push(piece)) : null;
    const step = inflate ? DEFLATED_STEP : STORED_STEP;
    let crc = 0;
    let total = 0;
    for (let at = 0; at < entry.compressedSize; at += step) {
      throwIfAborted(signal);
      const packed = await this.#source.read(start + at, Math.min(step, entry.compressedSize - at));
      if (inflate) {
        try {
          inflate.push(packed, at + step >= entry.compressedSize);
        } catch (cause) {
          throw new FormatError(
            `${this.#name}: entry ${entry.name} cannot be inflated; the file is damaged`,
            { cause },
          );
        }
      } else ready.push(packed);
      for (const piece of ready.splice(0)) {
        crc = crc32(piece, crc);
        total += piece.length;
        if (total > entry.size) break;
        yield piece;
      }
    }
    if (total !== entry.size || crc !== entry.crc32)
      throw new FormatError(`${this.#name}: entry ${entry.name} is damaged (its checksum does not match)`);
  }
}
