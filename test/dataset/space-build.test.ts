/** `photofit space build` on small rendered photos: all stages, again, and what it refuses. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { uvLayoutHash } from '../../src/model/space-pack.ts';
import { loadHeadModel } from '../../src/node/models.ts';
import { loadTextureSpace } from '../../src/node/spaces.ts';
import { cli, lastingFolder } from '../cli/helpers.ts';
import { contentsOf } from '../helpers/folders.ts';
import { writePhotoSet, writeTinyHead } from '../helpers/photo-set.ts';

describe('photofit space build', { timeout: 600_000 }, () => {
  const folder = lastingFolder();
  const photos = path.join(folder, 'photos');
  const head = path.join(folder, 'tiny.head');
  const out = path.join(folder, 'new.space');
  const build = (file: string, ...more: string[]) =>
    cli([
      ...[
        'space',
        'build',
        ...more,
        '-o',
        file,
        '--model',
        head,
        '--beside',
        '--size',
        '64',
        '--map-size',
        '128',
      ],
      ...[
        '--method',
        'mirror',
        '--components',
        '3',
        '--gate',
        'sharpness=0,offset=1,residual=1,landmarks=1,coverage=0,size=0',
      ],
    ]);

  beforeAll(async () => {
    await writePhotoSet(photos, await writeTinyHead(head), 5);
    const { code, stderr, stdout } = await build(out, photos);
    expect(code, stderr).toBe(0);
    expect(stdout).toBe(`${out}\n${out}.work/report/index.html\n`);
  }, 600_000);

  it('leaves a space on the head, its maps, and a report with pictures that are there', async () => {
    const { texture, layout, maps } = await loadTextureSpace(out);
    expect([texture.width, texture.names.length, maps]).toEqual([128, 3, 5]);
    expect(layout).toBe(await uvLayoutHash(await loadHeadModel(head)));
    expect(readdirSync(`${out}.work/completed`).filter((name) => name.endsWith('.npz'))).toHaveLength(5);
    const page = readFileSync(`${out}.work/report/index.html`, 'utf8');
    const pictures = [...page.matchAll(/<img src="([^"]+)"/g)].map((match) => match[1]);
    expect(pictures).toEqual(expect.arrayContaining(['space.png', 'completed.png', 'kept-01.jpg']));
    expect(pictures.filter((name) => !existsSync(`${out}.work/report/${name}`))).toEqual([]);
    expect(page).toContain('variance held by the first 1');
  });

  it('goes on where it was: again, it fits nothing and makes the same', async () => {
    const before = contentsOf(folder);
    const again = await build(out);
    expect(again.code, again.stderr).toBe(0);
    expect(contentsOf(folder)).toEqual(before);
  });

  it('fits photos once more with the space of the first time, and goes on there', async () => {
    const twice = path.join(folder, 'twice.space');
    const { code, stderr, stdout } = await build(twice, photos, '--rounds', '2');
    expect(code, stderr).toBe(0);
    expect(stdout).toBe(`${twice}\n${twice}.work/round-2/report/index.html\n`);
    const rounds = [`${twice}.work`, `${twice}.work/round-2`];
    const [first, second] = rounds.map((work) => readdirSync(`${work}/fits`).sort());
    expect(second).toEqual(first);
    const initial = await loadTextureSpace(`${rounds[1]}/initial.space`);
    expect([initial.texture.names.length, initial.maps]).toEqual([1, 5]);
    // The first round is as a build of one round is.
    const map = (work: string) => readFileSync(`${work}/fits/${first[0]}/map.npz`);
    expect(map(rounds[0]).equals(map(`${out}.work`))).toBe(true);
    expect(map(rounds[1]).equals(map(rounds[0]))).toBe(false);
    // By hand as in the build: knowing what the first round began with, not what the second did.
    const byHand = path.join(folder, 'by-hand');
    const complete = await cli(['space', 'complete', rounds[1], '-o', byHand, '--method', 'mirror']);
    expect(complete.code, complete.stderr).toBe(0);
    expect(contentsOf(`${byHand}/completed`)).toEqual(contentsOf(`${rounds[1]}/completed`));
    const before = contentsOf(folder);
    const again = await build(twice, '--rounds', '2');
    expect(again.code, again.stderr).toBe(0);
    expect(contentsOf(folder)).toEqual(before);
    // A third round is of the second's photos, here one fewer; once it was of the first's.
    const fewer = readdirSync(photos).filter(
      (name) => name.endsWith('.png') && !name.startsWith('photo-000'),
    );
    const named = fewer.map((name) => path.join(photos, name));
    expect((await build(twice, ...named, '--rounds', '2')).code).toBe(0);
    const third = await build(twice, '--rounds', '3');
    expect(third.code, third.stderr).toBe(0);
    expect(readdirSync(`${twice}.work/round-3/fits`)).toHaveLength(4);
  });

  it('refuses what does not go together, or is too little', async () => {
    const other = path.join(folder, 'other.space');
    const both = await build(other, photos, '--from', '#c68863', '--space', out);
    expect(both.stderr).toMatch(/--from #c68863 with --space/);
    const few = await cli([
      ...['space', 'build', '-o', other, '--work', `${out}.work`, '--method', 'mirror'],
      ...['--gate', 'coverage=1'],
    ]);
    expect(few.code).toBe(1);
    expect(few.stderr).toMatch(/only 0 fits are good enough, a space needs at least 3; see .*index\.html/);
    expect(existsSync(other)).toBe(false);
  });
});
