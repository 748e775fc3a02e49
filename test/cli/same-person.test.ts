import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { cli, lastingFolder, temporaryFolder } from './helpers.ts';

describe('photofit fit --same-person', () => {
  const folder = lastingFolder();
  const [a, b] = [path.join(folder, 'a.png'), path.join(folder, 'b.png')];
  beforeAll(async () => {
    // Two pictures of one face: the portrait, and its mirror image in another light.
    const portrait = sharp('examples/portrait.jpg');
    await portrait.clone().toFile(a);
    await portrait.clone().flop().modulate({ brightness: 0.85 }).toFile(b);
  });
  const identity = (out: string, name: string) =>
    JSON.parse(readFileSync(path.join(out, name, 'fit.json'), 'utf8')).params.shape as number[];

  it('gives every photo the same shape and its own folder', async () => {
    const out = temporaryFolder();
    const { code, stderr } = await cli(['fit', a, b, '--same-person', '-o', out]);
    expect(stderr).not.toMatch(/somebody else/);
    expect(code).toBe(0);
    expect(identity(out, 'a')).toEqual(identity(out, 'b'));
    expect(existsSync(path.join(out, 'b', 'head.glb'))).toBe(true);
    const texture = (name: string) => readFileSync(path.join(out, name, 'texture.png'));
    expect(texture('a').equals(texture('b'))).toBe(true);
  });

  it('warns of another person, or leaves them out with an error for that photo only', async () => {
    const stranger = 'examples/mona-lisa.jpg';
    const warned = temporaryFolder();
    const first = await cli(['fit', a, stranger, b, '--same-person', '-o', warned]);
    expect(first.code).toBe(0);
    expect(first.stderr).toMatch(/mona-lisa.jpg: warning: photo 2 does not agree/);
    const left = temporaryFolder();
    const second = await cli(['fit', a, stranger, b, '--same-person', '--leave-out', '-o', left]);
    expect(second.code).not.toBe(0);
    expect(second.stderr).toMatch(/mona-lisa.jpg: left out, it seems to show somebody else/);
    expect(existsSync(path.join(left, 'a', 'fit.json'))).toBe(true);
    expect(existsSync(path.join(left, 'mona-lisa'))).toBe(false);
  });

  it('fits the others when a photo is unreadable or shows no face', async () => {
    const out = temporaryFolder();
    const broken = path.join(out, 'broken.jpg');
    const blank = path.join(out, 'blank.png');
    writeFileSync(broken, 'not a picture');
    await sharp({ create: { width: 300, height: 200, channels: 3, background: '#88aa77' } }).toFile(blank);
    const { code, stderr } = await cli(['fit', broken, a, blank, b, '--same-person', '-o', out]);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/broken.jpg/);
    expect(stderr).toMatch(/blank.png: no face was found/);
    expect(identity(out, 'a')).toEqual(identity(out, 'b'));
  });

  it('refuses --face all', async () => {
    const { code, stderr } = await cli(['fit', a, b, '--same-person', '--face', 'all']);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/one person has one face/);
  });
});
