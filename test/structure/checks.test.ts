/** The linter and the type checker over everything that is not shipped; the build checks src by itself. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from './source.ts';

function runTool(script: string, ...args: string[]) {
  const file = path.join(root, 'node_modules', ...script.split('/'));
  const result = spawnSync(process.execPath, [file, ...args], { cwd: root, encoding: 'utf8' });
  return { code: result.status, output: result.stdout + result.stderr };
}

// A busy machine is no failure.
describe('checks', { timeout: 600_000 }, () => {
  it('biome finds nothing', () => {
    const { code, output } = runTool('@biomejs/biome/bin/biome', 'check', '--colors=off', '.');
    expect(code, output).toBe(0);
  });

  it('tests, benchmarks and scripts type-check', () => {
    const { code, output } = runTool('typescript/bin/tsc', '-p', 'tsconfig.test.json');
    expect(code, output).toBe(0);
  });
});
