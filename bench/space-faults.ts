/**
 * Data sets that are killed: the runner with `kill -9` at random moments, queue workers and Redis likewise. Prints how often
 * what was killed, and whether every result is there once and byte for byte that of an undisturbed run.
 *
 *   npm run build && npm run bench -- space-faults [--photos 100] [--kills 20] [--jobs-in-queue 200] [--worker-kills 10]
 *     [--redis-kills 5] [--seed 1] [--only runner|queue] [--model FILE.head] [--photo 96]
 *
 * The photos are small renders of the tiny head of the tests (or of `--model`) with their landmarks beside them, so that a
 * fit takes a fraction of a second and the kills fall into every part of it. The program must be built; the queue needs
 * redis-server on the PATH.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { createRandom } from '../src/core/random.ts';
import { readHeadPack } from '../src/model/pack.ts';
import {
  fitsIn,
  killRunner,
  noRedis,
  pause,
  photofit,
  type Running,
  startRedis,
} from '../test/helpers/faults.ts';
import { contentsOf } from '../test/helpers/folders.ts';
import { writePhotoSet, writeTinyHead } from '../test/helpers/photo-set.ts';

const { values } = parseArgs({
  options: {
    photos: { type: 'string', default: '100' },
    kills: { type: 'string', default: '20' },
    'jobs-in-queue': { type: 'string', default: '200' },
    'worker-kills': { type: 'string', default: '10' },
    'redis-kills': { type: 'string', default: '5' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
    model: { type: 'string' },
    photo: { type: 'string', default: '96' },
  },
});
const folder = mkdtempSync(path.join(tmpdir(), 'photofit-faults-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const head = values.model ?? path.join(folder, 'tiny.head');
const model = values.model
  ? await readHeadPack(new Uint8Array(readFileSync(values.model)))
  : await writeTinyHead(head);
const random = createRandom(Number(values.seed));
let failed = false;

if (values.only !== 'queue') await runner();
if (values.only !== 'runner') {
  if (noRedis) console.log(`queue: skipped: ${noRedis}`);
  else await queue();
}
process.exit(failed ? 1 : 0);

function args(photos: string, work: string, ...more: string[]): string[] {
  const small = ['--model', head, '--beside', '--size', '64', '--map-size', '128'];
  return ['space', 'fit', photos, '-o', work, ...small, '--gate', 'sharpness=0,size=0', ...more];
}

async function undisturbed(photos: string, count: number): Promise<string> {
  await writePhotoSet(photos, model, count, Number(values.photo));
  const work = `${photos}-whole`;
  const started = performance.now();
  const run = photofit(...args(photos, work, '--jobs', '2'));
  await run.ended;
  console.log(`undisturbed: ${fitsIn(work)} of ${count} fitted in ${seconds(started)} s`);
  return work;
}

async function runner(): Promise<void> {
  const count = Number(values.photos);
  const photos = path.join(folder, 'photos');
  const whole = await undisturbed(photos, count);
  const work = path.join(folder, 'killed');
  const started = performance.now();
  const { killed, after, last } = await killRunner(
    args(photos, work, '--jobs', '2'),
    work,
    Number(values.kills),
    count,
    random,
  );
  console.log(`runner: killed ${killed} times, with ${after.join(', ')} of ${count} results there`);
  report('runner', work, whole, count, started, last);
}

async function queue(): Promise<void> {
  const count = Number(values['jobs-in-queue']);
  const photos = path.join(folder, 'queued');
  const whole = await undisturbed(photos, count);
  const work = path.join(folder, 'queue');
  const memory = path.join(folder, 'redis');
  mkdirSync(memory);
  const started = performance.now();
  let redis = await startRedis(memory);
  const { url, port } = redis;
  const worker = () => photofit('worker', '--queue', url, '--jobs', '1', '--lock', '4');
  const workers = [worker(), worker()];
  const maker = photofit(...args(photos, work, '--queue', url));
  let ended = false;
  void maker.ended.then(() => {
    ended = true;
  });
  const plan = [
    ...Array<string>(Number(values['worker-kills'])).fill('worker'),
    ...Array<string>(Number(values['redis-kills'])).fill('redis'),
  ];
  for (let i = plan.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [plan[i], plan[j]] = [plan[j], plan[i]];
  }
  const kills: Record<string, number[]> = { worker: [], redis: [] };
  for (const [k, what] of plan.entries()) {
    const wanted = ((k + random.uniform()) * count) / (plan.length + 1);
    while (!ended && fitsIn(work) < wanted) await pause(20);
    await pause(600 * random.uniform());
    if (ended) break;
    const victim: Running = what === 'redis' ? redis.run : workers[random.below(2)];
    victim.child.kill('SIGKILL');
    if ((await victim.ended) === 'SIGKILL') kills[what].push(fitsIn(work));
    if (what === 'redis') {
      await pause(1000 * random.uniform());
      redis = await startRedis(memory, port);
    } else workers[workers.indexOf(victim)] = worker();
  }
  await maker.ended;
  for (const { child } of workers) child.kill('SIGINT');
  await Promise.all(workers.map((run) => run.ended));
  redis.run.child.kill('SIGKILL');
  await redis.run.ended;
  console.log(
    `queue: workers killed ${kills.worker.length} times (with ${kills.worker.join(', ')} results), Redis ${kills.redis.length} times (${kills.redis.join(', ')})`,
  );
  report('queue', work, whole, count, started, maker);
}

function report(
  name: string,
  work: string,
  whole: string,
  count: number,
  started: number,
  last: Running,
): void {
  const [got, wanted] = [contentsOf(work), contentsOf(whole)];
  const files = Object.keys(wanted);
  const missing = files.filter((file) => !(file in got));
  const different = files.filter((file) => file in got && got[file] !== wanted[file]);
  const extra = Object.keys(got).filter((file) => !(file in wanted));
  const left = readdirSync(`${work}/fits`).filter((file) => file.startsWith('.'));
  const good = fitsIn(work) === count && missing.length + different.length + extra.length === 0;
  failed ||= !good;
  console.log(
    `${name}: ${fitsIn(work)} of ${count} results, ${files.length} files: ${missing.length} missing, ${different.length} different, ${extra.length} too many, ${left.length} half-written left; ${seconds(started)} s${good ? '' : '  FAILED'}`,
  );
  if (!good) console.log(last.output());
}

function seconds(started: number): string {
  return ((performance.now() - started) / 1000).toFixed(0);
}
