/**
 * Principal components of many maps at full size: time and peak memory of `space pca` on generated maps, written as map
 * files first, so that reading and inflating them is part of it.
 *
 *   npm run bench -- space-pca [--maps 1500] [--files 100] [--size 512] [--components 100] [--folder DIR]
 *
 * Writing 1,500 maps takes longer than their components: by default 100 are written and read again and again, which is
 * the same work.
 *
 * What was measured is in docs/space-file.md.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { readHeadPack } from '../src/model/pack.ts';
import { writeSpacePack } from '../src/model/space-pack.ts';
import { writeFileAtomically } from '../src/node/atomic.ts';
import { openMapFolder, writeMap } from '../src/node/map-folder.ts';
import { withScratch } from '../src/node/scratch-file.ts';
import { textureSpaceOf } from '../src/texture/space-pca.ts';
import type { TextureMapSource } from '../src/texture/texture-map.ts';
import { generateMaps } from '../test/helpers/generated-maps.ts';

/** What 1,500 maps of 512² may take. */
const [WANTED_SECONDS, WANTED_KIB] = [300, 2 ** 20];

const { values } = parseArgs({
  options: {
    maps: { type: 'string', default: '1500' },
    files: { type: 'string', default: '100' },
    size: { type: 'string', default: '512' },
    components: { type: 'string', default: '100' },
    folder: { type: 'string' },
  },
});
const [count, size, components] = [values.maps, values.size, values.components].map(Number);
const files = Math.min(Number(values.files), count);
const model = await readHeadPack(readFileSync('models/open-head.head'));
const folder = values.folder ?? mkdtempSync(path.join(tmpdir(), 'photofit-pca-'));
mkdirSync(folder, { recursive: true });

// A made folder is used again.
const kept = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.npz')).length : 0;
if (kept !== files) {
  const maps = generateMaps(files, size, 20);
  for (let i = 0; i < files; i++)
    await writeMap(path.join(folder, `${maps.names[i]}.npz`), await maps.read(i));
  console.log(
    `${files} maps of ${size}² written; run again with --folder ${folder} for clean figures of memory`,
  );
}
const opened = await openMapFolder(folder);
const source: TextureMapSource = {
  size: opened.size,
  names: Array.from({ length: count }, (_, i) => `${i}: ${opened.names[i % files]}`),
  read: (index) => opened.read(index % files),
};

const started = performance.now();
const before = process.cpuUsage();
let peak = 0;
let stage = '';
let since = started;
const watch = setInterval(() => {
  peak = Math.max(peak, process.memoryUsage().rss);
}, 50);
const out = path.join(folder, 'bench.space');
const space = await withScratch(folder, async (scratch) =>
  textureSpaceOf(
    source,
    model,
    { name: 'bench', license: '', credits: '', provenance: {} },
    {
      components,
      scratch,
      onProgress(event) {
        peak = Math.max(peak, process.memoryUsage().rss);
        if (event.stage === stage) return;
        const now = performance.now();
        if (stage) console.log(`${stage}: ${((now - since) / 1000).toFixed(1)} s`);
        stage = event.stage;
        since = now;
      },
    },
  ),
);
console.log(`${stage}: ${((performance.now() - since) / 1000).toFixed(1)} s`);
await writeFileAtomically(out, writeSpacePack(space));
peak = Math.max(peak, process.memoryUsage().rss);
clearInterval(watch);
const seconds = (performance.now() - started) / 1000;
const { maxRSS } = process.resourceUsage();
const cpu = process.cpuUsage(before);
console.log(
  `${count} maps of ${size}², ${components} components: ${seconds.toFixed(1)} s (processor ${((cpu.user + cpu.system) / 1e6).toFixed(1)} s), peak RSS ${(maxRSS / 1024).toFixed(0)} MiB (seen ${(peak / 2 ** 20).toFixed(0)}), ${seconds <= WANTED_SECONDS && maxRSS <= WANTED_KIB ? 'within' : 'beyond'} the 5 min and 1 GiB wanted of 1,500 maps of 512²`,
);
rmSync(out);
if (!values.folder && kept === files) rmSync(folder, { recursive: true });
