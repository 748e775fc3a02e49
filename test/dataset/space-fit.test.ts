/** `photofit space fit` on small rendered photos: results, resuming, shards, failures, the gate, bad input. */
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
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
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { decodeMap } from '../../src/dataset/map-file.ts';
import { readNpz } from '../../src/io/npz.ts';
import { uvLayoutHash, writeSpacePack } from '../../src/model/space-pack.ts';
import { openFittedMaps } from '../../src/node/map-folder.ts';
import { loadHeadModel } from '../../src/node/models.ts';
import { cli, lastingFolder, temporaryFolder } from '../cli/helpers.ts';
import { contentsOf } from '../helpers/folders.ts';
import { writePhotoSet, writeTinyHead } from '../helpers/photo-set.ts';

describe('photofit space fit', { timeout: 600_000 }, () => {
  const folder = lastingFolder();
  const photos = path.join(folder, 'photos');
  const head = path.join(folder, 'tiny.head');
  const whole = path.join(folder, 'whole.work');
  // The tiny head has no lids or lips, and its eyes are plain: nothing about it is sharp.
  const small = ['--model', head, '--beside', '--size', '64', '--map-size', '128', '--gate', 'sharpness=0'];
  const spaceFit = (work: string, ...more: string[]) => cli(['space', 'fit', ...more, '-o', work, ...small]);
  const json = (file: string) => JSON.parse(readFileSync(file, 'utf8'));

  beforeAll(async () => {
    const model = await writeTinyHead(head);
    await writePhotoSet(photos, model, 5);
    mkdirSync(path.join(photos, 'more'));
    copyFileSync('test/data/cat.jpg', path.join(photos, 'more/cat.jpg'));
    writeFileSync(path.join(photos, 'more/bad.jpg'), 'no picture');
    const { code, stdout, stderr } = await spaceFit(whole, photos);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/7 photos: 5 fitted, 2 failed, 7 now/);
    expect(stdout).toMatch(/, damaged, or no picture: 1, no face was found: 1\)/);
  }, 600_000);

  it('leaves a fit, a map, measures and a picture for each photo, with no times in them', async () => {
    const hashes = readdirSync(path.join(whole, 'fits'));
    expect(hashes).toHaveLength(5);
    const one = path.join(whole, 'fits', hashes[0]);
    expect(readdirSync(one).sort()).toEqual(
      ['fit.json', 'fit.npz', 'map.npz', 'measures.json', 'overlay.jpg'].sort(),
    );
    const map = decodeMap(readFileSync(path.join(one, 'map.npz')));
    expect(map.size).toBe(128);
    expect(map.layoutHash).toBe(await uvLayoutHash(await loadHeadModel(head)));
    expect(Math.max(...map.visibility)).toBeGreaterThan(200);
    expect(json(path.join(one, 'fit.json')).timing_ms.total).toBe(0);
    expect(json(path.join(one, 'measures.json')).coverage).toBeGreaterThan(0.3);
    expect(readNpz(readFileSync(path.join(one, 'fit.npz'))).has('vertices')).toBe(true);
    // One light for all channels unless asked otherwise.
    for (const [r, g, b] of json(path.join(one, 'fit.json')).params.light) expect([g, b]).toEqual([r, r]);
  });

  it('says how many files are copies of others', async () => {
    const work = path.join(temporaryFolder(), 'w');
    const two = temporaryFolder();
    for (const name of ['a.jpg', 'b.jpg']) copyFileSync('test/data/cat.jpg', path.join(two, name));
    const { stdout } = await spaceFit(work, two);
    expect(stdout).toMatch(/1 photos \(1 more file is a copy\): 0 fitted, 1 failed/);
    const page = readFileSync(path.join(work, 'report/index.html'), 'utf8');
    expect(page).toContain('further files that are copies of them');
  });

  it('says why photos failed, in a record and on the sheet', () => {
    const records = readdirSync(path.join(whole, 'failed')).map((f) => json(path.join(whole, 'failed', f)));
    expect(records.sort((a, b) => (a.file < b.file ? -1 : 1))).toMatchObject([
      { file: 'bad.jpg', error: 'FormatError', why: expect.stringMatching(/^bad\.jpg: .*not a picture/) },
      { file: 'cat.jpg', error: 'NoFaceError', why: 'cat.jpg: no face was found' },
    ]);
    expect(readdirSync(path.join(whole, 'report'))).toEqual(['index.html', 'kept-01.jpg', 'rejected-01.jpg']);
    const page = readFileSync(path.join(whole, 'report/index.html'), 'utf8');
    expect(page).toContain('not fitted: no face was found');
    expect(page).toContain('<img src="rejected-01.jpg"');
  });

  it('does nothing twice, and tries failed photos again only when asked', async () => {
    const work = path.join(temporaryFolder(), 'w');
    await spaceFit(work, photos);
    const stamps = () =>
      readdirSync(`${work}/fits`).map((h) => statSync(`${work}/fits/${h}/fit.json`).mtimeMs);
    const before = stamps();
    const again = await spaceFit(work);
    expect(again.stdout).toMatch(/5 fitted, 2 failed$/m);
    const retried = await spaceFit(work, '--retry-failed');
    expect(retried.stdout).toMatch(/5 fitted, 2 failed, 2 now/);
    expect(retried.stderr).toContain('cat.jpg: no face was found');
    expect(stamps()).toEqual(before);
    expect(contentsOf(work)).toEqual(contentsOf(whole));
  });

  it('gives the same bytes from shards as from one run', async () => {
    const work = path.join(temporaryFolder(), 'w');
    const first = await spaceFit(work, photos, '--shard', '1/2');
    expect(first.code).toBe(0);
    expect(first.stdout).toMatch(/photos of other shards are not done yet/);
    expect(existsSync(`${work}/gate.json`)).toBe(false);
    await spaceFit(work, photos, '--shard', '2/2');
    expect(contentsOf(work)).toEqual(contentsOf(whole));
  });

  it('judges again with other thresholds without fitting again', async () => {
    const work = path.join(temporaryFolder(), 'w');
    await spaceFit(work, photos);
    const kept = async () => (await openFittedMaps(work)).names.length;
    const all = await kept();
    const worst = Math.max(
      ...readdirSync(`${work}/fits`).map((h) => json(`${work}/fits/${h}/measures.json`).residual),
    );
    const { stdout } = await cli([
      'space',
      'fit',
      '-o',
      work,
      '--gate',
      `residual=${worst - 1e-4},sharpness=0`,
      '--json',
    ]);
    expect(JSON.parse(stdout)).toMatchObject({
      photos: 7,
      fitted: 5,
      failed: 2,
      done: 0,
      reasons: { residual: 1 },
    });
    expect(await kept()).toBe(all - 1);
  });

  it('keeps a run with another model, space or settings out of the folder', async () => {
    const message = async (...args: string[]) => (await cli(['space', 'fit', '-o', whole, ...args])).stderr;
    expect(await message('--model', 'open-head')).toMatch(
      /whole\.work: was started with the head model tiny.*, not open-head/,
    );
    expect(await message('--light', 'rgb')).toMatch(/--light mono, not rgb/);
    const open = await loadHeadModel('open-head');
    const space = path.join(temporaryFolder(), 'other.space');
    writeFileSync(
      space,
      writeSpacePack({
        name: 'other',
        license: 'CC0-1.0',
        credits: 'tests',
        model: { name: open.name, hash: open.hash },
        layout: await uvLayoutHash(open),
        explained: [],
        maps: 0,
        provenance: {},
        texture: {
          width: 8,
          height: 8,
          mean: new Float32Array(192),
          basis: new Float32Array(192),
          names: ['a'],
        },
      }),
    );
    const work = path.join(temporaryFolder(), 'w');
    const { code, stderr } = await spaceFit(work, photos, '--space', space);
    expect(code).toBe(1);
    expect(stderr).toMatch(/other\.space: .*(layout|made for)/);
    expect(existsSync(work)).toBe(false);
  });

  it('says what is wrong with the command line', async () => {
    const out = path.join(temporaryFolder(), 'w');
    const run = (...args: string[]) => cli(['space', 'fit', ...args, '-o', out]);
    expect((await run()).stderr).toMatch(/has no photos yet; name photos/);
    expect((await run('none/')).stderr).toMatch(/none\/: there is no such file or folder/);
    expect((await run(photos, '--map-size', '100')).stderr).toMatch(/--map-size: must be one of 128, 256/);
    expect((await run(photos, '--shard', '3/2')).code).toBe(2);
    expect((await run(photos, '--gate', 'beauty=1')).stderr).toMatch(/"beauty=1" is no threshold/);
    expect((await run(photos, '--queue', 'localhost')).stderr).toMatch(/must be redis:/);
    expect((await run(photos, '--queue', 'redis://127.0.0.1:1')).stderr).toMatch(/Redis cannot be reached/);
  });

  it('ends at Ctrl-C with what was finished', async () => {
    const work = path.join(temporaryFolder(), 'w');
    const controller = new AbortController();
    const timer = setInterval(() => {
      const fits = `${work}/fits`;
      if (existsSync(fits) && readdirSync(fits).some((n) => !n.startsWith('.'))) controller.abort();
    }, 2);
    const { code, stderr } = await cli(['space', 'fit', photos, '-o', work, ...small], {
      signal: controller.signal,
    });
    clearInterval(timer);
    expect(code).toBe(130);
    expect(stderr).toContain('cancelled');
    const done = readdirSync(`${work}/fits`);
    expect(done.every((name) => /^[0-9a-f]{64}$/.test(name))).toBe(true);
    expect(done.length).toBeLessThan(5);
  });

  const noMount = mountProblem();
  it.skipIf(noMount)(`survives a full disk${noMount ? ` (skipped: ${noMount})` : ''}`, async () => {
    const disk = mkdtempSync(path.join(tmpdir(), 'photofit-test-'));
    const mount = (...args: string[]) => spawnSync('mount', args, { encoding: 'utf8' });
    expect(mount('-t', 'tmpfs', '-o', 'size=200k', 'tmpfs', disk).status).toBe(0);
    onTestFinished(() => {
      spawnSync('umount', ['-l', disk]);
      rmSync(disk, { recursive: true, force: true });
    });
    const work = path.join(disk, 'w');
    const full = await spaceFit(work, photos);
    expect(full.code).toBe(1);
    expect(full.stderr).toMatch(/cannot be written: the disk is full/);
    // A full disk is not the photos' fault: none is marked as failed for it, none is half there.
    const whys = readdirSync(`${work}/failed`).map((f) => json(`${work}/failed/${f}`).why);
    expect(whys.filter((why) => !/cat\.jpg|bad\.jpg/.test(why))).toEqual([]);
    expect(readdirSync(`${work}/fits`).filter((name) => name.startsWith('.'))).toEqual([]);
    mount('-o', 'remount,size=50m', disk);
    expect((await spaceFit(work, photos)).code).toBe(0);
    expect(contentsOf(work)).toEqual(contentsOf(whole));
  });
});

/** Why no small disk can be made, or null. */
function mountProblem(): string | null {
  if (process.platform !== 'linux') return 'tmpfs is of Linux';
  if (process.getuid?.() !== 0) return 'only root may mount a small disk';
  const probe = spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']);
  return probe.status === 0 ? null : 'no disk can be mounted here';
}
