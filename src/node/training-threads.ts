/**
 * Training over several threads: the examples of a batch are shared out, then the parameters. What each thread does is
 * in `training-worker.ts`; the sums are made in the order of the batch, so that every bit is the same for any number of
 * threads. The calling thread only waits, and stays free for signals.
 */
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { PhotofitError } from '../core/errors.ts';
import { GRADIENT_BLOCK } from '../nn/adam.ts';
import type { CompletionAtlas } from '../texture/completion/atlas.ts';
import {
  batchLoss,
  clipScale,
  normBlocks,
  rateAt,
  type TrainingOptions,
  type TrainingState,
} from '../texture/completion/training.ts';
import type { TrainingSet } from '../texture/completion/training-set.ts';
import { TRAINING_JOB, type TrainingJob, type TrainingTask } from './training-worker.ts';
import { workerModule } from './worker-pool.ts';

/** Options of {@link startTrainingThreads}. */
export interface TrainingThreadsOptions {
  readonly threads: number;
  /** Relaxed SIMD: faster, results differ in the last bits between kinds of CPU. */
  readonly relaxed?: boolean;
  /** File that a thread runs, where it is not the package's own: a bundle that holds `training-worker.ts`. */
  readonly worker?: string;
}

/** Threads that train one network. */
export interface TrainingThreads {
  /** One step; changes the arrays of `state` in place. */
  step(state: TrainingState): Promise<TrainingState>;
  close(): Promise<void>;
}

/**
 * Starts threads.
 * @param set with arrays on shared memory (`createTrainingSet` with `shared`), else each thread gets a copy.
 * @param state with arrays on shared memory (`initialState` with `shared`).
 * @throws {PhotofitError} when a thread dies
 */
export async function startTrainingThreads(
  atlas: CompletionAtlas,
  set: TrainingSet,
  state: TrainingState,
  options: Required<TrainingOptions>,
  { threads, relaxed = true, worker = workerFile() }: TrainingThreadsOptions,
): Promise<TrainingThreads> {
  const size = state.parameters.length;
  const { parameters, first, second } = state;
  const job: TrainingJob = {
    kind: TRAINING_JOB,
    atlas,
    set,
    options,
    relaxed,
    parameters,
    first,
    second,
    gradients: Array.from({ length: options.batch }, () => new Float32Array(new SharedArrayBuffer(4 * size))),
    norms: new Float64Array(new SharedArrayBuffer(8 * normBlocks(size))),
    losses: new Float64Array(new SharedArrayBuffer(8 * options.batch)),
    next: new Int32Array(new SharedArrayBuffer(4)),
  };
  const members = Array.from({ length: Math.max(1, threads) }, () => new Member(worker, job));
  const all = (tasks: readonly (TrainingTask | null)[]) =>
    Promise.all(members.map((member, i) => (tasks[i] ? member.run(tasks[i]) : null)));
  const close = async () => {
    await Promise.all(members.map((member) => member.close()));
  };
  try {
    await Promise.all(members.map((member) => member.ready));
  } catch (error) {
    // The others wait for tasks, and would keep the process alive.
    await close();
    throw error;
  }
  const blocks = normBlocks(size);
  const ranges = members.map((_, i) => {
    const at = (k: number) => Math.min(size, GRADIENT_BLOCK * Math.floor((blocks * k) / members.length));
    return { begin: at(i), end: i === members.length - 1 ? size : at(i + 1) };
  });
  return {
    async step(before) {
      const step = before.step + 1;
      Atomics.store(job.next, 0, 0);
      await all(members.map(() => ({ task: 'examples', step })));
      await all(ranges.map((range) => ({ task: 'add', ...range })));
      const scale = clipScale(job.norms);
      const rate = rateAt(step, options);
      await all(ranges.map((range) => ({ task: 'move', step, scale, rate, ...range })));
      return { ...before, step, losses: [...before.losses, batchLoss(job.losses)] };
    },
    close,
  };
}

/** One thread and the answer it owes. */
class Member {
  readonly ready: Promise<void>;
  readonly #worker: Worker;
  #resolve: () => void = () => {};
  #reject: (error: Error) => void = () => {};
  #failed: Error | null = null;
  #closing = false;

  constructor(file: string, job: TrainingJob) {
    this.#worker = new Worker(file, { workerData: job });
    this.ready = this.#answer();
    this.#worker.on('message', () => this.#resolve());
    this.#worker.on('error', (cause) => this.#fail(cause));
    this.#worker.on('exit', (code) => {
      if (!this.#closing) this.#fail(new Error(`exit code ${code}`));
    });
  }

  run(task: TrainingTask): Promise<void> {
    if (this.#failed) return Promise.reject(this.#failed);
    const answer = this.#answer();
    this.#worker.postMessage(task);
    return answer;
  }

  async close(): Promise<void> {
    this.#closing = true;
    await this.#worker.terminate();
  }

  #answer(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  #fail(cause: Error): void {
    this.#failed = new PhotofitError(`training: a thread ended early (${cause.message})`, { cause });
    this.#reject(this.#failed);
  }
}

/** The compiled worker: beside this file in a build, in `dist` when this runs from source. */
function workerFile(): string {
  const here = workerModule('training-worker', import.meta.url);
  return fileURLToPath(here ?? new URL('../../dist/node/training-worker.js', import.meta.url));
}
