/** A thread of `photofit space fit --jobs N`: fits photos and writes their results. */

import { workPaths } from '../dataset/layout.ts';
import type { PhotoEntry } from '../dataset/manifest.ts';
import { type FitterInput, PhotoFitter, type PhotoOutcome } from './dataset-fit.ts';
import { serveTasks } from './worker-tasks.ts';

serveTasks<DatasetWorkerInit, PhotoEntry, PhotoOutcome>(async ({ root, file, model }) => {
  const fitter = await PhotoFitter.create({ paths: workPaths(root), file, model });
  return (entry, { signal }) => fitter.run(entry, signal);
});

/** What every thread is given once. */
export interface DatasetWorkerInit extends Omit<FitterInput, 'paths'> {
  readonly root: string;
}
