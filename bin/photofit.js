#!/usr/bin/env node
// Starts the built command line; all code is in src/cli.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const main = new URL('../dist/cli/main.js', import.meta.url);
if (!existsSync(fileURLToPath(main))) {
  process.stderr.write(
    'photofit: not built yet. Run `npm run build` in the folder of the repository first.\n',
  );
  process.exit(1);
}
await import(main.href);
