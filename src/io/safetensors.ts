/**
 * safetensors: named tensors behind a JSON header (https://github.com/huggingface/safetensors#format).
 *
 *   8 bytes   header length N, unsigned little-endian
 *   N bytes   UTF-8 JSON: { "__metadata__": {string: string}, name: { dtype, shape, data_offsets: [begin, end) } }
 *   the rest  tensor data, little-endian, row-major; offsets count from its first byte
 *
 * The reader trusts nothing: a header longer than the file or than 100 MB, sizes that overflow, tensors that overlap,
 * leave gaps or run past the end are all refused, as the reference implementation does. A repeated JSON key shows up
 * as a gap. Tensor bytes are views of the input, no copy; they are not always aligned (see `dtypes.ts`).
 *
 * The writer is deterministic: tensors by descending item size, then by name (so that every tensor is aligned to its
 * item size, as the header is padded to 8 bytes), metadata keys sorted, no white space. Same content, same bytes, so
 * that a hash of a file means something.
 */
import { FormatError, InvalidArgumentError } from '../core/errors.ts';

/** One tensor: raw little-endian bytes, row-major. */
export interface Tensor {
  /** Item type as safetensors spells it: `F32`, `F16`, `I8`, `U16`, … */
  readonly dtype: string;
  /** Sizes of the axes; empty for a scalar. */
  readonly shape: readonly number[];
  /** Items of `dtype`, `shape` of them. */
  readonly bytes: Uint8Array;
}

/** What a safetensors file holds. */
export interface SafetensorsFile {
  readonly metadata: Record<string, string>;
  /** By name, in the order of their data. */
  readonly tensors: Map<string, Tensor>;
}

/** Bytes of one item of each dtype. */
export const DTYPE_SIZES: Readonly<Record<string, number>> = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E5M2: 1,
  F8_E4M3: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  F64: 8,
  I64: 8,
  U64: 8,
};

/** Longest header that is read, in bytes; the limit of the reference implementation. */
export const MAX_HEADER_BYTES = 100_000_000;

const METADATA = '__metadata__';

/**
 * Reads a safetensors file.
 * @param bytes the whole file
 * @param source what to call it in messages, e.g. its path
 * @throws {FormatError} when it is truncated, inconsistent or something else altogether
 */
export function readSafetensors(bytes: Uint8Array, source = 'safetensors data'): SafetensorsFile {
  const fail = (what: string, cause?: unknown): never => {
    throw new FormatError(`${source}: ${what}`, { cause });
  };
  const { header, dataStart } = readHeader(bytes, fail);
  const data = bytes.subarray(dataStart);

  const metadata = readMetadata(header[METADATA], fail);
  const entries: { name: string; dtype: string; shape: number[]; begin: number; end: number }[] = [];
  for (const [name, value] of Object.entries(header)) {
    if (name !== METADATA) entries.push({ name, ...readEntry(name, value, data.length, fail) });
  }

  // Data must be covered from first to last byte, each byte once. Empty tensors may sit at any boundary.
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end || (a.name < b.name ? -1 : 1));
  const tensors = new Map<string, Tensor>();
  let covered = 0;
  let previous = 'the header';
  for (const { name, dtype, shape, begin, end } of entries) {
    if (begin < covered)
      fail(`tensor '${name}' overlaps '${previous}' (starts at ${begin}, before ${covered})`);
    if (begin > covered)
      fail(`${begin - covered} bytes between ${quote(previous)} and '${name}' belong to no tensor`);
    tensors.set(name, { dtype, shape, bytes: data.subarray(begin, end) });
    covered = end;
    previous = name;
  }
  if (covered !== data.length)
    fail(`${data.length - covered} bytes after ${quote(previous)} belong to no tensor`);
  return { metadata, tensors };
}

/**
 * Writes a safetensors file; the same content always gives the same bytes, whatever its order.
 * @throws {InvalidArgumentError} on a repeated name, an unknown dtype or bytes that don't fill the shape
 */
export function writeSafetensors(
  tensors: Iterable<readonly [string, Tensor]>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const list = [...tensors];
  const names = new Set<string>();
  for (const [name, tensor] of list) {
    const bad = (what: string) => new InvalidArgumentError(`writeSafetensors: tensor '${name}' ${what}`);
    if (name === METADATA || name === '__proto__') throw bad('has a reserved name; choose another');
    if (names.has(name)) throw bad('is given twice; names must be unique');
    names.add(name);
    const items = countItems(tensor.shape);
    const size = DTYPE_SIZES[tensor.dtype];
    if (size === undefined) throw bad(`has the unknown dtype '${tensor.dtype}'`);
    if (items === null) throw bad(`has the shape [${tensor.shape}], which is not a list of sizes`);
    if (items * size !== tensor.bytes.length) {
      throw bad(
        `holds ${tensor.bytes.length} bytes, but ${tensor.dtype} [${tensor.shape}] takes ${items * size}`,
      );
    }
  }
  list.sort(([a, ta], [b, tb]) => DTYPE_SIZES[tb.dtype] - DTYPE_SIZES[ta.dtype] || (a < b ? -1 : 1));

  const parts: string[] = [];
  const keys = Object.keys(metadata).sort();
  if (keys.length > 0) {
    for (const key of keys) {
      if (typeof metadata[key] !== 'string') {
        throw new InvalidArgumentError(`writeSafetensors: metadata '${key}' must be a string`);
      }
    }
    const body = keys.map((key) => `${JSON.stringify(key)}:${JSON.stringify(metadata[key])}`).join(',');
    parts.push(`"${METADATA}":{${body}}`);
  }
  let total = 0;
  for (const [name, { dtype, shape, bytes }] of list) {
    const entry = { dtype, shape: [...shape], data_offsets: [total, total + bytes.length] };
    parts.push(`${JSON.stringify(name)}:${JSON.stringify(entry)}`);
    total += bytes.length;
  }
  const json = new TextEncoder().encode(`{${parts.join(',')}}`);
  const headerLength = Math.ceil(json.length / 8) * 8;

  const out = new Uint8Array(8 + headerLength + total);
  new DataView(out.buffer).setBigUint64(0, BigInt(headerLength), true);
  out.set(json, 8);
  out.fill(0x20, 8 + json.length, 8 + headerLength);
  let at = 8 + headerLength;
  for (const [, { bytes }] of list) {
    out.set(bytes, at);
    at += bytes.length;
  }
  return out;
}

/** Product of `shape`, or null when it is no list of sizes or too large to count. */
export function countItems(shape: readonly unknown[]): number | null {
  let product = 1;
  for (const n of shape) {
    if (typeof n !== 'number' || !Number.isSafeInteger(n) || n < 0) return null;
    product *= n;
    if (!Number.isSafeInteger(product)) return null;
  }
  return product;
}

type Fail = (what: string, cause?: unknown) => never;

function readHeader(bytes: Uint8Array, fail: Fail): { header: Record<string, unknown>; dataStart: number } {
  if (bytes.length < 8) fail(`${bytes.length} bytes are too few for a safetensors file`);
  const declared = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  if (declared > BigInt(MAX_HEADER_BYTES)) {
    fail(
      `declares a header of ${declared} bytes, more than any safetensors file has; it is probably another format`,
    );
  }
  const length = Number(declared);
  if (length > bytes.length - 8) {
    fail(`declares a header of ${length} bytes but only ${bytes.length - 8} follow; the file is truncated`);
  }
  // The specification wants the header to start with '{'; a check here keeps noise away from the JSON parser.
  if (length === 0 || bytes[8] !== 0x7b) fail('has no JSON header; it is not a safetensors file');
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(8, 8 + length)));
  } catch (cause) {
    fail('the JSON header cannot be read', cause);
  }
  return { header: header as Record<string, unknown>, dataStart: 8 + length };
}

function readMetadata(value: unknown, fail: Fail): Record<string, string> {
  if (value === undefined) return {};
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return fail(`${METADATA} must be an object of strings`);
  }
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== 'string') fail(`${METADATA} entry '${key}' must be a string`);
  }
  return Object.fromEntries(Object.entries(value)) as Record<string, string>;
}

function readEntry(
  name: string,
  value: unknown,
  available: number,
  fail: Fail,
): { dtype: string; shape: number[]; begin: number; end: number } {
  const bad = (what: string) => fail(`tensor '${name}' ${what}`);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return bad('is not described by an object');
  const { dtype, shape, data_offsets: offsets } = value as Record<string, unknown>;
  // hasOwn: 'constructor' and the like are not dtypes.
  if (typeof dtype !== 'string' || !Object.hasOwn(DTYPE_SIZES, dtype)) {
    return bad(`has the unknown dtype ${JSON.stringify(dtype)}`);
  }
  const items = Array.isArray(shape) ? countItems(shape) : null;
  if (items === null) return bad('has a shape that is not a list of sizes');
  if (
    !Array.isArray(offsets) ||
    offsets.length !== 2 ||
    !offsets.every((o) => Number.isSafeInteger(o) && o >= 0)
  ) {
    return bad('has no valid data_offsets');
  }
  const [begin, end] = offsets as [number, number];
  if (begin > end) return bad(`has data_offsets [${begin}, ${end}], which run backwards`);
  if (end > available) {
    return bad(`ends at byte ${end} of the data but there are only ${available}; the file is truncated`);
  }
  if (items * DTYPE_SIZES[dtype] !== end - begin) {
    return bad(`spans ${end - begin} bytes, but ${dtype} [${shape}] takes ${items * DTYPE_SIZES[dtype]}`);
  }
  return { dtype, shape: shape as number[], begin, end };
}

function quote(name: string): string {
  return name === 'the header' ? name : `'${name}'`;
}
