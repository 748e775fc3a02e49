/** `photofit fit --jobs N` as a process: threads run the built code, which `npm test` builds. */
import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { FIT_FOLDER_FILES } from '../../src/node/results.ts';
import { cli, temporaryFolder } from './helpers.ts';

const PROGRAM = 'bin/photofit.js';
const missing = existsSync('dist/cli/main.js') ? null : 'no dist/: npm run build makes it';

/** A folder with photos, one of them damaged, one without a face. */
function photos(): string {
  const folder = path.join(temporaryFolder(), 'photos');
  mkdirSync(folder);
  copyFileSync('examples/mona-lisa.jpg', path.join(folder, '2.jpg'));
  copyFileSync('examples/portrait.jpg', path.join(folder, '4.jpg'));
  copyFileSync('test/data/cat.jpg', path.join(folder, '3.jpg'));
  writeFileSync(path.join(folder, '1.jpg'), 'no picture');
  return folder;
}

describe.skipIf(missing)(`photofit fit --jobs${missing ? ` (skipped: ${missing})` : ''}`, () => {
  it('fits as one job does, reports in order, and goes on after a failure', () => {
    const folder = photos();
    const run = (jobs: number) => {
      const out = path.join(temporaryFolder(), 'out');
      const args = [PROGRAM, 'fit', folder, '-o', out, '--jobs', String(jobs), '--no-offset', '--json'];
      const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
      const lines = stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
      return { out, status, stderr, lines };
    };
    const [one, two] = [run(1), run(2)];
    for (const { status, lines, stderr } of [one, two]) {
      expect(status).toBe(1);
      expect(lines.map(({ input, ok }) => [path.basename(input), ok])).toEqual([
        ['1.jpg', false],
        ['2.jpg', true],
        ['3.jpg', false],
        ['4.jpg', true],
      ]);
      expect(stderr).toContain('3.jpg: no face was found');
      expect(stderr).toContain('2 fitted, 2 failed');
    }
    expect(two.stderr).toContain('4 photos: 3 done');
    for (const name of ['2', '4']) {
      const stored = ({ out }: { out: string }) => {
        const files = readdirSync(path.join(out, name)).sort();
        const fit = JSON.parse(readFileSync(path.join(out, name, 'fit.json'), 'utf8'));
        return { files, params: fit.params, energy: fit.energy, metrics: fit.metrics };
      };
      expect(stored(two)).toEqual(stored(one));
      expect(stored(two).files).toEqual(FIT_FOLDER_FILES.filter((f) => f !== 'visibility.png').sort());
      const texture = ({ out }: { out: string }) => readFileSync(path.join(out, name, 'texture.png'));
      expect(texture(two).equals(texture(one))).toBe(true);
    }
  });

  it('Ctrl-C ends it with 130; what is there is whole', async () => {
    const folder = photos();
    for (let i = 5; i < 20; i++) copyFileSync(path.join(folder, '4.jpg'), path.join(folder, `${i}.jpg`));
    const out = path.join(temporaryFolder(), 'out');
    const child = spawn(process.execPath, [PROGRAM, 'fit', folder, '-o', out, '--jobs', '2', '--no-offset']);
    let stderr = '';
    let stopped = false;
    child.stderr.on('data', (bytes) => {
      stderr += bytes;
      if (stopped || !stderr.includes('2 done')) return;
      stopped = true;
      child.kill('SIGINT');
    });
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect(code).toBe(130);
    expect(stderr).toContain('cancelled');
    const folders = readdirSync(out);
    expect(folders.length).toBeLessThan(15);
    for (const name of folders) expect(readdirSync(path.join(out, name))).toContain('fit.json');
  });

  it('shares a photo alone between two threads; it comes out as on one', () => {
    const run = (...more: string[]) => {
      const out = path.join(temporaryFolder(), 'out');
      const args = [PROGRAM, 'fit', 'examples/portrait.jpg', '-o', out, '--json', '--quiet', ...more];
      const { status, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' });
      expect(status).toBe(0);
      return JSON.parse(stdout);
    };
    const [one, two] = [run('--jobs', '1'), run()];
    // Sums over threads are made in another order: the last digits differ.
    expect(two.energy).toBeCloseTo(one.energy, 1);
    expect(two.metrics.landmark_nme_inner51).toBeCloseTo(one.metrics.landmark_nme_inner51, 4);
    expect(two.texture_offset.skin_l1).toBeCloseTo(one.texture_offset.skin_l1, 4);
    const none = spawnSync(process.execPath, [PROGRAM, 'fit', 'test/data/cat.jpg', '--quiet'], {
      encoding: 'utf8',
    });
    expect(none.status).toBe(1);
    expect(none.stderr).toMatch(/^test\/data\/cat\.jpg: no face was found.*\n$/);
  });

  it('says why when the networks cannot be loaded, once', () => {
    const folder = photos();
    const args = [
      PROGRAM,
      'fit',
      folder,
      '-o',
      temporaryFolder(),
      '--jobs',
      '2',
      '--parsing',
      'bisenet=no.onnx',
    ];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect(status).toBe(1);
    expect(stderr.match(/no\.onnx/g)).toHaveLength(1);
  });
});

it('--jobs must be a number from 1', async () => {
  for (const jobs of ['0', '-1', 'many', '1.5']) {
    const { code, stderr } = await cli(['fit', 'a.jpg', '--jobs', jobs]);
    expect(code).toBe(2);
    expect(stderr).toContain('--jobs');
  }
});
