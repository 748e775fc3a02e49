/** The command line as a process: how long it takes from start to end, and how much memory it ever had. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** What a run of the command took. */
export interface CommandRun {
  readonly seconds: number;
  /** Largest resident memory, bytes; NaN where the system does not tell. */
  readonly peakBytes: number;
  readonly stdout: string;
}

const POLL_MS = 10;

/** Runs `photofit` with `args`; throws when it fails. */
export function runCommand(args: readonly string[]): Promise<CommandRun> {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const child = spawn(process.execPath, ['bin/photofit.js', ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let peakBytes = Number.NaN;
    // The high-water mark of the system itself, so that no peak is missed between two looks.
    const poll = setInterval(() => {
      try {
        const text = readFileSync(`/proc/${child.pid}/status`, 'utf8');
        const kilobytes = /VmHWM:\s*(\d+) kB/.exec(text)?.[1];
        if (kilobytes) peakBytes = 1024 * Number(kilobytes);
      } catch {
        // No such system, or the process has just ended.
      }
    }, POLL_MS);
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (bytes) => {
      stdout += bytes;
    });
    child.stderr.on('data', (bytes) => {
      stderr += bytes;
    });
    child.on('error', reject);
    child.on('close', (code) => {
      clearInterval(poll);
      const seconds = (performance.now() - started) / 1000;
      if (code === 0) resolve({ seconds, peakBytes, stdout });
      else reject(new Error(`photofit ${args.join(' ')}: ended with ${code}\n${stderr}`));
    });
  });
}
