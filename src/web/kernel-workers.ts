/**
 * Threads of the kernels in a page: workers that do nothing but wait in the kernels' shared memory. Only a cross-origin
 * isolated page may share memory (headers `Cross-Origin-Opener-Policy: same-origin` and `Cross-Origin-Embedder-Policy:
 * require-corp`); elsewhere, or where its policy forbids workers from blobs, one thread does all, with the same results.
 * Outside workers a page may not sleep: it spins while others finish their share.
 */

import { withDefaults } from '../core/defaults.ts';
import { prepareFits } from '../fit/resident.ts';
import type { KernelOptions, StartKernelWorker } from '../kernels/runtime.ts';
import { SERVE_PROGRAM } from '../kernels/task-table.ts';
import type { HeadModel } from '../model/head-model.ts';

const PROGRAM = `${SERVE_PROGRAM}
onmessage = ({ data }) => {
  serve(data);
  close();
};
`;

/** Starts a thread; null where the page may not share memory. */
export const startKernelWorker: StartKernelWorker = (data) => {
  if (!globalThis.crossOriginIsolated) return null;
  const url = URL.createObjectURL(new Blob([PROGRAM], { type: 'text/javascript' }));
  try {
    const worker = new Worker(url);
    worker.onerror = (event) => event.preventDefault();
    worker.postMessage(data);
    return { terminate: () => worker.terminate() };
  } catch {
    return null;
  } finally {
    URL.revokeObjectURL(url);
  }
};

/** Threads worth having by default: more than four hardly help a single fit. */
export function defaultThreads(): number {
  return globalThis.crossOriginIsolated ? Math.min(navigator.hardwareConcurrency || 1, 4) : 1;
}

/**
 * Makes fits of `model` run on several threads where the page may, and the model ready for them.
 * @param options.threads this one included; {@link defaultThreads} by default.
 */
export async function useThreads(
  model: HeadModel,
  options: Pick<KernelOptions, 'threads' | 'relaxed'> = {},
): Promise<void> {
  const mayWait = typeof document === 'undefined';
  await prepareFits(model, {
    ...withDefaults({ threads: defaultThreads() }, options),
    startWorker: startKernelWorker,
    mayWait,
  });
}
