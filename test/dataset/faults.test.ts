/**
 * Runs that are killed: the built program, queue workers, Redis. A few kills only; bench/space-faults.ts does the whole
 * programme (20 kills in 100 photos, 200 jobs through the queue).
 */
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import { lastingFolder } from '../cli/helpers.ts';
import { fitsIn, killRunner, noProgram, noRedis, pause, photofit, startRedis } from '../helpers/faults.ts';
import { contentsOf } from '../helpers/folders.ts';
import { writePhotoSet, writeTinyHead } from '../helpers/photo-set.ts';

const COUNT = 10;

describe.skipIf(noProgram)(`a killed data set${noProgram ? ` (skipped: ${noProgram})` : ''}`, () => {
  const folder = lastingFolder();
  const photos = path.join(folder, 'photos');
  const head = path.join(folder, 'tiny.head');
  const whole = path.join(folder, 'whole');
  const args = (work: string, ...more: string[]) => [
    ...['space', 'fit', photos, '-o', work, '--model', head, '--beside', '--size', '64'],
    ...['--map-size', '128', '--gate', 'sharpness=0,size=0', ...more],
  ];

  beforeAll(async () => {
    const model = await writeTinyHead(head);
    await writePhotoSet(photos, model, COUNT, 64);
    const run = photofit(...args(whole, '--jobs', '2'));
    expect(await run.ended, run.output()).toBe(0);
    expect(fitsIn(whole)).toBe(COUNT);
  }, 300_000);

  it('goes on from what is there, and ends with the same bytes', async () => {
    const work = path.join(folder, 'killed');
    const { killed, last } = await killRunner(args(work, '--jobs', '2'), work, 3, COUNT, createRandom(1));
    expect(await last.ended, last.output()).toBe(0);
    expect(killed).toBeGreaterThan(1);
    expect(contentsOf(work)).toEqual(contentsOf(whole));
    // What the killed runs were writing is swept away by the next one.
    expect(readdirSync(path.join(work, 'fits')).filter((name) => name.startsWith('.'))).toEqual([]);
  }, 600_000);

  it.skipIf(noRedis)(
    `through a queue whose workers and Redis are killed${noRedis ? ` (skipped: ${noRedis})` : ''}`,
    async () => {
      const work = path.join(folder, 'queued');
      const memory = path.join(folder, 'redis');
      mkdirSync(memory);
      const redis = await startRedis(memory);
      const { url, port } = redis;
      const worker = () => photofit('worker', '--queue', url, '--jobs', '1', '--lock', '4');
      const live = [redis.run, worker(), worker()];
      onTestFinished(async () => {
        for (const { child } of live) child.kill('SIGKILL');
        await Promise.all(live.map((run) => run.ended));
        rmSync(memory, { recursive: true, force: true });
      });
      const maker = photofit(...args(work, '--queue', url));
      live.push(maker);
      while (fitsIn(work) < 3 && maker.child.exitCode === null) await pause(20);
      live[1].child.kill('SIGKILL');
      live[0].child.kill('SIGKILL');
      await live[0].ended;
      live.push((await startRedis(memory, port)).run);
      live.push(worker());
      expect(await maker.ended, maker.output()).toBe(0);
      expect(contentsOf(work)).toEqual(contentsOf(whole));
      live[2].child.kill('SIGINT');
      expect(await live[2].ended, live[2].output()).toBe(0);
      expect(live[2].output()).toMatch(/fitted/);
    },
    600_000,
  );
});
