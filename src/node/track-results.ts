/** The files of a track, and a track read back from them. */
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { InvalidArgumentError } from '../core/errors.ts';
import { flameSequence, isFlame } from '../fit/flame-params.ts';
import { animatedHeadMesh } from '../fit/video/animated-head.ts';
import { arkitCsv, arkitCurves, arkitJson } from '../fit/video/arkit-curves.ts';
import { personalModel } from '../fit/video/personal-model.ts';
import {
  parseTrackArrays,
  parseTrackFile,
  type StoredTrack,
  type TrackFile,
  type TrackFileExtra,
  toTrackFile,
  trackArrays,
  trackFileText,
} from '../fit/video/track-file.ts';
import type { VideoTrack } from '../fit/video/types.ts';
import { writeGlb } from '../io/glb.ts';
import { readNpz, writeNpz } from '../io/npz.ts';
import type { HeadModel } from '../model/head-model.ts';
import { writeFolderAtomically } from './atomic.ts';

/** Files of a track's folder, in the order they are put in place: `track.json` last, it vouches for the rest. */
export const TRACK_FOLDER_FILES = [
  'texture.png',
  'head.glb',
  'flame_params.npz',
  'blendshapes.csv',
  'blendshapes.json',
  'track.npz',
  'track.json',
] as const;

/** Film of a track, written after the other files. */
export const OVERLAY_FILM = 'overlay.mp4';
/** Film of a motion on another head. */
export const TRANSFER_FILM = 'transfer.mp4';

/** What {@link writeTrackFolder} writes down. */
export interface TrackFolderInput extends TrackFileExtra {
  readonly track: VideoTrack;
  /** The model it was tracked with. */
  readonly model: HeadModel;
  /** Skin of the person, a PNG in the model's UV layout; null for heads without. */
  readonly texturePng: Uint8Array | null;
  /** What the head in `head.glb` wears, where that is not `texturePng`. */
  readonly wornPng?: Uint8Array | null;
  readonly signal?: AbortSignal;
}

/**
 * Writes the files of {@link TRACK_FOLDER_FILES} into `folder`: `flame_params.npz` for FLAME heads only, the curves for
 * heads that have ARKit's shapes. A film of an earlier track is removed, other files stay.
 * @returns content of `track.json`
 * @throws {PhotofitError} when the folder cannot be written, or the track holds a number that is not finite
 * @throws {AbortedError} when cancelled; nothing is left
 */
export async function writeTrackFolder(folder: string, input: TrackFolderInput): Promise<TrackFile> {
  const { track, model, texturePng, signal } = input;
  const person = personalModel(model, track.identity);
  const file = toTrackFile(track, model, input);
  const curves = arkitCurves(model, track.frames);
  const view = { image: track, light: track.identity.light };
  const contents: Readonly<Record<(typeof TRACK_FOLDER_FILES)[number], Uint8Array | string | null>> = {
    'texture.png': texturePng,
    'head.glb': writeGlb(animatedHeadMesh(person, track, { texturePng: input.wornPng ?? texturePng })),
    'flame_params.npz': isFlame(model)
      ? writeNpz(flameSequence(model, track.identity.identity, track.frames, view))
      : null,
    'blendshapes.csv': curves.names.length > 0 ? arkitCsv(curves) : null,
    'blendshapes.json': curves.names.length > 0 ? arkitJson(curves) : null,
    'track.npz': writeNpz(trackArrays(track, model, input)),
    'track.json': trackFileText(file),
  };
  const files = TRACK_FOLDER_FILES.flatMap((name) => {
    const content = contents[name];
    return content === null ? [] : [[name, content] as const];
  });
  await writeFolderAtomically(folder, files, {
    ours: [...TRACK_FOLDER_FILES, OVERLAY_FILM, TRANSFER_FILM],
    signal,
  });
  return file;
}

/**
 * Reads a track.
 * @param fileOrFolder a `track.npz` or `track.json`, or the folder that they are in
 * @throws {InvalidArgumentError} when there is none
 * @throws {FormatError} when it is damaged or of another format
 */
export async function loadTrack(fileOrFolder: string): Promise<StoredTrack & { readonly file: string }> {
  const file = await trackFileOf(fileOrFolder);
  if (!file)
    throw new InvalidArgumentError(
      `${fileOrFolder}: holds no track; give a track.npz or track.json, or the folder that photofit track wrote`,
    );
  const bytes = await readFile(file);
  const stored = file.endsWith('.npz')
    ? parseTrackArrays(readNpz(bytes, file), file)
    : parseTrackFile(bytes.toString('utf8'), file);
  return { ...stored, file };
}

/** The track's file where `fileOrFolder` is one by its name, or a folder that has one; else null. */
export async function trackFileOf(fileOrFolder: string): Promise<string | null> {
  const kind = async (file: string) => {
    const found = await stat(file).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error;
      return null;
    });
    return found === null ? 'none' : found.isDirectory() ? 'folder' : 'file';
  };
  const found = await kind(fileOrFolder);
  if (found === 'file') return /\.(npz|json)$/i.test(fileOrFolder) ? fileOrFolder : null;
  if (found === 'folder')
    for (const name of ['track.npz', 'track.json']) {
      const file = path.join(fileOrFolder, name);
      if ((await kind(file)) === 'file') return file;
    }
  return null;
}
