/** The process around the command line: arguments, streams, Ctrl-C, exit code. Started by bin/photofit.js. */
import { EXIT } from './context.ts';
import { interruption } from './interrupt.ts';
import { runCli } from './run.ts';

/** Runs the command line that this process was started with, and ends the process. */
export async function runProcess(): Promise<void> {
  const controller = new AbortController();
  const interrupt = interruption(controller, process.stderr, process.exit);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, interrupt);
  // The reader of a pipe may leave early (`photofit fit … | head -1`); that is no error of ours.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT.ok);
    throw error;
  });

  process.exitCode = await runCli(process.argv.slice(2), {
    stdout: process.stdout,
    stderr: process.stderr,
    signal: controller.signal,
  });
  // Nothing is left to do, and taking everything apart in good order takes 0.05 s after a fit.
  await Promise.all([process.stdout, process.stderr].map(flush));
  process.exit();
}

/** Waits until what was written is with the system, or cannot be. */
function flush(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((done) => {
    stream.write('', () => done());
  });
}
