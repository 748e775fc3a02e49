/**
 * Writes Python pickles (protocol 3) of plain values and NumPy arrays: just what it takes for
 * `numpy.load(path, allow_pickle=True).item()` to give a dictionary of arrays. The names used
 * (`numpy.core.multiarray._reconstruct`, `numpy.ndarray`, `numpy.dtype`) are understood by every NumPy since 1.7,
 * version 2 included.
 */
import { InvalidArgumentError } from '../core/errors.ts';
import { encodeElements, type NpyArray, parseDtype, writeNpy } from './npy.ts';

/** A value that can be written: whole numbers become int, others float; an `NpyArray` a numpy.ndarray. */
export type PickleInput =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | readonly PickleInput[]
  | NpyArray
  | { readonly [key: string]: PickleInput };

/** Growing byte buffer. */
class Bytes {
  #data = new Uint8Array(1 << 16);
  #length = 0;

  /** Room for `n` more bytes, as a view. */
  reserve(n: number): DataView {
    if (this.#length + n > this.#data.length) {
      const larger = new Uint8Array(Math.max(2 * this.#data.length, this.#length + n));
      larger.set(this.#data.subarray(0, this.#length));
      this.#data = larger;
    }
    this.#length += n;
    return new DataView(this.#data.buffer, this.#length - n, n);
  }
  op(...bytes: number[]): void {
    const view = this.reserve(bytes.length);
    for (let i = 0; i < bytes.length; i++) view.setUint8(i, bytes[i]);
  }
  /** A one-byte instruction, a uint32 length and the bytes. */
  run(op: number, bytes: Uint8Array): void {
    this.op(op);
    this.reserve(4).setUint32(0, bytes.length, true);
    const view = this.reserve(bytes.length);
    new Uint8Array(view.buffer, view.byteOffset, bytes.length).set(bytes);
  }
  ascii(text: string): void {
    const view = this.reserve(text.length);
    for (let i = 0; i < text.length; i++) view.setUint8(i, text.charCodeAt(i));
  }
  done(): Uint8Array {
    return this.#data.slice(0, this.#length);
  }
}

const OP = {
  mark: 0x28,
  stop: 0x2e,
  none: 0x4e,
  true: 0x88,
  false: 0x89,
  binint: 0x4a,
  binfloat: 0x47,
  unicode: 0x58,
  bytes: 0x42,
  emptyList: 0x5d,
  appends: 0x65,
  emptyDict: 0x7d,
  setItems: 0x75,
  tuple: 0x74,
  reduce: 0x52,
  build: 0x62,
} as const;

function writeGlobal(out: Bytes, module: string, name: string): void {
  out.ascii(`c${module}\n${name}\n`);
}

function writeInt(out: Bytes, value: number): void {
  out.op(OP.binint);
  out.reserve(4).setInt32(0, value, true);
}

function writeString(out: Bytes, value: string): void {
  out.run(OP.unicode, new TextEncoder().encode(value));
}

/** ndarray: `_reconstruct(ndarray, (0,), b'b')`, then its state (1, shape, dtype, fortran, data). */
function writeArrayHead(
  out: Bytes,
  shape: readonly number[],
  descr: string,
  order: string,
  align: number,
): void {
  writeGlobal(out, 'numpy.core.multiarray', '_reconstruct');
  out.op(OP.mark);
  writeGlobal(out, 'numpy', 'ndarray');
  out.op(OP.mark);
  writeInt(out, 0);
  out.op(OP.tuple);
  out.run(OP.bytes, Uint8Array.of(0x62));
  out.op(OP.tuple, OP.reduce, OP.mark);
  writeInt(out, 1);
  out.op(OP.mark);
  for (const n of shape) writeInt(out, n);
  out.op(OP.tuple);
  writeGlobal(out, 'numpy', 'dtype');
  out.op(OP.mark);
  writeString(out, descr);
  out.op(OP.false, OP.true, OP.tuple, OP.reduce, OP.mark);
  writeInt(out, 3);
  writeString(out, order);
  out.op(OP.none, OP.none, OP.none);
  writeInt(out, -1);
  writeInt(out, -1);
  writeInt(out, align);
  out.op(OP.tuple, OP.build);
}

function isArray(value: object): value is NpyArray {
  return 'dtype' in value && 'shape' in value && 'data' in value;
}

function writeValue(out: Bytes, value: PickleInput, depth: number): void {
  if (depth > 100) throw new InvalidArgumentError('writePickle: the value is nested deeper than 100 levels');
  if (value === null) out.op(OP.none);
  else if (typeof value === 'boolean') out.op(value ? OP.true : OP.false);
  else if (typeof value === 'number') {
    if ((value | 0) === value && !Object.is(value, -0)) writeInt(out, value);
    else {
      out.op(OP.binfloat);
      out.reserve(8).setFloat64(0, value, false);
    }
  } else if (typeof value === 'string') writeString(out, value);
  else if (value instanceof Uint8Array) out.run(OP.bytes, value);
  else if (Array.isArray(value)) {
    out.op(OP.emptyList, OP.mark);
    for (const item of value) writeValue(out, item, depth + 1);
    out.op(OP.appends);
  } else if (isArray(value)) {
    const type = parseDtype(value.dtype);
    if (!type || !'fiub'.includes(type.kind))
      throw new InvalidArgumentError(`writePickle: arrays of type ${value.dtype} are not supported`);
    writeArrayHead(out, value.shape, type.kind + type.itemSize, type.itemSize > 1 ? '<' : '|', 0);
    out.op(value.fortranOrder ? OP.true : OP.false);
    out.run(OP.bytes, encodeElements(value));
    out.op(OP.tuple, OP.build);
  } else {
    out.op(OP.emptyDict, OP.mark);
    for (const [key, item] of Object.entries(value as { readonly [key: string]: PickleInput })) {
      writeString(out, key);
      writeValue(out, item, depth + 1);
    }
    out.op(OP.setItems);
  }
}

/**
 * Pickles a value.
 * @throws {InvalidArgumentError} for arrays of strings or objects, and beyond 100 levels.
 */
export function writePickle(value: PickleInput): Uint8Array {
  const out = new Bytes();
  out.op(0x80, 3);
  writeValue(out, value, 0);
  out.op(OP.stop);
  return out.done();
}

/**
 * An .npy file holding one object, as `numpy.save(path, value)` writes a dictionary;
 * `numpy.load(path, allow_pickle=True).item()` gives it back.
 * @throws {InvalidArgumentError} as {@link writePickle}.
 */
export function writeObjectNpy(value: PickleInput): Uint8Array {
  const out = new Bytes();
  out.op(0x80, 3);
  writeArrayHead(out, [], 'O8', '|', 63);
  out.op(OP.false, OP.emptyList, OP.mark);
  writeValue(out, value, 0);
  out.op(OP.appends, OP.tuple, OP.build, OP.stop);
  return writeNpy({ dtype: '|O', shape: [], fortranOrder: false, data: out.done() });
}
