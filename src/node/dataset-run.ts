/** Many photos on one machine: this thread, or a pool of threads. */
import { OutOfMemoryError, throwIfAborted } from '../core/errors.ts';
import type { PhotoEntry } from '../dataset/manifest.ts';
import { PhotoFitter, type PhotoOutcome, recordFailure } from './dataset-fit.ts';
import type { Work } from './dataset-work.ts';
import type { DatasetWorkerInit } from './dataset-worker.ts';
import { shareArrays, WorkerPool, workerModule } from './worker-pool.ts';

/** Options of {@link runPhotos}. */
export interface RunPhotosOptions {
  /** Photos fitted at the same time. */
  readonly jobs: number;
  readonly signal?: AbortSignal;
  readonly onOutcome?: (outcome: PhotoOutcome) => void;
}

/**
 * Fits photos; each result is on disk before it is told of.
 * @throws {AbortedError} when `options.signal` is aborted; what was finished stays
 * @throws {PhotofitError} when results cannot be written; the other photos in hand are given up
 */
export async function runPhotos(
  work: Work,
  photos: readonly PhotoEntry[],
  options: RunPhotosOptions,
): Promise<void> {
  const { signal } = options;
  const jobs = Math.min(options.jobs, photos.length);
  const module = jobs > 1 ? workerModule('dataset-worker', import.meta.url) : null;
  if (photos.length === 0) return;
  if (!module) {
    const fitter = await PhotoFitter.create(work);
    try {
      for (const photo of photos) {
        throwIfAborted(signal);
        options.onOutcome?.(await fitter.run(photo, signal));
      }
    } finally {
      fitter.dispose();
    }
    return;
  }
  const pool = new WorkerPool<DatasetWorkerInit, PhotoEntry, PhotoOutcome>(module, jobs);
  const stop = new AbortController();
  const all = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
  try {
    await pool.start({ root: work.paths.root, file: work.file, model: shareArrays(work.model) });
    const queue = photos.values();
    let failure: unknown;
    const lane = async () => {
      for (const photo of queue) {
        if (all.aborted) return;
        try {
          options.onOutcome?.(await runOnPool(pool, work, photo, all));
        } catch (error) {
          if (!stop.signal.aborted) failure = error;
          stop.abort();
        }
      }
    };
    await Promise.all(Array.from({ length: jobs }, lane));
    throwIfAborted(signal);
    if (failure !== undefined) throw failure;
  } finally {
    await pool.close();
  }
}

type Pool = WorkerPool<DatasetWorkerInit, PhotoEntry, PhotoOutcome>;

/** One photo on a thread; a thread that ends under it twice is the photo's fault. */
async function runOnPool(
  pool: Pool,
  work: Work,
  photo: PhotoEntry,
  signal: AbortSignal,
): Promise<PhotoOutcome> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await pool.run(photo, { signal });
    } catch (error) {
      if (!(error instanceof OutOfMemoryError)) throw error;
      if (attempt === 2) return recordFailure(work.paths, photo, error);
    }
  }
}
