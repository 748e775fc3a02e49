/**
 * What a Python pickle becomes: plain JavaScript values, and three small classes for what has no counterpart.
 *
 *   None → null, bool → boolean, int → number (bigint beyond 2^53), float → number, str → string,
 *   bytes and bytearray → Uint8Array, list and tuple → Array, dict and OrderedDict → Map, set → Set,
 *   ndarray, chumpy array, torch tensor → PickledArray, scipy matrix → SparseMatrix, complex → {real, imaginary},
 *   numpy scalar → number, bigint, boolean or string.
 *
 * Values may be shared or, in a hostile file, cyclic: walk them with that in mind.
 */
import { FormatError } from '../core/errors.ts';
import type { NpyArray, NpyData } from './npy.ts';

/** A value out of a pickle. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleValue[]
  | Map<PickleValue, PickleValue>
  | Set<PickleValue>
  | PickledArray
  | SparseMatrix
  | { readonly real: number; readonly imaginary: number };

/** An array out of a pickle: NumPy's, chumpy's or torch's. */
export class PickledArray implements NpyArray {
  dtype = '|O';
  shape: number[] = [];
  fortranOrder = false;
  data: NpyData = new Uint8Array(0);
  /** Elements of an object array (dtype `|O`), in storage order; null for others. */
  items: PickleValue[] | null = null;
  /** @internal False until its state has been read. */
  complete = false;

  /** @internal Takes over what `other` is. */
  assign(other: NpyArray & { items?: PickleValue[] | null }): void {
    this.dtype = other.dtype;
    this.shape = [...other.shape];
    this.fortranOrder = other.fortranOrder;
    this.data = other.data;
    this.items = other.items ?? null;
    this.complete = true;
  }
}

/** A scipy sparse matrix as stored. */
export class SparseMatrix {
  format: 'csc' | 'csr' | 'coo';
  /** Rows, columns. */
  shape: [number, number] = [0, 0];
  /** Non-zero values. */
  data: Float64Array = new Float64Array(0);
  /** Row (csc, coo) or column (csr) of each value. */
  indices: Uint32Array = new Uint32Array(0);
  /** csc, csr: start of each column or row (n+1). coo: column of each value. */
  pointers: Uint32Array = new Uint32Array(0);
  /** @internal False until its state has been read. */
  complete = false;

  constructor(format: 'csc' | 'csr' | 'coo') {
    this.format = format;
  }

  /**
   * Calls `visit` for each stored value, duplicates included.
   */
  forEach(visit: (row: number, column: number, value: number) => void): void {
    const { indices, pointers, data } = this;
    if (this.format === 'coo') {
      for (let k = 0; k < data.length; k++) visit(indices[k], pointers[k], data[k]);
      return;
    }
    for (let major = 0; major + 1 < pointers.length; major++)
      for (let k = pointers[major]; k < pointers[major + 1]; k++)
        if (this.format === 'csc') visit(indices[k], major, data[k]);
        else visit(major, indices[k], data[k]);
  }

  /**
   * (rows, columns) float64 row-major values.
   * @throws {FormatError} beyond 10^8 elements.
   */
  toDense(): Float64Array {
    const [rows, columns] = this.shape;
    if (rows * columns > 1e8)
      throw new FormatError(`a sparse matrix of ${rows}×${columns} is too large to be written out in full`);
    const out = new Float64Array(rows * columns);
    this.forEach((r, c, v) => {
      out[r * columns + c] += v;
    });
    return out;
  }
}

/**
 * A Python 2 `str`: text or raw bytes, nobody knows until it is used.
 * @internal
 */
export class ByteString {
  readonly bytes: Uint8Array;
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
}

/** Latin-1 text: one character per byte. (`TextDecoder('latin1')` is windows-1252.) @internal */
export function latin1(bytes: Uint8Array): string {
  let out = '';
  for (let i = 0; i < bytes.length; i += 8192) out += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return out;
}
