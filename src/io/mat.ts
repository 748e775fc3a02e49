/**
 * MATLAB's .mat files of version 5 (what MATLAB saves with -v5, -v6 and, deflated, -v7): numeric arrays by name. Cells,
 * structures, objects, sparse and complex arrays are passed over; version 7.3 is HDF5 (hdf5.ts).
 *
 * A file is a row of data elements, each one variable, deflated on its own: only the variables asked for are kept, so
 * that two of a Basel Face Model's 128 MB arrays do not cost the other twelve. Values may be stored in a smaller type
 * than the array's class (MATLAB writes whole doubles as bytes); they come out in the stored type. Arrays are in
 * Fortran order, as `NpyArray` can say. mat-for-js was not used: it is GPL-3.
 *
 * Format: "MAT-File Format", The MathWorks, R2023a, chapter 1.
 */
import { Inflate, unzlibSync } from 'fflate';
import { FormatError } from '../core/errors.ts';
import { decodeElements, type NpyArray } from './npy.ts';

/** A variable of the file that can be read. */
export interface MatVariable {
  readonly name: string;
  readonly shape: readonly number[];
  /** Decodes it. @throws {FormatError} when it is damaged or no numeric array */
  read(): NpyArray;
}

/** Data types of elements, as NumPy calls them. */
const TYPES: Readonly<Record<number, string>> = {
  1: '|i1',
  2: '|u1',
  3: '<i2',
  4: '<u2',
  5: '<i4',
  6: '<u4',
  7: '<f4',
  9: '<f8',
  12: '<i8',
  13: '<u8',
};
const MATRIX = 14;
const COMPRESSED = 15;
/** Classes of arrays: 6 double, 7 single, 8…15 integers. */
const isNumeric = (kind: number) => kind >= 6 && kind <= 15;
const CLASSES = ['', 'cell', 'structure', 'object', 'character', 'sparse'];
/** Deflated bytes looked at for a variable's name: the header of any array is shorter, deflated or not. */
const PEEK = 4096;

interface Element {
  readonly type: number;
  readonly bytes: Uint8Array;
  /** Offset of the next element. */
  readonly next: number;
}

/**
 * Lists the variables of a file; nothing large is inflated before it is read.
 * @param bytes the whole file
 * @param name how errors call the file
 * @throws {FormatError} when it is no MAT file of version 5, or cut short
 */
export function readMat(bytes: Uint8Array, name = 'MAT file'): Map<string, MatVariable> {
  const fail = (what: string, cause?: unknown): never => {
    throw new FormatError(`${name}: ${what}`, { cause });
  };
  const text = new TextDecoder('latin1').decode(bytes.subarray(0, 116));
  if (bytes.length >= 8 && bytes[0] === 0x89 && text.slice(1, 4) === 'HDF')
    fail('is an HDF5 file, not a MAT file of version 5');
  if (text.startsWith('MATLAB 7.3'))
    fail("is a MAT file of version 7.3, which is HDF5; save it with MATLAB's -v7");
  if (bytes.length < 128 || !/^MATLAB 5\.0/.test(text))
    fail('is no MAT file of version 5 (it does not begin with "MATLAB 5.0 MAT-file")');
  const mark = String.fromCharCode(bytes[126], bytes[127]);
  if (mark !== 'IM' && mark !== 'MI') fail('its byte order mark is damaged');
  const little = mark === 'IM';
  const out = new Map<string, MatVariable>();
  for (let at = 128; at < bytes.length; ) {
    const found = elementAt(bytes, at, little, fail);
    at = found.next;
    if (found.type !== COMPRESSED && found.type !== MATRIX) continue;
    const deflated = found.type === COMPRESSED;
    const head = deflated ? peek(found.bytes, little, fail) : found.bytes;
    const about = describe(head, little, fail);
    if (!about) continue;
    const whole = () => {
      if (!deflated) return found.bytes;
      try {
        return elementAt(unzlibSync(found.bytes), 0, little, fail).bytes;
      } catch (cause) {
        if (cause instanceof FormatError) throw cause;
        return fail(`the variable ${about.name} cannot be inflated; the file is damaged`, cause);
      }
    };
    const { kind, shape } = about;
    const read = () => {
      if (!isNumeric(kind) || about.complex) {
        const what = about.complex ? 'complex' : (CLASSES[kind] ?? 'unknown');
        return fail(`${about.name} is a ${what} array; a real numeric one was expected`);
      }
      return values(about.name, shape, whole(), about.dataAt, little, fail);
    };
    out.set(about.name, { name: about.name, shape, read });
  }
  return out;
}

type Fail = (what: string, cause?: unknown) => never;

/** The element at an offset: an 8-byte tag and its data, or both within 8 bytes where there are at most 4. */
function elementAt(bytes: Uint8Array, at: number, little: boolean, fail: Fail): Element {
  if (at + 8 > bytes.length) return fail(`cut short at byte ${at}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const first = view.getUint32(at, little);
  if (first >>> 16 !== 0) {
    const length = first >>> 16;
    if (length > 4) fail(`the element at byte ${at} is damaged`);
    return { type: first & 0xffff, bytes: bytes.subarray(at + 4, at + 4 + length), next: at + 8 };
  }
  const length = view.getUint32(at + 4, little);
  const end = at + 8 + length;
  if (end > bytes.length)
    fail(`cut short: an element at byte ${at} claims ${length} bytes, ${bytes.length - at - 8} follow`);
  // Deflated elements are not padded.
  const padded = first === COMPRESSED ? end : at + 8 + 8 * Math.ceil(length / 8);
  return { type: first, bytes: bytes.subarray(at + 8, end), next: padded };
}

/** The first bytes of a deflated array, without its tag. */
function peek(deflated: Uint8Array, little: boolean, fail: Fail): Uint8Array {
  let out = new Uint8Array(0);
  try {
    // Given the beginning alone. `inflateSync` goes through the whole stream even where its output has room for little:
    // 1.6 s for 40 MB.
    const inflate = new Inflate((piece) => {
      if (out.length === 0) out = piece.slice();
    });
    // A zlib stream is two bytes of header and a deflate stream.
    inflate.push(deflated.subarray(2, 2 + PEEK));
  } catch (cause) {
    fail('a deflated variable cannot be read; the file is damaged', cause);
  }
  const view = new DataView(out.buffer);
  if (out.length < 8 || view.getUint32(0, little) !== MATRIX)
    fail('a deflated element is no array; the file is damaged');
  return out.subarray(8);
}

/** Name, class and shape of an array; null for one without a name (they belong to others). */
function describe(array: Uint8Array, little: boolean, fail: Fail) {
  const flags = elementAt(array, 0, little, fail);
  const dims = elementAt(array, flags.next, little, fail);
  const label = elementAt(array, dims.next, little, fail);
  if (flags.type !== 6 || flags.bytes.length !== 8 || dims.type !== 5 || dims.bytes.length % 4 !== 0)
    return fail('the header of a variable is damaged');
  const view = (e: Element) => new DataView(e.bytes.buffer, e.bytes.byteOffset, e.bytes.byteLength);
  const word = view(flags).getUint32(0, little);
  const shape = Array.from({ length: dims.bytes.length / 4 }, (_, i) => view(dims).getInt32(4 * i, little));
  if (shape.length < 2 || shape.some((n) => n < 0)) return fail('a variable has an impossible shape');
  const name = new TextDecoder('latin1').decode(label.bytes);
  if (name === '') return null;
  return { name, kind: word & 0xff, complex: (word & 0x800) !== 0, shape, dataAt: label.next };
}

function values(
  name: string,
  shape: readonly number[],
  array: Uint8Array,
  at: number,
  little: boolean,
  fail: Fail,
): NpyArray {
  const { type, bytes } = elementAt(array, at, little, fail);
  const dtype = TYPES[type];
  if (!dtype) return fail(`the numbers of ${name} are stored as type ${type}, which is not known`);
  const count = shape.reduce((a, b) => a * b, 1);
  const size = Number(dtype[2]);
  if (bytes.length !== count * size)
    return fail(`${name} has ${bytes.length} bytes, its shape (${shape.join(', ')}) takes ${count * size}`);
  return { dtype, shape, fortranOrder: true, data: decodeElements(bytes, dtype, !little) };
}
