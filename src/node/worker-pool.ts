/**
 * Worker threads that do many tasks of one kind: photos to fit, maps to reduce. One task at a time per thread, tasks
 * wait in line. Each thread has its own kernels and networks; what is large and only read (the head model) is shared
 * between them, see {@link shareArrays}.
 *
 * Threads rather than processes: arrays are moved instead of piped, the model is in memory once, and Ctrl-C reaches one
 * process. A thread that dies (out of memory) fails its task and is replaced; the others go on.
 *
 * Worker modules are built files. Where they are not (sources run by a test runner or bundled into a script)
 * {@link workerModule} gives null, and callers do the work on their own thread.
 */
import { existsSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { AbortedError, InvalidArgumentError, OutOfMemoryError, PhotofitError } from '../core/errors.ts';
import { unpackError } from './worker-errors.ts';
import type { FromWorker, ToWorker } from './worker-tasks.ts';

/** Options of {@link WorkerPool.run}. */
export interface RunTaskOptions<Event> {
  readonly signal?: AbortSignal;
  /** Hears what the task emits, in order, before its result. */
  readonly onEvent?: (event: Event) => void;
}

/** Memory that one fit at a time may take, bytes: for {@link defaultJobs}. */
const BYTES_PER_JOB = 600e6;

/**
 * How many tasks to do at a time when nobody says: one per core, but no more than the machine's memory has room for.
 */
export function defaultJobs(): number {
  return Math.max(1, Math.min(availableParallelism(), Math.floor(totalmem() / BYTES_PER_JOB)));
}

/**
 * URL of the built worker module `name` (without ending) beside the module at `from` (its `import.meta.url`); null when
 * this is not the built code.
 */
export function workerModule(name: string, from: string): URL | null {
  // CommonJS beside the bundle, where a thread's start is waited for.
  const urls = ['cjs', 'js'].map((ending) => new URL(`./${name}.${ending}`, from));
  return urls.find((url) => url.protocol === 'file:' && existsSync(fileURLToPath(url))) ?? null;
}

/**
 * A copy of plain data (objects, arrays, maps) whose typed arrays lie in shared memory: posting it to threads copies
 * none of them.
 */
export function shareArrays<T>(value: T): T {
  if (ArrayBuffer.isView(value)) {
    const view = value as unknown as Uint8Array & { BYTES_PER_ELEMENT?: number };
    if (view.buffer instanceof SharedArrayBuffer || view.BYTES_PER_ELEMENT === undefined) return value;
    const make = view.constructor as new (buffer: SharedArrayBuffer) => Uint8Array;
    const copy = new make(new SharedArrayBuffer(view.byteLength));
    copy.set(view);
    return copy as unknown as T;
  }
  if (Array.isArray(value)) return value.map(shareArrays) as unknown as T;
  if (value instanceof Map) return new Map([...value].map(([k, v]) => [k, shareArrays(v)])) as unknown as T;
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, shareArrays(v)])) as T;
  }
  return value;
}

interface Task<Input, Output, Event> {
  readonly id: number;
  readonly input: Input;
  readonly onEvent?: (event: Event) => void;
  readonly resolve: (output: Output) => void;
  readonly reject: (error: unknown) => void;
}

interface Thread<Input, Output, Event> {
  readonly worker: Worker;
  task: Task<Input, Output, Event> | null;
  ready: boolean;
}

/** A pool of threads that run one module; it must call `serveTasks`. */
export class WorkerPool<Init, Input, Output, Event = never> {
  readonly size: number;
  readonly #module: URL;
  readonly #threads = new Set<Thread<Input, Output, Event>>();
  readonly #waiting: Task<Input, Output, Event>[] = [];
  #init: Init | undefined;
  #started = false;
  #closed = false;
  #ids = 0;
  /** Tasks by the signal that can end them. */
  readonly #heeded = new Map<AbortSignal, Set<Task<Input, Output, Event>>>();
  readonly #onAbort = ({ target }: globalThis.Event): void => {
    const signal = target as AbortSignal;
    for (const task of [...(this.#heeded.get(signal) ?? [])]) this.#abort(task, signal.reason);
  };
  /** Why no thread could be set up: every task fails with it. */
  #broken: unknown = null;
  #whenReady: { resolve(): void; reject(error: unknown): void } | null = null;

  /**
   * Starts `size` threads, which load `module` at once and wait for {@link WorkerPool.start}.
   * @throws {InvalidArgumentError} when `size` is not a positive integer
   */
  constructor(module: URL, size: number) {
    if (!Number.isInteger(size) || size < 1)
      throw new InvalidArgumentError(`WorkerPool: size must be a positive integer, got ${size}`);
    this.#module = module;
    this.size = size;
    for (let i = 0; i < size; i++) this.#spawn();
  }

  /**
   * Hands `init` to every thread's setup; resolves when the first one is done with it.
   * @throws what the setup throws
   */
  start(init: Init): Promise<void> {
    this.#init = init;
    this.#started = true;
    if (this.#broken !== null) return Promise.reject(this.#broken);
    const ready = new Promise<void>((resolve, reject) => {
      this.#whenReady = { resolve, reject };
    });
    for (const thread of this.#threads) this.#setUp(thread);
    this.#dispatch();
    return ready;
  }

  /**
   * Does one task on the next free thread.
   * @throws what the task throws
   * @throws {AbortedError} when `options.signal` is aborted
   * @throws {OutOfMemoryError} when the thread ended under the task
   */
  run(input: Input, options: RunTaskOptions<Event> = {}): Promise<Output> {
    const { signal, onEvent } = options;
    if (this.#closed) return Promise.reject(new InvalidArgumentError('WorkerPool.run: the pool is closed'));
    if (signal?.aborted) return Promise.reject(new AbortedError('cancelled', { cause: signal.reason }));
    return new Promise<Output>((resolve, reject) => {
      const task: Task<Input, Output, Event> = {
        id: this.#ids++,
        input,
        onEvent,
        resolve: (output) => {
          forget();
          resolve(output);
        },
        reject: (error) => {
          forget();
          reject(error);
        },
      };
      const forget = signal ? this.#heed(signal, task) : () => {};
      this.#waiting.push(task);
      this.#dispatch();
    });
  }

  /** Ends the threads; tasks that are not done fail. */
  async close(): Promise<void> {
    this.#closed = true;
    const open = [...this.#waiting.splice(0), ...[...this.#threads].flatMap((t) => t.task ?? [])];
    for (const task of open) task.reject(new AbortedError('cancelled: the pool was closed'));
    const threads = [...this.#threads];
    this.#threads.clear();
    await Promise.all(threads.map(end));
  }

  #spawn(): void {
    const worker = new Worker(this.#module);
    const thread: Thread<Input, Output, Event> = { worker, task: null, ready: false };
    this.#threads.add(thread);
    worker.on('message', (message: FromWorker) => this.#hear(thread, message));
    // 'error' is followed by 'exit'; a thread that calls process.exit() has the latter alone.
    let failure: unknown;
    worker.on('error', (error) => {
      failure = error;
    });
    worker.on('exit', () => this.#lost(thread, failure));
    if (this.#started) this.#setUp(thread);
  }

  #setUp({ worker }: Thread<Input, Output, Event>): void {
    const message: ToWorker = { type: 'setup', init: this.#init };
    worker.postMessage(message);
  }

  #hear(thread: Thread<Input, Output, Event>, message: FromWorker): void {
    if (message.type === 'ready') {
      thread.ready = true;
      this.#whenReady?.resolve();
      this.#dispatch();
      return;
    }
    if (message.type === 'setup-failed') {
      this.#fail(unpackError(message.error));
      return;
    }
    const { task } = thread;
    // A task that was given up may still be heard of.
    if (!task || task.id !== message.id) return;
    if (message.type === 'event') {
      task.onEvent?.(message.event as Event);
      return;
    }
    thread.task = null;
    if (message.type === 'done') task.resolve(message.output as Output);
    else task.reject(unpackError(message.error));
    this.#dispatch();
  }

  #dispatch(): void {
    if (this.#broken !== null) {
      for (const task of this.#waiting.splice(0)) task.reject(this.#broken);
      return;
    }
    // The only thread is handed its task before it is ready: messages stand in line there, and this thread may be too
    // busy to hear that it is. Of several threads the first that is ready takes it.
    const early = this.#started && this.size === 1;
    for (const thread of this.#threads) {
      if (thread.task || !(thread.ready || early)) continue;
      const task = this.#waiting.shift();
      if (!task) return;
      thread.task = task;
      const message: ToWorker = { type: 'task', id: task.id, input: task.input };
      thread.worker.postMessage(message);
    }
  }

  /** Lets `signal` end `task`. One listener for all tasks of a signal, however many there are: Node warns of eleven. */
  #heed(signal: AbortSignal, task: Task<Input, Output, Event>): () => void {
    const tasks = this.#heeded.get(signal) ?? new Set();
    if (tasks.size === 0) {
      this.#heeded.set(signal, tasks);
      signal.addEventListener('abort', this.#onAbort, { once: true });
    }
    tasks.add(task);
    return () => {
      tasks.delete(task);
      if (tasks.size > 0) return;
      this.#heeded.delete(signal);
      signal.removeEventListener('abort', this.#onAbort);
    };
  }

  #abort(task: Task<Input, Output, Event>, reason: unknown): void {
    const at = this.#waiting.indexOf(task);
    if (at >= 0) {
      this.#waiting.splice(at, 1);
      task.reject(new AbortedError('cancelled', { cause: reason }));
      return;
    }
    // The thread is asked, not killed: it ends the task where nothing is left half-done, and answers.
    for (const thread of this.#threads) {
      if (thread.task !== task) continue;
      const message: ToWorker = { type: 'abort', id: task.id };
      thread.worker.postMessage(message);
    }
  }

  /** A thread has ended by itself: its task fails, another thread takes its place. */
  #lost(thread: Thread<Input, Output, Event>, failure: unknown): void {
    if (this.#closed || !this.#threads.delete(thread)) return;
    const code = (failure as NodeJS.ErrnoException | undefined)?.code;
    const error =
      failure === undefined || code === 'ERR_WORKER_OUT_OF_MEMORY'
        ? new OutOfMemoryError('its worker thread ran out of memory; try fewer jobs, or a smaller picture', {
            cause: failure,
          })
        : new PhotofitError(`its worker thread failed: ${(failure as Error).message}`, { cause: failure });
    // Without having got as far as its setup, the next one would end the same way.
    if (!thread.ready) this.#fail(error);
    thread.task?.reject(error);
    if (this.#broken === null) this.#spawn();
  }

  #fail(error: unknown): void {
    this.#broken = error;
    this.#whenReady?.reject(error);
    this.#dispatch();
  }
}

/** Ends a thread: one that waits for tasks by itself, any other at once. */
function end({ worker, ready, task }: { worker: Worker; ready: boolean; task: unknown }): Promise<unknown> {
  if (!ready || task) return worker.terminate();
  const message: ToWorker = { type: 'close' };
  return new Promise((ended) => {
    worker.once('exit', ended);
    worker.postMessage(message);
  });
}
