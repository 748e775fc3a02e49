/**
 * The photos of a work folder, by SHA-256 of their bytes: the same photo under two names is one photo, and a renamed one
 * is still itself. Size and time of change of the file are kept so that 70,000 photos need not be read again to find
 * that nothing changed.
 */
import { z } from 'zod';
import { jsonFileText, parseJsonFile } from './json-file.ts';

const PhotoEntrySchema = z.strictObject({
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  file: z.string(),
  bytes: z.number().int().nonnegative(),
  modified: z.number(),
  also: z.array(z.string()).optional(),
});

const ManifestSchema = z.strictObject({
  format: z.literal('space-photos/1'),
  photos: z.array(PhotoEntrySchema),
});

/** One photo: hash, absolute path, bytes, time of change in milliseconds, and other paths of the same bytes. */
export type PhotoEntry = z.infer<typeof PhotoEntrySchema>;

/** Content of `manifest.json`; photos in the order of their hashes. */
export type Manifest = z.infer<typeof ManifestSchema>;

/** A file that was looked at. */
export type HashedFile = Pick<PhotoEntry, 'hash' | 'file' | 'bytes' | 'modified'>;

/** The manifest of `files`: one entry per hash, named by the first path in alphabetical order. */
export function manifestOf(files: readonly HashedFile[]): Manifest {
  const byHash = new Map<string, HashedFile[]>();
  for (const file of files) byHash.set(file.hash, [...(byHash.get(file.hash) ?? []), file]);
  const order = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
  const photos = [...byHash.values()].map((same): PhotoEntry => {
    const [first, ...rest] = same.sort((a, b) => order(a.file, b.file));
    const { hash, file, bytes, modified } = first;
    return { hash, file, bytes, modified, ...(rest.length > 0 && { also: rest.map((f) => f.file) }) };
  });
  return { format: 'space-photos/1', photos: photos.sort((a, b) => order(a.hash, b.hash)) };
}

/**
 * Reads `manifest.json`.
 * @param name how errors call the file
 * @throws {FormatError} when it is none
 */
export function parseManifest(text: string, name = 'manifest.json'): Manifest {
  return parseJsonFile(ManifestSchema, text, name, 'the list of photos that photofit space fit writes');
}

/** The text of `manifest.json`. */
export function manifestText(manifest: Manifest): string {
  return jsonFileText(manifest);
}
