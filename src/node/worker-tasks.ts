/**
 * The worker's side of a {@link WorkerPool}: a module that calls {@link serveTasks} once and does tasks one by one.
 * Messages are heard whenever a task gives the event loop a turn, so that long tasks should do so now and then.
 */
import { type MessagePort, parentPort, type TransferListItem } from 'node:worker_threads';
import { PhotofitError } from '../core/errors.ts';
import { enableRelaxedSimd } from './relaxed-simd.ts';
import { type PackedError, packError } from './worker-errors.ts';

/** What the pool sends. @internal */
export type ToWorker =
  | { readonly type: 'setup'; readonly init: unknown }
  | { readonly type: 'task'; readonly id: number; readonly input: unknown }
  | { readonly type: 'abort'; readonly id: number }
  | { readonly type: 'close' };

/** What a worker answers. @internal */
export type FromWorker =
  | { readonly type: 'ready' }
  | { readonly type: 'setup-failed'; readonly error: PackedError }
  | { readonly type: 'event'; readonly id: number; readonly event: unknown }
  | { readonly type: 'done'; readonly id: number; readonly output: unknown }
  | { readonly type: 'failed'; readonly id: number; readonly error: PackedError };

/** What a task has beside its input. */
export interface TaskContext<Event> {
  /** Aborted when the pool's side gives the task up. */
  readonly signal: AbortSignal;
  /** Tells the pool's side something on the way: progress, a part of the result; `transfer` is moved, not copied. */
  emit(event: Event, transfer?: readonly ArrayBuffer[]): void;
  /** Has the arrays of the task's result, which it keeps nothing of, moved instead of copied. */
  moveArrays(): void;
}

/** Does one task. Input, output and events are structured-cloned, where they are not moved. */
export type TaskRunner<Input, Output, Event> = (input: Input, context: TaskContext<Event>) => Promise<Output>;

/**
 * Makes the calling module the worker of a pool; kernels that it makes are those of the main thread, to the last bit.
 * @param setup is called once, with what {@link WorkerPool} was given for it; loads what all tasks share
 * @throws {PhotofitError} when the module was not started as a worker thread
 */
export function serveTasks<Init, Input, Output, Event = never>(
  setup: (init: Init) => Promise<TaskRunner<Input, Output, Event>> | TaskRunner<Input, Output, Event>,
): void {
  if (!parentPort) throw new PhotofitError('serveTasks: this module must be started by a WorkerPool');
  enableRelaxedSimd();
  const port: MessagePort = parentPort;
  const post = (message: FromWorker, transfer: readonly ArrayBuffer[] = []) =>
    port.postMessage(message, transfer as TransferListItem[]);
  const running = new Map<number, AbortController>();
  let runner: Promise<TaskRunner<Input, Output, Event>> | null = null;

  const run = async (id: number, input: Input) => {
    const controller = new AbortController();
    running.set(id, controller);
    try {
      if (!runner) throw new PhotofitError('serveTasks: a task came before the setup');
      let move = false;
      const output = await (await runner)(input, {
        signal: controller.signal,
        moveArrays: () => {
          move = true;
        },
        emit: (event, transfer) => post({ type: 'event', id, event }, transfer),
      });
      post({ type: 'done', id, output }, move ? [...buffersOf(output)] : []);
    } catch (error) {
      post({ type: 'failed', id, error: packError(error) });
    } finally {
      running.delete(id);
    }
  };

  port.on('message', (message: ToWorker) => {
    switch (message.type) {
      case 'setup':
        runner = (async () => setup(message.init as Init))();
        runner.then(
          () => post({ type: 'ready' }),
          (error) => post({ type: 'setup-failed', error: packError(error) }),
        );
        break;
      case 'task':
        void run(message.id, message.input as Input);
        break;
      case 'abort':
        running.get(message.id)?.abort();
        break;
      case 'close':
        // Of a thread: this thread alone ends, and what it has to do at its end is done, unlike when it is terminated.
        process.exit();
    }
  });
}

/** Buffers of all typed arrays in a value of plain objects and lists; not those that are shared. */
function buffersOf(value: unknown, found = new Set<ArrayBuffer>()): Set<ArrayBuffer> {
  if (ArrayBuffer.isView(value)) {
    if (value.buffer instanceof ArrayBuffer) found.add(value.buffer);
  } else if (typeof value === 'object' && value !== null) {
    for (const part of Object.values(value)) buffersOf(part, found);
  }
  return found;
}
