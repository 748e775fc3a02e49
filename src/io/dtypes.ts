/**
 * Tensor items to and from JavaScript numbers. Files are little-endian; so is every platform that runs JavaScript
 * today, but a swap is kept for the one that isn't. Tensor bytes may be unaligned, hence a copy of items of several bytes.
 *
 * Quantised bases: int8 with one float32 scale per leading index (component), value = int8 × scale, the scale being
 * the component's largest magnitude / 127. Error at most scale / 2: for an identity component that moves the skin by
 * 10 mm per standard deviation, 0.04 mm.
 */
import { FormatError, InvalidArgumentError } from '../core/errors.ts';
import { decodeHalf, encodeHalf } from './half.ts';
import type { Tensor } from './safetensors.ts';

/** Item types of {@link toFloat32}. */
export type FloatSource = 'F64' | 'F32' | 'F16' | 'BF16' | 'I8' | 'U8';
/** Item types of {@link toUint32}. */
export type IndexSource = 'U8' | 'U16' | 'U32' | 'I32' | 'I64' | 'U64';

/** Gives memory for so many bytes: an `ArrayBuffer`, or one that threads share. */
export type Memory = (bytes: number) => ArrayBufferLike;

const OWN: Memory = (bytes) => new ArrayBuffer(bytes);

/**
 * Values of a tensor as float32: F32 and F64 (rounded), F16 and BF16 (exact), I8 and U8 as plain integers.
 * @param memory where they lie, of F32 and F16
 * @throws {FormatError} for other dtypes
 */
export function toFloat32(tensor: Tensor, name = 'tensor', memory = OWN): Float32Array {
  const { dtype, bytes } = tensor;
  switch (dtype as FloatSource) {
    case 'F32':
      return new Float32Array(aligned(bytes, 4, memory));
    case 'F64':
      return Float32Array.from(new Float64Array(aligned(bytes, 8)));
    case 'F16':
      return decodeHalf(halvesOf(bytes), new Float32Array(memory(2 * bytes.length)));
    case 'BF16': {
      return new Float32Array(Uint32Array.from(halvesOf(bytes), (h) => h << 16).buffer);
    }
    case 'I8':
      return Float32Array.from(signed(bytes));
    case 'U8':
      return Float32Array.from(bytes);
    default:
      throw new FormatError(
        `${name}: dtype ${dtype} cannot be read as numbers; expected F32, F16, F64, I8 or U8`,
      );
  }
}

/**
 * Values of a quantised tensor: row r (leading axis) of the result is int8 row r × scale[r].
 * @param scale F32 (rows)
 * @param memory where they lie
 * @throws {FormatError} when `tensor` is not I8 or `scale` does not have one entry per row
 */
export function dequantiseInt8(tensor: Tensor, scale: Tensor, name = 'tensor', memory = OWN): Float32Array {
  if (tensor.dtype !== 'I8') throw new FormatError(`${name}: a scale needs I8 values, got ${tensor.dtype}`);
  const rows = tensor.shape[0] ?? 1;
  const scales = toFloat32(scale, `${name}.scale`);
  if (scale.shape.length !== 1 || scales.length !== rows) {
    throw new FormatError(`${name}.scale: shape [${scale.shape}] must be [${rows}], one scale per component`);
  }
  const q = signed(tensor.bytes);
  const out = new Float32Array(memory(4 * q.length));
  const stride = rows > 0 ? q.length / rows : 0;
  for (let r = 0, i = 0; r < rows; r++) {
    const s = scales[r];
    for (const end = i + stride; i < end; i++) out[i] = q[i] * s;
  }
  return out;
}

/**
 * Values of an integer tensor as uint32.
 * @throws {FormatError} for floats, and for values below 0 or above 2³² − 1
 */
export function toUint32(tensor: Tensor, name = 'tensor'): Uint32Array {
  const { dtype, bytes } = tensor;
  switch (dtype as IndexSource) {
    case 'U8':
      return Uint32Array.from(bytes);
    case 'U16':
      return Uint32Array.from(new Uint16Array(aligned(bytes, 2)));
    case 'U32':
      return new Uint32Array(aligned(bytes, 4));
    case 'I32': {
      const signed = new Int32Array(aligned(bytes, 4));
      const negative = signed.findIndex((v) => v < 0);
      if (negative >= 0) throw new FormatError(`${name}: item ${negative} is ${signed[negative]}, below 0`);
      return Uint32Array.from(signed);
    }
    case 'I64':
    case 'U64': {
      const wide = new BigUint64Array(aligned(bytes, 8));
      // A negative I64 reads as a huge unsigned value and fails the same test.
      const large = wide.findIndex((v) => v > 0xffffffffn);
      if (large >= 0) throw new FormatError(`${name}: item ${large} does not fit in 32 unsigned bits`);
      return Uint32Array.from(wide, Number);
    }
    default:
      throw new FormatError(`${name}: dtype ${dtype} cannot be read as indices; expected U16, U32 or I32`);
  }
}

/** Float32 values as an F32 tensor. */
export function f32Tensor(values: Float32Array, shape: readonly number[]): Tensor {
  return { dtype: 'F32', shape, bytes: littleEndian(values, 4) };
}

/**
 * Float32 values as an F16 tensor, rounded to nearest, ties to even.
 * @throws {InvalidArgumentError} when a finite value exceeds the half range (±65504)
 */
export function f16Tensor(values: Float32Array, shape: readonly number[]): Tensor {
  const halves = encodeHalf(values);
  const beyond = halves.findIndex((h, i) => (h & 0x7c00) === 0x7c00 && Number.isFinite(values[i]));
  if (beyond >= 0) {
    throw new InvalidArgumentError(`f16Tensor: item ${beyond} is ${values[beyond]}, beyond float16's ±65504`);
  }
  return { dtype: 'F16', shape, bytes: littleEndian(halves, 2) };
}

/**
 * Float32 values quantised to I8 with one scale per leading index.
 * @throws {InvalidArgumentError} on NaN or infinity
 */
export function int8Tensor(
  values: Float32Array,
  shape: readonly number[],
): { readonly values: Tensor; readonly scale: Tensor } {
  const rows = shape[0] ?? 1;
  const stride = rows > 0 ? values.length / rows : 0;
  const scales = new Float32Array(rows);
  const q = new Int8Array(values.length);
  for (let r = 0; r < rows; r++) {
    let largest = 0;
    for (let i = r * stride; i < (r + 1) * stride; i++) {
      if (!Number.isFinite(values[i]))
        throw new InvalidArgumentError(`int8Tensor: item ${i} is ${values[i]}`);
      largest = Math.max(largest, Math.abs(values[i]));
    }
    // The stored (float32) scale divides, so that value ≈ q · scale holds for what a reader sees. The clamp below
    // takes care of its rounding.
    scales[r] = largest / 127;
    const s = scales[r];
    if (s === 0) continue;
    for (let i = r * stride; i < (r + 1) * stride; i++) {
      q[i] = Math.max(-127, Math.min(127, Math.round(values[i] / s)));
    }
  }
  return {
    values: { dtype: 'I8', shape, bytes: new Uint8Array(q.buffer) },
    scale: f32Tensor(scales, [rows]),
  };
}

/** Bytes as a U8 tensor. */
export function u8Tensor(values: Uint8Array, shape: readonly number[]): Tensor {
  return { dtype: 'U8', shape, bytes: values };
}

/** Indices as the smallest of U16 and U32 that holds them all. */
export function indexTensor(values: Uint32Array, shape: readonly number[]): Tensor {
  let largest = 0;
  for (const v of values) if (v > largest) largest = v;
  return largest < 65536
    ? { dtype: 'U16', shape, bytes: littleEndian(Uint16Array.from(values), 2) }
    : { dtype: 'U32', shape, bytes: littleEndian(values, 4) };
}

const HOST_IS_LITTLE = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** A copy of `bytes` in a buffer of its own, in host byte order. */
function aligned(bytes: Uint8Array, size: number, memory = OWN): ArrayBufferLike {
  const buffer = memory(bytes.length);
  const copy = new Uint8Array(buffer);
  copy.set(bytes);
  if (!HOST_IS_LITTLE) swapItems(copy, size);
  return buffer;
}

/** Items of two bytes, of which a view is enough where they lie as they should. */
function halvesOf(bytes: Uint8Array): Uint16Array {
  return HOST_IS_LITTLE && bytes.byteOffset % 2 === 0
    ? new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length >> 1)
    : new Uint16Array(aligned(bytes, 2));
}

function signed({ buffer, byteOffset, length }: Uint8Array): Int8Array {
  return new Int8Array(buffer, byteOffset, length);
}

/** Little-endian bytes of a typed array: a view where the host is little-endian, else a swapped copy. */
function littleEndian(values: ArrayBufferView, size: number): Uint8Array {
  const view = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  if (HOST_IS_LITTLE) return view;
  const copy = new Uint8Array(view);
  swapItems(copy, size);
  return copy;
}

function swapItems(bytes: Uint8Array, size: number): void {
  for (let at = 0; at < bytes.length; at += size) bytes.subarray(at, at + size).reverse();
}
