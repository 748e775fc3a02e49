/** `photofit render` and `photofit export` on a fit on disk: pictures, turntables, files for others, bad input. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { validateBytes } from 'gltf-validator';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import type { PhotoFit } from '../../src/fit/types.ts';
import { readNpz } from '../../src/io/npz.ts';
import { type LoadedHead, loadHeadModel } from '../../src/node/models.ts';
import { albedoPng } from '../../src/node/texture-file.ts';
import { albedoMap } from '../../src/render/albedo.ts';
import { makeHeadFit, writeHeadFit } from '../helpers/open-head-fit.ts';
import { makeTinyFit } from '../helpers/tiny-fit.ts';
import { cli, lastingFolder, temporaryFolder } from './helpers.ts';

describe('a fit on disk', () => {
  const folder = lastingFolder();
  const me = path.join(folder, 'me');
  let model: LoadedHead;
  let fit: PhotoFit;

  beforeAll(async () => {
    model = await loadHeadModel('open-head');
    fit = makeHeadFit(model);
    writeHeadFit(me, fit, model, await albedoPng(albedoMap(model.texture!, fit.params.texture)));
  });

  /** Runs the command, which must succeed; returns the picture that it wrote. */
  async function drawn(...args: string[]) {
    const out = path.join(temporaryFolder(), 'picture.png');
    const { code, stdout, stderr } = await cli(['render', me, '-o', out, '--size', '128', ...args]);
    expect(stderr).toBe('');
    expect([code, stdout]).toEqual([0, `${out}\n`]);
    return sharp(out).raw().toBuffer({ resolveWithObject: true });
  }

  /** Mean absolute difference of two pictures, of 255. */
  function difference(a: Buffer, b: Buffer): number {
    expect(a.length).toBe(b.length);
    return a.reduce((s, x, i) => s + Math.abs(x - b[i]), 0) / a.length;
  }

  describe('photofit render', () => {
    it('draws it as in the photo, from the folder or the file', async () => {
      const { data, info } = await drawn();
      expect([info.width, info.height, info.channels]).toEqual([128, 128, 3]);
      // White corners, and a head in the middle.
      expect([...data.subarray(0, 3)]).toEqual([255, 255, 255]);
      const middle = 3 * (64 * 128 + 64);
      expect(data[middle]).toBeLessThan(250);
      const out = path.join(temporaryFolder(), 'again.png');
      await cli(['render', path.join(me, 'fit.json'), '-o', out, '--size', '128']);
      expect(difference(data, (await sharp(out).raw().toBuffer()) as Buffer)).toBe(0);
    });

    it.each([
      ['--yaw', '30'],
      ['--pitch=-20'],
      ['--roll', '15'],
      ['--expression', 'neutral'],
      ['--expression', 'blink=1,jawOpen=0.8'],
      ['--expression', 'mouthfunnel=1'],
      ['--pose', 'jaw=25,left_eye=0/30/0'],
      ['--light', 'left'],
      ['--light', '2,0,0,1,0,0,0,0,0'],
      ['--shape'],
      ['--albedo'],
      ['--shading'],
      ['--normals'],
      ['--background', '#203040'],
    ])('%s %s changes the picture', async (...args) => {
      const { data } = await drawn(...args.filter(Boolean));
      expect(difference(data, (await drawn()).data)).toBeGreaterThan(0.05);
    });

    it('light from the left comes from the left of the subject', async () => {
      const half = async (side: string) => {
        const { data } = await drawn('--yaw', '0', '--expression', 'neutral', '--shading', '--light', side);
        const sum = [0, 0];
        for (let y = 40; y < 90; y++)
          for (let x = 0; x < 128; x++) sum[x < 64 ? 0 : 1] += 255 - data[3 * (128 * y + x)];
        return sum[1] - sum[0];
      };
      // The subject's left is at the right of the picture: brighter there means less taken from white.
      expect(await half('left')).toBeLessThan(0);
      expect(await half('right')).toBeGreaterThan(0);
    });

    it('uses texture.png where there is one, and the fit’s own on request', async () => {
      const painted = path.join(temporaryFolder(), 'painted');
      const red = { create: { width: 8, height: 8, channels: 3, background: '#ff0000' } } as const;
      writeHeadFit(painted, fit, model, await sharp(red).png().toBuffer());
      const draw = async (...args: string[]) => {
        const out = path.join(temporaryFolder(), 'p.png');
        expect((await cli(['render', painted, '-o', out, '--size', '64', '--albedo', ...args])).code).toBe(0);
        return [...(await sharp(out).raw().toBuffer()).subarray(3 * (64 * 32 + 32), 3 * (64 * 32 + 32) + 3)];
      };
      expect(await draw()).toEqual([255, 0, 0]);
      expect((await draw('--model-texture'))[1]).toBeGreaterThan(20);
    });

    it('draws over the photo, in its frame', async () => {
      const photo = path.join(temporaryFolder(), 'photo.png');
      await sharp({ create: { width: 480, height: 560, channels: 3, background: '#1060a0' } }).toFile(photo);
      const { data, info } = await drawn('--frame', 'photo', '--background', photo);
      expect([info.width, info.height]).toEqual([110, 128]);
      expect([...data.subarray(0, 3)]).toEqual([0x10, 0x60, 0xa0]);
    });

    it('transparent pictures have soft edges; JPEG says that it cannot', async () => {
      const { data, info } = await drawn('--background', 'transparent');
      expect(info.channels).toBe(4);
      const alphas = new Set(data.filter((_, i) => i % 4 === 3));
      expect(alphas.has(0) && alphas.has(255) && alphas.size > 4).toBe(true);
      const out = path.join(temporaryFolder(), 'a.jpg');
      const { code, stderr } = await cli([
        'render',
        me,
        '--background',
        'transparent',
        '--size',
        '32',
        '-o',
        out,
      ]);
      expect([code, existsSync(out)]).toEqual([1, false]);
      expect(stderr).toMatch(/a\.jpg: JPEG cannot be transparent; write a PNG/);
    });

    it('turns it around: PNGs, WebP, GIF', async () => {
      const to = temporaryFolder();
      const turn = (out: string) =>
        cli(['render', me, '--turntable', '6', '--size', '48', '--samples', '1', '-o', path.join(to, out)]);
      expect((await turn('turn')).code).toBe(0);
      const names = ['000.png', '001.png', '002.png', '003.png', '004.png', '005.png'];
      expect(readdirSync(path.join(to, 'turn')).sort()).toEqual(names);
      const pictures = names.map((name) => readFileSync(path.join(to, 'turn', name)));
      expect(new Set(pictures.map((p) => p.toString('base64'))).size).toBe(6);
      for (const out of ['turn.webp', 'turn.gif']) {
        expect((await turn(out)).code).toBe(0);
        const { pages, width, pageHeight } = await sharp(path.join(to, out), { animated: true }).metadata();
        expect([pages, width, pageHeight]).toEqual([6, 48, 48]);
      }
    });

    const ffmpeg = spawnSync('ffmpeg', ['-version']).status === 0 ? null : 'no ffmpeg on the PATH';
    it.skipIf(ffmpeg)(`turns it around as a film${ffmpeg ? ` (skipped: ${ffmpeg})` : ''}`, async () => {
      const out = path.join(temporaryFolder(), 'turn.mp4');
      // An odd size: films need even ones.
      const { code, stderr } = await cli(['render', me, '--turntable', '5', '--size', '49', '-o', out]);
      expect(stderr).not.toMatch(/photofit:/);
      expect(code).toBe(0);
      const probed = spawnSync('ffmpeg', ['-i', out, '-f', 'null', '-'], { encoding: 'utf8' });
      expect(probed.stderr).toMatch(/Video: h264.*50x50/);
      expect(probed.stderr).toMatch(/frame=\s*5 /);
    });

    it('says what is missing without ffmpeg', async () => {
      const out = path.join(temporaryFolder(), 'turn.mp4');
      const before = process.env['PATH'];
      process.env['PATH'] = temporaryFolder();
      try {
        const { code, stderr } = await cli(['render', me, '--turntable', '3', '--size', '32', '-o', out]);
        expect(code).toBe(1);
        expect(stderr).toMatch(/a film needs ffmpeg, which is not on the PATH; install it, or write \.webp/);
        expect(existsSync(out)).toBe(false);
      } finally {
        process.env['PATH'] = before;
      }
    });

    it('leaves nothing when cancelled', async () => {
      const to = temporaryFolder();
      const controller = new AbortController();
      const { code } = await cli(
        ['render', me, '--turntable', '20', '--size', '32', '-o', path.join(to, 't')],
        {
          signal: controller.signal,
          onStderr: () => controller.abort(),
        },
      );
      expect(code).toBe(130);
      expect(readdirSync(to)).toEqual([]);
    });
  });

  describe('photofit export', () => {
    it.each(['glb', 'obj', 'ply'])('%s, as in the photo and neutral', async (format) => {
      const to = temporaryFolder();
      const files: string[][] = [];
      for (const state of ['photo', 'neutral']) {
        const out = path.join(to, `${state}.${format}`);
        const { code, stdout, stderr } = await cli(['export', me, '--pose', state, '-o', out]);
        expect([code, stderr]).toEqual([0, '']);
        files.push(stdout.trim().split('\n'));
        expect(files.at(-1)!.every((file) => existsSync(file))).toBe(true);
      }
      expect(files[0].map((file) => path.basename(file))).toEqual(
        format === 'obj' ? ['photo_texture.png', 'photo.mtl', 'photo.obj'] : [`photo.${format}`],
      );
      const [photo, neutral] = files.map((list) => readFileSync(list.at(-1)!));
      expect(photo.equals(neutral)).toBe(false);
      if (format === 'glb') {
        const { issues, info } = await validateBytes(photo, { maxIssues: 0 });
        expect(issues.messages).toEqual([]);
        expect(info).toMatchObject({ animationCount: 2, hasTextures: true });
        const plain = path.join(to, 'plain.glb');
        expect((await cli(['export', me, '--no-arkit', '-o', plain])).code).toBe(0);
        expect(readFileSync(plain).length).toBeLessThan(photo.length);
      }
      if (format === 'obj')
        expect(readFileSync(path.join(to, 'photo.mtl'), 'utf8')).toMatch(/photo_texture\.png/);
    });

    it('npz of a head that is not FLAME is refused, and nothing written', async () => {
      const out = path.join(temporaryFolder(), 'me.npz');
      const { code, stderr } = await cli(['export', me, '-o', out]);
      expect([code, existsSync(out)]).toEqual([1, false]);
      expect(stderr).toMatch(/the head open-head is no FLAME head \(\d+ vertices/);
    });

    const standIn = '../shared/models/flame-standin';
    const absent = existsSync(standIn) ? null : `no ${standIn}`;
    it.skipIf(absent)(`npz of a FLAME head${absent ? ` (skipped: ${absent})` : ''}`, async () => {
      const flame = await loadHeadModel(standIn);
      const to = temporaryFolder();
      const flameFit = makeTinyFit(flame);
      const from = writeHeadFit(path.join(to, 'fit'), flameFit, flame);
      const out = path.join(to, 'me.npz');
      const without = await cli(['export', from, '-o', out]);
      expect(without.stderr).toMatch(/does not come with photofit; give its file or folder with --model/);
      const { code, stderr } = await cli(['export', from, '-o', out, '--model', standIn]);
      expect([code, stderr]).toEqual([0, '']);
      const arrays = readNpz(readFileSync(out), 'me.npz');
      expect(Object.fromEntries([...arrays].map(([name, { shape }]) => [name, shape]))).toMatchObject({
        shape: [300],
        expr: [1, 100],
        rotation: [1, 3],
        neck_pose: [1, 3],
        jaw_pose: [1, 3],
        eyes_pose: [1, 6],
        translation: [1, 3],
        focal_length: [1],
      });
    });
  });

  describe('bad input', () => {
    const bad: readonly (readonly [string[], RegExp, number])[] = [
      [['render', 'FOLDER/nothing'], /nothing: no such file or folder; give a fit\.json/, 1],
      [['render', 'FOLDER'], /the folder has no fit\.json/, 1],
      [['render', 'FOLDER/broken'], /fit\.json/, 1],
      [['render', 'FOLDER/other'], /was made with the model open-head \(0{12}…\), not with/, 1],
      [['render', 'FOLDER/painted'], /texture\.png: not a picture that can be read/, 1],
      [['render', 'ME', '--expression', 'smyle=1'], /none of that name; did you mean mouthSmileLeft/, 1],
      [['render', 'ME', '--expression', 'squint=1'], /could be any of eyeSquintLeft, .*cheekSquintRight/, 1],
      [['render', 'ME', '--expression', 'mouthDimpleLeft=1'], /has none of that name/, 1],
      [['render', 'ME', '--expression', 'smile'], /smile has no weight: write smile=0\.8/, 2],
      [['render', 'ME', '--expression', 'smile=much'], /much is no number/, 2],
      [['render', 'ME', '--expression', 'smile=99'], /from −10 to 10, got 99/, 1],
      [['render', 'ME', '--pose', 'jow=3'], /no such joint; did you mean jaw\?/, 1],
      [['render', 'ME', '--pose', 'jaw=1/2'], /one angle \(about x\) or three/, 2],
      [['render', 'ME', '--yaw', 'left'], /left is no number/, 2],
      [['render', 'ME', '--size', '0'], /whole number from 1 to 8192/, 2],
      [['render', 'ME', '--light', 'moon'], /--light moon: must be fit, front, left/, 1],
      [['render', 'ME', '--light', '1,2,3'], /or 9 numbers/, 1],
      [['render', 'ME', '--background', 'sky'], /--background sky: must be white/, 1],
      [['render', 'ME', '--background', './none.png'], /none\.png/, 1],
      [['render', 'ME', '--shape', '--albedo'], /exclude each other/, 1],
      [['render', 'ME', '-o', 'x.bmp', '--size', '8'], /written as \.png, \.jpg or \.webp/, 1],
      [['render', 'ME', '--turntable', '4', '-o', 'x.png'], /a turntable is written as/, 1],
      [['render', 'ME', '--turntable', '4', '--frame', 'photo'], /leave --frame photo away/, 1],
      [['render', 'ME', '--model', 'nobody'], /nobody: no head model of that name/, 1],
      [['export', 'ME'], /say what to write with --format/, 1],
      [['export', 'ME', '-o', 'x.stl'], /the ending tells no format/, 1],
      [['export', 'ME', '-o', 'x.obj', '--format', 'ply'], /ends in \.obj, but --format is ply/, 1],
      [['export', 'ME', '--format', 'fbx'], /Allowed choices are glb, obj, ply, npz/, 2],
      [['export', 'FOLDER/nothing', '--format', 'ply'], /no such file or folder/, 1],
    ];

    beforeAll(() => {
      const text = readFileSync(path.join(me, 'fit.json'), 'utf8');
      for (const [name, content] of [
        ['broken', text.slice(0, 200)],
        ['other', text.replace(/"hash": "[0-9a-f]{64}"/, `"hash": "${'0'.repeat(64)}"`)],
        ['painted', text],
      ]) {
        mkdirSync(path.join(folder, name), { recursive: true });
        writeFileSync(path.join(folder, name, 'fit.json'), content);
      }
      copyFileSync('package.json', path.join(folder, 'painted', 'texture.png'));
    });

    it.each(bad)('%j', async (args, message, expected) => {
      const real = args.map((arg) => arg.replace('FOLDER', folder).replace(/^ME$/, me));
      const { code, stdout, stderr } = await cli(real);
      expect(stderr).toMatch(message);
      expect([code, stdout]).toEqual([expected, '']);
      // One sentence, no stack.
      expect(stderr).not.toMatch(/\n\s+at /);
    });
  });

  it('help shows examples', async () => {
    expect((await cli(['render', '--help'])).stdout).toMatch(/--turntable 36 -o turn\//);
    expect((await cli(['export', '--help'])).stdout).toMatch(/photofit export out\/me -o me\.glb/);
  });
});
