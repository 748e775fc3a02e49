/**
 * Loads dist/bin/photofit.cjs, the command line with its libraries in one file, from V8's code cache: hundreds of small
 * modules, found and compiled one by one, took 0.4 s of every start. The cache lies beside the bundle and is written
 * by the first fit that finds none that this version of Node accepts; where it cannot be written, nothing is lost but
 * time. A new build replaces the whole folder, so that a cache never outlives its bundle.
 *
 * CommonJS, as this folder's package.json says: a thread starts in 22 ms instead of 27.
 */
const { existsSync, readFileSync, renameSync, writeFileSync } = require('node:fs');
const { createRequire } = require('node:module');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const { setFlagsFromString } = require('node:v8');
const { Script } = require('node:vm');
const { isMainThread } = require('node:worker_threads');

const file = path.join(__dirname, '..', 'dist', 'bin', 'photofit.cjs');

/** Whether there is a bundle. */
exports.bundled = () => existsSync(file);

/** The bundle's entries by name: `main`, and the worker modules. */
exports.loadBundle = () => {
  // Compiled functions that have not run for a while would be thrown away, and be missing from the cache.
  setFlagsFromString('--no-flush-bytecode');
  // A cache is accepted under the flags that it was made under only: this one is set later anyway, by Node 20's kernels.
  if (Number(process.versions.node.split('.')[0]) < 22)
    setFlagsFromString('--experimental-wasm-relaxed-simd');
  const cacheFile = `${file}.${process.arch}-v8-${process.versions.v8}.cache`;
  const script = new Script(
    `(function (exports, require, module, __filename, __dirname, __url, __import) {${readFileSync(file, 'latin1')}\n})`,
    {
      filename: file,
      cachedData: existsSync(cacheFile) ? readFileSync(cacheFile) : undefined,
    },
  );
  if (isMainThread && process.argv[2] === 'fit' && script.cachedDataRejected !== false) {
    process.on('exit', (code) => {
      if (code === 0) writeCache(script, cacheFile);
    });
  }
  const module = { exports: {} };
  const run = script.runInThisContext();
  run(
    module.exports,
    createRequire(file),
    module,
    file,
    path.dirname(file),
    pathToFileURL(file).href,
    // Code from a cache has no import() of its own.
    (name) => import(name),
  );
  return module.exports.entries;
};

function writeCache(script, cacheFile) {
  const aside = `${cacheFile}.${process.pid}`;
  try {
    writeFileSync(aside, script.createCachedData());
    renameSync(aside, cacheFile);
  } catch {
    // A folder that may not be written: the next start compiles again.
  }
}
