/**
 * Legacy PyTorch tensors inside a pickle, as in FLAME's landmark_embedding.npy: the tensor is
 * `_rebuild_tensor_v2(storage, offset, size, stride, …)` and its storage a byte string that is itself what
 * `torch.save` wrote before version 1.6: five pickles (magic number, protocol, system, object, storage keys), then
 * for each key an int64 count and the raw elements. Read off torch/serialization.py's `_legacy_load`.
 */
import { FormatError } from '../core/errors.ts';
import { decodeElements, type NpyData } from './npy.ts';
import { GlobalName, type PickleContext, type Raw } from './pickle-context.ts';
import { PickledArray } from './pickle-values.ts';

/** Storage class → type of its elements. @internal */
export const STORAGE_DTYPES: ReadonlyMap<string, string> = new Map([
  ['FloatStorage', '<f4'],
  ['DoubleStorage', '<f8'],
  ['HalfStorage', '<f2'],
  ['LongStorage', '<i8'],
  ['IntStorage', '<i4'],
  ['ShortStorage', '<i2'],
  ['CharStorage', '|i1'],
  ['ByteStorage', '|u1'],
  ['BoolStorage', '|b1'],
]);

/** A flat run of elements that tensors are views of. @internal */
export class TorchStorage {
  readonly dtype: string;
  data: NpyData = new Uint8Array(0);
  constructor(dtype: string) {
    this.dtype = dtype;
  }
}

const MAGIC = 0x1950a86a20f9469cfc6cn;

/** Reads the bytes of `torch.storage._load_from_bytes`. @throws {FormatError} @internal */
export function loadTorchStorage(bytes: Uint8Array, ctx: PickleContext): TorchStorage {
  ctx.charge(2 * bytes.length);
  const storages = new Map<string, TorchStorage>();
  const persistent = (id: Raw): Raw => {
    const [tag, type, key] = Array.isArray(id) ? id : [];
    const dtype =
      type instanceof GlobalName ? STORAGE_DTYPES.get(type.name.replace(/^torch\./, '')) : undefined;
    if (tag !== 'storage' || !dtype || typeof key !== 'string')
      throw new FormatError(`${ctx.name}: a torch storage of an unknown kind`);
    let storage = storages.get(key);
    if (!storage) storages.set(key, (storage = new TorchStorage(dtype)));
    return storage;
  };
  const values: Raw[] = [];
  let at = 0;
  for (let i = 0; i < 5; i++) {
    const { value, next } = ctx.nested(bytes, at, i === 3 ? persistent : undefined);
    values.push(value);
    at = next;
    if (i === 0 && value !== MAGIC)
      throw new FormatError(`${ctx.name}: a torch storage without its magic number`);
  }
  const [, , system, object, keys] = values;
  if (system instanceof Map && system.get('little_endian') === false)
    throw new FormatError(`${ctx.name}: torch tensors written on a big-endian machine are not supported`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (const key of Array.isArray(keys) ? keys : []) {
    const storage = typeof key === 'string' ? storages.get(key) : undefined;
    if (!storage || at + 8 > bytes.length) throw new FormatError(`${ctx.name}: a torch storage is cut short`);
    const count = Number(view.getBigInt64(at, true));
    const end = at + 8 + count * Number(storage.dtype.slice(2));
    if (count < 0 || end > bytes.length) throw new FormatError(`${ctx.name}: a torch storage is cut short`);
    storage.data = decodeElements(bytes.subarray(at + 8, end), storage.dtype, false);
    at = end;
  }
  if (!(object instanceof TorchStorage)) throw new FormatError(`${ctx.name}: a torch storage was expected`);
  return object;
}

/** `torch._utils._rebuild_tensor_v2(storage, offset, size, stride, …)`. @throws {FormatError} @internal */
export function rebuildTensor(
  [storage, offset, size, stride]: readonly Raw[],
  ctx: PickleContext,
  sizes: (value: Raw, ctx: PickleContext) => number[],
): PickledArray {
  if (!(storage instanceof TorchStorage))
    throw new FormatError(`${ctx.name}: a torch tensor without its storage`);
  const shape = sizes(size, ctx);
  const strides = sizes(stride, ctx);
  const start = sizes(offset, ctx)[0];
  const count = shape.reduce((a, b) => a * b, 1);
  const last = start + shape.reduce((sum, n, d) => sum + (n - 1) * strides[d], 0);
  if (
    strides.length !== shape.length ||
    count > storage.data.length ||
    (count > 0 && !(last < storage.data.length))
  )
    throw new FormatError(`${ctx.name}: a torch tensor of shape (${shape}) does not fit its storage`);
  ctx.charge(8 * count);
  const out = new PickledArray();
  const source = storage.data;
  const data = source.slice(0, count);
  const index = new Array<number>(shape.length).fill(0);
  let from = start;
  for (let i = 0; i < count; i++) {
    data[i] = source[from];
    for (let d = shape.length - 1; d >= 0; d--) {
      from += strides[d];
      if (++index[d] < shape[d]) break;
      from -= strides[d] * shape[d];
      index[d] = 0;
    }
  }
  out.assign({ dtype: storage.dtype, shape, fortranOrder: false, data });
  return out;
}
