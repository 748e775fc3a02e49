// Runs a TypeScript file of the repository: node scripts/run.mjs FILE.ts [args…]
// Bundled by esbuild (packages stay external), so that scripts need neither a build nor a newer Node;
// the WebAssembly kernels are built first if their sources changed.
import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { buildKernels } from './build-kernels.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const [file, ...args] = process.argv.slice(2);
if (!file) {
  console.error('usage: node scripts/run.mjs FILE.ts [args…]');
  process.exit(2);
}
const cache = path.join(root, 'node_modules', '.cache', 'photofit');
mkdirSync(cache, { recursive: true });
const outfile = path.join(cache, `${path.basename(file, '.ts')}-${process.pid}.mjs`);
await buildKernels();
await build({
  entryPoints: [path.resolve(file)],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  packages: 'external',
  logLevel: 'warning',
});
process.argv = [process.argv[0], path.resolve(file), ...args];
process.on('exit', () => rmSync(outfile, { force: true }));
await import(pathToFileURL(outfile).href);
