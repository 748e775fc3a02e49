/**
 * Just enough of the ZIP format to read NumPy's .npz lazily, from memory or from the ends of a large file: the
 * central directory (with ZIP64) and one entry at a time. fflate inflates; its own directory walk would inflate
 * or copy every entry at once, and knows no ranges of a file.
 *
 * Format: APPNOTE.TXT 6.3 sections 4.3-4.5.
 */
import { inflateSync } from 'fflate';
import { FormatError } from '../core/errors.ts';

/** One file of an archive. */
export interface ZipEntry {
  readonly name: string;
  /** 0 stored, 8 deflated. */
  readonly method: number;
  readonly crc32: number;
  readonly compressedSize: number;
  readonly size: number;
  /** Offset of its local header in the archive. */
  readonly headerOffset: number;
}

/** Size of a local header without its name and extra field; {@link zipDataOffset} wants at least these bytes. */
export const ZIP_LOCAL_HEADER = 30;

/** Bytes at the end of a file that certainly hold the end records (comment of at most 65,535 bytes included). */
export const ZIP_TAIL = 22 + 65535 + 20 + 56;

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function u64(view: DataView, offset: number): number {
  return view.getUint32(offset, true) + view.getUint32(offset + 4, true) * 2 ** 32;
}

/** Where the central directory lies: found from the last bytes of an archive. */
export interface ZipDirectoryLocation {
  readonly offset: number;
  readonly size: number;
  readonly entries: number;
}

/**
 * Finds the central directory.
 * @param tail the last min(fileSize, ZIP_TAIL) bytes of the archive.
 * @throws {FormatError} when it is no ZIP archive or cut short.
 */
export function locateZipDirectory(tail: Uint8Array, fileSize: number, name = 'zip'): ZipDirectoryLocation {
  const view = viewOf(tail);
  const base = fileSize - tail.length;
  for (let at = tail.length - 22; at >= 0; at--) {
    if (view.getUint32(at, true) !== 0x06054b50) continue;
    let entries = view.getUint16(at + 10, true);
    let size = view.getUint32(at + 12, true);
    let offset = view.getUint32(at + 16, true);
    const isZip64 = entries === 0xffff || size === 0xffffffff || offset === 0xffffffff;
    if (isZip64 && at >= 20 && view.getUint32(at - 20, true) === 0x07064b50) {
      const record = u64(view, at - 20 + 8) - base;
      if (record < 0 || record + 56 > tail.length || view.getUint32(record, true) !== 0x06064b50)
        throw new FormatError(`${name}: the ZIP64 end record is damaged`);
      entries = u64(view, record + 32);
      size = u64(view, record + 40);
      offset = u64(view, record + 48);
    }
    if (offset + size > fileSize || entries * 46 > size)
      throw new FormatError(`${name}: the ZIP directory lies outside the file; it is cut short or damaged`);
    return { offset, size, entries };
  }
  throw new FormatError(`${name}: not a ZIP archive, or cut short (no end record); download it again`);
}

/**
 * Parses the central directory.
 * @param directory its bytes.
 * @throws {FormatError} when damaged, encrypted or compressed by other means than deflate.
 */
export function parseZipDirectory(directory: Uint8Array, entries: number, name = 'zip'): ZipEntry[] {
  const view = viewOf(directory);
  const out: ZipEntry[] = [];
  let at = 0;
  for (let i = 0; i < entries; i++) {
    if (at + 46 > directory.length || view.getUint32(at, true) !== 0x02014b50)
      throw new FormatError(`${name}: the ZIP directory is damaged at entry ${i}`);
    const flags = view.getUint16(at + 8, true);
    const method = view.getUint16(at + 10, true);
    const nameLength = view.getUint16(at + 28, true);
    const extraLength = view.getUint16(at + 30, true);
    const end = at + 46 + nameLength + extraLength + view.getUint16(at + 32, true);
    if (end > directory.length) throw new FormatError(`${name}: the ZIP directory is damaged at entry ${i}`);
    const entryName = new TextDecoder().decode(directory.subarray(at + 46, at + 46 + nameLength));
    if (flags & 1) throw new FormatError(`${name}: entry ${entryName} is encrypted`);
    if (method !== 0 && method !== 8)
      throw new FormatError(
        `${name}: entry ${entryName} is compressed by method ${method}; only deflate is read`,
      );
    let size = view.getUint32(at + 24, true);
    let compressedSize = view.getUint32(at + 20, true);
    let headerOffset = view.getUint32(at + 42, true);
    let extra = at + 46 + nameLength;
    const extraEnd = extra + extraLength;
    while (extra + 4 <= extraEnd) {
      const id = view.getUint16(extra, true);
      const fieldEnd = Math.min(extraEnd, extra + 4 + view.getUint16(extra + 2, true));
      if (id === 1) {
        let p = extra + 4;
        const next = (): number => {
          if (p + 8 > fieldEnd) throw new FormatError(`${name}: the ZIP64 sizes of ${entryName} are damaged`);
          p += 8;
          return u64(view, p - 8);
        };
        if (size === 0xffffffff) size = next();
        if (compressedSize === 0xffffffff) compressedSize = next();
        if (headerOffset === 0xffffffff) headerOffset = next();
      }
      extra = Math.max(fieldEnd, extra + 4);
    }
    // Deflate cannot shrink by more than 1032:1: a larger claim is damage or a bomb.
    if (size > (method === 0 ? compressedSize : compressedSize * 1032 + 64))
      throw new FormatError(`${name}: entry ${entryName} claims ${size} bytes out of ${compressedSize}`);
    out.push({
      name: entryName,
      method,
      crc32: view.getUint32(at + 16, true),
      compressedSize,
      size,
      headerOffset,
    });
    at = end;
  }
  return out;
}

/**
 * Offset of an entry's first data byte from its local header's start.
 * @param local at least {@link ZIP_LOCAL_HEADER} bytes from `entry.headerOffset`.
 * @throws {FormatError}
 */
export function zipDataOffset(local: Uint8Array, entry: ZipEntry, name = 'zip'): number {
  const view = viewOf(local);
  if (local.length < ZIP_LOCAL_HEADER || view.getUint32(0, true) !== 0x04034b50)
    throw new FormatError(`${name}: the local header of ${entry.name} is damaged`);
  return ZIP_LOCAL_HEADER + view.getUint16(26, true) + view.getUint16(28, true);
}

let crcTable: Uint32Array | null = null;

/** CRC-32 of `bytes`, continuing from `crc` (0 to start). */
export function crc32(bytes: Uint8Array, crc = 0): number {
  if (!crcTable) {
    crcTable = new Uint32Array(256);
    for (let n = 0; n < 256; n++) {
      let c = n;
      for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
      crcTable[n] = c;
    }
  }
  let c = ~crc;
  for (let i = 0; i < bytes.length; i++) c = crcTable[(c ^ bytes[i]) & 255] ^ (c >>> 8);
  return ~c >>> 0;
}

/** Entries of an archive in memory. @throws {FormatError} */
export function listZip(bytes: Uint8Array, name = 'zip'): ZipEntry[] {
  const tail = bytes.subarray(Math.max(0, bytes.length - ZIP_TAIL));
  const { offset, size, entries } = locateZipDirectory(tail, bytes.length, name);
  return parseZipDirectory(bytes.subarray(offset, offset + size), entries, name);
}

/**
 * One entry's bytes, inflated and checked against its CRC; a stored entry shares memory with the archive.
 * @throws {FormatError}
 */
export function extractZipEntry(bytes: Uint8Array, entry: ZipEntry, name = 'zip'): Uint8Array {
  const local = bytes.subarray(entry.headerOffset);
  const start = zipDataOffset(local, entry, name);
  const packed = local.subarray(start, start + entry.compressedSize);
  if (packed.length < entry.compressedSize)
    throw new FormatError(`${name}: entry ${entry.name} is cut short`);
  let data = packed;
  if (entry.method === 8) {
    try {
      // A given output buffer bounds the memory: fflate drops what does not fit.
      data = inflateSync(packed, { out: new Uint8Array(entry.size) });
    } catch (cause) {
      throw new FormatError(`${name}: entry ${entry.name} cannot be inflated; the file is damaged`, {
        cause,
      });
    }
  }
  if (data.length !== entry.size || crc32(data) !== entry.crc32)
    throw new FormatError(`${name}: entry ${entry.name} is damaged (its checksum does not match)`);
  return data;
}
