/**
 * FLAME's files on disk. A folder is searched (two folders deep) and its files are told by what is in them, since
 * downloads rename them: a geometry pickle by its `shapedirs`, an embedding by its keys, a texture space by its arrays,
 * the template by being an OBJ of the geometry's triangle count with texture coordinates. Where several files could
 * serve, the name decides as `RANKS` says; where it does not, the caller is asked to choose.
 *
 * Texture spaces are streamed from disk (`npz-stream.ts`).
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { FormatError, InvalidArgumentError, PhotofitError } from '../core/errors.ts';
import { readNpy } from '../io/npy.ts';
import { NpzStream } from '../io/npz-stream.ts';
import { readObj } from '../io/obj-read.ts';
import { type PickleValue, readPickle, unpickleNpy } from '../io/pickle.ts';
import { FLAME_FILE_HELP } from '../model/flame/edition.ts';
import { isFlameGeometry } from '../model/flame/geometry.ts';
import { type FlameFiles, type FlameHead, type FlameOptions, readFlame } from '../model/flame/read-flame.ts';
import { isFlameTexture } from '../model/flame/texture.ts';
import { openFileSource } from './file-source.ts';

/** Paths of FLAME's files, by what they are. */
export type FlamePaths = { readonly [K in keyof FlameFiles]?: string };

/** What files in a folder can be. */
type Kind = keyof FlameFiles;

/** Of several files of one kind, the first whose path matches the earliest expression is taken. */
const RANKS: { readonly [K in Kind]?: readonly RegExp[] } = {
  geometry: [/generic/i, /flame2023(_open)?\.pkl$/i, /flame2023/i, /flame(?!.*male)/i],
  texture: [/flame_texture/i, /albedo/i, /texture/i],
  landmarks: [/(?<!with_eyes)\.npy$/i],
  template: [/head_template_mesh\.obj$/i, /head_template/i, /template/i],
  staticEmbedding: [/flame_static_embedding\.pkl$/i, /static/i],
};

/**
 * Finds FLAME's files in a folder.
 * @throws {FormatError} when there is no geometry, or several files of a kind between which names do not decide.
 */
export async function findFlameFiles(folder: string): Promise<FlamePaths> {
  const found = new Map<Kind, string[]>();
  const refused: string[] = [];
  for (const file of await filesBelow(folder, 2)) {
    const kind = await kindOf(file, (why) => refused.push(why));
    if (kind) found.set(kind, [...(found.get(kind) ?? []), file]);
  }
  if (!found.has('geometry'))
    throw new FormatError(
      [
        `${folder}: no FLAME geometry file in it. Put there ${FLAME_FILE_HELP.geometry}`,
        ...refused.slice(0, 1),
      ].join('. Not taken: '),
    );
  const chosen = [...found].map(([kind, files]) => [kind, choose(kind, files, folder)]);
  return Object.fromEntries(chosen) as FlamePaths;
}

/**
 * Reads a FLAME head from files, or from the files found in a folder.
 * @param from a folder, or the paths; `geometry` is needed.
 * @throws {FormatError} as `readFlame` and {@link findFlameFiles}.
 * @throws {InvalidArgumentError} when an option is out of range or no geometry is named.
 */
export async function loadFlame(from: string | FlamePaths, options: FlameOptions = {}): Promise<FlameHead> {
  const paths = typeof from === 'string' ? await findFlameFiles(from) : from;
  if (!paths.geometry)
    throw new InvalidArgumentError(`loadFlame: no geometry file given. It is ${FLAME_FILE_HELP.geometry}`);
  const bytes: Record<string, Uint8Array> = {};
  for (const [kind, file] of Object.entries(paths))
    if (kind !== 'texture') bytes[kind] = await readFile(file);
  const texture = paths.texture ? await openFileSource(paths.texture) : undefined;
  try {
    const files = { ...(bytes as { geometry: Uint8Array }), texture } satisfies FlameFiles;
    return await readFlame(files, { path: paths.geometry, ...options });
  } finally {
    await texture?.close();
  }
}

async function filesBelow(folder: string, depth: number): Promise<string[]> {
  const out: string[] = [];
  const entries = await readdir(folder, { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const file = path.join(folder, entry.name);
    const isFolder = entry.isDirectory() || (entry.isSymbolicLink() && (await stat(file)).isDirectory());
    if (!isFolder) out.push(file);
    else if (depth > 0) out.push(...(await filesBelow(file, depth - 1)));
  }
  return out;
}

/**
 * What a file is by its content; undefined for anything that is no FLAME file.
 * @param onRefused told why a pickle could not be read
 */
async function kindOf(file: string, onRefused: (why: string) => void): Promise<Kind | undefined> {
  try {
    switch (path.extname(file).toLowerCase()) {
      case '.pkl':
        return pickleKind(readPickle(await readFile(file), file));
      case '.npy':
        return npyKind(await readFile(file), file);
      case '.npz':
        return await npzKind(file);
      case '.obj':
        return isTemplate(await readFile(file)) ? 'template' : undefined;
      default:
        return undefined;
    }
  } catch (error) {
    // A damaged or foreign file beside FLAME's is none of ours; a file that cannot be opened is worth telling.
    if (!(error instanceof PhotofitError)) throw error;
    if (file.endsWith('.pkl')) onRefused(error.message);
    return undefined;
  }
}

function pickleKind(value: PickleValue): Kind | undefined {
  if (!(value instanceof Map)) return undefined;
  if (isFlameGeometry(value)) return 'geometry';
  if (value.has('lmk_face_idx') && value.has('lmk_b_coords')) return 'staticEmbedding';
  if (value.has('face') && value.has('left_eyeball')) return 'masks';
  return undefined;
}

function npyKind(bytes: Uint8Array, file: string): Kind | undefined {
  const array = readNpy(bytes, file);
  if (array.dtype !== '|O') return undefined;
  const value = unpickleNpy(array, file);
  if (!(value instanceof Map)) return undefined;
  if (value.has('static_lmk_faces_idx')) return 'landmarks';
  return value.has('lmk_face_idx') ? 'dynamicEmbedding' : undefined;
}

async function npzKind(file: string): Promise<Kind | undefined> {
  const source = await openFileSource(file);
  try {
    const { keys } = await NpzStream.open(source, file);
    if (keys.includes('landmark_indices') && keys.includes('lmk_face_idx')) return 'mediapipe';
    return isFlameTexture(keys) ? 'texture' : undefined;
  } finally {
    await source.close();
  }
}

/** FLAME's triangles with texture coordinates. */
function isTemplate(bytes: Uint8Array): boolean {
  if (bytes.length > 1 << 24) return false;
  const obj = readObj(bytes);
  return obj.faceUvs !== null && obj.faces.length === 3 * 9976;
}

function choose(kind: Kind, files: readonly string[], folder: string): string {
  if (files.length === 1) return files[0];
  for (const rank of RANKS[kind] ?? []) {
    const fitting = files.filter((f) => rank.test(f));
    if (fitting.length === 1) return fitting[0];
    if (fitting.length > 1) break;
  }
  throw new FormatError(
    `${folder}: several files could be the ${kind}: ${files.map((f) => path.relative(folder, f)).join(', ')}; name one`,
  );
}
