/** `photofit texture` on a fit on disk and on a photo. */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseFitFile } from '../../src/fit/schema.ts';
import { FIT_FOLDER_FILES } from '../../src/node/results.ts';
import { cli, lastingFolder, temporaryFolder } from './helpers.ts';

describe('photofit texture', () => {
  const out = lastingFolder();
  const photo = path.join(out, 'me.jpg');
  const folder = path.join(out, 'me');
  const read = (name: string) => readFileSync(path.join(folder, name));
  const stored = () => parseFitFile(read('fit.json').toString());

  beforeAll(async () => {
    copyFileSync('examples/portrait.jpg', photo);
    const { code } = await cli(['fit', photo, '-o', out, '--no-offset', '--quiet']);
    expect(code).toBe(0);
  });

  it('gives a stored fit the texture of its photo, and leaves the rest of it alone', async () => {
    writeFileSync(path.join(folder, 'notes.txt'), 'mine');
    const before = stored();
    const unchanged = ['fit.npz', 'energy.png', 'notes.txt'].map(read);
    const smooth = read('texture.png');
    const { code, stdout, stderr } = await cli(['texture', folder]);
    expect(stderr).toContain('me: texture: solve');
    expect(stdout).toMatch(/me {2}\(512 × 512, skin 0\.0\d+ → 0\.00\d, 3\d\.\d dB\)\n$/);
    expect(code).toBe(0);
    const after = stored();
    const { texture_offset: offset, timing_ms, ...rest } = after;
    const { timing_ms: _, ...restBefore } = before;
    expect(rest).toEqual(restBefore);
    expect(offset!.skin_l1).toBeLessThan(0.5 * offset!.skin_l1_before);
    expect(timing_ms.texture).toBeGreaterThan(0);
    expect(timing_ms.solve).toBe(before.timing_ms.solve);
    expect(['fit.npz', 'energy.png', 'notes.txt'].map(read)).toEqual(unchanged);
    expect(read('texture.png').equals(smooth)).toBe(false);
    expect(readdirSync(folder).sort()).toEqual([...FIT_FOLDER_FILES, 'notes.txt'].sort());
  });

  it('is what fitting with the texture gives', async () => {
    const whole = temporaryFolder();
    const { code, stdout } = await cli(['texture', photo, '-o', whole, '--json', '--quiet']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ input: photo, ok: true, texture_offset: { width: 512 } });
    const pixels = (file: string) => sharp(file).raw().toBuffer();
    const [a, b] = [
      await pixels(path.join(whole, 'me', 'texture.png')),
      await pixels(path.join(folder, 'texture.png')),
    ];
    // fit.json keeps float32 of camera and crop: a last bit of a colour may differ here and there.
    const worst = a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i])), 0);
    expect(worst).toBeLessThanOrEqual(3);
  });

  it('takes the photo from elsewhere, at another size', async () => {
    const moved = path.join(temporaryFolder(), 'moved.jpg');
    copyFileSync(photo, moved);
    rmSync(photo);
    const lost = await cli(['texture', folder, '--quiet']);
    expect(lost.code).toBe(1);
    expect(lost.stderr).toContain('--photo');
    expect(lost.stderr.trim().split('\n')).toHaveLength(1);
    const { code, stdout } = await cli(['texture', folder, '--photo', moved, '--size', '1024', '--json']);
    copyFileSync(moved, photo);
    expect(code).toBe(0);
    expect(JSON.parse(stdout).texture_offset).toMatchObject({ width: 1024, height: 1024 });
    expect((await sharp(path.join(folder, 'texture.png')).metadata()).width).toBe(1024);
  });

  it('leaves the folder as it was when cancelled', async () => {
    const before = read('fit.json');
    const controller = new AbortController();
    const { code, stderr } = await cli(['texture', folder], {
      signal: controller.signal,
      onStderr: (text) => {
        if (text.includes('texture')) controller.abort();
      },
    });
    expect(code).toBe(130);
    expect(stderr).toContain('cancelled');
    expect(read('fit.json').equals(before)).toBe(true);
  });

  it.each([
    ['no such thing', () => ['none'], 'none: no such file'],
    ['a folder without a fit', () => [temporaryFolder()], 'no fit.json'],
    ['another photo', () => [folder, '--photo', 'test/data/cat.jpg'], 'the fit was made from a photo of'],
    ['a photo with --photo', () => ['examples/portrait.jpg', '--photo', 'a.jpg'], '--photo a.jpg: goes with'],
    [
      'a fit without arrays',
      () => {
        const bare = path.join(temporaryFolder(), 'bare');
        mkdirSync(bare);
        copyFileSync(path.join(folder, 'fit.json'), path.join(bare, 'fit.json'));
        return [bare];
      },
      'fit.npz: is missing',
    ],
    [
      "another head's fit",
      () => {
        const other = path.join(temporaryFolder(), 'other');
        mkdirSync(other);
        const file = stored();
        const model = { ...file.model, hash: '0'.repeat(64) };
        writeFileSync(path.join(other, 'fit.json'), JSON.stringify({ ...file, model }));
        return [other];
      },
      'was made with the model open-head (000000000000…)',
    ],
  ])('refuses %s in one sentence', async (_, args, message) => {
    const { code, stdout, stderr } = await cli(['texture', ...args(), '--quiet']);
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toContain(message);
  });

  it('refuses a size that is none', async () => {
    const { code, stderr } = await cli(['texture', folder, '--size', '640']);
    expect(code).toBe(2);
    expect(stderr).toContain('512 or 1024');
  });
});
