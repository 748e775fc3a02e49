/** Runs the command line in this process on temporary folders and collects what it prints. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, onTestFinished } from 'vitest';
import { runCli } from '../../src/cli/run.ts';

/** What a run of the command line left behind. */
export interface CliResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Options of {@link cli}. */
export interface CliOptions {
  readonly signal?: AbortSignal;
  /** Called with everything written to stderr, as it comes. */
  readonly onStderr?: (text: string) => void;
}

/** Runs `photofit` with the given arguments. */
export async function cli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  let stdout = '';
  let stderr = '';
  const code = await runCli(args, {
    stdout: { write: (text) => void (stdout += text) },
    stderr: {
      write: (text) => {
        stderr += text;
        options.onStderr?.(text);
      },
    },
    signal: options.signal ?? new AbortController().signal,
  });
  return { code, stdout, stderr };
}

/** A folder that is removed after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'photofit-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A folder that is removed after all tests of a `describe`, in which it must be called. */
export function lastingFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'photofit-test-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
