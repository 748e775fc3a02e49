// Threads must not show in any result: the same bits on one, two and three, and from run to run.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import { blendshapes } from '../../src/kernels/blendshapes.ts';
import { gemmTN, matrixF32, symmetricTN, syrkTN } from '../../src/kernels/gemm.ts';
import { gemmReference } from '../../src/kernels/reference/gemm.ts';
import { createKernelsSync, type Kernels } from '../../src/kernels/runtime.ts';
import { cutRange } from '../../src/kernels/tasks.ts';
import { startKernelWorker } from '../../src/node/kernel-workers.ts';
import { enableRelaxedSimd } from '../../src/node/relaxed-simd.ts';

enableRelaxedSimd();
const made: Kernels[] = [];
function create(threads: number): Kernels {
  const kernels = createKernelsSync({ threads, startWorker: startKernelWorker });
  made.push(kernels);
  return kernels;
}
afterAll(() => {
  for (const kernels of made) kernels.close();
});

function products(kernels: Kernels): number[] {
  const random = createRandom(5);
  const normals = (length: number) => Float32Array.from({ length }, () => random.normal());
  return kernels.scope(() => {
    const a = matrixF32(kernels.f32(normals(5000 * 21)), 5000, 21);
    const b = matrixF32(kernels.f32(normals(5000 * 64)), 5000, 12, 64);
    const [c, d, e] = [kernels.f64(21 * 21), kernels.f64(21 * 12), kernels.f64(21 * 21)];
    syrkTN(kernels, a, c);
    gemmTN(kernels, a, b, d);
    symmetricTN(kernels, a, a, e);
    // Not in fours: with fused multiply-adds, cuts elsewhere once showed in the last bits.
    const [base, basis] = [kernels.f32(normals(15_069)), kernels.f32(normals(7 * 15_069))];
    const out = kernels.f32(15_069);
    blendshapes(kernels, base, basis, kernels.f32(normals(7)), out);
    return [...c.view, ...d.view, ...e.view, ...out.view];
  });
}

describe('threads', () => {
  it('make no difference to results', async () => {
    const alone = products(create(1));
    for (const threads of [2, 3]) {
      const kernels = create(threads);
      expect(kernels.threads).toBe(threads);
      // At first the others are not up yet, later they are.
      for (let run = 0; run < 5; run++) {
        expect(products(kernels)).toEqual(alone);
        await new Promise((resolve) => setTimeout(resolve, 40));
      }
    }
  });

  it('give what one thread gives when the memory grows under them', () => {
    const kernels = create(2);
    const m = 40_000;
    const a = kernels.f32(Float32Array.from({ length: 3 * m }, (_, i) => Math.sin(i)));
    const c = kernels.f64(9);
    for (let run = 0; run < 3; run++) {
      kernels.f32(2_000_000);
      syrkTN(kernels, matrixF32(a, m, 3), c, { accumulate: false });
      const expected = gemmReference(a.view, a.view, [m, 3, 3]);
      for (let i = 0; i < 9; i++) expect(Math.abs(c.view[i] - expected[i])).toBeLessThan(1e-4 * m);
    }
  });

  // Bulk operations are held against the memory's size as a thread last heard of it: a worker once trapped in the
  // rasteriser after the memory had grown, and the thread that waited for it waited for ever.
  it('run kernels without memory.fill and memory.copy', () => {
    const tasks = readFileSync('assembly/tasks.ts', 'utf8');
    const files = [...tasks.matchAll(/from '\.\/([\w-]+)'/g)].map((found) => `assembly/${found[1]}.ts`);
    expect(files).toContain('assembly/rasterize.ts');
    for (const file of files) expect(readFileSync(file, 'utf8'), file).not.toMatch(/memory\.(fill|copy)\(/);
  });

  it('can be closed; the kernels go on alone', () => {
    const kernels = create(3);
    const before = products(kernels);
    kernels.close();
    expect(kernels.threads).toBe(1);
    expect(products(kernels)).toEqual(before);
  });

  it('are asked for in whole numbers', () => {
    expect(() => createKernelsSync({ threads: 0 })).toThrow(/threads must be a positive integer, got 0/);
    // Without a way to start them there is one.
    expect(createKernelsSync({ threads: 4 }).threads).toBe(1);
    expect(createKernelsSync({ threads: 4, startWorker: () => null }).threads).toBe(1);
  });

  it('let the process end', async () => {
    const { build } = await import('esbuild');
    const folder = path.join(import.meta.dirname, '../../node_modules/.cache/photofit');
    const outfile = path.join(folder, `threads-${process.pid}.mjs`);
    const source = path.join(import.meta.dirname, '../../src');
    const { outputFiles } = await build({
      stdin: {
        contents: `
          import { createKernelsSync } from '${source}/kernels/runtime.ts';
          import { syrkTN, matrixF32 } from '${source}/kernels/gemm.ts';
          import { startKernelWorker } from '${source}/node/kernel-workers.ts';
          const kernels = createKernelsSync({ threads: 3, startWorker: startKernelWorker });
          const c = kernels.f64(4);
          syrkTN(kernels, matrixF32(kernels.f32(new Float32Array(20000).fill(1)), 10000, 2), c);
          await new Promise((resolve) => setTimeout(resolve, 100));
          syrkTN(kernels, matrixF32(kernels.f32(new Float32Array(20000).fill(1)), 10000, 2), c);
          console.log(c.view[3]);`,
        resolveDir: source,
        loader: 'ts',
      },
      bundle: true,
      platform: 'node',
      format: 'esm',
      packages: 'external',
      write: false,
    });
    writeFileSync(outfile, outputFiles[0].text);
    const run = spawnSync(process.execPath, [outfile], { encoding: 'utf8', timeout: 20_000 });
    expect(run.stderr).toBe('');
    expect(run.stdout).toBe('20000\n');
    expect(run.status).toBe(0);
  });
});

describe('cutRange', () => {
  it('covers the range once, in order, in pieces that are worth it', () => {
    expect(cutRange(0, 0, 4, 1)).toEqual([]);
    expect(cutRange(3, 10, 4, 100)).toEqual([[3, 10]]);
    expect(cutRange(0, 10, 3, 2)).toEqual([
      [0, 3],
      [3, 6],
      [6, 10],
    ]);
    expect(cutRange(0, 10, 2, 1, 4)).toEqual([
      [0, 4],
      [4, 10],
    ]);
    expect(cutRange(5, 9, 8, 1)).toEqual([
      [5, 6],
      [6, 7],
      [7, 8],
      [8, 9],
    ]);
  });
});
