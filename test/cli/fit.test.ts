/** `photofit fit` on real photos: what is written, what is printed, which face, masks, cancelling. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseFitFile } from '../../src/fit/schema.ts';
import { readNpz } from '../../src/io/npz.ts';
import { FIT_FOLDER_FILES } from '../../src/node/results.ts';
import { type CliResult, cli, lastingFolder, temporaryFolder } from './helpers.ts';

const PORTRAIT = 'examples/portrait.jpg';
const MONA_LISA = 'examples/mona-lisa.jpg';

describe('photofit fit', () => {
  const out = lastingFolder();
  let result: CliResult;
  beforeAll(async () => {
    result = await cli(['fit', PORTRAIT, '-o', out]);
  });

  it('succeeds, with one line of result on stdout and the falling energy on stderr', () => {
    expect(result.code).toBe(0);
    const folder = path.join(out, 'portrait');
    expect(result.stdout).toMatch(
      /^examples\/portrait\.jpg → .+ \(landmarks [\d.]+ %, skin [\d.]+, [\d.]+ s\)\n$/,
    );
    expect(result.stdout).toContain(folder);
    const falls = [...result.stderr.matchAll(/energy ([\d.]+) → ([\d.]+)/g)];
    expect(falls.length).toBeGreaterThan(3);
    for (const [, from, to] of falls) expect(Number(to)).toBeLessThanOrEqual(Number(from));
  });

  it('writes every file, and nothing else', () => {
    expect(readdirSync(out)).toEqual(['portrait']);
    expect(readdirSync(path.join(out, 'portrait')).sort()).toEqual([...FIT_FOLDER_FILES].sort());
  });

  it('writes a fit.json that its own reader accepts, with times that add up', () => {
    const text = readFileSync(path.join(out, 'portrait', 'fit.json'), 'utf8');
    const fit = parseFitFile(text);
    expect(fit.model.name).toBe('open-head');
    expect(fit.input.path).toBe(PORTRAIT);
    const { total, ...parts } = fit.timing_ms;
    const sum = Object.values(parts).reduce((a, b) => a + b, 0);
    expect(Math.abs(sum - total)).toBeLessThan(1);
    // An easy photo: the head must sit on the face.
    expect(fit.metrics.landmark_nme_inner51).toBeLessThan(0.035);
    expect(fit.metrics.skin_l1).toBeLessThan(0.06);
  });

  it('matches the photo with the texture, and says what it shows', async () => {
    const folder = path.join(out, 'portrait');
    const fit = parseFitFile(readFileSync(path.join(folder, 'fit.json'), 'utf8'));
    const offset = fit.texture_offset!;
    expect(offset.skin_l1).toBeLessThan(0.5 * offset.skin_l1_before);
    expect(offset.skin_psnr_db).toBeGreaterThan(30);
    for (const name of ['texture.png', 'visibility.png']) {
      const { width, height } = await sharp(path.join(folder, name)).metadata();
      expect({ name, width, height }).toEqual({ name, width: offset.width, height: offset.height });
    }
    const { channels } = await sharp(path.join(folder, 'visibility.png')).stats();
    expect([channels[0].min, channels[0].max]).toEqual([0, 255]);
  });

  it('writes pictures, meshes and arrays that can be read', async () => {
    const folder = path.join(out, 'portrait');
    const overlay = await sharp(path.join(folder, 'overlay.png')).metadata();
    expect(overlay.width).toBeGreaterThan(6 * 384);
    expect((await sharp(path.join(folder, 'energy.png')).metadata()).width).toBeGreaterThan(600);
    expect(readFileSync(path.join(folder, 'head.glb')).subarray(0, 4).toString()).toBe('glTF');
    expect(readFileSync(path.join(folder, 'head.obj'), 'utf8')).toContain('mtllib head.mtl');
    const npz = readNpz(readFileSync(path.join(folder, 'fit.npz')));
    expect(npz.get('vertices')?.shape[1]).toBe(3);
  });
});

describe('several faces', () => {
  const out = lastingFolder();
  const photo = path.join(lastingFolder(), 'two.png');
  beforeAll(async () => {
    const small = await sharp(MONA_LISA)
      .extract({ left: 180, top: 60, width: 360, height: 400 })
      .resize(126, 140)
      .png()
      .toBuffer();
    await sharp(PORTRAIT)
      .resize(360, 400)
      .extend({ right: 300, background: '#777' })
      .composite([{ input: small, left: 420, top: 100 }])
      .png()
      .toFile(photo);
  });

  it('--face all gives each a folder; --json one line each', async () => {
    const { code, stdout } = await cli([
      'fit',
      photo,
      '-o',
      out,
      '--face',
      'all',
      '--no-offset',
      '--json',
      '--quiet',
    ]);
    expect(code).toBe(0);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toMatchObject([
      { input: photo, face: 1, output: path.join(out, 'two'), ok: true },
      { input: photo, face: 2, output: path.join(out, 'two_face2'), ok: true },
    ]);
    const files = lines.map(({ output }) =>
      parseFitFile(readFileSync(path.join(output, 'fit.json'), 'utf8')),
    );
    expect(files[0].input.face.x).toBeLessThan(360);
    expect(files[1].input.face.x).toBeGreaterThan(360);
    expect(lines[0].metrics).toEqual(files[0].metrics);
    // --no-offset: the model's own texture, at its own size.
    expect(files[0].texture_offset).toBeUndefined();
    expect(readdirSync(lines[0].output).sort()).toEqual(
      FIT_FOLDER_FILES.filter((name) => name !== 'visibility.png').sort(),
    );
  });

  it('without --face the largest is fitted, and the others are told of', async () => {
    const { code, stdout } = await cli(['fit', photo, '-o', out, '--no-offset', '--json', '--quiet']);
    expect(code).toBe(0);
    const lines = stdout.trim().split('\n');
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0])).toMatchObject({
      face: 1,
      warnings: ['2 faces were found, and the largest is fitted; choose another by --face'],
    });
  });

  it('--face with a number that is not there fails in one sentence', async () => {
    const { code, stdout, stderr } = await cli([
      'fit',
      photo,
      '-o',
      temporaryFolder(),
      '--face',
      '3',
      '--quiet',
    ]);
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toBe(`${photo}: face 3 was asked for, but only 2 were found; choose a lower --face\n`);
  });
});

describe('masks', () => {
  it('--mask takes only what is white for skin', async () => {
    const out = temporaryFolder();
    const mask = path.join(temporaryFolder(), 'mask.png');
    const { width, height } = await sharp(PORTRAIT).metadata();
    // White from the middle of the picture to the right: through the nose.
    const left = Math.floor(width / 2);
    await sharp({ create: { width: width - left, height, channels: 3, background: '#fff' } })
      .extend({ left, background: '#000' })
      .png()
      .toFile(mask);
    const run = await cli(['fit', PORTRAIT, '-o', out, '--mask', mask, '--json', '--quiet']);
    expect(run.code).toBe(0);
    const npz = readNpz(readFileSync(path.join(out, 'portrait', 'fit.npz')));
    const skin = npz.get('skin_mask')!;
    const crop = npz.get('crop')!.data as Float64Array;
    const size = skin.shape[0];
    const columns = Array.from({ length: size }, (_, x) => x).filter((x) =>
      (skin.data as Uint8Array).some((weight, i) => i % size === x && weight > 0),
    );
    expect(columns.length).toBeGreaterThan(10);
    // First column in photo pixels; a crop pixel of slack for the resampled edge.
    expect(columns[0] / crop[2] + crop[0]).toBeGreaterThan(left - 1.5 / crop[2]);
  });

  it.each([
    { what: 'another size', args: [PORTRAIT, '--mask', 'test/data/cat.jpg'], message: 'must be as large' },
    {
      what: 'more than one photo',
      args: [PORTRAIT, MONA_LISA, '--mask', PORTRAIT],
      message: 'belongs to one photo',
    },
    {
      what: 'no such file',
      args: [PORTRAIT, '--mask', 'none.png'],
      message: 'none.png: there is no such file',
    },
  ])('--mask with $what fails in one sentence', async ({ args, message }) => {
    const { code, stderr } = await cli(['fit', ...args, '-o', temporaryFolder(), '--quiet']);
    expect(code).toBe(1);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toContain(message);
  });
});

describe('a size that is known', () => {
  it('--ipd, --distance and --focal reach the fit, in the units of the file', async () => {
    const [a, b] = [temporaryFolder(), temporaryFolder()];
    const large = path.join(temporaryFolder(), 'large.png');
    await sharp(PORTRAIT).resize({ height: 4800 }).toFile(large);
    const fitOf = (out: string, name: string) =>
      parseFitFile(readFileSync(path.join(out, name, 'fit.json'), 'utf8'));
    const first = await cli(['fit', PORTRAIT, '-o', a, '--ipd', '66', '--no-offset', '--quiet']);
    expect(first.code).toBe(0);
    expect(fitOf(a, 'portrait').input.known).toEqual({ ipd: 0.066 });
    const second = await cli([
      'fit',
      large,
      '-o',
      b,
      '--distance',
      '0.8',
      '--focal',
      '7200',
      '--no-offset',
      '--quiet',
    ]);
    expect(second.code).toBe(0);
    const { input, params } = fitOf(b, 'large');
    expect(input.scale).toBeLessThan(1);
    expect(input.known).toEqual({ distance: 0.8, focal: 7200 * input.scale });
    const { camera } = params;
    expect(camera.kind === 'perspective' && camera.focal / input.scale / 7200).toBeCloseTo(1, 1);
  });

  it.each([
    { args: ['--distance', '0'], message: 'a number of metres from 0.1 to 100' },
    { args: ['--distance', '-2'], message: 'a number of metres from 0.1 to 100' },
    { args: ['--distance', 'far'], message: 'a number of metres from 0.1 to 100' },
    { args: ['--ipd', '5'], message: 'a number of millimetres from 40 to 85' },
    { args: ['--ipd', 'NaN'], message: 'a number of millimetres from 40 to 85' },
    { args: ['--distance', '1', '--camera', 'orthographic'], message: 'such a camera has no distance' },
    { args: ['--ipd', '63', '--face', 'all'], message: 'one pair of eyes' },
    { args: ['--focal', '26'], message: /--focal 26: must be \d+…\d+ pixels, since the photo is \d+ × \d+/ },
    {
      args: ['--principal-point', '1e9,0'],
      message: /--principal-point 1000000000,0: x: must be -\d+…\d+ pixels/,
    },
  ])('$args fails in words', async ({ args, message }) => {
    const { code, stderr } = await cli(['fit', PORTRAIT, '-o', temporaryFolder(), '--quiet', ...args]);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(message);
  });
});

describe('models', () => {
  it('--model that is not there fails in one sentence', async () => {
    const { code, stderr } = await cli(['fit', PORTRAIT, '-o', temporaryFolder(), '--model', 'nobody']);
    expect(code).toBe(1);
    expect(stderr).toContain('nobody: no head model of that name');
    expect(stderr).toContain('open-head');
  });

  it('a head that cannot be read leaves no empty folder behind, and none of the folders around it', async () => {
    const kept = temporaryFolder();
    const deep = path.join(kept, 'new', 'results');
    const { code } = await cli(['fit', PORTRAIT, '-o', deep, '--model', PORTRAIT]);
    expect(code).toBe(1);
    expect(readdirSync(kept)).toEqual([]);
    await cli(['fit', PORTRAIT, '-o', kept, '--model', PORTRAIT]);
    expect(readdirSync(kept)).toEqual([]);
  });

  it('--model that is no head model fails in one sentence', async () => {
    const { code, stderr } = await cli(['fit', PORTRAIT, '-o', temporaryFolder(), '--model', PORTRAIT]);
    expect(code).toBe(1);
    expect(stderr).toContain(PORTRAIT);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});

describe('cancelling', () => {
  it('leaves what was there, nothing half-written, and exit code 130', async () => {
    const out = temporaryFolder();
    mkdirSync(path.join(out, 'portrait'));
    writeFileSync(path.join(out, 'portrait', 'notes.txt'), 'mine');
    const controller = new AbortController();
    const { code, stdout, stderr } = await cli(['fit', PORTRAIT, MONA_LISA, '-o', out], {
      signal: controller.signal,
      onStderr: (text) => {
        if (text.includes('landmarks')) controller.abort();
      },
    });
    expect(code).toBe(130);
    expect(stdout).toBe('');
    expect(stderr).toContain('cancelled');
    expect(readdirSync(out)).toEqual(['portrait']);
    expect(readdirSync(path.join(out, 'portrait'))).toEqual(['notes.txt']);
  });

  it('does nothing at all when cancelled before it starts', async () => {
    const out = temporaryFolder();
    const { code } = await cli(['fit', PORTRAIT, '-o', out], { signal: AbortSignal.abort() });
    expect(code).toBe(130);
    expect(readdirSync(out)).toEqual([]);
  });
});
