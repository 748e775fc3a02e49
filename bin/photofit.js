#!/usr/bin/env node
// Starts the built command line; all code is in src/cli.
const { bundled, runBundled } = require('./bundle.js');

if (!bundled()) {
  process.stderr.write(
    'photofit: not built yet. Run `npm run build` in the folder of the repository first.\n',
  );
  process.exit(1);
}
runBundled('main');
