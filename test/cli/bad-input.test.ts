/**
 * Photos that are odd or broken: what can be dealt with is fitted, the rest ends in one clear sentence each and a
 * non-zero exit code, while the other photos of the same command are still done and nothing is half-written.
 */
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { type FitFile, parseFitFile } from '../../src/fit/schema.ts';
import { FIT_FOLDER_FILES } from '../../src/node/results.ts';
import { type CliResult, cli, lastingFolder, temporaryFolder } from './helpers.ts';

const PORTRAIT = 'examples/portrait.jpg';

/** Broken files by name, how each is made, and what must be said about it. */
const BROKEN: readonly { name: string; make(file: string): Promise<unknown> | unknown; message: RegExp }[] = [
  {
    name: 'no-face.png',
    make: (file) => meadow().png().toFile(file),
    message: /no face was found; use a photo in which/,
  },
  {
    name: 'animal.jpg',
    make: (file) => copyFileSync('test/data/cat.jpg', file),
    message: /no face was found/,
  },
  {
    name: 'truncated.jpg',
    make: (file) => {
      const whole = readFileSync(PORTRAIT);
      writeFileSync(file, whole.subarray(0, whole.length / 2));
    },
    message: /JPEG picture that is damaged or truncated/,
  },
  { name: 'empty.jpg', make: (file) => writeFileSync(file, ''), message: /the file is empty/ },
  {
    name: 'text.png',
    make: (file) => writeFileSync(file, 'this is no picture\n'),
    message: /not a picture that can be read/,
  },
];

/** Odd photos that work, by name; each is the portrait in another guise. */
const ODD: readonly {
  name: string;
  make(file: string): Promise<unknown>;
  warning?: RegExp;
  /** Pixels of the picture that is fitted; the portrait's unless given. */
  size?: readonly [number, number];
  originalWidth?: number;
}[] = [
  {
    name: 'png-called.jpg',
    make: (file) =>
      sharp(PORTRAIT)
        .png()
        .toBuffer()
        .then((bytes) => writeFileSync(file, bytes)),
    warning: /called \.jpg but holds a PNG/,
  },
  { name: 'sixteen-bit.png', make: (file) => sharp(PORTRAIT).toColourspace('rgb16').png().toFile(file) },
  { name: 'grey.jpg', make: (file) => sharp(PORTRAIT).greyscale().toColourspace('b-w').jpeg().toFile(file) },
  {
    name: 'alpha.png',
    make: (file) =>
      sharp(PORTRAIT)
        .composite([{ input: disc(), blend: 'dest-in' }])
        .png()
        .toFile(file),
    warning: /transparent parts/,
  },
  {
    name: 'cmyk.jpg',
    make: (file) => sharp(PORTRAIT).toColourspace('cmyk').jpeg({ quality: 95 }).toFile(file),
    warning: /CMYK without a colour profile/,
  },
  {
    name: 'rotated.jpg',
    // Stored lying on its side; EXIF orientation 6 says to turn it a quarter clockwise.
    make: (file) =>
      sharp(PORTRAIT).rotate(270).withMetadata({ orientation: 6 }).jpeg({ quality: 95 }).toFile(file),
  },
  {
    name: 'wide.jpg',
    // In the middle: at the edge of so wide a picture, the same face is seen from another side.
    make: (file) =>
      sharp(PORTRAIT)
        .resize({ height: 1600 })
        .extend({ left: 5280, right: 5280, background: '#89a' })
        .jpeg({ quality: 80 })
        .toFile(file),
    size: [4096, 546],
    originalWidth: 12_000,
  },
];

/** A picture without a face: sky over grass, and noise. */
function meadow() {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="400" height="300">
    <rect width="400" height="180" fill="#7ab8e8"/><rect y="180" width="400" height="120" fill="#4c8f3a"/>
    <path d="M60 200l60-120 60 120z" fill="#6b5b4b"/><rect x="280" y="120" width="16" height="90" fill="#5a3d1e"/>
    <circle cx="288" cy="110" r="42" fill="#2f6b25"/></svg>`;
  return sharp(Buffer.from(svg)).flatten();
}

/** An opaque disc on transparent ground, as large as the portrait. */
function disc(): Buffer {
  return Buffer.from(
    '<svg xmlns="http://www.w3.org/2000/svg" width="360" height="400"><ellipse cx="180" cy="200" rx="178" ry="198"/></svg>',
  );
}

function fitFileOf(out: string, name: string): FitFile {
  return parseFitFile(readFileSync(path.join(out, path.parse(name).name, 'fit.json'), 'utf8'));
}

describe('a folder of odd and broken photos', () => {
  const photos = lastingFolder();
  const out = lastingFolder();
  let result: CliResult;
  beforeAll(async () => {
    for (const { name, make } of [...BROKEN, ...ODD]) await make(path.join(photos, name));
    copyFileSync(PORTRAIT, path.join(photos, 'plain.jpg'));
    result = await cli(['fit', photos, '-o', out, '--quiet']);
  });

  it('ends with a non-zero exit code', () => {
    expect(result.code).toBe(1);
  });

  it.each(BROKEN)('$name is refused in one sentence', ({ name, message }) => {
    const about = result.stderr.split('\n').filter((line) => line.includes(name));
    expect(about).toHaveLength(1);
    expect(about[0]).toMatch(message);
    expect(about[0].startsWith(path.join(photos, name))).toBe(true);
    expect(existsSync(path.join(out, path.parse(name).name))).toBe(false);
  });

  it.each(ODD)('$name is fitted as the plain photo is', ({ name, warning, size, originalWidth }) => {
    const plain = fitFileOf(out, 'plain.jpg');
    const fit = fitFileOf(out, name);
    expect([fit.input.width, fit.input.height]).toEqual(size ?? [plain.input.width, plain.input.height]);
    if (originalWidth) expect(fit.input.original_width).toBe(originalWidth);
    if (warning) {
      expect(fit.warnings.join('\n')).toMatch(warning);
      expect(result.stderr).toMatch(warning);
    } else {
      expect(fit.warnings).toEqual(plain.warnings);
    }
    expect(fit.metrics.landmark_nme_inner51).toBeLessThan(0.04);
    // The face keeps its pose whatever the file format; a degree or two of the detector's noise.
    fit.params.pose['root'].forEach((angle, i) => {
      expect(Math.abs(angle - plain.params.pose['root'][i])).toBeLessThan(0.06);
    });
  });

  it('leaves whole result folders and nothing else', () => {
    const expected = [...ODD.map(({ name }) => path.parse(name).name), 'plain'].sort();
    expect(readdirSync(out).sort()).toEqual(expected);
    for (const folder of expected) {
      expect(readdirSync(path.join(out, folder)).sort()).toEqual([...FIT_FOLDER_FILES].sort());
    }
    expect(result.stdout.trim().split('\n')).toHaveLength(expected.length);
  });
});

describe('inputs that are no photos', () => {
  it.each([
    {
      what: 'a folder without pictures',
      make: (folder: string) => folder,
      message: 'the folder holds no pictures',
    },
    {
      what: 'a file that is not there',
      make: (folder: string) => path.join(folder, 'me.jpg'),
      message: 'no such file or folder',
    },
  ])('$what is refused in one sentence', async ({ make, message }) => {
    const input = make(temporaryFolder());
    const out = path.join(temporaryFolder(), 'out');
    const { code, stdout, stderr } = await cli(['fit', input, '-o', out]);
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr.startsWith(`${input}: `)).toBe(true);
    expect(stderr).toContain(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(existsSync(out)).toBe(false);
  });

  it('--json tells of failures on stdout, too', async () => {
    const file = path.join(temporaryFolder(), 'none.jpg');
    const { code, stdout } = await cli(['fit', file, '-o', temporaryFolder(), '--json']);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      input: file,
      ok: false,
      error: { message: expect.stringContaining(file) },
    });
  });

  it('--debug shows where an error came from; without it there is no stack', async () => {
    const args = ['fit', path.join(temporaryFolder(), 'none.jpg'), '-o', temporaryFolder()];
    expect((await cli(args)).stderr).not.toMatch(/\n\s+at /);
    expect((await cli([...args, '--debug'])).stderr).toMatch(/\n\s+at /);
  });
});

describe('outputs that cannot be written', () => {
  it('a folder below a file is refused before any work', async () => {
    const file = path.join(temporaryFolder(), 'file');
    writeFileSync(file, '');
    const { code, stdout, stderr } = await cli(['fit', PORTRAIT, '-o', path.join(file, 'out')]);
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/cannot be written: a part of the path is a file, not a folder/);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(readFileSync(file, 'utf8')).toBe('');
  });

  it('a file where a result folder must go fails that photo alone', async () => {
    const out = temporaryFolder();
    writeFileSync(path.join(out, 'portrait'), 'mine');
    mkdirSync(path.join(out, 'photos'));
    const other = path.join(out, 'photos', 'other.jpg');
    copyFileSync(PORTRAIT, other);
    const { code, stdout, stderr } = await cli(['fit', PORTRAIT, other, '-o', out, '--quiet']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/cannot be written: a file of that name is in the way/);
    expect(stdout).toMatch(/^.*other\.jpg → /);
    expect(readFileSync(path.join(out, 'portrait'), 'utf8')).toBe('mine');
    expect(readdirSync(out).sort()).toEqual(['other', 'photos', 'portrait']);
  });
});
