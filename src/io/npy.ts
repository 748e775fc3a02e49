/**
 * NumPy's .npy format (versions 1, 2 and 3), read and written.
 *
 * What comes out is always little-endian; the memory order of the file is kept and told by `fortranOrder`, and
 * `toFloat32`, `toFloat64` and `toUint32` give row-major values whatever was stored. Object arrays are not
 * decoded here: `data` is their pickle, for `pickle.ts`. npyjs was considered and can neither write nor read
 * big-endian files.
 *
 * Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
import { FormatError, InvalidArgumentError } from '../core/errors.ts';
import { decodeHalf, encodeHalf } from './half.ts';

/** The typed arrays an array's values may lie in. */
export type NpyData =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array;

/** An n-dimensional array as NumPy stores it. */
export interface NpyArray {
  /**
   * NumPy's type string, little-endian: `<f2` (values in a Float32Array), `<f4`, `<f8`, `|i1`, `<i2`, `<i4`,
   * `<i8`, `|u1`, `<u2`, `<u4`, `<u8`, `|b1` (0 or 1 in a Uint8Array), `|Sn` and `<Un` (raw bytes, see
   * {@link npyStrings}), `|O` (the pickle's bytes).
   */
  readonly dtype: string;
  /** Empty for a 0-d array. */
  readonly shape: readonly number[];
  /** True when the first index varies fastest in `data`. */
  readonly fortranOrder: boolean;
  readonly data: NpyData;
}

/** A parsed .npy header. */
export interface NpyHeader {
  /** As {@link NpyArray.dtype}. */
  readonly dtype: string;
  readonly bigEndian: boolean;
  readonly shape: readonly number[];
  readonly fortranOrder: boolean;
  /** Bytes of one element; 0 for objects. */
  readonly itemSize: number;
  /** Number of elements. */
  readonly count: number;
  /** Offset of the first data byte. */
  readonly dataOffset: number;
}

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

const KINDS = new Set(['f2', 'f4', 'f8', 'i1', 'i2', 'i4', 'i8', 'u1', 'u2', 'u4', 'u8', 'b1']);

/** @internal Splits a type string into its parts; undefined for one that is not supported. */
export function parseDtype(
  descr: string,
): { dtype: string; kind: string; itemSize: number; bigEndian: boolean } | undefined {
  const m = /^([<>|=]?)([a-zA-Z])(\d*)$/.exec(descr);
  if (!m) return undefined;
  const [, order, kind, digits] = m;
  if (kind === 'O') return { dtype: '|O', kind, itemSize: 0, bigEndian: false };
  if (digits === '') return undefined;
  const n = Number(digits);
  if (kind === 'S' || kind === 'a') return { dtype: `|S${n}`, kind: 'S', itemSize: n, bigEndian: false };
  if (kind === 'U') return { dtype: `<U${n}`, kind, itemSize: 4 * n, bigEndian: order === '>' };
  if (!KINDS.has(kind + digits)) return undefined;
  return {
    dtype: (n === 1 ? '|' : '<') + kind + digits,
    kind,
    itemSize: n,
    bigEndian: order === '>' && n > 1,
  };
}

/**
 * Parses the header of an .npy file from its first bytes.
 * @param bytes at least the whole header (commonly 128 bytes).
 * @param name how errors call the file.
 * @throws {FormatError} when it is no .npy, cut short, or of a type that is not supported (structured, complex,
 *   dates).
 */
export function readNpyHeader(bytes: Uint8Array, name = 'npy'): NpyHeader {
  if (bytes.length < 10 || MAGIC.some((b, i) => bytes[i] !== b))
    throw new FormatError(`${name}: not a NumPy .npy file (its first bytes are not \\x93NUMPY)`);
  const version = bytes[6];
  if (version < 1 || version > 3)
    throw new FormatError(`${name}: .npy version ${version} is not known; versions 1 to 3 are`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = version === 1 ? 10 : 12;
  if (bytes.length < start) throw new FormatError(`${name}: the .npy header is cut short`);
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > 1 << 20)
    throw new FormatError(`${name}: the .npy header claims ${length} bytes; the file is damaged`);
  if (start + length > bytes.length)
    throw new FormatError(
      `${name}: the .npy header is cut short (${bytes.length} of ${start + length} bytes)`,
    );
  const text = new TextDecoder(version === 3 ? 'utf-8' : 'latin1').decode(
    bytes.subarray(start, start + length),
  );
  const descr = /['"]descr['"]\s*:\s*(['"])([^'"]*)\1/.exec(text);
  const order = /['"]fortran_order['"]\s*:\s*(True|False)/.exec(text);
  const shapeText = /['"]shape['"]\s*:\s*\(([\d\sL,]*)\)/.exec(text);
  if (!order || !shapeText)
    throw new FormatError(`${name}: the .npy header is not understood: ${text.trim().slice(0, 200)}`);
  const type = descr ? parseDtype(descr[2]) : undefined;
  if (!type)
    throw new FormatError(
      `${name}: arrays of type ${descr ? descr[2] : 'record (structured)'} are not supported; ` +
        'save it as a float, integer, boolean, string or object array',
    );
  const shape = shapeText[1]
    .split(',')
    .map((s) => s.trim().replace(/L$/, ''))
    .filter((s) => s !== '')
    .map(Number);
  const count = shape.reduce((a, b) => a * b, 1);
  if (shape.some((n) => !Number.isSafeInteger(n)) || !Number.isSafeInteger(count))
    throw new FormatError(`${name}: the .npy header has an impossible shape (${shapeText[1]})`);
  return {
    dtype: type.dtype,
    bigEndian: type.bigEndian,
    shape,
    fortranOrder: order[1] === 'True',
    itemSize: type.itemSize,
    count,
    dataOffset: start + length,
  };
}

/**
 * Reads an .npy file. `data` shares memory with `bytes` where alignment and byte order allow.
 * @throws {FormatError} as {@link readNpyHeader}, or when data are missing.
 */
export function readNpy(bytes: Uint8Array, name = 'npy'): NpyArray {
  const h = readNpyHeader(bytes, name);
  const { dtype, shape, fortranOrder } = h;
  if (dtype === '|O') return { dtype, shape, fortranOrder, data: bytes.subarray(h.dataOffset) };
  const need = h.count * h.itemSize;
  const have = bytes.length - h.dataOffset;
  if (have < need)
    throw new FormatError(
      `${name}: cut short, ${need} bytes of data expected for shape (${shape}), ${have} found`,
    );
  const raw = bytes.subarray(h.dataOffset, h.dataOffset + need);
  return { dtype, shape, fortranOrder, data: decodeElements(raw, dtype, h.bigEndian) };
}

/**
 * Raw bytes to typed values; shares memory where it can.
 * @internal
 */
export function decodeElements(raw: Uint8Array, dtype: string, bigEndian: boolean): NpyData {
  const type = parseDtype(dtype);
  if (!type) throw new FormatError(`arrays of type ${dtype} are not supported`);
  if (type.kind === 'b') return Uint8Array.from(raw, (b) => (b ? 1 : 0));
  if (type.kind === 'S') return raw;
  const size = type.kind === 'U' ? 4 : type.itemSize;
  let bytes = raw;
  if (bigEndian && size > 1) {
    bytes = new Uint8Array(raw.length);
    for (let i = 0; i < raw.length; i += size)
      for (let k = 0; k < size; k++) bytes[i + k] = raw[i + size - 1 - k];
  } else if (raw.byteOffset % size !== 0) {
    bytes = new Uint8Array(raw); // not slice(): on a Node Buffer that is a view
  }
  const n = bytes.length / size;
  const args = [bytes.buffer as ArrayBuffer, bytes.byteOffset, n] as const;
  switch (type.kind + type.itemSize) {
    case 'f2':
      return decodeHalf(new Uint16Array(...args));
    case 'f4':
      return new Float32Array(...args);
    case 'f8':
      return new Float64Array(...args);
    case 'i1':
      return new Int8Array(...args);
    case 'i2':
      return new Int16Array(...args);
    case 'i4':
      return new Int32Array(...args);
    case 'i8':
      return new BigInt64Array(...args);
    case 'u2':
      return new Uint16Array(...args);
    case 'u4':
      return new Uint32Array(...args);
    case 'u8':
      return new BigUint64Array(...args);
    default:
      return bytes;
  }
}

/** Typed values to raw little-endian bytes, the inverse of {@link decodeElements}. @internal */
export function encodeElements(array: NpyArray): Uint8Array {
  const type = parseDtype(array.dtype);
  if (!type) throw new InvalidArgumentError(`writeNpy: type ${array.dtype} is not supported`);
  const data = type.kind === 'f' && type.itemSize === 2 ? encodeHalf(array.data as Float32Array) : array.data;
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/**
 * Writes an .npy file (version 1; 2 where the header is long), little-endian, data aligned to 64 bytes.
 * @throws {InvalidArgumentError} when type, shape and data don't agree.
 */
export function writeNpy(array: NpyArray): Uint8Array {
  const header = npyHeaderBytes(array.dtype, array.shape, array.fortranOrder);
  const body = encodeElements(array);
  if (array.dtype !== '|O' && body.length !== header.dataLength)
    throw new InvalidArgumentError(
      `writeNpy: ${body.length} bytes of data given for shape (${array.shape}) of ${array.dtype}, ${header.dataLength} expected`,
    );
  const out = new Uint8Array(header.bytes.length + body.length);
  out.set(header.bytes);
  out.set(body, header.bytes.length);
  return out;
}

/**
 * The header of an .npy file, and how many bytes of data have to follow it.
 * @throws {InvalidArgumentError} when the type is not supported.
 * @internal
 */
export function npyHeaderBytes(
  dtype: string,
  dims: readonly number[],
  fortranOrder = false,
): { readonly bytes: Uint8Array; readonly dataLength: number } {
  const type = parseDtype(dtype);
  if (!type || type.bigEndian) throw new InvalidArgumentError(`writeNpy: type ${dtype} is not supported`);
  const shape = dims.length === 1 ? `${dims[0]},` : dims.join(', ');
  const order = fortranOrder ? 'True' : 'False';
  const dict = `{'descr': '${type.dtype}', 'fortran_order': ${order}, 'shape': (${shape}), }`;
  const version = dict.length + 75 > 65535 ? 2 : 1;
  const prefix = version === 1 ? 10 : 12;
  const total = Math.ceil((prefix + dict.length + 1) / 64) * 64;
  const bytes = new Uint8Array(total);
  bytes.set(MAGIC);
  bytes[6] = version;
  const view = new DataView(bytes.buffer);
  if (version === 1) view.setUint16(8, total - prefix, true);
  else view.setUint32(8, total - prefix, true);
  bytes.fill(0x20, prefix, total);
  for (let i = 0; i < dict.length; i++) bytes[prefix + i] = dict.charCodeAt(i);
  bytes[total - 1] = 0x0a;
  return { bytes, dataLength: dims.reduce((a, b) => a * b, 1) * type.itemSize };
}

/** Type string of a typed array, e.g. `<f4`. */
export function dtypeOf(data: NpyData): string {
  if (data instanceof Float32Array) return '<f4';
  if (data instanceof Float64Array) return '<f8';
  if (data instanceof Int8Array) return '|i1';
  if (data instanceof Int16Array) return '<i2';
  if (data instanceof Int32Array) return '<i4';
  if (data instanceof BigInt64Array) return '<i8';
  if (data instanceof Uint16Array) return '<u2';
  if (data instanceof Uint32Array) return '<u4';
  if (data instanceof BigUint64Array) return '<u8';
  return '|u1';
}

/** Wraps row-major values as an array of `shape` (default: one dimension). */
export function npyArray(data: NpyData, shape: readonly number[] = [data.length]): NpyArray {
  return { dtype: dtypeOf(data), shape, fortranOrder: false, data };
}

function rowMajor<T extends Float32Array | Float64Array | Uint32Array>(
  array: NpyArray,
  out: T,
  what: string,
): T {
  const type = parseDtype(array.dtype);
  if (!type || type.kind === 'S' || type.kind === 'U' || type.kind === 'O')
    throw new FormatError(`${what}: numbers expected, the array is of type ${array.dtype}`);
  const { data, shape } = array;
  const n = data.length;
  if (!array.fortranOrder || shape.length < 2) {
    if (data instanceof BigInt64Array || data instanceof BigUint64Array)
      for (let i = 0; i < n; i++) out[i] = Number(data[i]);
    else out.set(data);
    return out;
  }
  const strides = shape.map((_, d) => shape.slice(0, d).reduce((a, b) => a * b, 1));
  const index = new Array<number>(shape.length).fill(0);
  let source = 0;
  for (let i = 0; i < n; i++) {
    out[i] = Number(data[source]);
    for (let d = shape.length - 1; d >= 0; d--) {
      source += strides[d];
      if (++index[d] < shape[d]) break;
      source -= strides[d] * shape[d];
      index[d] = 0;
    }
  }
  return out;
}

/** Row-major float32 values of a numeric array, a copy unless it is that already. @throws {FormatError} */
export function toFloat32(array: NpyArray, what = 'npy'): Float32Array {
  if (array.data instanceof Float32Array && (!array.fortranOrder || array.shape.length < 2))
    return array.data;
  return rowMajor(array, new Float32Array(array.data.length), what);
}

/** Row-major float64 values of a numeric array, a copy unless it is that already. @throws {FormatError} */
export function toFloat64(array: NpyArray, what = 'npy'): Float64Array {
  if (array.data instanceof Float64Array && (!array.fortranOrder || array.shape.length < 2))
    return array.data;
  return rowMajor(array, new Float64Array(array.data.length), what);
}

/**
 * Row-major uint32 values of an array of indices (stored as integers or as whole floats).
 * @throws {FormatError} when a value is negative, fractional or too large.
 */
export function toUint32(array: NpyArray, what = 'npy'): Uint32Array {
  const values = toFloat64(array, what);
  const out = new Uint32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    out[i] = values[i];
    if (out[i] !== values[i])
      throw new FormatError(`${what}: element ${i} is ${values[i]}, an index was expected`);
  }
  return out;
}

/** The strings of an `S` (latin-1) or `U` (UTF-32) array, trailing zeros removed. @throws {FormatError} */
export function npyStrings(array: NpyArray): string[] {
  const type = parseDtype(array.dtype);
  if (!type || (type.kind !== 'S' && type.kind !== 'U'))
    throw new FormatError(`strings expected, the array is of type ${array.dtype}`);
  const count = array.shape.reduce((a, b) => a * b, 1);
  const bytes = array.data as Uint8Array;
  if (bytes.length === 0 && count > 1e6) throw new FormatError(`${count} empty strings; the file is damaged`);
  const data = type.kind === 'U' ? new Uint32Array(Uint8Array.from(bytes).buffer) : bytes;
  const width = count > 0 ? data.length / count : 0;
  const out: string[] = [];
  for (let i = 0; i < count; i++) {
    let end = width;
    while (end > 0 && data[i * width + end - 1] === 0) end--;
    let s = '';
    for (let k = 0; k < end; k++) {
      const code = data[i * width + k];
      if (code > 0x10ffff) throw new FormatError(`string ${i} holds an impossible character (${code})`);
      s += String.fromCodePoint(code);
    }
    out.push(s);
  }
  return out;
}
