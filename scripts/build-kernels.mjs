// Compiles assembly/*.ts to WebAssembly (plain and relaxed SIMD, each for a memory of its own and for one shared with workers) and embeds them as base64 in
// src/kernels/wasm.generated.ts, which is not under version control. Does nothing when the sources have not changed,
// so that builds, tests and scripts can simply call it first.
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const sources = path.join(root, 'assembly');
const target = path.join(root, 'src/kernels/wasm.generated.ts');
const FLAGS = [
  '-O3',
  '--runtime',
  'stub',
  '--importMemory',
  '--noAssert',
  '--enable',
  'simd',
  '--enable',
  'threads',
];
const RELAXED = ['--enable', 'relaxed-simd'];
/** 2 GiB at most, of which nothing is taken before it is used; a shared memory has to say. */
const SHARED = ['--sharedMemory', '--maximumMemory', '32768'];
// noAssert drops traps, and with them the only static data (messages): the module needs no memory of its own.

/** Builds the kernels if their sources, this script or the compiler have changed. */
export async function buildKernels() {
  const hash = createHash('sha256').update(readFileSync(fileURLToPath(import.meta.url)));
  hash.update(readFileSync(path.join(root, 'node_modules/assemblyscript/package.json')));
  for (const name of readdirSync(sources).sort()) {
    hash.update(`${name}\0`).update(readFileSync(path.join(sources, name)));
  }
  const stamp = `// sources ${hash.digest('hex')}`;
  if (existsSync(target) && readFileSync(target, 'utf8').includes(stamp)) return;

  const { default: asc } = await import('assemblyscript/asc');
  const compile = async (extra) => {
    let binary;
    let messages = '';
    const { error } = await asc.main(['index.ts', '--outFile', 'out.wasm', ...FLAGS, ...extra], {
      stdout: { write: (text) => void (messages += text) },
      stderr: { write: (text) => void (messages += text) },
      readFile: (name, base) => {
        const file = path.resolve(base === '.' ? sources : path.resolve(sources, base), name);
        return existsSync(file) ? readFileSync(file, 'utf8') : null;
      },
      writeFile: (_name, contents) => void (binary = contents),
      listFiles: () => [],
    });
    if (error || !binary) throw new Error(`build-kernels: assembly/ does not compile\n${messages || error}`);
    return Buffer.from(binary);
  };
  let text = `// Made by scripts/build-kernels.mjs from assembly/; do not edit.\n${stamp}\n`;
  for (const [name, extra] of [
    ['PLAIN', []],
    ['RELAXED', RELAXED],
    ['PLAIN_SHARED', SHARED],
    ['RELAXED_SHARED', [...RELAXED, ...SHARED]],
  ])
    text += `export const ${name}_WASM: string =\n  '${(await compile(extra)).toString('base64')}';\n`;
  // Written aside and renamed: other processes may be reading it or building it too.
  const aside = mkdtempSync(path.join(path.dirname(target), '.kernels-'));
  writeFileSync(path.join(aside, 'wasm.ts'), text);
  renameSync(path.join(aside, 'wasm.ts'), target);
  rmSync(aside, { recursive: true });
}

/** Vitest's global set-up. */
export const setup = buildKernels;

if (process.argv[1] && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const started = performance.now();
  await buildKernels();
  console.log(`src/kernels/wasm.generated.ts is up to date (${Math.round(performance.now() - started)} ms)`);
}
