/**
 * The WebAssembly kernels and the memory they work in.
 *
 * Builds of the same sources (assembly/) are embedded: relaxed SIMD, which fuses multiply-adds where the CPU can, taken
 * wherever the platform runs it (a sixth less time for matrix products), and plain SIMD, which differs from it in the
 * last bits. Each comes for a memory of its own and for one that is shared with worker threads.
 *
 * Memory is a stack: arrays are taken from the top with `f32`, `i32`, …, and everything above a mark is given back
 * at once with `release`. There is no per-array free: a model's arrays are taken first and stay, those of one fit
 * or one pyramid level come and go above them. Each array is 16-byte aligned and followed by at least 32 spare
 * bytes, because kernels read, and some write, whole vectors: an output must be a whole array, not a part of one.
 *
 * The memory grows on demand. Growing detaches every typed array on it, which is why kernels take handles
 * ({@link WasmArray}) and why `view` must be read again after anything that allocates. (A shared memory is not
 * detached; views of it then are shorter than it.)
 *
 * Threads: one thread owns the memory, takes arrays and calls kernels. Others only help inside a call: they wait on a
 * word in the memory and take tasks from a table (`task-table.ts`). How a thread is started is the platform's
 * (`node/kernel-workers.ts`, `web/kernel-workers.ts`); one that never comes up is not missed.
 */
import { withDefaults } from '../core/defaults.ts';
import { InvalidArgumentError, OutOfMemoryError } from '../core/errors.ts';
import type { KernelExports } from './exports.ts';
import { TASK_TABLE_BYTES, TaskTable } from './task-table.ts';
import type { TaskArguments, TaskKernel } from './tasks.ts';
import { PLAIN_SHARED_WASM, PLAIN_WASM, RELAXED_SHARED_WASM, RELAXED_WASM } from './wasm.generated.ts';

/** Typed arrays that can live in kernel memory. */
export type WasmView = Float32Array | Float64Array | Int32Array | Uint32Array | Uint8Array;

/** An array in kernel memory. */
export interface WasmArray<T extends WasmView = WasmView> {
  /** Byte address, a multiple of 16. */
  readonly ptr: number;
  /** Elements. */
  readonly length: number;
  /**
   * The elements. Read it anew after anything that may allocate: the memory may have grown and moved.
   * @throws {InvalidArgumentError} when the array was released
   */
  readonly view: T;
}

/** A float32 array in kernel memory. */
export type F32 = WasmArray<Float32Array>;
/** A float64 array in kernel memory. */
export type F64 = WasmArray<Float64Array>;
/** An int32 array in kernel memory. */
export type I32 = WasmArray<Int32Array>;
/** A uint32 array in kernel memory. */
export type U32 = WasmArray<Uint32Array>;
/** A uint8 array in kernel memory. */
export type U8 = WasmArray<Uint8Array>;

/** A height of the memory stack, see {@link Kernels.mark}. */
export interface MemoryMark {
  /** @internal */
  readonly top: number;
  /** @internal */
  readonly arrays: number;
}

/** What a worker thread needs: it makes an instance of the module in the memory and calls `serveTasks`. */
export interface KernelWorkerData {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  /** First argument of `serveTasks`. */
  readonly control: number;
  /** Second argument: from 1. */
  readonly number: number;
}

/** A started worker thread. */
export interface KernelWorker {
  /** Ends the thread. */
  terminate(): void;
}

/** Starts a worker thread; null where that cannot be. */
export type StartKernelWorker = (data: KernelWorkerData) => KernelWorker | null;

/** Options of {@link createKernels}. */
export interface KernelOptions {
  /** Use relaxed SIMD (fused multiply-add) where the platform has it. Results then differ in the last bits. */
  readonly relaxed?: boolean;
  /** Threads that share the work, the calling one included. More than one needs `startWorker`. */
  readonly threads?: number;
  /** Starts the other threads. */
  readonly startWorker?: StartKernelWorker | null;
  /** Whether the calling thread may sleep: not in a page outside workers. */
  readonly mayWait?: boolean;
  /** Seconds, about, until a thread that has a task and does not come back is given up. */
  readonly patience?: number;
}

/** Defaults of {@link KernelOptions}. */
export const KERNEL_DEFAULTS = {
  relaxed: true,
  threads: 1,
  startWorker: null,
  mayWait: true,
  patience: 60,
} as const;

/** One instance of the kernels with its own memory, for the thread that made it. */
export interface Kernels {
  /** Whether this is the relaxed SIMD build. */
  readonly relaxed: boolean;
  /** Threads that share the work, this one included. */
  readonly threads: number;
  /** Bytes of kernel memory in use. */
  readonly bytesUsed: number;
  /**
   * Takes a float32 array from the top of the memory: zeros for a length, a copy for data.
   * @param clear false: what was there before instead of zeros, for arrays that get overwritten
   * @throws {InvalidArgumentError} length negative or not an integer
   * @throws {OutOfMemoryError} memory cannot grow
   */
  f32(lengthOrData: number | ArrayLike<number>, clear?: boolean): F32;
  /** As {@link Kernels.f32}, float64. */
  f64(lengthOrData: number | ArrayLike<number>, clear?: boolean): F64;
  /** As {@link Kernels.f32}, int32. */
  i32(lengthOrData: number | ArrayLike<number>, clear?: boolean): I32;
  /** As {@link Kernels.f32}, uint32. */
  u32(lengthOrData: number | ArrayLike<number>, clear?: boolean): U32;
  /** As {@link Kernels.f32}, uint8. */
  u8(lengthOrData: number | ArrayLike<number>, clear?: boolean): U8;
  /** The present height of the stack. */
  mark(): MemoryMark;
  /**
   * Gives back every array taken since `mark`; reading their `view` afterwards throws.
   * @throws {InvalidArgumentError} when something below the mark was released already
   */
  release(mark: MemoryMark): void;
  /**
   * Runs `body` and gives back every array it took, also when it throws. `body` must be synchronous. One that runs in every frame
   * had better be a function of its module, given `args`: a garbage collection that finds no closure alive throws its compiled code
   * away, and V8 compiles it again for a later one.
   */
  scope<R, A extends readonly unknown[]>(body: (...args: A) => R, ...args: A): R;
  /** Ends the other threads; the kernels go on on this one. */
  close(): void;
  /**
   * Calls a kernel with each of the arguments, on whichever threads there are, in no particular order.
   * @throws {Error} when one of the calls traps, or its thread is gone; the other threads are ended then
   * @internal
   */
  run(kernel: TaskKernel, calls: readonly TaskArguments[]): void;
  /** The raw functions, for the wrappers beside this file. @internal */
  readonly raw: KernelExports;
}

/** Bytes left readable after each array. */
const GUARD = 32;
const PAGE = 65536;

type ViewConstructor<T extends WasmView> = {
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): T;
  readonly BYTES_PER_ELEMENT: number;
  readonly name: string;
};

class Handle<T extends WasmView> implements WasmArray<T> {
  readonly ptr: number;
  readonly length: number;
  #memory: WebAssembly.Memory | null;
  #make: ViewConstructor<T>;
  #view: T;

  constructor(memory: WebAssembly.Memory, make: ViewConstructor<T>, ptr: number, length: number) {
    this.ptr = ptr;
    this.length = length;
    this.#memory = memory;
    this.#make = make;
    this.#view = new make(memory.buffer, ptr, length);
  }

  get view(): T {
    if (this.#memory === null) {
      throw new InvalidArgumentError(
        `WasmArray.view: this ${this.#make.name} of length ${this.length} was released; ` +
          'take it before the mark that is released, or copy it out first',
      );
    }
    const { buffer } = this.#memory;
    if (this.#view.buffer !== buffer) this.#view = new this.#make(buffer, this.ptr, this.length);
    return this.#view;
  }

  /** After this, `view` throws. */
  drop(): void {
    this.#memory = null;
  }
}

class KernelInstance implements Kernels {
  readonly relaxed: boolean;
  readonly raw: KernelExports;
  #memory: WebAssembly.Memory;
  #base: number;
  #top: number;
  /** The highest that `#top` has been. */
  #used: number;
  #arrays: Handle<WasmView>[] = [];
  #workers: KernelWorker[] = [];
  #tasks: TaskTable;

  constructor(built: Build, module: WebAssembly.Module, instance: WebAssembly.Instance) {
    const { relaxed, memory, threads, startWorker, mayWait, patience } = built;
    this.relaxed = relaxed;
    this.#memory = memory;
    this.raw = instance.exports as unknown as KernelExports;
    const control = (this.raw.heapBase() + 63) & ~63;
    this.#tasks = new TaskTable(this.raw, memory, control, { mayWait, patience });
    this.#base = control + TASK_TABLE_BYTES;
    this.#top = this.#base;
    this.#used = this.#base;
    for (let number = 1; number < threads; number++) {
      const worker = startWorker?.({ module, memory, control, number });
      if (worker) this.#workers.push(worker);
    }
  }

  get threads(): number {
    return 1 + this.#workers.length;
  }

  close(): void {
    if (this.#workers.length > 0) this.#tasks.stop();
    for (const worker of this.#workers.splice(0)) worker.terminate();
  }

  run(kernel: TaskKernel, calls: readonly TaskArguments[]): void {
    if (this.#workers.length === 0 || calls.length < 2) {
      const call = this.raw[kernel] as (...args: TaskArguments) => void;
      for (const args of calls) call(...args);
      return;
    }
    try {
      this.#tasks.run(kernel, calls);
    } catch (error) {
      // Threads that have seen a failure are of no use.
      this.close();
      throw error;
    }
  }

  get bytesUsed(): number {
    return this.#top - this.#base;
  }

  f32(lengthOrData: number | ArrayLike<number>, clear = true): F32 {
    return this.#take(Float32Array, lengthOrData, clear);
  }

  f64(lengthOrData: number | ArrayLike<number>, clear = true): F64 {
    return this.#take(Float64Array, lengthOrData, clear);
  }

  i32(lengthOrData: number | ArrayLike<number>, clear = true): I32 {
    return this.#take(Int32Array, lengthOrData, clear);
  }

  u32(lengthOrData: number | ArrayLike<number>, clear = true): U32 {
    return this.#take(Uint32Array, lengthOrData, clear);
  }

  u8(lengthOrData: number | ArrayLike<number>, clear = true): U8 {
    return this.#take(Uint8Array, lengthOrData, clear);
  }

  mark(): MemoryMark {
    return { top: this.#top, arrays: this.#arrays.length };
  }

  release(mark: MemoryMark): void {
    if (mark.top > this.#top || mark.arrays > this.#arrays.length) {
      throw new InvalidArgumentError(
        'release: memory below this mark was released before; release marks in the reverse order of taking them',
      );
    }
    for (const array of this.#arrays.splice(mark.arrays)) array.drop();
    this.#top = mark.top;
  }

  scope<R, A extends readonly unknown[]>(body: (...args: A) => R, ...args: A): R {
    const mark = this.mark();
    try {
      return body(...args);
    } finally {
      this.release(mark);
    }
  }

  #take<T extends WasmView>(
    make: ViewConstructor<T>,
    lengthOrData: number | ArrayLike<number>,
    clear: boolean,
  ): WasmArray<T> {
    const data = typeof lengthOrData === 'number' ? null : lengthOrData;
    const length = typeof lengthOrData === 'number' ? lengthOrData : lengthOrData.length;
    if (!Number.isInteger(length) || length < 0) {
      throw new InvalidArgumentError(`kernels: array length must be a non-negative integer, got ${length}`);
    }
    const bytes = length * make.BYTES_PER_ELEMENT;
    const ptr = this.#top;
    const top = (ptr + bytes + GUARD + 15) & -16;
    this.#reserve(ptr + bytes + GUARD + 15, bytes);
    this.#top = top >>> 0;
    const handle = new Handle(this.#memory, make, ptr, length);
    if (data) handle.view.set(data);
    else if (clear && ptr < this.#used) {
      // Memory never used before is zero already; filling it would only make its pages exist.
      const { view } = handle;
      view.fill(0, 0, Math.ceil((this.#used - ptr) / make.BYTES_PER_ELEMENT));
    }
    this.#used = Math.max(this.#used, this.#top);
    this.#arrays.push(handle);
    return handle;
  }

  /** Grows the memory to at least `end` bytes; by half its size at least, so that growing stays rare. */
  #reserve(end: number, wanted: number): void {
    const have = this.#memory.buffer.byteLength;
    if (end <= have) return;
    const need = Math.ceil((end - have) / PAGE);
    const generous = Math.max(need, Math.ceil(have / PAGE / 2));
    for (const pages of [generous, need]) {
      try {
        this.#memory.grow(pages);
        return;
      } catch (cause) {
        if (pages !== need) continue;
        const mib = (bytes: number) => (bytes / 2 ** 20).toFixed(1);
        throw new OutOfMemoryError(
          `kernels: cannot take ${mib(wanted)} MiB on top of ${mib(this.bytesUsed)} MiB in use; ` +
            'use a smaller model or image, or release arrays that are no longer needed',
          { cause },
        );
      }
    }
  }
}

/** (module (func (result v128) … f32x4.relaxed_madd)): valid where relaxed SIMD is on. */
const RELAXED_PROBE = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 8, 1, 96, 3, 123, 123, 123, 1, 123, 3, 2, 1, 0, 10, 13, 1, 11, 0, 32, 0, 32,
  1, 32, 2, 253, 133, 2, 11,
]);

/** Runs `use`, and has the platform accept relaxed SIMD meanwhile. */
export type WithRelaxedSimd = <T>(use: () => T) => T;

let withRelaxedSimd: WithRelaxedSimd | null = null;

/**
 * For platforms that accept relaxed SIMD when they are asked to (Node 20): kernels made from now on are compiled inside
 * `around`, which runs what it is given at once.
 */
export function compileRelaxedSimd(around: WithRelaxedSimd): void {
  withRelaxedSimd = around;
}

/** Whether this platform runs relaxed SIMD. Node 20 does after `enableRelaxedSimd` of `photofit/node`. */
export function relaxedSimdSupported(): boolean {
  return withRelaxedSimd !== null || WebAssembly.validate(RELAXED_PROBE);
}

/**
 * Compiles the kernels without blocking and makes an empty memory for them. Where the platform lacks what `relaxed` or
 * `threads` ask for, the kernels do without; see {@link Kernels.relaxed} and {@link Kernels.threads}.
 */
export async function createKernels(options: KernelOptions = {}): Promise<Kernels> {
  const built = prepare(options);
  if (built.relaxed && withRelaxedSimd) return instantiate(built);
  const { module, instance } = await WebAssembly.instantiate(built.bytes, built.imports);
  return new KernelInstance(built, module, instance);
}

/** As {@link createKernels}, blocking for a few milliseconds. */
export function createKernelsSync(options: KernelOptions = {}): Kernels {
  return instantiate(prepare(options));
}

function instantiate(built: Build): Kernels {
  const compile = () => new WebAssembly.Module(built.bytes);
  const module = built.relaxed && withRelaxedSimd ? withRelaxedSimd(compile) : compile();
  return new KernelInstance(built, module, new WebAssembly.Instance(module, built.imports));
}

interface Build {
  readonly relaxed: boolean;
  readonly threads: number;
  readonly startWorker: StartKernelWorker | null;
  readonly mayWait: boolean;
  readonly patience: number;
  readonly memory: WebAssembly.Memory;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly imports: WebAssembly.Imports;
}

function prepare(options: KernelOptions): Build {
  const { threads, startWorker, mayWait, patience, relaxed: wanted } = withDefaults(KERNEL_DEFAULTS, options);
  if (!Number.isInteger(threads) || threads < 1)
    throw new InvalidArgumentError(`kernels: threads must be a positive integer, got ${threads}`);
  const relaxed = wanted && relaxedSimdSupported();
  const shared = threads > 1 && startWorker ? sharedMemory() : null;
  const own = relaxed ? RELAXED_WASM : PLAIN_WASM;
  const text = atob(shared ? (relaxed ? RELAXED_SHARED_WASM : PLAIN_SHARED_WASM) : own);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  const memory = shared ?? new WebAssembly.Memory({ initial: INITIAL_PAGES });
  return {
    relaxed,
    threads: shared ? threads : 1,
    startWorker,
    mayWait,
    patience,
    memory,
    bytes,
    imports: { env: { memory } },
  };
}

const INITIAL_PAGES = 16;
/** As in scripts/build-kernels.mjs. */
const SHARED_PAGES = 32768;

/** A memory that threads can share; null where there is none. */
function sharedMemory(): WebAssembly.Memory | null {
  try {
    return new WebAssembly.Memory({ initial: INITIAL_PAGES, maximum: SHARED_PAGES, shared: true });
  } catch {
    return null;
  }
}

/**
 * Checks the length of an argument.
 * @throws {InvalidArgumentError}
 * @internal
 */
export function requireLength(
  kernel: string,
  name: string,
  array: { length: number },
  expected: number,
  shape: string,
) {
  if (array.length !== expected) {
    throw new InvalidArgumentError(
      `${kernel}: ${name} must be ${shape} with ${expected} elements, got ${array.length}`,
    );
  }
}

/**
 * A part [begin, end) of a kernel's work, clipped to `count` items; everything when `range` is left out.
 * @throws {InvalidArgumentError} not integers, or begin > end
 * @internal
 */
export function resolveRange(kernel: string, range: WorkRange | undefined, count: number): [number, number] {
  if (range === undefined) return [0, count];
  const [begin, end] = range;
  if (!Number.isInteger(begin) || !Number.isInteger(end) || begin < 0 || begin > end || end > count) {
    throw new InvalidArgumentError(`${kernel}: range must lie in [0, ${count}], got [${begin}, ${end})`);
  }
  return [begin, end];
}

/** A part [begin, end) of a kernel's work, so that workers can share it. */
export type WorkRange = readonly [begin: number, end: number];
