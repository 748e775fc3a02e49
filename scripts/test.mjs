// npm test: from a clean clone with only Node and npm, installs, builds, gets Chromium, ffmpeg and Redis for the
// tests that need them where it can, and runs every test. Arguments go to vitest: npm test -- test/cli
// Its last line is always `N passed, N failed`, with `, N skipped` where any were.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { install, root, run } from './lib/setup.mjs';

const CHROMIUM = '/usr/bin/chromium';

// Whatever ends this process early (a failed install or build), the closing line still comes.
let closing = '0 passed, 1 failed';
process.on('exit', () => console.log(closing));

install();
const built = run(process.execPath, [path.join(root, 'scripts', 'build.mjs')]);
if (built !== 0) process.exit(built);

const env = { ...process.env };
const noChromium = getDebian('chromium', () => existsSync(CHROMIUM));
if (noChromium) {
  console.log(`Browser tests are skipped: ${noChromium}`);
  env.PHOTOFIT_NO_CHROMIUM = noChromium;
}
const noFfmpeg = getDebian('ffmpeg', () => spawnSync('ffprobe', ['-version']).status === 0);
if (noFfmpeg) console.log(`Tests of videos are skipped: ${noFfmpeg}`);
const noRedis = getDebian('redis-server', () => spawnSync('redis-server', ['--version']).status === 0);
if (noRedis) {
  console.log(`Tests of the queue are skipped: ${noRedis}`);
  env.PHOTOFIT_NO_REDIS = noRedis;
}

const report = path.join(root, 'node_modules', '.cache', 'photofit', `test-${process.pid}.json`);
mkdirSync(path.dirname(report), { recursive: true });
const vitest = path.join(root, 'node_modules', 'vitest', 'vitest.mjs');
const code = run(
  process.execPath,
  [
    vitest,
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
    ...process.argv.slice(2),
  ],
  { env },
);
const counts = readCounts(report);
rmSync(report, { force: true });
closing = `${counts.passed} passed, ${counts.failed} failed${counts.skipped ? `, ${counts.skipped} skipped` : ''}`;
process.exit(code !== 0 ? code : counts.failed > 0 ? 1 : 0);

/** Passed, failed and skipped tests; a file that could not even be loaded counts as one failure. */
function readCounts(file) {
  if (!existsSync(file)) return { passed: 0, failed: 1, skipped: 0 };
  const json = JSON.parse(readFileSync(file, 'utf8'));
  const broken = json.testResults.filter(
    (suite) => suite.status === 'failed' && !suite.assertionResults.some((test) => test.status === 'failed'),
  ).length;
  return {
    passed: json.numPassedTests,
    failed: json.numFailedTests + broken,
    skipped: json.numPendingTests + (json.numTodoTests ?? 0),
  };
}

/** Makes sure of a Debian package; returns why it is missing, or null. */
function getDebian(name, there) {
  if (there()) return null;
  if (!existsSync('/etc/debian_version')) return `no ${name}, and this is no Debian to install it on`;
  if (process.getuid?.() !== 0) return `no ${name}, and only root can install it (apt-get install ${name})`;
  console.log(`Installing ${name} for the tests …`);
  const apt = (...args) =>
    spawnSync('apt-get', ['-qq', '-o', 'Dpkg::Use-Pty=0', '-o', 'DPkg::Lock::Timeout=300', ...args], {
      stdio: ['ignore', 'ignore', 'inherit'],
      timeout: 10 * 60_000,
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    }).status === 0;
  apt('update');
  const installed = apt('install', '-y', '--no-install-recommends', name) && there();
  return installed ? null : `no ${name}, and apt-get could not install it`;
}
