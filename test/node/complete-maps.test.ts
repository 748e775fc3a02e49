/**
 * Completion of a folder of maps on the small test head: a training that is cancelled goes on to the same bytes, on any
 * number of threads; what belongs to another network, head or population is refused by name.
 */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AbortedError } from '../../src/core/errors.ts';
import { readSafetensors, writeSafetensors } from '../../src/io/safetensors.ts';
import { createKernelsSync } from '../../src/kernels/runtime.ts';
import type { HeadModel } from '../../src/model/head-model.ts';
import { uvLayoutHash } from '../../src/model/space-pack.ts';
import { type CompleteMapsOptions, completeMaps } from '../../src/node/complete-maps.ts';
import { type MapFolder, openMapFolder, writeMap } from '../../src/node/map-folder.ts';
import { texturePopulation } from '../helpers/texture-population.ts';
import { makeTinyHead } from '../helpers/tiny-head.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'photofit-completion-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const model = makeTinyHead();
const MAPS = path.join(folder, 'maps');
/** The training thread as one file, so that no build is needed. */
const worker = path.join(folder, 'training-worker.mjs');
const SMALL = { base: 8, batch: 3, steps: 5, components: 3, size: 32, seed: 4, threads: 1 };
let maps: MapFolder;

beforeAll(async () => {
  await build({
    entryPoints: ['src/node/training-worker.ts'],
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile: worker,
    logLevel: 'warning',
  });
  const kernels = createKernelsSync();
  const people = texturePopulation(kernels, model, 12, 64, 9);
  const layoutHash = await uvLayoutHash(model);
  for (let i = 0; i < people.names.length; i++)
    await writeMap(path.join(MAPS, `${people.names[i]}.npz`), await people.read(i), { layoutHash });
  maps = await openMapFolder(MAPS);
});

const foldersIn = (name: string) => ({
  training: path.join(folder, name, 'training'),
  completed: path.join(folder, name, 'completed'),
});
const complete = (name: string, options: CompleteMapsOptions = {}, head: HeadModel = model) =>
  completeMaps(head, maps, foldersIn(name), { ...SMALL, worker, ...options });
const checkpointOf = (name: string) => path.join(foldersIn(name).training, 'checkpoint.safetensors');
const bytesIn = (dir: string) =>
  new Map(readdirSync(dir).map((name) => [name, readFileSync(path.join(dir, name)).toString('base64')]));

describe('completing a folder of maps with a network', () => {
  it('cancelled and taken up again, on other numbers of threads, it ends in the same bytes', async () => {
    const whole = await complete('whole');
    expect(whole).toMatchObject({ method: 'network', maps: 12, written: 12 });
    expect(whole.network).toMatchObject({ steps: 5, trainedSteps: 5 });

    const controller = new AbortController();
    const cancelled = complete('parts', {
      threads: 2,
      signal: controller.signal,
      onProgress: ({ stage, fraction }) => {
        if (stage === 'train' && fraction > 0.35) controller.abort();
      },
    });
    await expect(cancelled).rejects.toBeInstanceOf(AbortedError);
    expect(readdirSync(foldersIn('parts').training)).toContain('checkpoint.safetensors');
    const notes: string[] = [];
    const again = await complete('parts', { threads: 3, onNote: (line) => notes.push(line) });
    expect(notes[0]).toBe('goes on from step 2 of 5');
    expect(again.network).toMatchObject({ steps: 5, trainedSteps: 3 });

    for (const kind of ['training', 'completed'] as const)
      expect(bytesIn(foldersIn('parts')[kind])).toEqual(bytesIn(foldersIn('whole')[kind]));
  });

  it('leaves pictures and a table of the training', async () => {
    const { training } = foldersIn('whole');
    expect(readdirSync(training).sort()).toEqual([
      'checkpoint.safetensors',
      'loss.csv',
      'loss.png',
      'samples.png',
    ]);
    expect((await sharp(path.join(training, 'loss.png')).metadata()).width).toBe(960);
    expect((await sharp(path.join(training, 'samples.png')).metadata()).width).toBeGreaterThan(500);
    const csv = readFileSync(path.join(training, 'loss.csv'), 'utf8').trim().split('\n');
    expect(csv).toHaveLength(6);
    for (const line of csv.slice(1)) expect(line).toMatch(/^\d,0\.\d+,0\.\d+$/);
  });

  it('completed maps keep what is seen, and nothing is left empty', async () => {
    const done = await openMapFolder(foldersIn('whole').completed);
    expect(done.names).toEqual(maps.names);
    const [before, after] = [await maps.read(0), await done.read(0)];
    expect(after.layoutHash).toBe(before.layoutHash);
    expect(after.visibility).toEqual(before.visibility);
    let [unseen, filled] = [0, 0];
    for (let t = 0; t < before.visibility.length; t++) {
      if (before.visibility[t] === 255)
        for (let c = 3 * t; c < 3 * t + 3; c++) expect(after.albedo[c]).toBe(before.albedo[c]);
      // The skull's part of the tiny head's map.
      if (before.visibility[t] > 0 || t > 64 * 48) continue;
      unseen++;
      if (after.albedo[3 * t] > 0.05) filled++;
    }
    expect(unseen).toBeGreaterThan(500);
    expect(filled).toBe(unseen);
  });

  it('does nothing twice, and again what was lost or has changed', async () => {
    expect(await complete('whole')).toMatchObject({ written: 0, network: { trainedSteps: 0 } });
    const { completed } = foldersIn('whole');
    const before = bytesIn(completed);
    rmSync(path.join(completed, `${maps.names[3]}.npz`));
    expect(await complete('whole')).toMatchObject({ written: 1 });
    expect(bytesIn(completed)).toEqual(before);
    // Another method replaces all.
    expect(await complete('whole', { method: 'mirror' })).toMatchObject({ written: 12, network: null });
    expect(bytesIn(completed)).not.toEqual(before);
    expect(await complete('whole')).toMatchObject({ written: 12 });
    expect(bytesIn(completed)).toEqual(before);
  });

  it('begins anew for another version of the head on the same UV layout', async () => {
    const mirror = (head: HeadModel) => complete('versions', { method: 'mirror' }, head);
    expect((await mirror(model)).written).toBe(12);
    expect((await mirror(model)).written).toBe(0);
    expect((await mirror({ ...model, hash: 'f'.repeat(64) })).written).toBe(12);
  });

  it('a checkpoint is used as it is on other maps', async () => {
    const few = path.join(folder, 'few');
    mkdirSync(few);
    for (const name of maps.names.slice(0, 2))
      writeFileSync(path.join(few, `${name}.npz`), readFileSync(path.join(MAPS, `${name}.npz`)));
    const used = await completeMaps(model, await openMapFolder(few), foldersIn('used'), {
      checkpoint: checkpointOf('whole'),
    });
    expect(used).toMatchObject({ written: 2, network: { steps: 5, trainedSteps: 0, errors: null } });
    expect(existsSync(foldersIn('used').training)).toBe(false);
    const name = `${maps.names[0]}.npz`;
    expect(readFileSync(path.join(foldersIn('used').completed, name))).toEqual(
      readFileSync(path.join(foldersIn('whole').completed, name)),
    );
  });
});

describe('what is refused', () => {
  it('a training with other settings or on other maps, with what to do', async () => {
    await expect(complete('whole', { seed: 5 })).rejects.toThrow(
      /checkpoint\.safetensors: was begun with seed 4, not 5; --restart trains anew/,
    );
    await expect(complete('whole', { components: 2 })).rejects.toThrow(
      /was begun with components 3, not 2; --restart/,
    );
    const less = await openMapFolder(MAPS, { names: maps.names.slice(0, 11) });
    await expect(completeMaps(model, less, foldersIn('whole'), { ...SMALL, worker })).rejects.toThrow(
      /was trained on other maps than there are now/,
    );
  });

  it('a checkpoint of another network, of another UV layout, cut short, or none', async () => {
    const bytes = readFileSync(checkpointOf('whole'));
    const { metadata, tensors } = readSafetensors(bytes);
    const file = path.join(folder, 'other.safetensors');
    const refuse = async (content: Uint8Array, what: RegExp, head = model) => {
      writeFileSync(file, content);
      await expect(complete('refused', { checkpoint: file }, head)).rejects.toThrow(what);
    };
    const network = (change: object) =>
      writeSafetensors(tensors, {
        ...metadata,
        network: JSON.stringify({ ...JSON.parse(metadata.network), ...change }),
      });
    await refuse(network({ inputs: 25 }), /other\.safetensors: belongs to another network .*25 channels in/);
    await refuse(network({ base: 16 }), /belongs to another one/);
    await refuse(network({ base: 7 }), /belongs to another network \(base 7\)/);
    await refuse(writeSafetensors(new Map(), {}), /is not a checkpoint of a completion network/);
    await refuse(bytes.subarray(0, 5000), /other\.safetensors/);
    await refuse(
      writeSafetensors(tensors, { ...metadata, layout: '1'.repeat(64) }),
      /is a network for the UV layout of the head tiny-head, which is not that of tiny-head/,
    );
    await expect(complete('refused', { checkpoint: path.join(folder, 'none') })).rejects.toThrow(
      /none: no such file/,
    );
    expect(existsSync(foldersIn('refused').completed)).toBe(false);
  });

  it('maps of another head, and too few to learn from', async () => {
    const other = makeTinyHead({ rings: 14 });
    await expect(complete('other', { method: 'mirror' }, other)).rejects.toThrow(
      /person-0000\.npz: lies on another UV layout than that of the head tiny-head/,
    );
    const few = await openMapFolder(MAPS, { names: maps.names.slice(0, 5) });
    for (const method of ['network', 'pca'] as const)
      await expect(
        completeMaps(model, few, foldersIn('few-maps'), { ...SMALL, worker, method }),
      ).rejects.toThrow(/at least 8 texture maps/);
  });
});

describe('without a network', () => {
  it.each(['mirror', 'pca'] as const)('%s fills every map', async (method) => {
    const result = await complete(method, { method });
    expect(result).toMatchObject({ method, maps: 12, written: 12, network: null });
    expect(existsSync(foldersIn(method).training)).toBe(false);
    const done = await openMapFolder(foldersIn(method).completed);
    const { albedo } = await done.read(5);
    for (let t = 64 * 4; t < 64 * 48; t++) expect(albedo[3 * t]).toBeGreaterThan(0.02);
    expect(statSync(done.file(0)).size).toBeGreaterThan(1000);
  });

  it('forty maps tell what is not skin: a bar over one face goes, unless told to leave it', async () => {
    const people = texturePopulation(createKernelsSync(), model, 40, 32, 21);
    const layoutHash = await uvLayoutHash(model);
    const crowd = path.join(folder, 'crowd');
    // Over the middle of the map of the first, as dark as nobody's skin is there.
    const bar = (t: number) => Math.floor(t / 32) === 16 && t % 32 >= 8 && t % 32 < 24;
    for (const [i, name] of people.names.entries()) {
      const map = await people.read(i);
      if (i === 0)
        for (let t = 0; t < 32 * 32; t++)
          if (bar(t)) {
            map.albedo.fill(0, 3 * t, 3 * t + 3);
            map.visibility[t] = 255;
          }
      await writeMap(path.join(crowd, `${name}.npz`), map, { layoutHash });
    }
    const many = await openMapFolder(crowd);
    const run = async (name: string, keepOutliers: boolean) => {
      const result = await completeMaps(model, many, foldersIn(name), { method: 'mirror', keepOutliers });
      const map = await (await openMapFolder(foldersIn(name).completed)).read(0);
      const atlas = [...map.visibility.keys()].filter((t) => bar(t) && people.face[t] === 1);
      const mean = atlas.reduce((s, t) => s + map.albedo[3 * t], 0) / atlas.length;
      return { ...result, mean, texels: atlas.length };
    };
    const left = await run('crowd-left', true);
    expect(left.texels).toBeGreaterThan(4);
    expect([left.outliers, left.mean < 0.05]).toEqual([null, true]);
    const cleaned = await run('crowd-cleaned', false);
    expect(cleaned.outliers).toBeGreaterThan(0);
    expect(cleaned.outliers).toBeLessThan(0.1);
    expect(cleaned.mean).toBeGreaterThan(0.2);
    // Told otherwise, the same folder is made anew.
    expect((await run('crowd-left', false)).mean).toBe(cleaned.mean);

    const robust = await completeMaps(model, many, foldersIn('crowd-robust'), { method: 'robust' });
    expect(robust).toMatchObject({ method: 'robust', maps: 40, written: 40, network: null });
    expect(robust.outliers).toBeGreaterThan(cleaned.outliers ?? 1);
    const { albedo, visibility } = await (await openMapFolder(foldersIn('crowd-robust').completed)).read(0);
    let [unseen, off] = [0, 0];
    people.truth(0).forEach((truth, j) => {
      const t = Math.floor(j / 3);
      if (people.face[t] === 0 || visibility[t] > 0) return;
      unseen++;
      off += Math.abs(albedo[j] - truth);
    });
    expect(unseen).toBeGreaterThan(100);
    expect(off / unseen).toBeLessThan(0.1);
  });

  it('robust components are refused where too few maps tell what is common', async () => {
    await expect(complete('few', { method: 'robust' })).rejects.toThrow('needs 40 maps, there are 12');
  });
});
