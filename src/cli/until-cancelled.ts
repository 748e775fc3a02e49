/** Ctrl-C in commands that leave finished work behind: a word on what is kept, and the exit code for it. */
import { AbortedError } from '../core/errors.ts';
import { EXIT } from './context.ts';
import type { ProgressBar } from './progress-bar.ts';

/** What is said of work that the same command takes up again. */
export const GOES_ON = 'cancelled; what was finished is kept, the same command goes on from there';

/**
 * Runs a command's body, and ends its bar however that ends.
 * @returns the body's exit code, or that of an interruption, after `note`, when it was aborted.
 */
export async function untilCancelled(
  bar: ProgressBar,
  note: string,
  body: () => Promise<number>,
): Promise<number> {
  try {
    return await body();
  } catch (error) {
    if (!(error instanceof AbortedError)) throw error;
    bar.end();
    bar.note(note);
    return EXIT.interrupted;
  } finally {
    bar.end();
  }
}
