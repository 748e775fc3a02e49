/**
 * Processes that are started, killed at random moments and started again: `photofit` itself, queue workers, Redis. For the
 * test and the bench of what a killed run leaves behind. Needs the built program.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Random } from '../../src/core/random.ts';

const PROGRAM = 'bin/photofit.js';

/** Why there is no built program, or null. */
export const noProgram = existsSync('dist/cli/main.js') ? null : 'no dist/: npm run build makes it';

/** Why there is no Redis, or null; `npm test` installs it where it can. */
export const noRedis =
  process.env.PHOTOFIT_NO_REDIS ??
  (spawnSync('redis-server', ['--version']).status === 0 ? null : 'no redis-server on the PATH');

/** A started process with what it said. */
export interface Running {
  readonly child: ChildProcess;
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;
  output(): string;
}

/** Starts a process. */
export function start(command: string, args: readonly string[]): Running {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (bytes) => {
      output += bytes;
    });
  const ended = new Promise<number | string>((resolve) => {
    child.on('close', (code, signal) => resolve(code ?? signal ?? -1));
  });
  return { child, ended, output: () => output };
}

/** Starts the built `photofit`. */
export function photofit(...args: string[]): Running {
  return start(process.execPath, [PROGRAM, ...args]);
}

/** A moment. */
export const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Number of finished fits of a work folder. */
export function fitsIn(work: string): number {
  const folder = `${work}/fits`;
  return existsSync(folder) ? readdirSync(folder).filter((name) => !name.startsWith('.')).length : 0;
}

/**
 * Runs `args` and kills it, `kills` times, each after a random number of further results and a random moment more; then
 * lets it finish.
 * @returns how often it was killed, and how many results were there each time
 */
export async function killRunner(
  args: readonly string[],
  work: string,
  kills: number,
  photos: number,
  random: Random,
): Promise<{ killed: number; after: number[]; last: Running }> {
  const after: number[] = [];
  for (;;) {
    const run = photofit(...args);
    if (after.length === kills) {
      await run.ended;
      return { killed: after.length, after, last: run };
    }
    let done = false;
    void run.ended.then(() => {
      done = true;
    });
    const wanted = fitsIn(work) + random.below(Math.max(1, Math.floor((1.6 * photos) / kills)));
    while (!done && fitsIn(work) < wanted) await pause(5);
    await pause(400 * random.uniform());
    if (done) return { killed: after.length, after, last: run };
    run.child.kill('SIGKILL');
    if ((await run.ended) === 'SIGKILL') after.push(fitsIn(work));
  }
}

/** A Redis on a free port of the loopback, its memory in `folder`. */
export async function startRedis(
  folder: string,
  port?: number,
): Promise<{ run: Running; url: string; port: number }> {
  const at = port ?? (await freePort());
  const run = start('redis-server', [
    ...['--port', String(at), '--bind', '127.0.0.1', '--dir', folder],
    ...['--appendonly', 'yes', '--save', ''],
  ]);
  for (let i = 0; i < 400 && !/eady to accept connections/.test(run.output()); i++) await pause(25);
  return { run, url: `redis://127.0.0.1:${at}`, port: at };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
