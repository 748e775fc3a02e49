/** The version of this package, read from its own package.json. */
import { existsSync, readFileSync } from 'node:fs';

/** Version as in package.json, e.g. `0.1.0`. */
export function packageVersion(): string {
  // The nearest one upwards: this code runs from src/node, from dist, and bundled into scripts.
  let file = new URL('./package.json', import.meta.url);
  while (!existsSync(file)) {
    const above = new URL('../package.json', file);
    if (above.href === file.href) break;
    file = above;
  }
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
