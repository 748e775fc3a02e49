/** The gate over a work folder, and contact sheets of what it kept and what not. */
import { readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { throwIfAborted } from '../core/errors.ts';
import type { Image8 } from '../core/image.ts';
import { type GateCandidate, type GateThresholds, judgeFits } from '../dataset/gate.ts';
import { type GateFile, gateFileText } from '../dataset/gate-file.ts';
import type { WorkPaths } from '../dataset/layout.ts';
import type { Manifest } from '../dataset/manifest.ts';
import { type PhotoMeasures, parseFailure, parseMeasures } from '../dataset/photo-files.ts';
import { writeFileAtomically } from './atomic.ts';
import { DATASET_PANEL } from './dataset-fit.ts';
import { readIfThere, readState } from './dataset-work.ts';
import { type SheetTile, tileSheetPng } from './tile-sheet.ts';

/** What became of the photos of a work folder. */
export interface GateResult {
  readonly gate: GateFile;
  /** Of every photo that was fitted. */
  readonly measures: ReadonlyMap<string, PhotoMeasures>;
  /** Photos that could not be fitted: name and reason. */
  readonly failures: ReadonlyMap<
    string,
    { readonly file: string; readonly error: string; readonly why: string }
  >;
}

/**
 * Judges the fits of a work folder and writes `gate.json`.
 * @throws {FormatError} when a fit's measures are damaged
 */
export async function runGate(
  paths: WorkPaths,
  manifest: Manifest,
  thresholds: Partial<GateThresholds> = {},
): Promise<GateResult> {
  const { fitted, failed } = await readState(paths);
  const measures = new Map<string, PhotoMeasures>();
  const failures = new Map<string, { file: string; error: string; why: string }>();
  for (const { hash } of manifest.photos) {
    if (fitted.has(hash)) {
      const file = `${paths.fit(hash)}/measures.json`;
      measures.set(hash, parseMeasures(await readFile(file, 'utf8'), file));
    } else if (failed.has(hash)) {
      const file = paths.failure(hash);
      failures.set(hash, parseFailure(await readFile(file, 'utf8'), file));
    }
  }
  const candidates: GateCandidate[] = [...measures].map(([hash, m]) => ({ hash, measures: m }));
  const gate = judgeFits(candidates, thresholds);
  const text = gateFileText(gate);
  if ((await readIfThere(paths.gate)) !== text) await writeFileAtomically(paths.gate, text);
  return { gate, measures, failures };
}

/** Tiles of a sheet. */
const COLUMNS = 2;
const ROWS = 12;
/** Sheets of one kind at most; of more photos than they hold every n-th is shown. */
const SHEETS = 10;

/** Options of {@link writeSheets}. */
export interface SheetOptions {
  readonly signal?: AbortSignal;
  /** Fraction done. */
  readonly onProgress?: (fraction: number) => void;
}

/**
 * Draws contact sheets into the report folder: `kept-01.jpg`, …, `rejected-01.jpg`, …; those of an earlier run go.
 * @returns their names
 */
export async function writeSheets(
  paths: WorkPaths,
  manifest: Manifest,
  { gate, measures, failures }: GateResult,
  options: SheetOptions = {},
): Promise<string[]> {
  const fileOf = new Map(manifest.photos.map((photo) => [photo.hash, photo.file]));
  const kept = gate.kept.map((hash) => {
    const m = measures.get(hash) as PhotoMeasures;
    const caption = `${m.file}: landmarks ${(100 * m.landmarks).toFixed(1)} %, skin ${m.residual.toFixed(3)}, with offset ${m.residual_offset.toFixed(3)}, seen ${(100 * m.coverage).toFixed(0)} %`;
    return { hash, caption };
  });
  const rejected = [
    ...gate.rejected.map(({ hash, why }) => ({ hash, caption: `${measures.get(hash)?.file}: ${why}` })),
    ...[...failures].map(([hash, { why }]) => ({ hash, caption: why })),
  ];
  const names: string[] = [];
  const wanted = [pages('kept', kept), pages('rejected', rejected)].flat();
  for (const [i, page] of wanted.entries()) {
    throwIfAborted(options.signal);
    const tiles: SheetTile[] = [];
    for (const { hash, caption } of page.photos)
      tiles.push({ picture: await pictureOf(paths, hash, fileOf.get(hash)), caption: cut(caption) });
    const rows: (SheetTile | null)[][] = [];
    for (let t = 0; t < tiles.length; t += COLUMNS)
      rows.push(Array.from({ length: COLUMNS }, (_, c) => tiles[t + c] ?? null));
    const png = await tileSheetPng({ rows, title: page.title });
    const jpeg = await sharp(png).jpeg({ quality: 80 }).toBuffer();
    await writeFileAtomically(path.join(paths.report, page.name), jpeg);
    names.push(page.name);
    options.onProgress?.((i + 1) / wanted.length);
  }
  for (const name of await readdir(paths.report).catch(() => []))
    if (/^(kept|rejected)-\d+\.jpg$/.test(name) && !names.includes(name))
      await rm(path.join(paths.report, name), { force: true });
  return names;
}

interface CaptionedPhoto {
  readonly hash: string;
  readonly caption: string;
}

function pages(kind: 'kept' | 'rejected', all: readonly CaptionedPhoto[]) {
  const most = COLUMNS * ROWS * SHEETS;
  const shown =
    all.length <= most
      ? all
      : Array.from({ length: most }, (_, i) => all[Math.floor((i * all.length) / most)]);
  const count = Math.ceil(shown.length / (COLUMNS * ROWS));
  return Array.from({ length: count }, (_, i) => ({
    name: `${kind}-${String(i + 1).padStart(2, '0')}.jpg`,
    title: `${kind}, sheet ${i + 1} of ${count} (${shown.length} of ${all.length} photos): photo, initial texture, with offset, map`,
    photos: shown.slice(i * COLUMNS * ROWS, (i + 1) * COLUMNS * ROWS),
  }));
}

/** The fit's overlay; of a photo that has none the photo itself; grey where even that cannot be read. */
async function pictureOf(paths: WorkPaths, hash: string, photo: string | undefined): Promise<Image8> {
  const [width, height] = [4 * DATASET_PANEL, DATASET_PANEL];
  for (const file of [`${paths.fit(hash)}/overlay.jpg`, photo]) {
    if (file === undefined) continue;
    try {
      // Its bytes, not its name: libvips keeps files open.
      const { data } = await sharp(await readFile(file), { failOn: 'none' })
        .autoOrient()
        .resize({ width, height, fit: 'contain', background: '#888' })
        .toColourspace('srgb')
        .ensureAlpha()
        .raw()
        .toBuffer({ resolveWithObject: true });
      return { width, height, data: new Uint8ClampedArray(data.buffer, data.byteOffset, data.byteLength) };
    } catch {
      // Not there, or no picture: the next one is tried.
    }
  }
  return { width, height, data: new Uint8ClampedArray(4 * width * height).fill(136) };
}

function cut(caption: string): string {
  return caption.length > 92 ? `${caption.slice(0, 90)}…` : caption;
}
