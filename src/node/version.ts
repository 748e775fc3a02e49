/** The version of this package, read from its own package.json. */
import { readFileSync } from 'node:fs';

/** Version as in package.json, e.g. `0.1.0`. */
export function packageVersion(): string {
  // The same two steps up from src/node and from dist/node.
  const file = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
