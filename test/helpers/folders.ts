/** Folders compared byte by byte. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** Relative path → SHA-256 of every file below `folder`; what begins with a dot is left out. */
export function contentsOf(folder: string): Record<string, string> {
  const out: Record<string, string> = {};
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = path.join(entry.parentPath, entry.name);
    const name = path.relative(folder, file).split(path.sep).join('/');
    if (name.split('/').some((part) => part.startsWith('.'))) continue;
    out[name] = createHash('sha256').update(readFileSync(file)).digest('hex');
  }
  return out;
}
