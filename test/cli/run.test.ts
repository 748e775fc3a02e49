/** The command line itself: help, version, wrong usage. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { cli } from './helpers.ts';

describe('command line', () => {
  it('prints the version of package.json', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
    expect(await cli(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  });

  it.each([
    { args: ['--help'] },
    { args: ['fit', '--help'] },
    { args: ['model', '--help'] },
    { args: ['model', 'list', '--help'] },
    { args: ['model', 'info', '--help'] },
    { args: ['model', 'render', '--help'] },
    { args: ['model', 'import', 'flame', '--help'] },
    { args: ['energy', '--help'] },
  ])('help of $args has examples and goes to stdout', async ({ args }) => {
    const { code, stdout, stderr } = await cli(args);
    expect(code).toBe(0);
    expect(stdout).toContain('Examples:');
    expect(stdout).toMatch(/\$ photofit /);
    expect(stderr).toBe('');
  });

  it.each([
    { args: ['fit'], message: "missing required argument 'photos'" },
    { args: ['fit', 'a.jpg', '--face', '0'], message: 'must be largest, all, or a number from 1' },
    {
      args: ['fit', 'a.jpg', '--camera', 'fisheye'],
      message: 'Allowed choices are perspective, orthographic',
    },
    { args: ['fit', 'a.jpg', '--light', 'disco'], message: 'Allowed choices are rgb, mono' },
    { args: ['fit', 'a.jpg', '--colour'], message: "unknown option '--colour'" },
    { args: ['model', 'render', '--size', '1e9'], message: 'whole number from 32 to 2048' },
    { args: ['draw'], message: "unknown command 'draw'" },
  ])('wrong usage: $args', async ({ args, message }) => {
    const { code, stdout, stderr } = await cli(args);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain(message);
    expect(stderr).toContain('--help');
  });
});
