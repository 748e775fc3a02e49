/**
 * From what was named on the command line to photos, each with a result folder of its own. Only in folders does
 * the ending of a name matter; a file named by itself may be called anything.
 */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { InvalidArgumentError } from '../core/errors.ts';
import { PHOTO_EXTENSIONS } from '../node/photo.ts';
import { picturesIn } from '../node/pictures-in.ts';

/** A photo to fit. */
export interface PhotoInput {
  /** As the user named it, or below the folder they named. */
  readonly file: string;
  /** Name of its result folder, unique within the run. */
  readonly name: string;
}

/** What was named but is no photo. */
export interface BadInput {
  readonly file: string;
  readonly error: unknown;
}

/**
 * Photos behind the given files and folders (not searched deeper than one level), in the order given, folders in
 * natural order. What cannot be used is reported beside, so that the rest can still be done.
 */
export async function findPhotos(
  named: readonly string[],
): Promise<{ readonly photos: PhotoInput[]; readonly bad: BadInput[] }> {
  const files: string[] = [];
  const bad: BadInput[] = [];
  for (const file of named) {
    try {
      if (!(await stat(file)).isDirectory()) {
        files.push(file);
        continue;
      }
      const pictures = await picturesIn(file);
      if (pictures.length === 0) {
        throw new InvalidArgumentError(
          `${file}: the folder holds no pictures; files ending in ${PHOTO_EXTENSIONS.join(', ')} are looked for, not in folders below it`,
        );
      }
      files.push(...pictures);
    } catch (error) {
      bad.push({ file, error });
    }
  }
  return { photos: nameResults([...new Map(files.map((file) => [path.resolve(file), file])).values()]), bad };
}

/** The file's name without its ending; where that is taken, with `_2`, `_3`, … */
function nameResults(files: readonly string[]): PhotoInput[] {
  const taken = new Set<string>();
  return files.map((file) => {
    const stem = path.parse(file).name || 'photo';
    let name = stem;
    // Compared without case: some file systems do.
    for (let n = 2; taken.has(name.toLowerCase()); n++) name = `${stem}_${n}`;
    taken.add(name.toLowerCase());
    return { file, name };
  });
}
