/** `photofit ffhq`: names and ranges, files beside the image or none, both energies. */
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { readOriginalFit } from '../../src/fit/original-files.ts';
import { parseFitFile } from '../../src/fit/schema.ts';
import { npyArray, readNpy, toFloat32, writeNpy } from '../../src/io/npy.ts';
import { npzGet, readNpz } from '../../src/io/npz.ts';
import { ffhqNames, findFfhq } from '../../src/node/ffhq-files.ts';
import { cli, temporaryFolder } from './helpers.ts';

const DATA = '../shared/data/ffhq';
const FLAME = '../shared/models/flame-standin';
const has = existsSync(`${DATA}/00000.png`) && existsSync(`${FLAME}/original_energies.csv`);

const terms = (stdout: string) =>
  Object.fromEntries(
    stdout
      .trim()
      .split('\n')
      .map((line) => line.split(/\s+/)),
  );

describe('names of FFHQ images', () => {
  it('are taken as they are, ranges spelled out, each once', () => {
    expect(ffhqNames(['00003', '00001-00003', 'me.png'])).toEqual(['00003', '00001', '00002', 'me']);
    expect(ffhqNames(['9-11'])).toEqual(['9', '10', '11']);
    expect(() => ffhqNames(['00004-00000'])).toThrow(/smaller to a larger/);
    expect(() => ffhqNames(['0-99999999'])).toThrow(/70000 images at most/);
  });

  it('are found in the folder, in the folder of their thousand, and without leading zeros', async () => {
    const folder = temporaryFolder();
    mkdirSync(path.join(folder, '12000'));
    for (const file of ['00003.png', '00003.npy', '12000/12345.jpg', '12000/12345_seg.npy'])
      writeFileSync(path.join(folder, file), '');
    const at = (file: string) => path.join(folder, file);
    const first = { name: '00003', photo: at('00003.png'), landmarks: at('00003.npy'), mask: null };
    expect(await findFfhq(folder, '00003')).toEqual(first);
    expect(await findFfhq(folder, '3')).toEqual(first);
    expect(await findFfhq(folder, '12345')).toEqual({
      name: '12345',
      photo: at('12000/12345.jpg'),
      landmarks: null,
      mask: at('12000/12345_seg.npy'),
    });
    await expect(findFfhq(folder, '4')).rejects.toThrow(/4: no such image in .*00004\.png/);
  });
});

describe.skipIf(!has)('photofit ffhq (skipped without ../shared)', () => {
  it('takes landmarks and mask from their files; an image that is not there is told of', async () => {
    const out = temporaryFolder();
    const { code, stdout, stderr } = await cli(['ffhq', '00004-00005', '--data', DATA, '-o', out, '--json']);
    expect(code).toBe(1);
    expect(stderr).toContain('1 fitted, 1 failed');
    const [good, bad] = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(good).toMatchObject({ input: '00004', output: path.join(out, '00004'), ok: true });
    expect(good.metrics.skin_l1).toBeLessThan(0.06);
    expect(bad).toMatchObject({ input: '00005', ok: false, error: { name: 'InvalidArgumentError' } });
    const file = parseFitFile(readFileSync(path.join(out, '00004', 'fit.json'), 'utf8'));
    const wanted = toFloat32(readNpy(readFileSync(`${DATA}/00004.npy`)));
    file.landmarks.flat().forEach((x, i) => {
      expect(x).toBeCloseTo(wanted[i], 3);
    });
  });

  it('without files, or told to ignore them: our own perception', async () => {
    const [data, out] = [temporaryFolder(), temporaryFolder()];
    copyFileSync(`${DATA}/00002.png`, path.join(data, '00002.png'));
    expect(
      (await cli(['ffhq', '2', '--data', data, '-o', path.join(out, 'a'), '-q', '--no-offset'])).code,
    ).toBe(0);
    const ignoring = ['--no-files', '-q', '--no-offset'];
    expect((await cli(['ffhq', '2', '--data', DATA, '-o', path.join(out, 'b'), ...ignoring])).code).toBe(0);
    const arrays = ['a', 'b'].map((run) => readNpz(readFileSync(path.join(out, run, '00002', 'fit.npz'))));
    const [a, b] = arrays.map((npz) => [...toFloat32(npzGet(npz, 'landmarks', 'fit.npz'))]);
    expect(a).toEqual(b);
    const given = toFloat32(readNpy(readFileSync(`${DATA}/00002.npy`)));
    expect(a).not.toEqual([...given]);
    // Found in the same place nonetheless.
    expect(Math.max(...a.map((x, i) => Math.abs(x - given[i])))).toBeLessThan(25);
  });

  it("--energy original: no higher than the original's, stored so that it can be read again both ways", async () => {
    const out = temporaryFolder();
    const args = ['ffhq', '00003', '--data', DATA, '-o', out, '--model', FLAME, '--energy', 'original', '-q'];
    const { code, stdout, stderr } = await cli(args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const line = readFileSync(`${FLAME}/original_energies.csv`, 'utf8')
      .split('\n')
      .find((row) => row.startsWith('00003,1000,'));
    const [, , , , , , , theirs] = (line ?? '').split(',').map(Number);
    const folder = path.join(out, '00003');
    const file = parseFitFile(readFileSync(path.join(folder, 'fit.json'), 'utf8'));
    expect(theirs).toBeGreaterThan(0.01);
    expect(file.energy.total).toBeLessThanOrEqual(theirs);
    expect(stdout).toContain(`energy ${file.energy.total.toFixed(4)}`);
    expect(readdirSync(folder)).toContain('head.obj');

    const stored = terms((await cli(['energy', folder, '--energy', 'original', '--model', FLAME])).stdout);
    const photo = ['--photo', `${DATA}/00003.png`];
    const npy = path.join(folder, 'fit.npy');
    const theirFile = terms(
      (await cli(['energy', npy, '--energy', 'original', '--model', FLAME, ...photo])).stdout,
    );
    expect(Number(stored.total)).toBeCloseTo(file.energy.total, 5);
    expect(Number(theirFile.total)).toBeCloseTo(file.energy.total, 5);
    expect(readOriginalFit(readFileSync(npy)).shape).toHaveLength(100);
  });

  it('files that do not belong to the image are named', async () => {
    const [data, out] = [temporaryFolder(), temporaryFolder()];
    copyFileSync(`${DATA}/00002.png`, path.join(data, '00002.png'));
    writeFileSync(path.join(data, '00002.npy'), writeNpy(npyArray(new Float32Array(136), [2, 68])));
    const run = () => cli(['ffhq', '00002', '--data', data, '-o', out, '-q']);
    expect((await run()).stderr).toMatch(/00002\.npy: an array of shape \(2,68\)/);
    copyFileSync(`${DATA}/00002.npy`, path.join(data, '00002.npy'));
    writeFileSync(path.join(data, '00002_seg.npy'), writeNpy(npyArray(new Float32Array(4), [2, 2])));
    const { code, stderr } = await run();
    expect(code).toBe(1);
    expect(stderr).toMatch(/00002_seg\.npy: a mask of shape \(2,2\), the image is \(256,256\)/);
  });
});
