/**
 * Work on another thread, asked for by name: a thread is a built module of this folder that calls {@link serve}. Where
 * the program runs from TypeScript sources (tests, scripts) there is no built module, and callers do the work
 * themselves.
 */
import { getPriority, setPriority } from 'node:os';
import { parentPort, type Transferable, Worker } from 'node:worker_threads';
import { enableRelaxedSimd } from './relaxed-simd.ts';
import { type PackedError, packError, unpackError } from './worker-errors.ts';
import { workerModule } from './worker-pool.ts';

/** What a thread does, by name. */
export type ThreadWork = Readonly<Record<string, (argument: never) => Promise<ThreadAnswer> | ThreadAnswer>>;

/** What comes back, and what of it changes hands instead of being copied. */
export interface ThreadAnswer {
  readonly value: unknown;
  readonly transfer?: readonly Transferable[];
}

/** A thread at work. */
export interface Thread {
  /** Asks for work; answers come in the order of questions. */
  ask(name: string, argument: unknown, transfer?: readonly Transferable[]): Promise<unknown>;
  /** Ends the thread: one that nothing is asked of by itself, so that it does what it has to do at its end. */
  stop(): Promise<void>;
}

/** Instead of a question: the thread is to end. */
const CLOSE = null;

interface Question {
  readonly id: number;
  readonly name: string;
  readonly argument: never;
}
interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: PackedError;
}

/** Starts the thread `module` (a file name of this folder without ending, `…-worker`); null where it is not built. */
export function startThread(module: string): Thread | null {
  const url = workerModule(module, import.meta.url);
  if (!url) return null;
  const worker = new Worker(url);
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: unknown): void }>();
  let asked = 0;
  let ended: Error | null = null;
  const fail = (error: unknown) => {
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  worker.on('message', ({ id, value, error }: Answer) => {
    const question = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) question?.resolve(value);
    else question?.reject(unpackError(error));
  });
  worker.on('error', fail);
  worker.on('exit', () => {
    ended = new Error(`the thread ${module} has ended`);
    fail(ended);
  });
  return {
    ask: (name, argument, transfer = []) =>
      new Promise((resolve, reject) => {
        // A message to a thread that has ended is dropped without a word.
        if (ended) return reject(ended);
        const id = asked++;
        waiting.set(id, { resolve, reject });
        worker.postMessage({ id, name, argument }, transfer);
      }),
    stop: async () => {
      if (ended) return;
      if (waiting.size > 0) {
        await worker.terminate();
        return;
      }
      const exit = new Promise((resolve) => worker.once('exit', resolve));
      worker.postMessage(CLOSE);
      await exit;
    },
  };
}

/** Answers questions on this thread, one after the other. */
export function serve(work: ThreadWork): void {
  const port = parentPort;
  if (!port) return;
  enableRelaxedSimd();
  let last = Promise.resolve();
  port.on('message', (question: Question | typeof CLOSE) => {
    // Of a thread: this thread alone ends.
    if (question === CLOSE) process.exit();
    const { id, name, argument } = question;
    last = last.then(async () => {
      try {
        const { value, transfer } = await work[name](argument);
        port.postMessage({ id, value }, transfer ?? []);
      } catch (error) {
        port.postMessage({ id, error: packError(error) });
      }
    });
  });
}

/** Niceness of a thread that is ahead of what others need of it. */
const AHEAD_OF_NEED = 5;

let givesWay = false;

/** Lets other threads go first from now on, where cores are few. On Linux only: elsewhere a priority is the whole process's. */
export function giveWay(): void {
  if (givesWay || process.platform !== 'linux') return;
  givesWay = true;
  try {
    setPriority(Math.min(getPriority() + AHEAD_OF_NEED, 19));
  } catch {
    // Not allowed here: it goes on as it was.
  }
}
