/** Texture space files on the command line: looked at, worn by a head in a fit, asked for when the fit is used again. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { parseFitFile } from '../../src/fit/schema.ts';
import type { HeadModel } from '../../src/model/head-model.ts';
import { uvLayoutHash, writeSpacePack } from '../../src/model/space-pack.ts';
import { loadHeadModel } from '../../src/node/models.ts';
import { loadTextureSpace } from '../../src/node/spaces.ts';
import { makeTinyHead } from '../helpers/tiny-head.ts';
import { makeTinySpace } from '../helpers/tiny-space.ts';
import { cli, temporaryFolder } from './helpers.ts';

const PHOTO = 'examples/portrait.jpg';

/** The embedded head's own space with its first four components, a little greener, as a file. */
async function greenSpace(folder: string): Promise<string> {
  const head: HeadModel = await loadHeadModel();
  const own = head.texture;
  if (!own) throw new Error('the embedded head has a texture space');
  const names = own.names.slice(0, 4);
  const file = path.join(folder, 'green.space');
  const bytes = writeSpacePack({
    name: 'green',
    license: head.license,
    credits: 'nobody',
    model: { name: head.name, hash: head.hash },
    layout: await uvLayoutHash(head),
    explained: [],
    maps: 0,
    provenance: {},
    texture: {
      ...own,
      names,
      mean: own.mean.map((x, i) => (i % 3 === 1 ? x + 0.05 : x)),
      basis: own.basis.slice(0, names.length * own.mean.length),
    },
  });
  writeFileSync(file, bytes);
  return file;
}

describe('photofit space show|sample of a .space file', () => {
  it('draws it on the embedded head it was made for', async () => {
    const folder = temporaryFolder();
    const file = await greenSpace(folder);
    const [figure, sheet] = [path.join(folder, 'figure.png'), path.join(folder, 'sheet.png')];
    const show = await cli(['space', 'show', file, '-o', figure, '--size', '48', '-q']);
    expect(show).toEqual({ code: 0, stdout: `${figure}\n`, stderr: '' });
    // Four components, though five are asked for.
    expect((await sharp(figure).metadata()).width).toBe(64 + 4 * 52 - 4);
    const sample = await cli(['space', 'sample', file, '-n', '2', '-o', sheet, '--size', '48', '-q']);
    expect(sample).toEqual({ code: 0, stdout: `${sheet}\n`, stderr: '' });
  });

  it('one clear sentence for another head, no head, no space', async () => {
    const folder = temporaryFolder();
    const tiny = path.join(folder, 'tiny.space');
    writeFileSync(tiny, writeSpacePack(await makeTinySpace(makeTinyHead())));
    const cut = path.join(folder, 'cut.space');
    writeFileSync(cut, readFileSync(tiny).subarray(0, 3000));
    for (const [args, message] of [
      [[tiny], /tiny\.space: was made for the head tiny-head, which does not come with photofit/],
      [[tiny, '--model', 'open-head'], /tiny\.space: .*whose texture layout is not that of open-head/],
      [[cut], /cut\.space: .*truncated/],
      [[path.join(folder, 'none.space')], /none\.space: no such file/],
    ] as const) {
      const { code, stderr } = await cli(['space', 'show', ...args, '-q', '-o', path.join(folder, 'x.png')]);
      expect(code).toBe(1);
      expect(stderr).toMatch(message);
      expect(stderr.trim().split('\n')).toHaveLength(1);
    }
  });
});

describe('photofit space init', () => {
  it('writes a space that show takes, and says what it is', async () => {
    const folder = temporaryFolder();
    const file = path.join(folder, 'plain.space');
    const made = await cli(['space', 'init', '--from', '#c68863', '--size', '64', '-o', file, '-q']);
    expect(made).toEqual({ code: 0, stdout: `${file}: 3 components of 64 × 64\n`, stderr: '' });
    const { model, name, provenance } = await loadTextureSpace(file);
    expect([name, model.name, provenance['from']]).toEqual(['plain', 'open-head', '#c68863']);
    const figure = path.join(folder, 'figure.png');
    expect((await cli(['space', 'show', file, '--size', '48', '-o', figure, '-q'])).code).toBe(0);
    const own = path.join(folder, 'own.space');
    const kept = ['space', 'init', '--components', '4', '-o', own, '-q'];
    expect((await cli(kept)).stdout).toBe(`${own}: 4 components of 256 × 256\n`);
  });

  it('what cannot be: one clear sentence, nothing written', async () => {
    const folder = temporaryFolder();
    const out = path.join(folder, 'x.space');
    const mat = path.join(folder, 'broken.mat');
    writeFileSync(mat, 'MATLAB 5.0 MAT-file');
    for (const [args, message] of [
      [['--from', mat], /broken\.mat: is no MAT file of version 5/],
      [['--from', path.join(folder, 'no.h5')], /no\.h5: no such file or folder; check the path/],
      [['--from', 'nobody'], /nobody: no head model of that name/],
      [['--from', '#zz'], /#zz: is no colour/],
      [['--from', PHOTO], /portrait\.jpg: a picture is no beginning of a texture space/],
      [['--landmarks', mat], /open-head needs none/],
    ] as const) {
      const { code, stderr } = await cli(['space', 'init', ...args, '-o', out, '-q']);
      expect(code).toBe(1);
      expect(stderr).toMatch(message);
      expect(stderr.trim().split('\n')).toHaveLength(1);
    }
    const signal = AbortSignal.abort();
    expect((await cli(['space', 'init', '-o', out, '-q'], { signal })).code).toBe(130);
    expect(readdirSync(folder)).toEqual(['broken.mat']);
    expect((await cli(['space', 'init', '--size', '7'])).code).toBe(2);
  });
});

describe('photofit fit --space', () => {
  it('fits with it, says so in fit.json, and wants it back for render and export', async () => {
    const folder = temporaryFolder();
    const space = await greenSpace(folder);
    const out = path.join(folder, 'out');
    const fitted = await cli(['fit', PHOTO, '--space', space, '--no-offset', '-o', out, '--quiet']);
    expect(fitted.code, fitted.stderr).toBe(0);
    const folderOfFit = path.join(out, 'portrait');
    const file = parseFitFile(readFileSync(path.join(folderOfFit, 'fit.json'), 'utf8'));
    const { hash } = await loadTextureSpace(space);
    expect(file.model).toMatchObject({ name: 'open-head', space: { name: 'green', hash } });
    expect(file.model.hash).not.toBe((await loadHeadModel()).hash);
    expect(file.params.texture).toHaveLength(4);
    expect(file.params.texture.some((x) => x !== 0)).toBe(true);
    const picture = path.join(folder, 'me.png');
    const render = ['render', folderOfFit, '-o', picture, '--size', '64'];
    expect((await cli([...render, '--space', space])).code).toBe(0);
    const without = await cli(render);
    expect(without.code).toBe(1);
    expect(without.stderr).toMatch(/was made with the texture space green; give its file with --space/);
    const exported = await cli(['export', folderOfFit, '--space', space, '-o', path.join(folder, 'me.glb')]);
    expect(exported.code, exported.stderr).toBe(0);
    // Another space of the same layout is another model.
    const other = path.join(folder, 'other.space');
    const { texture, ...about } = await loadTextureSpace(space);
    writeFileSync(other, writeSpacePack({ ...about, name: 'other', texture }));
    const wrong = await cli([...render, '--space', other]);
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toMatch(/was made with the texture space green .*not with the texture space other/);
  });

  it('a space of another head is refused before any work', async () => {
    const folder = temporaryFolder();
    const tiny = path.join(folder, 'tiny.space');
    writeFileSync(tiny, writeSpacePack(await makeTinySpace(makeTinyHead())));
    const { code, stderr } = await cli(['fit', PHOTO, '--space', tiny, '-o', path.join(folder, 'out')]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/tiny\.space: was made for the head tiny-head/);
  });
});
