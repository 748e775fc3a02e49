/** The pictures of a folder: files whose names end like photos, in natural order (2 before 10), hidden ones left out. */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { PHOTO_EXTENSIONS } from './photo.ts';

/** Paths of the pictures directly in `folder`. */
export async function picturesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const natural = new Intl.Collator('en', { numeric: true });
  return entries
    .filter((entry) => !entry.isDirectory() && !entry.name.startsWith('.'))
    .map((entry) => entry.name)
    .filter((name) => PHOTO_EXTENSIONS.includes(path.extname(name).slice(1).toLowerCase()))
    .sort(natural.compare)
    .map((name) => path.join(folder, name));
}
