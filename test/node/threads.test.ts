/** Threads are modules of their own in the built code: without theirs, work stays on the caller's thread, unnoticed. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import type * as Threads from '../../src/node/threads.ts';
import { filesBelow } from '../structure/source.ts';

const names = filesBelow('src', '.ts').flatMap((file) =>
  [...readFileSync(file, 'utf8').matchAll(/(?:startThread|workerModule)\('([\w-]+)'/g)].map(
    (found) => found[1],
  ),
);

describe('threads', () => {
  it('are found', () => {
    expect(names).toContain('perception-worker');
    expect(names).toContain('overlay-worker');
  });

  it('refuse questions once they have ended', async () => {
    const { startThread } = (await import(path.resolve('dist/node/threads.js'))) as typeof Threads;
    const thread = startThread('perception-worker')!;
    await thread.stop();
    await expect(thread.ask('start', null)).rejects.toThrow('the thread perception-worker has ended');
  });

  // A thread that is terminated leaves no code cache, and compiles everything anew at every start.
  it('end by themselves and leave their code cache, when nothing is asked of them', async () => {
    const arch = `${process.arch}-v8-${process.versions.v8}`;
    const cache = path.resolve(`dist/bin/video-worker.bundle.cjs.${arch}.cache`);
    rmSync(cache, { force: true });
    const worker = new Worker(path.resolve('dist/bin/video-worker.cjs'));
    worker.postMessage(null);
    expect(await new Promise((resolve) => worker.once('exit', resolve))).toBe(0);
    expect(existsSync(cache)).toBe(true);
  });

  it('are terminated when they are busy', async () => {
    const { startThread } = (await import(path.resolve('dist/node/threads.js'))) as typeof Threads;
    const thread = startThread('perception-worker')!;
    const asked = thread.ask('start', null);
    const failed = expect(asked).rejects.toThrow('the thread perception-worker has ended');
    await thread.stop();
    await failed;
  });

  // Once the two threads of tracking were missing beside the bundle, and tracking took half as long again.
  it.each(names)('%s is built, beside the bundle too', (name) => {
    expect(existsSync(`dist/bin/${name}.cjs`)).toBe(true);
    expect(['node', 'cli'].some((folder) => existsSync(`dist/${folder}/${name}.js`))).toBe(true);
  });
});
