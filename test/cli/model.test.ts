/** `photofit model list|info|render`. */
import { copyFileSync, existsSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { headSizes } from '../../src/model/head-model.ts';
import { loadHeadModel } from '../../src/node/models.ts';
import { cli, temporaryFolder } from './helpers.ts';

describe('photofit model', () => {
  it('list names the embedded head with its sizes', async () => {
    const { code, stdout } = await cli(['model', 'list']);
    const { V, S } = headSizes(await loadHeadModel());
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^open-head .* ${V} vertices, ${S} identity`, 'm'));
  });

  it('list shows the heads of a folder; a broken one is told of and makes the exit code non-zero', async () => {
    const folder = temporaryFolder();
    copyFileSync('models/open-head.head', path.join(folder, 'mine.head'));
    writeFileSync(path.join(folder, 'broken.head'), 'no head');
    const { code, stdout, stderr } = await cli(['model', 'list', folder, '--json']);
    expect(code).toBe(1);
    const files = stdout
      .trim()
      .split('\n')
      .map((line) => path.basename(JSON.parse(line).file));
    expect(files).toEqual(['open-head.head', 'mine.head']);
    expect(stderr).toContain(path.join(folder, 'broken.head'));
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  it('list of a folder that is not there fails in one sentence', async () => {
    const folder = path.join(temporaryFolder(), 'none');
    const { code, stderr } = await cli(['model', 'list', folder]);
    expect(code).toBe(1);
    expect(stderr).toContain(`${folder}: no such file or folder`);
  });

  it('info tells what is in a head, as text and as JSON', async () => {
    const text = await cli(['model', 'info']);
    expect(text.code).toBe(0);
    expect(text.stdout).toMatch(/^joints +root, neck, jaw, left_eye, right_eye$/m);
    const model = await loadHeadModel();
    const json = JSON.parse((await cli(['model', 'info', 'models/open-head.head', '--json'])).stdout);
    expect(json).toMatchObject({
      name: 'open-head',
      hash: model.hash,
      expressionNames: model.expressionNames,
    });
  });

  it('render draws a sheet, whole or not at all', async () => {
    const folder = temporaryFolder();
    const picture = path.join(folder, 'deep', 'sheet.png');
    const { code, stdout } = await cli(['model', 'render', '-o', picture, '--size', '64']);
    expect(code).toBe(0);
    expect(stdout).toBe(`${picture}\n`);
    expect(readdirSync(path.dirname(picture))).toEqual(['sheet.png']);
    const { data, info } = await sharp(picture).raw().toBuffer({ resolveWithObject: true });
    expect(info.width).toBe(8 * 64);
    // The first drawing: white in the corner, skin in the middle.
    const at = (x: number, y: number) => [
      ...data.subarray(3 * (y * info.width + x), 3 * (y * info.width + x) + 3),
    ];
    expect(at(1, 1)).toEqual([255, 255, 255]);
    const [r, g, b] = at(32, 32);
    expect(r).toBeGreaterThan(g);
    expect(g).toBeGreaterThan(b);
  });

  it('render to where nothing can be written fails in one sentence', async () => {
    const file = path.join(temporaryFolder(), 'file');
    writeFileSync(file, '');
    const picture = path.join(file, 'sheet.png');
    const { code, stderr } = await cli(['model', 'render', '-o', picture, '--size', '32']);
    expect(code).toBe(1);
    expect(stderr).toContain('cannot be written');
    expect(existsSync(picture)).toBe(false);
  });
});
