/** What `photofit worker` does: serves the queue until Ctrl-C. */
import { serveQueue } from '../node/dataset-queue.ts';
import { defaultJobs } from '../node/worker-pool.ts';
import { type CliContext, EXIT } from './context.ts';
import type { WorkerCommandOptions } from './worker-options.ts';

/** Serves the queue; the exit code is 0 when it was asked to end. */
export async function work(options: WorkerCommandOptions, context: CliContext): Promise<number> {
  const { queue, quiet } = options;
  const jobs = options.jobs ?? defaultJobs();
  const note = (line: string) => context.stderr.write(`${line}\n`);
  let [fitted, failed] = [0, 0];
  if (!quiet) note(`waiting for photos, ${jobs} at a time; Ctrl-C ends it when those in hand are done`);
  await serveQueue({
    url: queue,
    jobs,
    lockMs: 1000 * options.lock,
    signal: context.signal,
    onNote: note,
    onOutcome: (outcome, photo) => {
      if (outcome.fitted) fitted++;
      else failed++;
      if (!quiet) note(outcome.fitted ? `${photo.file}: fitted` : (outcome.why ?? `${photo.file}: failed`));
    },
  });
  context.stdout.write(`${fitted} fitted, ${failed} failed\n`);
  return EXIT.ok;
}
