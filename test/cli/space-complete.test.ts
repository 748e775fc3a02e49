/** `photofit space complete` on a folder of maps of the small test head. */
import { readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { gateFileText } from '../../src/dataset/gate-file.ts';
import { PHOTO_FIT_DEFAULTS, workFileText } from '../../src/dataset/work-file.ts';
import { createKernelsSync } from '../../src/kernels/runtime.ts';
import { writeHeadPack } from '../../src/model/pack.ts';
import { uvLayoutHash } from '../../src/model/space-pack.ts';
import { writeMap } from '../../src/node/map-folder.ts';
import { texturePopulation } from '../helpers/texture-population.ts';
import { makeTinyHead } from '../helpers/tiny-head.ts';
import { cli, lastingFolder, temporaryFolder } from './helpers.ts';

describe('photofit space complete', () => {
  const folder = lastingFolder();
  const model = makeTinyHead();
  const head = path.join(folder, 'tiny.head');
  const maps = path.join(folder, 'maps');
  beforeAll(async () => {
    const info = { version: '1', credits: 'nobody', precision: 'float32' } as const;
    writeFileSync(head, writeHeadPack(model, info));
    const people = texturePopulation(createKernelsSync(), model, 3, 64, 2);
    const layoutHash = await uvLayoutHash(model);
    for (let i = 0; i < 3; i++)
      await writeMap(path.join(maps, `${people.names[i]}.npz`), await people.read(i), { layoutHash });
  });

  it('completes a folder of maps into another, and says so', async () => {
    const out = temporaryFolder();
    const args = ['space', 'complete', maps, '-o', out, '--model', head, '--method', 'mirror'];
    const first = await cli(args);
    expect(first.code).toBe(0);
    expect(first.stdout).toMatch(/: 3 maps complete by mirror, 3 written now in 0:\d\d\n$/);
    expect(first.stderr).toContain(`${out}: complete`);
    expect(readdirSync(path.join(out, 'completed'))).toHaveLength(4);
    const again = await cli([...args, '--json', '-q']);
    expect(JSON.parse(again.stdout)).toMatchObject({ output: out, maps: 3, written: 0, network: null });
    expect(again.stderr).toBe('');
  });

  it('Ctrl-C: what is finished stays, the same command goes on', async () => {
    const out = temporaryFolder();
    const controller = new AbortController();
    const args = ['space', 'complete', maps, '-o', out, '--model', head, '--method', 'mirror'];
    const stopped = await cli(args, { signal: AbortSignal.abort() });
    expect(stopped.code).toBe(130);
    expect(stopped.stderr).toContain('cancelled; what was finished is kept');
    expect(readdirSync(path.join(out, 'completed'))).toEqual(['made-by.json']);
    expect((await cli(args, { signal: controller.signal })).code).toBe(0);
    expect(readdirSync(path.join(out, 'completed'))).toHaveLength(4);
  });

  it('one sentence for what cannot be', async () => {
    const out = temporaryFolder();
    const says = async (args: readonly string[], code: number, what: RegExp) => {
      const result = await cli(['space', 'complete', ...args, '-o', out]);
      expect(result.stderr).toMatch(what);
      expect(result.code).toBe(code);
    };
    await says([path.join(folder, 'none')], 1, /none: there is no such folder/);
    await says([maps], 1, /person-0000\.npz: lies on another UV layout than that of the head open-head/);
    await says([maps, '--model', head], 1, /needs at least 8 texture maps .* mirror and harmonic fill/);
    await says([maps, '--method', 'magic'], 2, /Allowed choices are network, mirror, pca/);
    await says([maps, '--steps', '5', '--minutes', '1'], 2, /cannot be used with/);
    await says([maps, '--minutes', '-1'], 2, /must be a number above 0/);
    await says(
      [maps, '--model', head, '--method', 'pca', '--checkpoint', 'x'],
      1,
      /goes with --method network/,
    );
    const work = temporaryFolder();
    writeFileSync(path.join(work, 'work.json'), '{}');
    await says([work], 1, /work\.json: is not the description/);
    const model = { name: 'none', source: 'open-head', hash: '0'.repeat(64), layout: '0'.repeat(64) };
    const begun = { format: 'space-work/1', model, space: null, fit: PHOTO_FIT_DEFAULTS } as const;
    writeFileSync(path.join(work, 'work.json'), workFileText(begun));
    await says([work], 1, /no photos were fitted here yet; run photofit space fit first/);
    writeFileSync(
      path.join(work, 'gate.json'),
      gateFileText({ format: 'space-gate/1', thresholds: {}, kept: [], rejected: [] }),
    );
    await says([work], 1, /none of the fits was good enough/);
    expect(readdirSync(out)).toEqual([]);
  });
});
