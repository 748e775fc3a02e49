/** The list of photos by content, shards of it, and what a work folder says it is for. */
import { mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { sha256Hex } from '../../src/core/sha256.ts';
import { manifestOf, manifestText, parseManifest } from '../../src/dataset/manifest.ts';
import { inShard, parseShard } from '../../src/dataset/shard.ts';
import {
  checkSameWork,
  PHOTO_FIT_DEFAULTS,
  parseWorkFile,
  type WorkFile,
  workFileText,
} from '../../src/dataset/work-file.ts';
import { collectPhotos } from '../../src/node/dataset-photos.ts';
import { temporaryFolder } from '../cli/helpers.ts';

const hash = (text: string) => sha256Hex(new TextEncoder().encode(text));

describe('collecting photos', () => {
  it('looks through folders at any depth and knows photos by their bytes', async () => {
    const folder = temporaryFolder();
    mkdirSync(path.join(folder, 'b/c'), { recursive: true });
    mkdirSync(path.join(folder, '.hidden'));
    for (const [name, text] of [
      ['a.jpg', 'one'],
      ['b/c/d.PNG', 'two'],
      ['b/copy.jpg', 'one'],
      ['b/notes.txt', 'three'],
      ['.hidden/e.jpg', 'four'],
      ['.f.jpg', 'five'],
    ])
      writeFileSync(path.join(folder, name), text);
    const { manifest, unreadable } = await collectPhotos([folder]);
    expect(unreadable).toEqual([]);
    const one = manifest.photos.find((p) => p.file.endsWith('a.jpg'));
    expect(manifest.photos).toHaveLength(2);
    expect(one).toMatchObject({ hash: await hash('one'), bytes: 3 });
    expect(one?.also).toEqual([path.join(folder, 'b/copy.jpg')]);
    expect(manifest.photos.map((p) => p.hash)).toEqual(manifest.photos.map((p) => p.hash).sort());
    expect(parseManifest(manifestText(manifest))).toEqual(manifest);
  });

  it('reads again what changed, and only that', async () => {
    const folder = temporaryFolder();
    const [a, b] = ['a.jpg', 'b.jpg'].map((name) => path.join(folder, name));
    for (const file of [a, b]) {
      writeFileSync(file, `old ${path.basename(file)}`);
      utimesSync(file, 1000, 1000);
    }
    const { manifest: known } = await collectPhotos([folder]);
    // Same size and time: taken for unchanged, as rsync and make would.
    for (const file of [a, b]) writeFileSync(file, `new ${path.basename(file)}`);
    utimesSync(a, 1000, 1000);
    const { manifest } = await collectPhotos([folder], { known });
    const of = (file: string) => manifest.photos.find((p) => p.file === file)?.hash;
    expect([of(a), of(b)]).toEqual([await hash('old a.jpg'), await hash('new b.jpg')]);
  });

  it('leaves out what cannot be read, and says so', async () => {
    const folder = temporaryFolder();
    writeFileSync(path.join(folder, 'a.jpg'), 'one');
    symlinkSync(path.join(folder, 'gone'), path.join(folder, 'b.jpg'));
    const { manifest, unreadable } = await collectPhotos([folder]);
    expect(manifest.photos).toHaveLength(1);
    expect(unreadable).toEqual([expect.stringMatching(/b\.jpg: could not be read .*left out/)]);
    await expect(collectPhotos([path.join(folder, 'none')])).rejects.toThrow(/no such file or folder/);
    await expect(collectPhotos([temporaryFolder()])).rejects.toThrow(/holds no pictures/);
  });

  it('gives the same manifest in whatever order files come', () => {
    const files = [3, 1, 2].map((n) => ({
      hash: `${n % 3}`.repeat(64),
      file: `/${n}`,
      bytes: n,
      modified: n,
    }));
    expect(manifestOf(files)).toEqual(manifestOf(files.slice().reverse()));
  });
});

describe('shards', () => {
  it('share all photos between them, evenly', async () => {
    const hashes = await Promise.all(Array.from({ length: 600 }, (_, i) => hash(String(i))));
    const counts = [1, 2, 3, 4].map((index) => hashes.filter((h) => inShard(h, { index, count: 4 })).length);
    expect(counts.reduce((a, b) => a + b)).toBe(600);
    // Binomial with mean 150 and sd 10.6: four deviations.
    for (const n of counts) expect(Math.abs(n - 150)).toBeLessThan(43);
  });

  it('are written i/n', () => {
    expect(parseShard('2/8')).toEqual({ index: 2, count: 8 });
    for (const text of ['0/8', '9/8', '1', '1/0', 'a/b', '1/2/3'])
      expect(() => parseShard(text)).toThrow(/is no shard/);
  });
});

describe('work.json', () => {
  const file: WorkFile = {
    format: 'space-work/1',
    model: { name: 'open-head', source: 'open-head', hash: 'a'.repeat(64), layout: 'b'.repeat(64) },
    space: null,
    fit: PHOTO_FIT_DEFAULTS,
  };

  it('comes back as it was', () => {
    expect(parseWorkFile(workFileText(file))).toEqual(file);
    expect(() => parseWorkFile('{"format": 1}', 'x/work.json')).toThrow(
      /x\/work\.json: is not the description/,
    );
    expect(() => parseWorkFile('nonsense', 'x/work.json')).toThrow(/is not JSON/);
  });

  it('keeps a run with other wishes out, naming them', () => {
    const other = (changes: Partial<WorkFile>) => () => checkSameWork(file, { ...file, ...changes }, 'w');
    expect(other({})).not.toThrow();
    expect(other({ model: { ...file.model, name: 'flame', hash: 'c'.repeat(64) } })).toThrow(
      /w: was started with the head model open-head, not flame/,
    );
    expect(other({ model: { ...file.model, hash: 'c'.repeat(64) } })).toThrow(/open-head \(aaaaaaaaaaaa\)/);
    expect(other({ space: { source: '/x.space', hash: 'd'.repeat(64) } })).toThrow(
      /initial texture space the head's own, not \/x\.space/,
    );
    expect(other({ fit: { ...file.fit, light: 'rgb' } })).toThrow(/--light mono, not rgb/);
    expect(other({ fit: { ...file.fit, map: 256 } })).toThrow(/--map-size 512, not 256/);
  });
});
