/** The numbers, lines and byte runs a pickle's instructions are followed by; every read is checked. */
import { FormatError } from '../core/errors.ts';
import { latin1 } from './pickle-values.ts';

/** Longest integer, in bytes or decimal digits. */
const MAX_INTEGER = 1024;

function integer(value: bigint): number | bigint {
  const n = Number(value);
  return Number.isSafeInteger(n) ? n : value;
}

/** A cursor over a pickle's bytes. @internal */
export class PickleBytes {
  /** Offset of the next byte. */
  at: number;
  readonly #name: string;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array, name: string, at: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#name = name;
    this.at = at;
  }

  fail(what: string): never {
    throw new FormatError(`${this.#name}: not a readable pickle at byte ${this.at}: ${what}`);
  }
  /** The next `n` bytes, sharing memory with the file. */
  take(n: number): Uint8Array {
    return this.#bytes.subarray(this.#skip(n), this.at);
  }
  u8(): number {
    return this.#bytes[this.#skip(1)];
  }
  u16(): number {
    return this.#view.getUint16(this.#skip(2), true);
  }
  i32(): number {
    return this.#view.getInt32(this.#skip(4), true);
  }
  u32(): number {
    return this.#view.getUint32(this.#skip(4), true);
  }
  u64(): number {
    return Number(this.#view.getBigUint64(this.#skip(8), true));
  }
  f64BigEndian(): number {
    return this.#view.getFloat64(this.#skip(8), false);
  }
  /** Latin-1 text up to the next line feed. */
  line(): string {
    const end = this.#bytes.indexOf(0x0a, this.at);
    if (end < 0) this.fail('a line without an end');
    const line = this.take(end - this.at);
    this.at++;
    return latin1(line);
  }
  utf8(n: number): string {
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(this.take(n));
  }
  /** Little-endian two's complement of `n` bytes. */
  long(n: number): number | bigint {
    if (n > MAX_INTEGER) this.fail(`an integer of ${n} bytes`);
    const bytes = this.take(n);
    let value = 0n;
    for (let i = n - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]);
    if (n > 0 && bytes[n - 1] & 0x80) value -= 1n << BigInt(8 * n);
    return integer(value);
  }
  decimal(line: string): number | bigint {
    const digits = line.trim().replace(/L$/, '');
    if (!/^[+-]?\d+$/.test(digits) || digits.length > MAX_INTEGER) this.fail('an integer expected');
    return integer(BigInt(digits.replace(/^\+/, '')));
  }
  float(line: string): number {
    const s = line.trim().toLowerCase();
    if (s === 'nan') return Number.NaN;
    const value = s === 'inf' ? Infinity : s === '-inf' ? -Infinity : s === '' ? Number.NaN : Number(s);
    if (Number.isNaN(value)) this.fail('a number expected');
    return value;
  }

  #skip(n: number): number {
    const from = this.at;
    if (!(n >= 0 && from + n <= this.#bytes.length)) this.fail(`cut short (${n} bytes expected)`);
    this.at += n;
    return from;
  }
}
