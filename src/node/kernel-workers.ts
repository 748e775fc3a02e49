/**
 * Threads of the kernels on Node: workers that do nothing but wait in the kernels' shared memory. They keep no process
 * alive, and end with it or with `Kernels.close`. The worker's program is a string, so that it needs no file of its own
 * beside a bundle; it takes some 20 ms to come up, on its own core, and until then the calling thread does the work.
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { prepareFits } from '../fit/resident.ts';
import type { KernelOptions, StartKernelWorker } from '../kernels/runtime.ts';
import type { HeadModel } from '../model/head-model.ts';
import { enableRelaxedSimd } from './relaxed-simd.ts';

const PROGRAM = `
const { module, memory, control, number } = require('node:worker_threads').workerData;
new WebAssembly.Instance(module, { env: { memory } }).exports.serveTasks(control, number);
`;

/** Starts a thread; see `createKernels`. */
export const startKernelWorker: StartKernelWorker = (data) => {
  const worker = new Worker(PROGRAM, { eval: true, workerData: data, execArgv: [], env: {} });
  worker.unref();
  // A thread that fails takes no more tasks; the others do them.
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
  await prepareFits(model, { threads: defaultThreads(), ...options, startWorker: startKernelWorker });
}
