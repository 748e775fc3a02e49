/**
 * What BullMQ runs in a process of its own for `photofit worker`: one photo at a time, of whichever work folder the job
 * names. Head, kernels and networks stay loaded between photos.
 */
import type { SandboxedJob } from 'bullmq';
import { PhotoFitter, type PhotoOutcome } from './dataset-fit.ts';
import type { PhotoJob } from './dataset-queue.ts';
import { reopenWork } from './dataset-work.ts';

/** Of the work folder that the last job was of: data sets come one after the other, and heads are large. */
let current: { readonly root: string; readonly fitter: Promise<PhotoFitter> } | null = null;

// The worker that started this process was killed: nobody would take the result.
process.on('disconnect', () => process.exit());

/** Does one job. */
export default async function fitPhotoJob(job: SandboxedJob<PhotoJob>): Promise<PhotoOutcome> {
  const { root, photo } = job.data;
  if (current?.root !== root) {
    const before = current;
    current = { root, fitter: reopenWork(root).then((work) => PhotoFitter.create(work)) };
    (await before?.fitter.catch(() => null))?.dispose();
  }
  try {
    return await (await current.fitter).run(photo);
  } catch (error) {
    // A folder that could not be opened may be all right the next time.
    current = null;
    throw error;
  }
}
