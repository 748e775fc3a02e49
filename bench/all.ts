/**
 * Everything at once: the stages of a fit, the whole command, a folder of photos, memory, energy against time, kernels
 * beside OpenBLAS. Prints tables and appends every figure to bench/results, a CSV file per processor.
 *
 *   npm run bench [-- --runs 5] [--photos 24] [--skip kernels,folder,…] [--only energy] [--dry-run]
 *   npm run bench -- command | folder | energy [--photos 12] …    that part alone
 *
 * Medians, and how busy the machine was before. "First" is what a process pays the first time, while its code is not
 * compiled yet. Needs the built program.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { readHeadPack } from '../src/model/pack.ts';
import { loadPerception } from '../src/node/perception.ts';
import { decodePhoto } from '../src/node/photo.ts';
import { enableRelaxedSimd } from '../src/node/relaxed-simd.ts';
import { runCommand } from './lib/command.ts';
import { energyMoments } from './lib/energy-times.ts';
import { Figures, median } from './lib/figures.ts';
import { measureStages } from './lib/stage-times.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    photos: { type: 'string', default: '24' },
    skip: { type: 'string', default: '' },
    only: { type: 'string', default: '' },
    'dry-run': { type: 'boolean', default: false },
  },
});
const runs = Number(values.runs);
const photos = Number(values.photos);
const MODEL = 'models/open-head.head';
const EXAMPLES = ['examples/portrait.jpg', 'examples/mona-lisa.jpg'];
const [PHOTO] = EXAMPLES;
const MB = 1e6;

const figures = new Figures();
const scratch = mkdtempSync(path.join(tmpdir(), 'photofit-bench-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

// Times of a machine that is busy otherwise compare with each other only.
figures.add('machine', 'load average before', loadavg()[0], '');

const sections: Readonly<Record<string, () => Promise<void>>> = { stages, command, folder, energy, kernels };
const skipped = values.skip.split(',');
const only = values.only === '' ? Object.keys(sections) : values.only.split(',');
for (const [name, section] of Object.entries(sections)) {
  if (skipped.includes(name) || !only.includes(name)) continue;
  const known = figures.all.length;
  await section();
  for (const group of new Set(figures.all.slice(known).map((figure) => figure.group))) figures.print(group);
}
if (!values['dry-run']) console.log(`\nappended to ${figures.append('bench/results')}`);

async function stages(): Promise<void> {
  const { once, runs: all } = await measureStages(PHOTO, MODEL, runs);
  for (const [name, ms] of once) figures.add('once a process', name, ms, 'ms');
  const [first, ...later] = all;
  for (const [name, ms] of first) {
    figures.add('a photo, first', name, ms, 'ms');
    figures.add('a photo, later', name, median(later.map((times) => times.get(name) ?? Number.NaN)), 'ms');
  }
}

async function command(): Promise<void> {
  const out = path.join(scratch, 'command');
  // Without V8's code cache, as the very first run after a build or an update.
  for (const name of readdirSync('dist/bin'))
    if (name.endsWith('.cache')) rmSync(path.join('dist/bin', name));
  const cold = await runCommand(['fit', PHOTO, '-o', out, '--quiet']);
  const warm = [];
  for (let r = 0; r < runs; r++) warm.push(await runCommand(['fit', PHOTO, '-o', out, '--quiet']));
  const group = 'photofit fit one.jpg, start to end';
  figures.add(group, 'cold', cold.seconds, 's');
  figures.add(group, 'warm', median(warm.map(({ seconds }) => seconds)), 's');
  figures.add(group, 'peak memory', median(warm.map(({ peakBytes }) => peakBytes)) / MB, 'MB');
  const version = [];
  for (let r = 0; r < runs; r++) version.push((await runCommand(['--version'])).seconds);
  figures.add(group, 'photofit --version', median(version), 's');
}

async function folder(): Promise<void> {
  const input = mkdtempSync(path.join(scratch, 'photos-'));
  for (let i = 0; i < photos; i++) cpSync(EXAMPLES[i % 2], path.join(input, `${i}.jpg`));
  const few = Array.from({ length: 4 }, (_, i) => path.join(input, `${i}.jpg`));
  for (const jobs of [...new Set([1, availableParallelism()])]) {
    const group = `photofit fit FOLDER --jobs ${jobs}`;
    const args = (names: readonly string[]) => [
      'fit',
      ...names,
      '-o',
      path.join(scratch, `folder-${jobs}`),
      '--jobs',
      String(jobs),
      '--quiet',
    ];
    const start = await runCommand(args(few));
    const all = await runCommand(args([input]));
    const each = (all.seconds - start.seconds) / (photos - few.length);
    figures.add(group, 'each further photo', each, 's');
    figures.add(group, 'photos a minute', 60 / each, '');
    figures.add(group, `peak memory, ${few.length} photos`, start.peakBytes / MB, 'MB');
    figures.add(group, `peak memory, ${photos} photos`, all.peakBytes / MB, 'MB');
  }
}

async function energy(): Promise<void> {
  enableRelaxedSimd();
  const model = await readHeadPack(new Uint8Array(readFileSync(MODEL)));
  const perception = await loadPerception();
  for (const file of EXAMPLES) {
    const photo = await decodePhoto(file);
    const [observation] = await perception.detect(photo.image);
    const long = await energyMoments(photo.image, observation, model, 25);
    // Once more to warm up is what the long run was for.
    const moments = await energyMoments(photo.image, observation, model);
    const last = moments.at(-1)!.stage;
    const least = Math.min(...long.filter(({ stage }) => stage === last).map((m) => m.energy));
    const group = `energy of ${path.basename(file)}, ${last}, after all stages before it`;
    for (const [i, moment] of moments.filter(({ stage }) => stage === last).entries()) {
      figures.add(group, `iteration ${i}, reached after`, moment.milliseconds, 'ms');
      figures.add(
        group,
        `iteration ${i}, above the long run's least`,
        100 * (moment.energy / least - 1),
        '%',
      );
    }
  }
  perception.dispose();
}

async function kernels(): Promise<void> {
  const table = path.join(scratch, 'kernels.json');
  const env = { ...process.env, PHOTOFIT_BENCH_TABLE: table };
  const { status } = spawnSync(process.execPath, ['scripts/run.mjs', 'bench/kernels.ts'], {
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (status !== 0) throw new Error(`bench/kernels.ts ended with ${status}`);
  const [header, ...rows]: string[][] = JSON.parse(readFileSync(table, 'utf8'));
  for (const [task, ...cells] of rows)
    for (const [i, cell] of cells.entries())
      if (cell !== '') figures.add('kernels', `${task}: ${header[i + 1]}`, Number(cell), '');
}
