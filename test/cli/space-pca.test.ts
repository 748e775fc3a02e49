/** `photofit space pca|compare` on folders of maps. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { encodeMap } from '../../src/dataset/map-file.ts';
import { uvLayoutHash } from '../../src/model/space-pack.ts';
import { loadHeadModel } from '../../src/node/models.ts';
import { loadTextureSpace } from '../../src/node/spaces.ts';
import { generateMaps } from '../helpers/generated-maps.ts';
import { makeTinyHead } from '../helpers/tiny-head.ts';
import { cli, lastingFolder, temporaryFolder } from './helpers.ts';

const SIZE = 64;

/** Writes `count` maps on open-head's layout. */
async function writeMaps(folder: string, count: number, seed: number, layoutHash?: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const maps = generateMaps(count, SIZE, 4, { seed });
  const hash = layoutHash ?? (await uvLayoutHash(await loadHeadModel()));
  for (let i = 0; i < count; i++)
    writeFileSync(
      path.join(folder, `${maps.names[i]}.npz`),
      encodeMap(await maps.read(i), { layoutHash: hash }),
    );
}

describe('photofit space pca, compare', () => {
  const folder = lastingFolder();
  const [train, test] = [path.join(folder, 'work', 'completed'), path.join(folder, 'held-out')];
  const space = path.join(folder, 'made.space');
  beforeAll(async () => {
    await writeMaps(train, 20, 1);
    await writeMaps(test, 6, 77);
    const made = await cli(['space', 'pca', path.dirname(train), '-o', space, '--components', '6', '-q']);
    expect(made.stderr).toBe('');
    expect(made.stdout).toMatch(
      /made\.space: 6 components of 64 × 64 from 20 maps, \d\d\.\d % of their variance\n$/,
    );
  });

  it('makes a space that show takes, and leaves nothing beside it', async () => {
    const { maps, name, explained, provenance } = await loadTextureSpace(space);
    expect([maps, name, explained.length]).toEqual([20, 'made', 6]);
    expect(provenance['leave_out']).toMatchObject({ folds: 5, maps: 20 });
    expect(readdirSync(folder).sort()).toEqual(['held-out', 'made.space', 'work']);
    const figure = path.join(temporaryFolder(), 'figure.png');
    expect((await cli(['space', 'show', space, '--size', '48', '-o', figure, '-q'])).code).toBe(0);
  });

  it('compare: curves as picture and numbers; on held-out maps the made space beats the embedded one', async () => {
    const out = path.join(temporaryFolder(), 'curves.png');
    const args = ['space', 'compare', 'open-head', space, '--maps', test, '--samples', '8', '-o', out, '-q'];
    const { code, stdout, stderr } = await cli(args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.split('\n')[1]).toMatch(/made\.space: 6 components, sd .* maps to .* with 6/);
    expect((await sharp(out).metadata()).width).toBe(3 * 420);
    const { spaces } = JSON.parse(readFileSync(out.replace('.png', '.json'), 'utf8'));
    const [embedded, made] = spaces;
    expect(made.generalisation).toHaveLength(7);
    expect(made.generalisation[6]).toBeLessThan(0.7 * embedded.generalisation[6]);
    expect(made.leave_out).toHaveLength(7);
    expect(embedded.leave_out).toBeNull();
    const svg = out.replace('.png', '.svg');
    expect((await cli(['space', 'compare', space, '-o', svg, '-q'])).code).toBe(0);
    expect(readFileSync(svg, 'utf8')).toMatch(/^<svg/);
  });

  it('what cannot be: one clear sentence, nothing written', async () => {
    const other = temporaryFolder();
    const foreign = path.join(other, 'foreign');
    await writeMaps(foreign, 2, 1, await uvLayoutHash(makeTinyHead()));
    const one = path.join(other, 'one');
    await writeMaps(one, 1, 1);
    const broken = path.join(other, 'broken');
    await writeMaps(broken, 3, 1);
    const bytes = readFileSync(path.join(broken, 'map-2.npz'));
    writeFileSync(path.join(broken, 'map-2.npz'), bytes.subarray(0, bytes.length / 2));
    const out = path.join(other, 'x.space');
    for (const [args, message] of [
      [['pca', foreign], /lie on another head's texture layout than that of open-head/],
      [['pca', one], /at least two maps, there is 1/],
      [['pca', broken], /map-2\.npz: /],
      [['pca', path.join(other, 'none')], /no such folder/],
      [['pca', train, '--flame', 'x.npz'], /--flame x\.npz: is FLAME's layout; open-head is another head/],
    ] as const) {
      const { code, stderr } = await cli(['space', ...args, '-o', out, '-q']);
      expect(code).toBe(1);
      expect(stderr).toMatch(message);
      expect(stderr.trim().split('\n')).toHaveLength(1);
    }
    const signal = AbortSignal.abort();
    expect((await cli(['space', 'pca', train, '-o', out, '-q'], { signal })).code).toBe(130);
    expect(readdirSync(other).sort()).toEqual(['broken', 'foreign', 'one']);
    const picture = await cli(['space', 'compare', space, '-o', path.join(other, 'x.gif'), '-q']);
    expect(picture.stderr).toMatch(/pictures of curves are \.png or \.svg/);
  });
});
