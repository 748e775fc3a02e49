/**
 * A thread that computes examples, adds gradients and moves parameters, as told by `training-threads.ts`. Loaded as the
 * file of a Worker; does nothing when imported by anything else.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { createKernelsSync } from '../kernels/runtime.ts';
import { adamStep, addGradients } from '../nn/adam.ts';
import type { CompletionAtlas } from '../texture/completion/atlas.ts';
import { ExampleRunner, type TrainingOptions } from '../texture/completion/training.ts';
import type { TrainingSet } from '../texture/completion/training-set.ts';
import { enableRelaxedSimd } from './relaxed-simd.ts';

/** Says that a Worker is to be one of these threads. */
export const TRAINING_JOB = 'photofit-training';

/** What a thread is started with; large arrays lie on shared memory. */
export interface TrainingJob {
  readonly kind: typeof TRAINING_JOB;
  readonly atlas: CompletionAtlas;
  readonly set: TrainingSet;
  readonly options: Required<TrainingOptions>;
  readonly relaxed: boolean;
  /** (P) each: what is learned and Adam's memory. */
  readonly parameters: Float32Array;
  readonly first: Float32Array;
  readonly second: Float32Array;
  /** (P) for each example of a batch. */
  readonly gradients: readonly Float32Array[];
  readonly norms: Float64Array;
  /** (batch) loss of each example. */
  readonly losses: Float64Array;
  /** (1) the next example that nobody has taken. */
  readonly next: Int32Array;
}

/** What a thread is told to do; it answers each with 'done'. */
export type TrainingTask =
  | { readonly task: 'examples'; readonly step: number }
  | { readonly task: 'add'; readonly begin: number; readonly end: number }
  | {
      readonly task: 'move';
      readonly step: number;
      readonly scale: number;
      readonly rate: number;
      readonly begin: number;
      readonly end: number;
    };

function serve(job: TrainingJob): void {
  enableRelaxedSimd();
  const kernels = createKernelsSync({ relaxed: job.relaxed });
  const runner = new ExampleRunner(kernels, job.atlas, job.options.base);
  parentPort?.on('message', (task: TrainingTask) => {
    if (task.task === 'examples') {
      runner.network.network.load(job.parameters);
      for (;;) {
        const index = Atomics.add(job.next, 0, 1);
        if (index >= job.options.batch) break;
        job.losses[index] = runner.train(job.set, job.options.seed, task.step, index, job.gradients[index]);
      }
    } else if (task.task === 'add') addGradients(job.gradients, task.begin, task.end, job.norms);
    else {
      const { rate, scale, step, begin, end } = task;
      adamStep(job, job.gradients[0], scale, step, begin, end, { rate });
    }
    parentPort?.postMessage('done');
  });
  parentPort?.postMessage('done');
}

if (parentPort && (workerData as TrainingJob | null)?.kind === TRAINING_JOB) serve(workerData as TrainingJob);
