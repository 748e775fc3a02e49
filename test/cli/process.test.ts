/** The built program as a process of its own: starting, packing, Ctrl-C. Needs dist/, which `npm test` builds. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from './helpers.ts';

const PROGRAM = 'bin/photofit.js';
const missing = existsSync('dist/cli/main.js') ? null : 'no dist/: npm run build makes it';

describe.skipIf(missing)(`the program${missing ? ` (skipped: ${missing})` : ''}`, () => {
  it('starts, and ends with the exit code of the command line', () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
    const run = (...args: string[]) => spawnSync(process.execPath, [PROGRAM, ...args], { encoding: 'utf8' });
    expect(run('--version')).toMatchObject({ status: 0, stdout: `${version}\n`, stderr: '' });
    expect(run('fit', 'none.jpg')).toMatchObject({ status: 1, stdout: '' });
    expect(run('fly').status).toBe(2);
  });

  it('Ctrl-C ends it with 130 and leaves nothing half-written', async () => {
    const out = path.join(temporaryFolder(), 'out');
    const child = spawn(process.execPath, [
      PROGRAM,
      'fit',
      'examples/portrait.jpg',
      'examples/mona-lisa.jpg',
      '-o',
      out,
    ]);
    let stderr = '';
    child.stderr.on('data', (bytes) => {
      // Once work has begun on the first photo.
      if (stderr === '') child.kill('SIGINT');
      stderr += bytes;
    });
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect(code).toBe(130);
    expect(stderr).toContain('cancelled');
    expect(existsSync(out)).toBe(false);
  });

  it('can be imported by name, each entry point with its own', async () => {
    const names = async (entry: string) => Object.keys(await import(/* @vite-ignore */ entry));
    const neutral = await names('photofit');
    const node = await names('photofit/node');
    const web = await names('photofit/web');
    expect(neutral).toContain('fitPhoto');
    expect(node).toEqual(
      expect.arrayContaining([...neutral, 'decodePhoto', 'loadPerception', 'writeFitFolder']),
    );
    expect(web).toEqual(
      expect.arrayContaining([...neutral, 'decodePhoto', 'loadPerception', 'loadHeadModel']),
    );
    expect(neutral).not.toContain('decodePhoto');
  });

  it('the package holds what it needs, and no sources or tests', () => {
    const { stdout } = spawnSync('npm', ['pack', '--dry-run', '--json'], { encoding: 'utf8' });
    const report = JSON.parse(stdout);
    // npm 11 gives an array, npm 12 an object by package name.
    const files: string[] = Object.values<{ files: { path: string }[] }>(report)[0].files.map(
      (file) => file.path,
    );
    for (const needed of [
      'bin/photofit.js',
      'dist/index.js',
      'dist/index.d.ts',
      'dist/node/index.js',
      'dist/web/photofit.web.js',
      'dist/web/assets/open-head.head',
      'models/open-head.head',
      'README.md',
      'LICENSE',
      'CREDITS.md',
    ]) {
      expect(files).toContain(needed);
    }
    expect(files.filter((file) => /^(src|test|bench|scripts|assembly)\//.test(file))).toEqual([]);
  });
});
