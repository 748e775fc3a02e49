/** Ctrl-C: the first asks, a word says so where that takes a while, the second ends the process. */
import { EXIT } from './context.ts';

/** Milliseconds until it is said that an interruption was heard: a step of a training takes seconds. */
const PATIENCE = 1000;

/**
 * What to do at each Ctrl-C.
 * @param exit ends the process at once; results are moved into place whole, so nothing half-written can remain visible.
 */
export function interruption(
  controller: AbortController,
  stderr: { write(text: string): unknown },
  exit: (code: number) => void,
): (signal: string) => void {
  return (signal) => {
    if (controller.signal.aborted) return exit(EXIT.interrupted);
    controller.abort(signal);
    setTimeout(
      () => stderr.write('\nstops after the step in hand; Ctrl-C again stops at once\n'),
      PATIENCE,
    ).unref();
  };
}
