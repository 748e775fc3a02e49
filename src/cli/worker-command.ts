/** `photofit worker`: takes photos out of a queue. What it does is in worker.ts. */
import type { Command } from 'commander';
import type { CliContext } from './context.ts';
import { parseCount, parseJobs } from './numbers.ts';
import type { WorkerCommandOptions } from './worker-options.ts';

const EXAMPLES = `
Work folder and photos must lie on storage that this machine sees under the same path as the machine that hands the
photos out. Ctrl-C ends the worker when the photos in hand are done; a second one at once, and nothing is lost.

Examples:
  $ photofit worker --queue redis://queue:6379
  $ photofit worker --queue redis://queue:6379 --jobs 16
  $ photofit space fit photos/ -o /shared/my.space.work --queue redis://queue:6379    what hands photos out`;

/** Adds the command to `program`; `done` takes the exit code. */
export function addWorkerCommand(program: Command, context: CliContext, done: (code: number) => void): void {
  program
    .command('worker')
    .summary('fit photos that another machine hands out')
    .description('Takes photos out of a queue on Redis and fits them, until it is stopped.')
    .requiredOption('--queue <url>', 'redis://[user:password@]host[:port][/database]')
    .option('--jobs <number>', 'photos fitted at the same time (default: one per processor core)', parseJobs)
    .option('--lock <seconds>', 'so long after a worker died its photos go to another one', parseCount, 30)
    .option('-q, --quiet', 'say nothing of single photos', false)
    .addHelpText('after', EXAMPLES)
    .action(async (options: WorkerCommandOptions) => {
      const { work } = await import('./worker.ts');
      done(await work(options, context));
    });
}
