/**
 * The only Python names our pickle reader knows, and what each becomes. A pickle is a program that may call
 * anything importable; here a name is looked up in the table below and nowhere else, so nothing of the file is
 * ever executed. Each entry is data in, data out, and charges what it allocates to the reader's budget, since a
 * file may call it any number of times on the same shared argument.
 */
import { FormatError } from '../core/errors.ts';
import { decodeElements, parseDtype, toFloat64, toUint32 } from './npy.ts';
import { type Allowed, GlobalName, type PickleContext, type Raw } from './pickle-context.ts';
import { loadTorchStorage, rebuildTensor, STORAGE_DTYPES, TorchStorage } from './pickle-torch.ts';
import { ByteString, latin1, PickledArray, SparseMatrix } from './pickle-values.ts';

/** A numpy dtype under construction: its byte order comes with its state. */
class Dtype {
  descr: string;
  bigEndian = false;
  constructor(descr: string) {
    this.descr = descr;
  }
}

/** A chumpy expression: becomes its array once its state is known. */
class ChumpyArray extends PickledArray {
  readonly kind: string;
  constructor(kind: string) {
    super();
    this.kind = kind;
  }
}

function fail(ctx: PickleContext, what: string): never {
  throw new FormatError(`${ctx.name}: ${what}`);
}

function text(value: Raw, ctx: PickleContext): string {
  if (typeof value === 'string') return value;
  if (value instanceof ByteString && value.bytes.length < 4096) return latin1(value.bytes);
  if (value instanceof Uint8Array && value.length < 4096) return latin1(value);
  return fail(ctx, 'the pickle is damaged: text expected');
}

function bytesOf(value: Raw, ctx: PickleContext): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (value instanceof ByteString) return value.bytes;
  if (typeof value === 'string') {
    ctx.charge(value.length);
    const out = new Uint8Array(value.length);
    for (let i = 0; i < out.length; i++) {
      out[i] = value.charCodeAt(i);
      if (value.charCodeAt(i) > 255) fail(ctx, 'the pickle is damaged: bytes expected, found text');
    }
    return out;
  }
  return fail(ctx, 'the pickle is damaged: bytes expected');
}

function size(value: Raw, ctx: PickleContext): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  return fail(ctx, 'the pickle is damaged: a size expected');
}

/** A number as it is: `Number(value)` would spell out nested lists, which may share parts and so be endless. */
function number(value: Raw, ctx: PickleContext): number {
  if (typeof value === 'number') return value;
  return fail(ctx, 'the pickle is damaged: a number expected');
}

function sizes(value: Raw, ctx: PickleContext): number[] {
  if (typeof value === 'number') return [size(value, ctx)];
  if (!Array.isArray(value) || value.length > 32) return fail(ctx, 'the pickle is damaged: a shape expected');
  const out = value.map((v) => size(v, ctx));
  if (!Number.isSafeInteger(out.reduce((a, b) => a * b, 1)))
    fail(ctx, 'the pickle is damaged: impossible shape');
  return out;
}

function list(value: Raw, ctx: PickleContext): Raw[] {
  if (value instanceof Set) return [...value];
  if (Array.isArray(value)) return value;
  return fail(ctx, 'the pickle is damaged: a list expected');
}

function array(value: Raw, ctx: PickleContext): PickledArray {
  if (value instanceof PickledArray && value.complete && !value.items) return value;
  return fail(ctx, 'the pickle is damaged: an array expected');
}

/** Fills `target` from raw bytes. */
function fillArray(
  target: PickledArray,
  shape: number[],
  type: Raw,
  fortran: boolean,
  data: Raw,
  ctx: PickleContext,
): void {
  if (!(type instanceof Dtype)) fail(ctx, 'the pickle is damaged: an array without a dtype');
  const count = shape.reduce((a, b) => a * b, 1);
  const parsed = parseDtype(type.descr);
  if (!parsed) fail(ctx, `arrays of type ${type.descr} are not supported`);
  if (parsed.kind === 'O') {
    const items = list(data, ctx);
    if (items.length !== count) fail(ctx, `an object array of ${count} holds ${items.length} elements`);
    ctx.charge(8 * count);
    target.items = items as PickledArray['items'];
  } else {
    const bytes = bytesOf(data, ctx);
    if (bytes.length !== count * parsed.itemSize)
      fail(ctx, `an array of shape (${shape}) and type ${parsed.dtype} holds ${bytes.length} bytes`);
    ctx.charge(2 * bytes.length);
    target.data = decodeElements(bytes, parsed.dtype, type.bigEndian && parsed.itemSize > 1);
  }
  target.dtype = parsed.dtype;
  target.shape = shape;
  target.fortranOrder = fortran && shape.length > 1;
  target.complete = true;
}

function newArray(ctx: PickleContext): PickledArray {
  const a = new PickledArray();
  ctx.expect(a);
  return a;
}

function numpyScalar([type, data]: readonly Raw[], ctx: PickleContext): Raw {
  const a = new PickledArray();
  fillArray(
    a,
    [],
    type,
    false,
    a.dtype && type instanceof Dtype && type.descr.startsWith('O') ? [data] : data,
    ctx,
  );
  if (a.items) return a.items[0];
  const kind = a.dtype[1];
  if (kind === 'b') return a.data[0] !== 0;
  if (kind === 'S') return latin1(a.data as Uint8Array);
  if (kind === 'U') return String.fromCodePoint(...decodeUtf32(a.data as Uint8Array, ctx));
  const v = a.data[0];
  return typeof v === 'bigint' && BigInt(Number(v)) === v && Number.isSafeInteger(Number(v)) ? Number(v) : v;
}

function decodeUtf32(bytes: Uint8Array, ctx: PickleContext): number[] {
  const codes = [...new Uint32Array(Uint8Array.from(bytes).buffer)].filter((c) => c !== 0);
  if (codes.length > 10000 || codes.some((c) => c > 0x10ffff)) fail(ctx, 'a string scalar is damaged');
  return codes;
}

function frombuffer([buffer, type, shape, order]: readonly Raw[], ctx: PickleContext): Raw {
  const a = new PickledArray();
  fillArray(a, sizes(shape, ctx), type, text(order, ctx) === 'F', buffer, ctx);
  return a;
}

function encode([value, encoding]: readonly Raw[], ctx: PickleContext): Raw {
  const how = encoding === undefined ? 'utf8' : text(encoding, ctx).toLowerCase().replace(/[-_]/g, '');
  if (how === 'latin1' || how === 'iso88591') return bytesOf(value, ctx);
  if ((how === 'utf8' || how === 'ascii') && typeof value === 'string') {
    ctx.charge(3 * value.length);
    return new TextEncoder().encode(value);
  }
  return fail(ctx, `text encoded as ${how} is not supported`);
}

/** `bytes(x)` and `bytearray(x)`; not of a number, which would allocate what the file does not hold. */
function makeBytes(args: readonly Raw[], ctx: PickleContext): Raw {
  if (args.length === 0) return new Uint8Array(0);
  if (args.length >= 2) return encode(args, ctx);
  if (!Array.isArray(args[0])) return bytesOf(args[0], ctx);
  ctx.charge(args[0].length);
  return Uint8Array.from(args[0], (v) => number(v, ctx));
}

const sequence = ([items]: readonly Raw[], ctx: PickleContext): Raw[] => {
  const values = items === undefined ? [] : list(items, ctx);
  ctx.charge(8 * values.length);
  return [...values];
};

function mapping([pairs]: readonly Raw[], ctx: PickleContext): Raw {
  const out = new Map<Raw, Raw>();
  if (pairs === undefined) return out;
  const entries = pairs instanceof Map ? [...pairs] : list(pairs, ctx);
  ctx.charge(16 * entries.length);
  for (const pair of entries) {
    const [key, value] = list(pair, ctx);
    out.set(key instanceof ByteString ? text(key, ctx) : key, value);
  }
  return out;
}

const sparse = (format: SparseMatrix['format']): Allowed => ({
  create: (ctx) => {
    const m = new SparseMatrix(format);
    ctx.expect(m);
    return m;
  },
});

const chumpy = (kind: string): Allowed => ({
  create: (ctx) => {
    const a = new ChumpyArray(kind);
    ctx.expect(a);
    return a;
  },
});

/** `copy_reg._reconstructor(cls, base, state)`: how protocols 0 and 1 make an object. */
function reconstructor([cls]: readonly Raw[], ctx: PickleContext): Raw {
  if (!(cls instanceof GlobalName) || !cls.allowed.create)
    return fail(
      ctx,
      `objects of ${cls instanceof GlobalName ? cls.name : 'an unknown class'} cannot be reconstructed`,
    );
  return cls.allowed.create(ctx);
}

const TABLE = new Map<string, Allowed>();

function allow(modules: readonly string[], names: readonly string[], allowed: Allowed): void {
  for (const module of modules) for (const name of names) TABLE.set(`${module}.${name}`, allowed);
}

const BUILTINS = ['builtins', '__builtin__'];
const MULTIARRAY = ['numpy.core.multiarray', 'numpy._core.multiarray'];
allow(BUILTINS, ['object'], {});
allow(BUILTINS, ['set', 'frozenset'], { call: (a, ctx) => new Set(sequence(a, ctx)) });
allow(BUILTINS, ['list', 'tuple'], { call: sequence });
allow(BUILTINS, ['dict'], { call: mapping });
allow(BUILTINS, ['bytes', 'bytearray'], { call: makeBytes });
allow(BUILTINS, ['complex'], {
  call: ([re, im], ctx) => ({ real: number(re ?? 0, ctx), imaginary: number(im ?? 0, ctx) }),
});
allow(['collections'], ['OrderedDict'], { call: mapping, create: () => new Map() });
allow(['copy_reg', 'copyreg'], ['_reconstructor'], { call: reconstructor });
allow(['_codecs'], ['encode'], { call: encode });
allow(['numpy'], ['ndarray'], { create: newArray });
allow(['numpy'], ['dtype'], { call: ([descr], ctx) => new Dtype(text(descr, ctx)) });
allow(MULTIARRAY, ['_reconstruct'], { call: (_, ctx) => newArray(ctx) });
allow(MULTIARRAY, ['scalar'], { call: numpyScalar });
allow(['numpy.core.numeric', 'numpy._core.numeric'], ['_frombuffer'], { call: frombuffer });
for (const format of ['csc', 'csr', 'coo'] as const)
  allow(
    [`scipy.sparse.${format}`, `scipy.sparse._${format}`, 'scipy.sparse'],
    [`${format}_matrix`, `${format}_array`],
    sparse(format),
  );
allow(['chumpy.ch', 'chumpy'], ['Ch'], chumpy('Ch'));
for (const kind of ['Select', 'Reshape', 'Ravel', 'Transpose'])
  allow(['chumpy.reordering'], [kind], chumpy(kind));
allow(['torch._utils'], ['_rebuild_tensor', '_rebuild_tensor_v2'], {
  call: (args, ctx) => rebuildTensor(args, ctx, sizes),
});
allow(['torch._utils'], ['_rebuild_parameter'], { call: ([tensor], ctx) => array(tensor, ctx) });
allow(['torch.storage'], ['_load_from_bytes'], {
  call: ([bytes], ctx) => loadTorchStorage(bytesOf(bytes, ctx), ctx),
});
allow(['torch'], ['Size'], { call: sequence });
for (const storage of STORAGE_DTYPES.keys()) allow(['torch'], [storage], {});

/** Looks a name up. @throws {FormatError} naming it, when it is not on the list. @internal */
export function lookUp(module: string, name: string, ctx: PickleContext): GlobalName {
  const full = `${module}.${name}`;
  const allowed = TABLE.get(full);
  if (!allowed)
    return fail(
      ctx,
      `the pickle asks for ${full.slice(0, 200)}, which is not on the list of known classes; nothing was executed`,
    );
  return new GlobalName(full, allowed);
}

function chumpyState(target: ChumpyArray, state: Map<Raw, Raw>, ctx: PickleContext): void {
  if (target.kind === 'Ch') {
    target.assign(array(state.get('x'), ctx));
    return;
  }
  const a = array(state.get('a'), ctx);
  const values = toFloat64(a, ctx.name);
  ctx.charge(8 * values.length);
  if (target.kind === 'Transpose') {
    if (a.shape.length !== 2 || (state.get('axes') ?? null) !== null)
      fail(ctx, 'a chumpy Transpose of more than two axes is not supported');
    target.assign({ dtype: '<f8', shape: [a.shape[1], a.shape[0]], fortranOrder: true, data: values });
    return;
  }
  let data = values;
  let shape: number[] = [values.length];
  if (target.kind === 'Select') {
    const chosen = array(state.get('idxs'), ctx);
    ctx.charge(16 * chosen.data.length);
    data = Float64Array.from(toUint32(chosen, ctx.name), (i) => values[i]);
    shape = state.has('preferred_shape') ? sizes(state.get('preferred_shape'), ctx) : [data.length];
  } else if (target.kind === 'Reshape') {
    shape = sizes(state.get('newshape'), ctx);
  }
  if (shape.reduce((x, y) => x * y, 1) !== data.length || data.some(Number.isNaN))
    fail(ctx, `a chumpy ${target.kind} does not fit its array`);
  target.assign({ dtype: '<f8', shape, fortranOrder: false, data });
}

function sparseState(target: SparseMatrix, state: Map<Raw, Raw>, ctx: PickleContext): void {
  const shape = sizes(state.get('_shape') ?? state.get('shape'), ctx);
  if (shape.length !== 2) fail(ctx, 'a sparse matrix of other than two dimensions');
  const coords = state.get('coords');
  const coo = target.format === 'coo';
  const [first, second] = coo
    ? Array.isArray(coords)
      ? coords
      : [state.get('row'), state.get('col')]
    : [state.get('indices'), state.get('indptr')];
  target.data = toFloat64(array(state.get('data'), ctx), ctx.name);
  target.indices = toUint32(array(first, ctx), ctx.name);
  target.pointers = toUint32(array(second, ctx), ctx.name);
  ctx.charge(16 * (target.data.length + target.pointers.length));
  target.shape = [shape[0], shape[1]];
  const { indices, pointers, data } = target;
  const major = target.format === 'csc' ? shape[1] : shape[0];
  const minor = target.format === 'csr' ? shape[1] : shape[0];
  const sound = coo
    ? pointers.length === data.length && pointers.every((c) => c < shape[1])
    : pointers.length === major + 1 &&
      pointers[0] === 0 &&
      pointers.every((p, i) => i === 0 || p >= pointers[i - 1]) &&
      pointers[major] === data.length;
  if (!sound || indices.length !== data.length || indices.some((i) => i >= minor))
    fail(ctx, `a sparse ${target.format} matrix has indices out of range`);
  target.complete = true;
}

/** `object.__setstate__(state)` for the objects we know. @internal */
export function build(target: Raw, state: Raw, ctx: PickleContext): void {
  if (target instanceof Dtype) {
    const order = Array.isArray(state) ? text(state[1], ctx) : '';
    target.bigEndian = order === '>';
  } else if (target instanceof ChumpyArray) {
    if (!(state instanceof Map)) fail(ctx, 'a chumpy object without attributes');
    chumpyState(target, state, ctx);
  } else if (target instanceof PickledArray) {
    if (!Array.isArray(state) || state.length < 4)
      fail(ctx, 'the pickle is damaged: an array without a state');
    const [shape, type, fortran, data] = state.length === 4 ? state : state.slice(1);
    fillArray(target, sizes(shape, ctx), type, fortran === true || fortran === 1, data, ctx);
  } else if (target instanceof SparseMatrix) {
    if (!(state instanceof Map)) fail(ctx, 'a sparse matrix without attributes');
    sparseState(target, state, ctx);
  } else if (target instanceof Map) {
    return; // attributes of an OrderedDict: none matter
  } else {
    fail(ctx, 'the pickle gives a state to something that has none');
  }
}

/** Whether `value` may be left over when a file ends. @internal */
export function isFinal(value: Raw): boolean {
  return !(value instanceof Dtype || value instanceof GlobalName || value instanceof TorchStorage);
}
