// npm run bench -- NAME [args…]: runs bench/NAME.ts. Without a name: says which there are and what each measures.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { install, root, run, runOrExit } from './lib/setup.mjs';

const folder = path.join(root, 'bench');
const [name, ...args] = process.argv.slice(2);
const names = readdirSync(folder)
  .filter((file) => file.endsWith('.ts') && describes(file))
  .map((file) => file.slice(0, -3));

if (!names.includes(name)) {
  console.log('usage: npm run bench -- NAME [arguments]\n');
  for (const known of names) console.log(`  ${known.padEnd(14)} ${describes(`${known}.ts`)}`);
  process.exit(name === undefined ? 0 : 2);
}
install();
const kernels = path.join(root, 'scripts', 'build-kernels.mjs');
runOrExit(process.execPath, [kernels], { stdio: 'ignore' });
process.exit(
  run(process.execPath, [path.join(root, 'scripts', 'run.mjs'), path.join('bench', `${name}.ts`), ...args]),
);

/** First sentence of a file's header comment, empty without one. */
function describes(file) {
  const text = readFileSync(path.join(folder, file), 'utf8');
  const header = /^(?:\/\*\*[\s\S]*?\*\/|(?:\/\/.*\n)+)/.exec(text)?.[0] ?? '';
  const words = header
    .replace(/^\s*(?:\/\*\*|\*\/|\*|\/\/)/gm, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  return words.split(/[.:;](?:\s|$)/)[0];
}
