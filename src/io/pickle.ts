/**
 * Python pickles, protocols 0 to 5, as data. A stack machine after Lib/pickletools.py in which the instructions
 * that import and call (GLOBAL, REDUCE, NEWOBJ, INST, OBJ, BUILD) reach only the table of `pickle-allow.ts`:
 * FLAME's official files hold NumPy arrays, chumpy objects, scipy matrices and torch tensors, and nothing else is
 * known. Any other name is refused with a `FormatError` that says which.
 *
 * Bounds, so that a hostile file costs no more than its size suggests: byte strings are views of the file, integers
 * have at most 1,024 bytes, and everything that allocates on top of that draws on a budget of 64 times the file's
 * length (plus 1 MiB). The machine does not recurse, save for torch storages inside a pickle (depth 4).
 *
 * Python 2 `str` is text or bytes, which only its use tells: it is kept as bytes while reading (an array's 48 MB of
 * data are never decoded) and what remains at the end becomes latin-1 text. pickleparser 0.2.1 decodes such strings
 * as UTF-8, differently in Node and in browsers.
 */
import { FormatError } from '../core/errors.ts';
import type { NpyArray } from './npy.ts';
import { build, isFinal, lookUp } from './pickle-allow.ts';
import { PickleBytes } from './pickle-bytes.ts';
import { GlobalName, type PickleContext, type Raw } from './pickle-context.ts';
import { parsePythonString, parseRawUnicode } from './pickle-text.ts';
import { ByteString, latin1, PickledArray, type PickleValue } from './pickle-values.ts';

export { PickledArray, type PickleValue, SparseMatrix } from './pickle-values.ts';

/** Deepest nesting of a pickle inside a pickle. */
const MAX_DEPTH = 4;
/** What an instruction returns that pushes nothing. */
const NOTHING = Symbol('nothing');

/**
 * Reads a pickle.
 * @param name how errors call the file.
 * @throws {FormatError} when it is damaged, or names a Python class or function that is not on the list.
 */
export function readPickle(bytes: Uint8Array, name = 'pickle'): PickleValue {
  const reader = new PickleReader(bytes, name);
  const { value } = reader.run();
  reader.finish();
  return settle(value, name);
}

/**
 * The value of an object array as `numpy.save` writes a dictionary: the one element of a 0-d array, the list of
 * elements of another.
 * @throws {FormatError} as {@link readPickle}, or when `array` holds no objects.
 */
export function unpickleNpy(array: NpyArray, name = 'npy'): PickleValue {
  if (array.dtype !== '|O')
    throw new FormatError(`${name}: an object array was expected, it is ${array.dtype}`);
  const value = readPickle(array.data as Uint8Array, name);
  if (!(value instanceof PickledArray)) return value;
  if (!value.items) throw new FormatError(`${name}: an object array was expected`);
  return value.shape.length === 0 ? value.items[0] : value.items;
}

/** Replaces the byte strings left in a finished value by text, in place, without recursion. */
function settle(root: Raw, name: string): PickleValue {
  const seen = new Set<object>();
  const open: object[] = [];
  const leaf = (v: Raw): PickleValue => {
    if (v instanceof ByteString) return latin1(v.bytes);
    if (!isFinal(v))
      throw new FormatError(`${name}: the pickle leaves a class or an unfinished object behind`);
    if (v !== null && typeof v === 'object' && !seen.has(v)) {
      seen.add(v);
      open.push(v);
    }
    return v as PickleValue;
  };
  const out = leaf(root);
  for (let node = open.pop(); node; node = open.pop()) {
    const items = node instanceof PickledArray ? node.items : node;
    if (Array.isArray(items)) for (let i = 0; i < items.length; i++) items[i] = leaf(items[i]);
    else if (items instanceof Map) for (const [k, v] of items) items.set(leaf(k), leaf(v));
    else if (items instanceof Set) {
      const values = [...items];
      items.clear();
      for (const v of values) items.add(leaf(v));
    }
  }
  return out;
}

class PickleReader implements PickleContext {
  readonly name: string;
  readonly #in: PickleBytes;
  readonly #depth: number;
  readonly #persistent: ((id: Raw) => Raw) | undefined;
  readonly #budget: { left: number };
  readonly #shells: { complete: boolean }[];
  #stack: Raw[] = [];
  #marks: Raw[][] = [];
  #memo = new Map<number, Raw>();

  constructor(bytes: Uint8Array, name: string, parent?: PickleReader, at = 0, persistent?: (id: Raw) => Raw) {
    this.name = name;
    this.#in = new PickleBytes(bytes, name, at);
    this.#persistent = persistent;
    this.#depth = parent ? parent.#depth + 1 : 0;
    this.#budget = parent ? parent.#budget : { left: 64 * bytes.length + (1 << 20) };
    this.#shells = parent ? parent.#shells : [];
    if (this.#depth > MAX_DEPTH) this.#fail('pickles are nested too deeply');
  }

  charge(bytes: number): void {
    this.#budget.left -= bytes;
    if (this.#budget.left < 0)
      this.#fail('it expands to far more than it holds; the file is damaged or hostile');
  }
  expect(shell: { complete: boolean }): void {
    this.#shells.push(shell);
  }
  nested(bytes: Uint8Array, offset: number, persistent?: (id: Raw) => Raw): { value: Raw; next: number } {
    return new PickleReader(bytes, this.name, this, offset, persistent).run();
  }
  finish(): void {
    if (this.#shells.some((s) => !s.complete)) this.#fail('an array was begun and never filled');
  }

  #fail(what: string): never {
    return this.#in.fail(what);
  }
  #pop(): Raw {
    if (this.#stack.length === 0) this.#fail('the stack is empty');
    return this.#stack.pop();
  }
  #top(): Raw {
    if (this.#stack.length === 0) this.#fail('the stack is empty');
    return this.#stack[this.#stack.length - 1];
  }
  #popMark(): Raw[] {
    const items = this.#stack;
    const below = this.#marks.pop();
    if (!below) this.#fail('a mark is missing');
    this.#stack = below;
    return items;
  }
  #popTuple(): Raw[] {
    const args = this.#pop();
    if (!Array.isArray(args)) this.#fail('arguments expected');
    return args;
  }
  #memoGet(index: number): Raw {
    if (!this.#memo.has(index)) this.#fail(`memo ${index} is empty`);
    return this.#memo.get(index);
  }
  #memoPut(index: number): Raw {
    if (Number.isNaN(index)) this.#fail('a memo number expected');
    this.#memo.set(index, this.#top());
    return NOTHING;
  }
  #key(value: Raw): Raw {
    if (!(value instanceof ByteString)) return value;
    this.charge(value.bytes.length);
    return latin1(value.bytes);
  }
  #fill(target: Raw, items: Raw[]): void {
    if (!(target instanceof Map) || items.length % 2) this.#fail('a dictionary expected');
    for (let i = 0; i < items.length; i += 2) target.set(this.#key(items[i]), items[i + 1]);
  }
  #setItems(items: Raw[]): Raw {
    this.#fill(this.#top(), items);
    return NOTHING;
  }
  #append(items: Raw[]): Raw {
    const target = this.#top();
    if (!Array.isArray(target)) this.#fail('a list expected');
    for (const v of items) target.push(v);
    return NOTHING;
  }
  #text(value: Raw): string {
    if (typeof value === 'string') return value;
    if (value instanceof ByteString) return latin1(value.bytes.subarray(0, 1024));
    return this.#fail('text expected');
  }
  #call(callee: Raw, args: readonly Raw[]): Raw {
    if (!(callee instanceof GlobalName)) this.#fail('a call of something that is no function');
    if (!callee.allowed.call) {
      if (args.length === 0 && callee.allowed.create) return callee.allowed.create(this);
      this.#fail(`a call of ${callee.name}, which is only data here`);
    }
    return callee.allowed.call(args, this);
  }
  #create(cls: Raw, args: readonly Raw[]): Raw {
    if (cls instanceof GlobalName && cls.allowed.create && args.length === 0) return cls.allowed.create(this);
    return this.#call(cls, args);
  }
  #persist(id: Raw): Raw {
    if (!this.#persistent) this.#fail('it refers to an object outside the file');
    const plain = Array.isArray(id) ? id.map((v) => (v instanceof ByteString ? this.#text(v) : v)) : id;
    return this.#persistent(plain);
  }
  /** Runs to the next STOP. */
  run(): { value: Raw; next: number } {
    for (;;) {
      const op = this.#in.u8();
      if (op === 0x2e) return { value: this.#pop(), next: this.#in.at };
      const value = this.#step(op);
      if (value !== NOTHING) this.#stack.push(value);
    }
  }

  #step(op: number): Raw {
    switch (op) {
      case 0x28: // MARK
        this.#marks.push(this.#stack);
        this.#stack = [];
        return NOTHING;
      case 0x30: // POP
        if (this.#stack.length > 0) this.#stack.pop();
        else this.#popMark();
        return NOTHING;
      case 0x31: // POP_MARK
        this.#popMark();
        return NOTHING;
      case 0x32: // DUP
        return this.#top();
      case 0x46: // FLOAT
        return this.#in.float(this.#in.line());
      case 0x47: // BINFLOAT, big-endian
        return this.#in.f64BigEndian();
      case 0x49: {
        // INT; 00 and 01 are False and True
        const line = this.#in.line();
        return line === '00' ? false : line === '01' ? true : this.#in.decimal(line);
      }
      case 0x4c: // LONG
        return this.#in.decimal(this.#in.line());
      case 0x4a: // BININT
        return this.#in.i32();
      case 0x4b: // BININT1
        return this.#in.u8();
      case 0x4d: // BININT2
        return this.#in.u16();
      case 0x8a: // LONG1
        return this.#in.long(this.#in.u8());
      case 0x8b: // LONG4
        return this.#in.long(this.#in.u32());
      case 0x4e: // NONE
        return null;
      case 0x88: // NEWTRUE
        return true;
      case 0x89: // NEWFALSE
        return false;
      case 0x50: // PERSID
        return this.#persist(this.#in.line());
      case 0x51: // BINPERSID
        return this.#persist(this.#pop());
      case 0x80: {
        const protocol = this.#in.u8();
        if (protocol > 5) this.#fail(`protocol ${protocol} is not known`);
        return NOTHING;
      }
      case 0x95: // FRAME: its length is of no use to us
        this.#in.take(8);
        return NOTHING;
      default:
        return this.#stringStep(op);
    }
  }

  #stringStep(op: number): Raw {
    switch (op) {
      case 0x53: {
        // STRING
        const bytes = parsePythonString(this.#in.line());
        if (!bytes) this.#fail('a quoted string expected');
        return new ByteString(bytes);
      }
      case 0x54: // BINSTRING
        return new ByteString(this.#in.take(this.#in.i32()));
      case 0x55: // SHORT_BINSTRING
        return new ByteString(this.#in.take(this.#in.u8()));
      case 0x56: // UNICODE
        return parseRawUnicode(this.#in.line());
      case 0x58: // BINUNICODE
        return this.#in.utf8(this.#in.u32());
      case 0x8c: // SHORT_BINUNICODE
        return this.#in.utf8(this.#in.u8());
      case 0x8d: // BINUNICODE8
        return this.#in.utf8(this.#in.u64());
      case 0x42: // BINBYTES
        return this.#in.take(this.#in.u32());
      case 0x43: // SHORT_BINBYTES
        return this.#in.take(this.#in.u8());
      case 0x8e: // BINBYTES8
      case 0x96: // BYTEARRAY8
        return this.#in.take(this.#in.u64());
      case 0x98: // READONLY_BUFFER
        return NOTHING;
      default:
        return this.#containerStep(op);
    }
  }

  #containerStep(op: number): Raw {
    switch (op) {
      case 0x5d: // EMPTY_LIST
      case 0x29: // EMPTY_TUPLE
        return [];
      case 0x7d: // EMPTY_DICT
        return new Map();
      case 0x8f: // EMPTY_SET
        return new Set();
      case 0x74: // TUPLE
      case 0x6c: {
        // LIST
        return this.#popMark();
      }
      case 0x85: // TUPLE1
      case 0x86: // TUPLE2
      case 0x87: {
        const items: Raw[] = [];
        for (let n = op - 0x84; n > 0; n--) items.unshift(this.#pop());
        return items;
      }
      case 0x64: {
        // DICT
        const items = this.#popMark();
        const dict = new Map<Raw, Raw>();
        this.#fill(dict, items);
        return dict;
      }
      case 0x91: // FROZENSET
        return new Set(this.#popMark());
      case 0x61: {
        // APPEND
        const item = this.#pop();
        return this.#append([item]);
      }
      case 0x65: // APPENDS
        return this.#append(this.#popMark());
      case 0x73: {
        // SETITEM
        const value = this.#pop();
        const key = this.#pop();
        return this.#setItems([key, value]);
      }
      case 0x75: // SETITEMS
        return this.#setItems(this.#popMark());
      case 0x90: {
        // ADDITEMS
        const items = this.#popMark();
        const target = this.#top();
        if (!(target instanceof Set)) this.#fail('a set expected');
        for (const v of items) target.add(v);
        return NOTHING;
      }
      case 0x70: // PUT
        return this.#memoPut(Number(this.#in.line()));
      case 0x71: // BINPUT
        return this.#memoPut(this.#in.u8());
      case 0x72: // LONG_BINPUT
        return this.#memoPut(this.#in.u32());
      case 0x94: // MEMOIZE
        return this.#memoPut(this.#memo.size);
      case 0x67: // GET
        return this.#memoGet(Number(this.#in.line()));
      case 0x68: // BINGET
        return this.#memoGet(this.#in.u8());
      case 0x6a: // LONG_BINGET
        return this.#memoGet(this.#in.u32());
      default:
        return this.#objectStep(op);
    }
  }

  #objectStep(op: number): Raw {
    switch (op) {
      case 0x63: {
        // GLOBAL
        const module = this.#in.line();
        return lookUp(module, this.#in.line(), this);
      }
      case 0x93: {
        // STACK_GLOBAL
        const name = this.#text(this.#pop());
        return lookUp(this.#text(this.#pop()), name, this);
      }
      case 0x52: {
        // REDUCE
        const args = this.#popTuple();
        return this.#call(this.#pop(), args);
      }
      case 0x81: {
        // NEWOBJ
        const args = this.#popTuple();
        return this.#create(this.#pop(), args);
      }
      case 0x92: {
        // NEWOBJ_EX
        const keywords = this.#pop();
        const args = this.#popTuple();
        if (!(keywords instanceof Map) || keywords.size > 0)
          this.#fail('keyword arguments are not supported');
        return this.#create(this.#pop(), args);
      }
      case 0x69: {
        // INST
        const module = this.#in.line();
        const cls = lookUp(module, this.#in.line(), this);
        return this.#create(cls, this.#popMark());
      }
      case 0x6f: {
        // OBJ
        const [cls, ...args] = this.#popMark();
        return this.#create(cls, args);
      }
      case 0x62: {
        // BUILD
        const state = this.#pop();
        build(this.#top(), state, this);
        return NOTHING;
      }
      default:
        return this.#fail(
          [0x82, 0x83, 0x84, 0x97].includes(op)
            ? `instruction 0x${op.toString(16)} needs data outside the file`
            : `unknown instruction 0x${op.toString(16)}`,
        );
    }
  }
}
