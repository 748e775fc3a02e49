import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { findFlameFiles, loadFlame } from '../../src/node/flame-files.ts';
import { loadHeadModel } from '../../src/node/models.ts';
import { cli, temporaryFolder } from '../cli/helpers.ts';
import * as tiny from '../model/tiny-flame.ts';

/** A folder with a miniature FLAME under names that say nothing. */
function folderWithFlame(): string {
  const folder = temporaryFolder();
  const file = (name: string, bytes: Uint8Array) => writeFileSync(path.join(folder, name), bytes);
  mkdirSync(path.join(folder, 'more'));
  file('a.pkl', tiny.geometryFile());
  file('b.pkl', tiny.masksFile());
  file('c.npy', tiny.landmarkFile());
  file('more/d.npz', tiny.mediapipeFile());
  file('more/e.npz', tiny.textureFile(16, 4, { compress: true }));
  // What lies about in download folders: not FLAME, not even whole.
  file('readme.txt', new Uint8Array(3));
  file('broken.pkl', new Uint8Array([0x80, 2, 0x63]));
  file('other.npz', tiny.geometryFile());
  return folder;
}

describe('FLAME folders', () => {
  it('finds files by what is in them', async () => {
    const folder = folderWithFlame();
    const found = await findFlameFiles(folder);
    const names = Object.fromEntries(Object.entries(found).map(([k, v]) => [k, path.relative(folder, v)]));
    expect(names).toEqual({
      geometry: 'a.pkl',
      masks: 'b.pkl',
      landmarks: 'c.npy',
      mediapipe: 'more/d.npz',
      texture: 'more/e.npz',
    });
  });

  it('prefers the generic model, and asks where names do not tell', async () => {
    const folder = folderWithFlame();
    copyFileSync(path.join(folder, 'a.pkl'), path.join(folder, 'generic_model.pkl'));
    expect((await findFlameFiles(folder)).geometry).toBe(path.join(folder, 'generic_model.pkl'));
    copyFileSync(path.join(folder, 'more/d.npz'), path.join(folder, 'more/d2.npz'));
    await expect(findFlameFiles(folder)).rejects.toThrow(
      /several files could be the mediapipe: more\/d.npz, more\/d2.npz/,
    );
  });

  it('says what to get when there is no geometry', async () => {
    await expect(findFlameFiles(temporaryFolder())).rejects.toThrow(
      /no FLAME geometry file.*flame.is.tue.mpg.de/,
    );
    await expect(loadFlame({})).rejects.toThrow(/no geometry file given/);
    // A geometry that is there, but damaged or hostile.
    const folder = temporaryFolder();
    writeFileSync(path.join(folder, 'generic_model.pkl'), 'cposix\nsystem\n(S"true"\ntR.');
    await expect(findFlameFiles(folder)).rejects.toThrow(
      /no FLAME geometry file.*Not taken: .*generic_model\.pkl: .*posix\.system.* nothing was executed/,
    );
  });
});

describe('photofit model import flame', () => {
  it('writes a pack that the rest of photofit reads', async () => {
    const folder = folderWithFlame();
    const template = path.join(folder, 'uv.obj');
    writeFileSync(template, tiny.templateFile());
    const out = path.join(folder, 'flame.head');
    const result = await cli(
      ['model', 'import', 'flame', folder, '--template', template, '--components', '3', '--size', '8'].concat(
        ['--expression-range', '-2,3', '-o', out],
      ),
    );
    expect(result.stderr).toMatch(/edition unknown.*6 identity, 2 expression, 3 texture components/);
    expect([result.code, result.stdout]).toEqual([0, `${out}\n`]);
    const pack = await loadHeadModel(out);
    expect([pack.name, pack.texture?.width, pack.texture?.names.length]).toEqual(['flame-unknown', 8, 3]);
    expect([...pack.expressionRange]).toEqual([-2, 3, -2, 3]);
    const direct = await loadFlame({ ...(await findFlameFiles(folder)), template });
    expect(pack.identityBasis).toEqual(direct.identityBasis);
    expect(pack.landmarks).toEqual(direct.landmarks);
  });

  it('names what is missing, and wants to be told something', async () => {
    const folder = folderWithFlame();
    const out = path.join(folder, 'bare.head');
    const geometry = path.join(folder, 'a.pkl');
    const bare = await cli(['model', 'import', 'flame', '--geometry', geometry, '-o', out]);
    expect([bare.code, bare.stderr]).toEqual([1, expect.stringMatching(/without landmarks/)]);
    const landmarks = path.join(folder, 'c.npy');
    const done = await cli([
      'model',
      'import',
      'flame',
      '--geometry',
      geometry,
      '--landmarks',
      landmarks,
      '-o',
      out,
    ]);
    expect(done.code).toBe(0);
    expect(done.stderr).toMatch(/not given: texture/);
    const info = await cli(['model', 'info', out]);
    expect(info.stdout).toMatch(/edition +FLAME \(edition unknown\), generic; geometry [0-9a-f]{64}/);
    expect(info.stdout).toMatch(/not given +masks\. FLAME_masks\.pkl .*https:/);
    expect((await cli(['model', 'import', 'flame'])).code).toBe(2);
  });
});
