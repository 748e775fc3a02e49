// npm run bench: everything (bench/all.ts), appended to bench/results. npm run bench -- --profile: where the time goes.
// npm run bench -- NAME [args…]: runs bench/NAME.ts, or that part of everything (command, folder, energy).
// npm run bench -- --help: which there are and what each measures; npm run bench -- NAME --help: how one is called.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { install, root, run, runOrExit } from './lib/setup.mjs';

const folder = path.join(root, 'bench');
const given = process.argv.slice(2);
const profile = given.includes('--profile');
const named = given[0] !== undefined && (!given[0].startsWith('-') || ['-h', '--help'].includes(given[0]));
const part = ['command', 'folder', 'energy'].includes(given[0]);
const name = profile ? 'profile' : named && !part ? given[0] : 'all';
const rest = (named && !profile ? given.slice(1) : given).filter((arg) => arg !== '--profile');
const args = part && !profile ? ['--only', given[0], ...rest] : rest;
const names = readdirSync(folder)
  .filter((file) => file.endsWith('.ts') && describes(file))
  .map((file) => file.slice(0, -3));

if (!names.includes(name)) {
  console.log('usage: npm run bench [-- NAME [arguments]]; without a name: all, with --profile: profile\n');
  for (const known of names) console.log(`  ${known.padEnd(14)} ${describes(`${known}.ts`)}`);
  console.log('\nparts of all: command, folder, energy');
  process.exit(name.startsWith('-') ? 0 : 2);
}
if (['-h', '--help'].includes(rest[0]) && !part) {
  console.log(headerOf(`${name}.ts`));
  process.exit(0);
}
install();
const first = path.join(root, 'scripts', name === 'all' ? 'build.mjs' : 'build-kernels.mjs');
runOrExit(process.execPath, [first], { stdio: 'ignore' });
process.exit(
  run(process.execPath, [path.join(root, 'scripts', 'run.mjs'), path.join('bench', `${name}.ts`), ...args]),
);

/** First sentence of a file's header comment, empty without one. */
function describes(file) {
  return headerOf(file)
    .replace(/\s+/g, ' ')
    .split(/[.:;](?:\s|$)/)[0];
}

/** A file's header comment without its marks; how it is called stands there. */
function headerOf(file) {
  const text = readFileSync(path.join(folder, file), 'utf8');
  const header = /^(?:\/\*\*[\s\S]*?\*\/|(?:\/\/.*\n)+)/.exec(text)?.[0] ?? '';
  return header.replace(/^ *(?:\/\*\*|\*\/|\*|\/\/) ?/gm, '').trim();
}
