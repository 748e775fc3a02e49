/**
 * The owner's side of tasks on shared memory, and the program of the workers (assembly/tasks.ts has the mechanism).
 *
 * A kernel that traps in a worker must not leave the owner waiting: the worker's program catches, leaves word of what it
 * was, and counts the task as done, so that nothing is asked of tasks that succeed. A thread that is gone altogether,
 * which no program can catch, is given up after a time.
 */
import type { KernelExports } from './exports.ts';
import { TASK_KERNELS, type TaskArguments, type TaskKernel } from './tasks.ts';

/** How a thread waits for others. */
export interface WaitOptions {
  /** Whether it may sleep: not in a page outside workers. */
  readonly mayWait: boolean;
  /** Seconds, about, until a thread that has a task and does not come back is given up. */
  readonly patience: number;
}

/** 32-bit words of a task: the kernel's number, then its arguments. */
const TASK_WORDS = 24;
/** Bytes of the words by which threads agree, the last of them what the first worker that failed says of it. */
const CONTROL_BYTES = 576;
/** Byte offset of an int32 among them: bytes of that text. */
const FAILURE_LENGTH = 272;
/** Byte offset of the text (UTF-8), and its bytes at most. */
const FAILURE_TEXT = 320;
const FAILURE_BYTES = CONTROL_BYTES - FAILURE_TEXT;
/** Tasks of one call at most. */
const TASKS_MAX = 64;

/**
 * Program of a worker thread on every platform: a function `serve` of `KernelWorkerData`, which comes back when the
 * worker is stopped, or fails. A string, so that it needs no file of its own beside a bundle.
 */
export const SERVE_PROGRAM = `
const serve = ({ module, memory, control, number }) => {
  const kernels = new WebAssembly.Instance(module, { env: { memory } }).exports;
  try {
    kernels.serveTasks(control, number);
  } catch (error) {
    const text = new TextEncoder().encode('thread ' + number + ': ' + error).subarray(0, ${FAILURE_BYTES});
    const length = new Int32Array(memory.buffer, control + ${FAILURE_LENGTH}, 1);
    if (Atomics.compareExchange(length, 0, 0, text.length) === 0)
      new Uint8Array(memory.buffer, control + ${FAILURE_TEXT}).set(text);
    kernels.failTask(control);
  }
};
`;

/** Bytes that a table takes, from the address that its threads agree by. */
export const TASK_TABLE_BYTES = CONTROL_BYTES + 4 * TASK_WORDS * TASKS_MAX;

/** A table of tasks in kernel memory. */
export class TaskTable {
  #raw: KernelExports;
  #memory: WebAssembly.Memory;
  #control: number;
  #wait: WaitOptions;

  constructor(raw: KernelExports, memory: WebAssembly.Memory, control: number, wait: WaitOptions) {
    this.#raw = raw;
    this.#memory = memory;
    this.#control = control;
    this.#wait = wait;
  }

  /**
   * Calls a kernel with each of the arguments.
   * @throws {Error} when one of the calls traps, or its thread is gone: no thread has a task any more, unless it is gone
   */
  run(kernel: TaskKernel, calls: readonly TaskArguments[]): void {
    const number = TASK_KERNELS.indexOf(kernel);
    const tasks = this.#control + CONTROL_BYTES;
    for (let from = 0; from < calls.length; from += TASKS_MAX) {
      const count = Math.min(TASKS_MAX, calls.length - from);
      const table = new Uint32Array(this.#memory.buffer, tasks, TASK_WORDS * count);
      for (let t = 0; t < count; t++) {
        table[TASK_WORDS * t] = number;
        table.set(calls[from + t], TASK_WORDS * t + 1);
      }
      this.#run(kernel, tasks, count);
    }
  }

  /** Ends all workers once they have no task. */
  stop(): void {
    this.#raw.stopTasks(this.#control);
  }

  #run(kernel: TaskKernel, tasks: number, count: number): void {
    const { mayWait, patience } = this.#wait;
    let failure = '';
    let cause: unknown;
    let done = 0;
    try {
      done = this.#raw.runTasks(this.#control, tasks, count, mayWait ? 1 : 0);
    } catch (error) {
      cause = error;
      failure = `thread 0: ${error}`;
      this.#raw.abandonTasks(this.#control);
    }
    for (let seconds = 0; done === 0 && seconds < patience; seconds++)
      done = this.#raw.finishTasks(this.#control, mayWait ? 1 : 0);
    if (done === 1 && failure === '') return;
    failure ||= done === 0 ? `a thread has not come back for ${patience} seconds` : this.#readFailure();
    throw new Error(
      `kernel ${kernel} failed (${failure}); try again: later calls are made on one thread, until useThreads starts others`,
      { cause },
    );
  }

  /** What the first worker that failed says of it. */
  #readFailure(): string {
    const { buffer } = this.#memory;
    const [length] = new Int32Array(buffer, this.#control + FAILURE_LENGTH, 1);
    // A copy: shared memory is no text to decode.
    return new TextDecoder().decode(new Uint8Array(buffer, this.#control + FAILURE_TEXT, length).slice());
  }
}
