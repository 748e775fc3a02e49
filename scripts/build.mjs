// npm run build: kernels (AssemblyScript → base64 in src/kernels), dist/ (tsc), and the browser bundle with its
// assets in dist/web. Everything is made aside and moved into place at the end, so that a running `photofit`
// never sees half a build; nothing is done when no input changed (--force builds anyway).
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { filesBelow, hashFiles, install, root, run, runOrExit } from './lib/setup.mjs';

install();

const dist = path.join(root, 'dist');
const stampFile = path.join(dist, '.inputs');
const inputs = () =>
  hashFiles(
    filesBelow('src', 'assembly', 'models', 'scripts', 'package.json', 'package-lock.json', 'tsconfig.json'),
  );

const kernels = path.join(root, 'scripts', 'build-kernels.mjs');
const upToDate = existsSync(stampFile) && readFileSync(stampFile, 'utf8') === inputs();
if (upToDate && !process.argv.includes('--force')) process.exit(0);

console.log('Building …');
if (existsSync(kernels)) runOrExit(process.execPath, [kernels]);
const stamp = inputs();

const aside = path.join(root, 'node_modules', '.cache', 'photofit', `dist-${process.pid}`);
rmSync(aside, { recursive: true, force: true });
const tsc = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc');
const typesOk = run(process.execPath, [tsc, '-p', 'tsconfig.json', '--outDir', aside]) === 0;
if (!typesOk) {
  rmSync(aside, { recursive: true, force: true });
  console.error('Build failed: the type errors above.');
  process.exit(1);
}

const { build } = await import('esbuild');
await build({
  entryPoints: [path.join(root, 'src', 'web', 'index.ts')],
  outfile: path.join(aside, 'web', 'photofit.web.js'),
  bundle: true,
  platform: 'browser',
  format: 'esm',
  target: 'es2022',
  minify: true,
  legalComments: 'linked',
  logLevel: 'warning',
});
copyAssets(path.join(aside, 'web', 'assets'));
await bundleProgram(path.join(aside, 'bin'));
writeFileSync(path.join(aside, '.inputs'), stamp);

const old = `${aside}-old`;
if (existsSync(dist)) renameSync(dist, old);
renameSync(aside, dist);
rmSync(old, { recursive: true, force: true });

/**
 * The command line, and each of its worker threads, as one file with its libraries, see bin/bundle.js: reading all of
 * the program and taking its functions from the cache takes a thread 0.07 s. Libraries that few runs need, or that are optional or native,
 * stay where they are.
 */
async function bundleProgram(to) {
  const inside = ['@tensorflow/', 'commander', 'exifr', 'fflate', 'zod'];
  const workers = ['cli', 'node'].flatMap((folder) =>
    readdirSync(path.join(root, 'src', folder))
      .filter((name) => name.endsWith('-worker.ts'))
      .map((name) => ({ name: name.slice(0, -3), file: `./src/${folder}/${name}` })),
  );
  const entries = [
    { name: 'main', code: 'async () => (await import("./src/cli/main.ts")).runProcess()' },
    ...workers.map(({ name, file }) => ({ name, code: `() => import("${file}")` })),
  ];
  const packages = {
    name: 'packages',
    setup: ({ onResolve }) => {
      onResolve({ filter: /^[^./]/ }, ({ path: name, kind }) =>
        kind === 'entry-point' || name.startsWith('node:') || inside.some((own) => name.startsWith(own))
          ? undefined
          : { path: name, external: true },
      );
      // 400 kB that all of them have in common.
      onResolve({ filter: /\/wasm\.generated\.ts$/ }, () => ({ path: './kernels.cjs', external: true }));
    },
  };
  mkdirSync(to, { recursive: true });
  await build({
    entryPoints: [path.join(root, 'src', 'kernels', 'wasm.generated.ts')],
    outfile: path.join(to, 'kernels.cjs'),
    format: 'cjs',
    logLevel: 'warning',
  });
  const made = entries.map(async ({ name, code }) => {
    const { outputFiles } = await build({
      write: false,
      stdin: { contents: `export const enter = ${code};`, resolveDir: root, sourcefile: 'entry.ts' },
      outfile: path.join(to, `${name}.bundle.cjs`),
      bundle: true,
      platform: 'node',
      format: 'cjs',
      target: 'node20',
      mainFields: ['module', 'main'],
      minifySyntax: true,
      minifyWhitespace: true,
      charset: 'ascii',
      define: { 'import.meta.url': '__url' },
      legalComments: 'linked',
      logLevel: 'warning',
      plugins: [packages],
    });
    for (const { path: file, text } of outputFiles) {
      // Packages outside are imported by what bin/bundle.js provides.
      writeFileSync(file, file.endsWith('.cjs') ? text.replace(/\bimport\(/g, '__import(') : text);
    }
  });
  await Promise.all(made);
  // Threads are started by file; each has one beside its bundle, as it has in the unbundled folders.
  for (const { name } of workers) {
    writeFileSync(
      path.join(to, `${name}.cjs`),
      `require('../../bin/bundle.js').runBundled(${JSON.stringify(name)});\n`,
    );
  }
}

/** What a page fetches at run time: perception weights, tfjs' WebAssembly, the embedded head. */
function copyAssets(to) {
  mkdirSync(to, { recursive: true });
  const weights = path.join(root, 'node_modules', '@vladmandic', 'human', 'models');
  for (const name of ['blazeface', 'facemesh', 'iris', 'faceres']) {
    for (const ext of ['json', 'bin'])
      copyFileSync(path.join(weights, `${name}.${ext}`), path.join(to, `${name}.${ext}`));
  }
  const tfjs = path.join(root, 'node_modules', '@tensorflow', 'tfjs-backend-wasm', 'dist');
  for (const name of readdirSync(tfjs)) {
    if (name.endsWith('.wasm')) copyFileSync(path.join(tfjs, name), path.join(to, name));
  }
  const head = path.join(root, 'models', 'open-head.head');
  if (existsSync(head)) copyFileSync(head, path.join(to, 'open-head.head'));
}
