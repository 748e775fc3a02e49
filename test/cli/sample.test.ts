/** `photofit sample` and `photofit space show|sample`. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { npyArray } from '../../src/io/npy.ts';
import { writeNpz } from '../../src/io/npz.ts';
import { readObj } from '../../src/io/obj-read.ts';
import { writeHeadPack } from '../../src/model/pack.ts';
import { poseHead } from '../../src/model/pose.ts';
import { loadHeadModel } from '../../src/node/models.ts';
import { makeTinyHead } from '../helpers/tiny-head.ts';
import { cli, temporaryFolder } from './helpers.ts';

const FLAME = '../shared/models/flame-standin';
const hasFlame = existsSync(`${FLAME}/texture_256.npz`);

/** Mean colour of a part of a picture. */
async function colour(file: string, left: number, top: number, size: number): Promise<number[]> {
  const { data } = await sharp(file)
    .extract({ left, top, width: size, height: size })
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return [0, 1, 2].map((c) => data.reduce((s, x, i) => (i % 3 === c ? s + x : s), 0) / (size * size));
}

describe('photofit sample', () => {
  it('writes heads whose files say the same as their coefficients, the same ones again', async () => {
    const [a, b] = [path.join(temporaryFolder(), 'a'), path.join(temporaryFolder(), 'b')];
    const args = ['sample', '-n', '3', '--seed', '5', '--format', 'both', '--size', '64', '-q', '-o'];
    expect((await cli([...args, a])).stdout).toBe(`3 heads of open-head → ${a}\n`);
    expect((await cli([...args, b])).code).toBe(0);
    const names = readdirSync(a).sort();
    const each = ['glb', 'mtl', 'obj', 'png'].flatMap((ending) =>
      [1, 2, 3].map((i) => `head-${i}.${ending}`),
    );
    expect(names).toEqual([...each, 'samples.json', 'sheet.png'].sort());
    for (const name of names)
      expect(readFileSync(path.join(a, name)).equals(readFileSync(path.join(b, name))), name).toBe(true);
    const { heads, model: about } = JSON.parse(readFileSync(path.join(a, 'samples.json'), 'utf8'));
    const model = await loadHeadModel();
    expect(about).toEqual({ name: 'open-head', hash: model.hash });
    const { shape, expression, pose } = heads[1];
    const { vertices } = poseHead(model, { identity: shape, expression, pose });
    const written = readObj(readFileSync(path.join(a, 'head-2.obj'))).vertices;
    for (let i = 0; i < vertices.length; i += 97) expect(written[i]).toBeCloseTo(vertices[i], 5);
    const { width, height } = await sharp(path.join(a, 'sheet.png')).metadata();
    expect(width).toBe(3 * 64 + 8);
    expect(height).toBeGreaterThan(2 * 64);
  });

  it.each([
    [['-n', '0'], /whole number from 1/],
    [['--seed', '1.5'], /whole number/],
    [['--shape', '-1'], /not negative/],
    [['--format', 'fbx'], /Allowed choices/],
  ])('%s is refused', async (args, message) => {
    const { code, stderr } = await cli(['sample', ...args]);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });
});

describe('photofit sample, cancelled', () => {
  it('leaves nothing behind', async () => {
    const out = path.join(temporaryFolder(), 'none');
    const { code } = await cli(['sample', '-o', out, '-q'], { signal: AbortSignal.abort() });
    expect(code).toBe(130);
    expect(existsSync(out)).toBe(false);
  });
});

describe('photofit space', () => {
  it('show: columns of components, the mean in the middle row of each', async () => {
    const out = path.join(temporaryFolder(), 'figure.png');
    const size = 96;
    const { code, stdout } = await cli(['space', 'show', '-o', out, '--size', String(size), '-q']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${out}\n` });
    const { width } = await sharp(out).metadata();
    expect(width).toBe(64 + 5 * (size + 4) - 4);
    const at = (row: number, column: number) =>
      colour(out, 64 + column * (size + 4) + size / 2 - 8, 56 + row * (size + 4) + size / 2 - 8, 16);
    const mean = await at(1, 0);
    expect(await at(1, 4)).toEqual(mean);
    const sum = (rgb: readonly number[]) => rgb.reduce((s, x) => s + x, 0);
    // The first component is the skin's darkness: up and down lie on both sides of the mean.
    const [low, high] = [sum(await at(0, 0)), sum(await at(2, 0))];
    expect((low - sum(mean)) * (high - sum(mean))).toBeLessThan(0);
    expect(Math.abs(low - high)).toBeGreaterThan(60);
  });

  it('sample: the sheet alone, or maps too, decided by the seed', async () => {
    const folder = temporaryFolder();
    const args = ['space', 'sample', '-n', '2', '--size', '48', '-q'];
    expect((await cli([...args, '-o', path.join(folder, 'a.png')])).code).toBe(0);
    expect((await cli([...args, '-o', path.join(folder, 'maps')])).code).toBe(0);
    expect((await cli([...args, '-o', path.join(folder, 'b.png'), '--seed', '2'])).code).toBe(0);
    const read = (name: string) => readFileSync(path.join(folder, name));
    expect(readdirSync(path.join(folder, 'maps')).sort()).toEqual([
      'samples.json',
      'sheet.png',
      'texture-1.png',
      'texture-2.png',
    ]);
    expect(read('a.png').equals(read('maps/sheet.png'))).toBe(true);
    expect(read('a.png').equals(read('b.png'))).toBe(false);
    const { width } = await sharp(path.join(folder, 'maps', 'texture-1.png')).metadata();
    expect(width).toBe((await loadHeadModel()).texture?.width);
  });

  it('a head without texture, a space without its head, a head of another mesh: one clear sentence', async () => {
    const folder = temporaryFolder();
    const bare = path.join(folder, 'bare.head');
    const info = { version: '1', credits: 'nobody' };
    writeFileSync(bare, writeHeadPack({ ...makeTinyHead(), texture: null }, info));
    const space = path.join(folder, 'space.npz');
    writeFileSync(space, writeNpz({ mean: npyArray(new Float32Array(12), [2, 2, 3]) }));
    for (const [args, message] of [
      [[bare], /has no texture space/],
      [[space], /give --model with a FLAME head/],
      [[space, '--model', 'open-head'], /FLAME's mesh of 9976/],
      [['open-head', '--model', bare], /has its own/],
    ] as const) {
      const { code, stderr } = await cli(['space', 'show', ...args, '-q']);
      expect(code).toBe(1);
      expect(stderr).toMatch(message);
      expect(stderr.trim().split('\n')).toHaveLength(1);
    }
  });

  it.skipIf(!hasFlame)("FLAME_texture.npz on FLAME's head (skipped without ../shared)", async () => {
    const folder = temporaryFolder();
    const out = path.join(folder, 'flame.png');
    const args = [
      'space',
      'show',
      `${FLAME}/texture_256.npz`,
      '--model',
      FLAME,
      '--size',
      '48',
      '--components',
      '2',
    ];
    const { code, stderr } = await cli([...args, '-o', out, '-q']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect((await sharp(out).metadata()).width).toBe(64 + 2 * 52 - 4);
  });
});
