/**
 * `work.json`: what a work folder is for. Written by the first run, compared by every later one, read by queue workers
 * that know nothing but the folder: fits of one space must come from one head and one way of fitting.
 */
import { z } from 'zod';
import { InvalidArgumentError } from '../core/errors.ts';
import { jsonFileText, parseJsonFile } from './json-file.ts';

const WorkFileSchema = z.strictObject({
  format: z.literal('space-work/1'),
  model: z.strictObject({ name: z.string(), source: z.string(), hash: z.string(), layout: z.string() }),
  space: z.strictObject({ source: z.string(), hash: z.string() }).nullable(),
  fit: z.strictObject({
    light: z.enum(['mono', 'rgb']),
    camera: z.enum(['perspective', 'orthographic']),
    size: z.number().int(),
    map: z.number().int(),
    beside: z.boolean(),
  }),
});

/**
 * Content of `work.json`: the head model (an embedded head's name or an absolute path; its hash, and that of its UV
 * layout), the initial texture space (a path; null for the head's own), and how photos are fitted.
 */
export type WorkFile = z.infer<typeof WorkFileSchema>;

/** How photos are fitted. */
export type PhotoFitSettings = WorkFile['fit'];

/** Defaults of {@link PhotoFitSettings}: nine coefficients of light shared by the channels, as the original describes. */
export const PHOTO_FIT_DEFAULTS: PhotoFitSettings = {
  light: 'mono',
  camera: 'perspective',
  size: 224,
  map: 512,
  beside: false,
};

/**
 * Reads `work.json`.
 * @param name how errors call the file
 * @throws {FormatError} when it is none
 */
export function parseWorkFile(text: string, name = 'work.json'): WorkFile {
  return parseJsonFile(WorkFileSchema, text, name, 'the description of a work folder that photofit writes');
}

/** The text of `work.json`. */
export function workFileText(file: WorkFile): string {
  return jsonFileText(file);
}

/**
 * Makes sure that a run wants what its work folder is for.
 * @param folder how errors call the folder
 * @throws {InvalidArgumentError} naming the first thing that differs
 */
export function checkSameWork(existing: WorkFile, wanted: WorkFile, folder: string): void {
  const fail = (what: string, is: string, asked: string) => {
    throw new InvalidArgumentError(
      `${folder}: was started with ${what} ${is}, not ${asked}; go on with that, or choose another folder`,
    );
  };
  const short = (hash: string) => hash.slice(0, 12);
  if (existing.model.hash !== wanted.model.hash) {
    const same = existing.model.name === wanted.model.name;
    const name = (w: WorkFile) => w.model.name + (same ? ` (${short(w.model.hash)})` : '');
    fail('the head model', name(existing), name(wanted));
  }
  const space = (w: WorkFile) => (w.space ? `${w.space.source} (${short(w.space.hash)})` : "the head's own");
  if (existing.space?.hash !== wanted.space?.hash)
    fail('the initial texture space', space(existing), space(wanted));
  for (const key of Object.keys(wanted.fit) as (keyof PhotoFitSettings)[])
    if (existing.fit[key] !== wanted.fit[key])
      fail(`--${OPTIONS[key]}`, String(existing.fit[key]), String(wanted.fit[key]));
}

const OPTIONS: Readonly<Record<keyof PhotoFitSettings, string>> = {
  light: 'light',
  camera: 'camera',
  size: 'size',
  map: 'map-size',
  beside: 'beside',
};
