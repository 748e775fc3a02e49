// What the entry scripts (build, test, demo) share. Node built-ins only: this runs before anything is installed.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root folder. */
export const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));

/** Runs a command in the root with its output shown; returns the exit code. */
export function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options });
  if (result.error) {
    console.error(`${command}: ${result.error.message}`);
    return 127;
  }
  // A command ended by a signal has no status; shells report 128 + its number, any non-zero will do.
  return result.status ?? 1;
}

/** As {@link run}, but a failure ends this process with the same code. */
export function runOrExit(command, args, options = {}) {
  const code = run(command, args, options);
  if (code !== 0) process.exit(code);
}

/** Exits with a clear sentence when Node is older than what package.json asks for. */
function requireNode() {
  const major = Number(process.versions.node.split('.')[0]);
  if (major >= 20) return;
  console.error(
    `Photofit needs Node 20 or newer; this is ${process.version}. Install one from https://nodejs.org.`,
  );
  process.exit(1);
}

/**
 * Why `npm ci` must run, or null when node_modules holds what package-lock.json says. Compared with npm's own
 * record of what it installed, so that no time stamp can mislead.
 */
export function installNeeded() {
  const installedFile = path.join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(installedFile)) return 'node_modules is missing';
  const wanted = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8')).packages;
  const installed = JSON.parse(readFileSync(installedFile, 'utf8')).packages;
  for (const [key, entry] of Object.entries(wanted)) {
    // Optional packages are for other platforms, peers may be left out on purpose.
    if (key === '' || entry.optional || entry.peer || entry.devOptional) continue;
    if (installed[key]?.version !== entry.version) return `${key} is not at ${entry.version}`;
    if (!existsSync(path.join(root, key))) return `${key} is missing`;
  }
  return null;
}

/** Installs the locked packages when node_modules is missing or stale. */
export function install() {
  requireNode();
  const why = installNeeded();
  if (!why) return;
  console.log(`Installing packages (${why}) …`);
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  runOrExit(npm, ['ci', '--no-audit', '--no-fund'], { shell: process.platform === 'win32' });
}

/** Every file below the given paths of the root, sorted; paths that don't exist are left out. */
export function filesBelow(...names) {
  const out = [];
  const visit = (file) => {
    if (!existsSync(file)) return;
    if (statSync(file).isDirectory()) for (const name of readdirSync(file)) visit(path.join(file, name));
    else out.push(file);
  };
  for (const name of names) visit(path.join(root, name));
  return out.sort();
}

/** SHA-256 over names and contents of files. */
export function hashFiles(files) {
  const hash = createHash('sha256');
  for (const file of files)
    hash.update(path.relative(root, file)).update('\0').update(readFileSync(file)).update('\0');
  return hash.digest('hex');
}
