/** `report/index.html` of a work folder, from whatever stages have left there so far. */
import { copyFile, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Image8 } from '../core/image.ts';
import type { WorkPaths } from '../dataset/layout.ts';
import { quartiles, type ReportSection, reportHtml } from '../dataset/report-html.ts';
import type { TextureMap } from '../texture/texture-map.ts';
import { writeFileAtomically } from './atomic.ts';
import type { GateResult } from './dataset-gate.ts';
import type { Work } from './dataset-work.ts';
import { openMapFolder } from './map-folder.ts';
import { type SheetTile, tileSheetPng } from './tile-sheet.ts';

/** What the page is made of, besides what lies in the folder. */
export interface ReportInput {
  readonly photos: number;
  /** Further files with the bytes of one of these. */
  readonly copies?: number;
  /** Null while photos are not done. */
  readonly gate: GateResult | null;
  /** The space that was built: its name, facts, and its figure's file in the report folder. */
  readonly space?: { readonly name: string; readonly rows: readonly (readonly [string, string])[] };
}

/** Maps shown before and after completion. */
const MAPS_SHOWN = 8;
const MAP_TILE = 192;

/** Writes the page; returns its path. */
export async function writeReport(work: Work, input: ReportInput): Promise<string> {
  const { paths, file } = work;
  const pictures = await readdir(paths.report).catch(() => [] as string[]);
  const sheets = (kind: string, caption: string) =>
    pictures
      .filter((name) => new RegExp(`^${kind}-\\d+\\.jpg$`).test(name))
      .sort()
      .map((name) => [name, caption] as const);
  const { gate } = input;
  const maps = await completedSheet(paths);
  const training = await copied(paths, ['loss.png', 'samples.png']);
  const sections: ReportSection[] = [
    {
      heading: 'What this is',
      rows: [
        ['head model', `${file.model.name} (${file.model.hash.slice(0, 12)})`],
        ['initial texture space', file.space?.source ?? "the head's own"],
        [
          'light',
          file.fit.light === 'mono' ? 'nine coefficients shared by the channels' : 'nine for each channel',
        ],
        ['maps', `${file.fit.map} × ${file.fit.map} texels`],
        ['photos', String(input.photos)],
        ...(input.copies ? ([['further files that are copies of them', String(input.copies)]] as const) : []),
        ...(gate
          ? ([
              ['fitted', String(gate.measures.size)],
              ['kept for the space', String(gate.gate.kept.length)],
            ] as const)
          : []),
      ],
    },
    {
      heading: 'The new space',
      rows: input.space?.rows ?? [],
      pictures: input.space
        ? [['space.png', 'mean, and the first components at two deviations to either side']]
        : [],
    },
    { heading: 'Completion', pictures: [...training, ...maps] },
    ...(gate ? [measuresSection(gate)] : []),
    ...(gate ? [reasonsSection(gate)] : []),
    {
      heading: 'Kept',
      pictures: sheets('kept', 'photo, initial texture, with offset, the map as far as it is seen'),
    },
    {
      heading: 'Left out',
      pictures: sheets('rejected', 'photos that failed or did not pass the gate, and why'),
    },
  ];
  const page = path.join(paths.report, 'index.html');
  const title = `A texture space from ${input.photos} photos`;
  await writeFileAtomically(page, reportHtml({ title, sections }));
  return page;
}

function measuresSection({ measures }: GateResult): ReportSection {
  const all = [...measures.values()];
  const row = (name: string, pick: (m: (typeof all)[number]) => number, digits: number, factor = 1) =>
    [
      name,
      quartiles(all.map(pick))
        .map((x) => (factor * x).toFixed(digits))
        .join('   '),
    ] as const;
  return {
    heading: 'Fits',
    text: 'Least, lower quartile, median, upper quartile, greatest over all fits.',
    rows:
      all.length === 0
        ? []
        : [
            row('landmark error, % of the eye distance', (m) => m.landmarks, 1, 100),
            row('difference over the skin, initial texture', (m) => m.residual, 3),
            row('difference over the skin, with offset', (m) => m.residual_offset, 3),
            row("seen part of the face's map, %", (m) => m.coverage, 0, 100),
            row('sharpness', (m) => m.sharpness, 2),
            row('eye distance, pixels', (m) => m.eye_distance, 0),
            row('turned to the left, degrees', (m) => m.yaw, 0),
          ],
  };
}

/** What errors of photos mean to people, by name. */
export const FAILURES: Readonly<Record<string, string>> = {
  FormatError: 'damaged, or no picture',
  NoFaceError: 'no face was found',
};

function reasonsSection({ gate, failures }: GateResult): ReportSection {
  const counts = new Map<string, number>();
  const add = (reason: string) => counts.set(reason, (counts.get(reason) ?? 0) + 1);
  for (const { reason } of gate.rejected) add(`gate: ${reason} (threshold ${gate.thresholds[reason]})`);
  for (const { error } of failures.values()) add(`not fitted: ${FAILURES[error] ?? error}`);
  return {
    heading: 'Why photos were left out',
    rows: [...counts].sort().map(([k, n]) => [k, String(n)] as const),
  };
}

/** A few maps, as seen and completed, below one another. */
async function completedSheet(paths: WorkPaths): Promise<[string, string][]> {
  const there = await stat(paths.completed).catch(() => null);
  const names = there
    ? (await readdir(paths.completed)).filter((n) => /^[0-9a-f]{64}\.npz$/.test(n)).sort()
    : [];
  if (names.length === 0) return [];
  const shown = Array.from({ length: Math.min(MAPS_SHOWN, names.length) }, (_, i) =>
    names[Math.floor((i * names.length) / Math.min(MAPS_SHOWN, names.length))].slice(0, 64),
  );
  const [before, after] = await Promise.all([
    openMapFolder(paths.fits, { names: shown }),
    openMapFolder(paths.completed, { names: shown }),
  ]);
  const rows: SheetTile[][] = [[], []];
  for (let i = 0; i < shown.length; i++) {
    const [seen, whole] = [await before.read(i), await after.read(i)];
    rows[0].push({ picture: mapPicture(seen, true) });
    rows[1].push({ picture: mapPicture(whole, false) });
  }
  const png = await tileSheetPng({ rows, rowTitles: ['seen', 'whole'] });
  await writeFileAtomically(path.join(paths.report, 'completed.png'), png);
  return [['completed.png', 'maps as far as photos show them, and completed']];
}

function mapPicture(map: TextureMap, dim: boolean): Image8 {
  const data = new Uint8ClampedArray(4 * MAP_TILE * MAP_TILE).fill(255);
  for (let y = 0; y < MAP_TILE; y++)
    for (let x = 0; x < MAP_TILE; x++) {
      const at = (v: number) => Math.floor(((v + 0.5) * map.size) / MAP_TILE);
      const t = at(y) * map.size + at(x);
      const k = dim ? 0.2 + (0.8 * map.visibility[t]) / 255 : 1;
      for (let c = 0; c < 3; c++) data[4 * (y * MAP_TILE + x) + c] = 255 * k * map.albedo[3 * t + c];
    }
  return { width: MAP_TILE, height: MAP_TILE, data };
}

/** Pictures of the training, copied beside the page. */
async function copied(paths: WorkPaths, names: readonly string[]): Promise<[string, string][]> {
  const captions: Readonly<Record<string, string>> = {
    'loss.png': 'error of the completion network while it trained',
    'samples.png': 'hidden parts, what the network made of them, and the truth',
  };
  const out: [string, string][] = [];
  for (const name of names) {
    const from = path.join(paths.training, name);
    if (!(await stat(from).catch(() => null))) continue;
    await copyFile(from, path.join(paths.report, name));
    out.push([name, captions[name] ?? name]);
  }
  return out;
}
