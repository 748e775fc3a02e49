/**
 * Loads the program or one of its threads, each with its libraries in one file in dist/bin, from V8's code cache: hundreds of
 * small modules, found and compiled one by one, took 0.4 s of every start. Caches lie beside the bundles, one for each that
 * runs and another one for videos, since each holds the functions that have run there, and is accepted under the same flags
 * of V8 only. They are written by the first fit or video that finds none that this version of Node accepts; where they cannot
 * be written, nothing is lost but time. A new build replaces the whole folder, so that a cache never outlives its bundle.
 *
 * CommonJS, as this folder's package.json says: a thread starts in 22 ms instead of 27.
 */
const { existsSync, readFileSync, renameSync, writeFileSync } = require('node:fs');
const { createRequire } = require('node:module');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const { setFlagsFromString } = require('node:v8');
const { Script } = require('node:vm');
const { getEnvironmentData, isMainThread, setEnvironmentData, threadId } = require('node:worker_threads');

/**
 * For videos, which run for long on all cores: functions are optimised when they have run six times as often, and all of a
 * heap is collected when it has grown to four times what lives. 2.3 of 39.7 s of processor time, for no more memory. A V8
 * that has no such flags says so on standard error, hence only those that are known to have them.
 */
const VIDEO_FLAGS = ['--interrupt-budget=400000', '--heap-growing-percent=300'];
const VIDEO_COMMANDS = ['track', 'transfer'];
/** Name under which threads are told. */
const VIDEO = 'photofit-video';

const fileOf = (entry) => path.join(__dirname, '..', 'dist', 'bin', `${entry}.bundle.cjs`);

/** Whether there are bundles. */
exports.bundled = () => existsSync(fileOf('main'));

/** Runs an entry: `main`, or a worker module by its name. */
exports.runBundled = (entry) => {
  const file = fileOf(entry);
  const video = isMainThread ? VIDEO_COMMANDS.includes(process.argv[2]) : getEnvironmentData(VIDEO) === true;
  if (isMainThread && video) {
    setEnvironmentData(VIDEO, true);
    if (Number.parseInt(process.versions.node, 10) <= 24)
      for (const flag of VIDEO_FLAGS) setFlagsFromString(flag);
  }
  const cacheFile = `${file}${video ? '.video' : ''}.${process.arch}-v8-${process.versions.v8}.cache`;
  const script = new Script(
    `(function (exports, require, module, __filename, __dirname, __url, __import) {${readFileSync(file, 'latin1')}\n})`,
    {
      filename: file,
      cachedData: existsSync(cacheFile) ? readFileSync(cacheFile) : undefined,
    },
  );
  // Without a cache it is not known to be rejected.
  const cached = script.cachedDataRejected === false;
  if ((!isMainThread || video || process.argv[2] === 'fit') && !cached) {
    // Compiled functions that have not run for a while would be thrown away, and be missing from the cache.
    setFlagsFromString('--no-flush-bytecode');
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
    // Code from a cache has no import() of its own. Node's import of CommonJS looks for the names in it first, which
    // takes 0.04 s of sharp's start.
    (name) => (name === 'sharp' ? Promise.resolve({ default: require(name) }) : import(name)),
  );
  return module.exports.enter();
};

function writeCache(script, cacheFile) {
  const aside = `${cacheFile}.${process.pid}-${threadId}`;
  try {
    // A cache is accepted under the flags that it was made under only.
    setFlagsFromString('--flush-bytecode');
    const data = script.createCachedData();
    // Flags are all threads': those that go on are to keep what they have compiled, for caches of their own.
    setFlagsFromString('--no-flush-bytecode');
    writeFileSync(aside, data);
    renameSync(aside, cacheFile);
  } catch {
    // A folder that may not be written: the next start compiles again.
  }
}
