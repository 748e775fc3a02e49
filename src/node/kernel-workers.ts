/**
 * Threads of the kernels on Node: workers that do nothing but wait in the kernels' shared memory. They keep no process
 * alive, and end with it or with `Kernels.close`. A worker takes some 20 ms to come up, on its own core, and until then
 * the calling thread does the work.
 */

import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { withDefaults } from '../core/defaults.ts';
import { prepareFits } from '../fit/resident.ts';
import type { KernelOptions, StartKernelWorker } from '../kernels/runtime.ts';
import { SERVE_PROGRAM } from '../kernels/task-table.ts';
import type { HeadModel } from '../model/head-model.ts';
import { enableRelaxedSimd } from './relaxed-simd.ts';

const PROGRAM = `${SERVE_PROGRAM}
serve(require('node:worker_threads').workerData);
`;

/** Starts a thread; see `createKernels`. */
export const startKernelWorker: StartKernelWorker = (data) => {
  const worker = new Worker(PROGRAM, { eval: true, workerData: data, execArgv: [], env: {} });
  worker.unref();
  // One that does not come up is not missed; one that fails later says so in the memory.
  worker.on('error', () => {});
  return { terminate: () => void worker.terminate() };
};

/** Threads worth having by default: more than four hardly help a single fit. */
export function defaultThreads(): number {
  return Math.min(availableParallelism(), 4);
}

/**
 * Makes fits of `model` run on several threads, and the model ready for them. Fits that have started keep what they have.
 * @param options.threads this one included; {@link defaultThreads} by default.
 */
export async function useThreads(
  model: HeadModel,
  options: Pick<KernelOptions, 'threads' | 'relaxed'> = {},
): Promise<void> {
  enableRelaxedSimd();
  await prepareFits(model, {
    ...withDefaults({ threads: defaultThreads() }, options),
    startWorker: startKernelWorker,
  });
}
