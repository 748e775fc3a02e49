/** Pictures side by side with captions, as one PNG file. */
import type { Image8 } from '../core/image.ts';
import { svgText } from '../render/plot/text.ts';

/** A picture of a sheet. */
export interface SheetTile {
  readonly picture: Image8;
  /** Stands below it. */
  readonly caption?: string;
}

/** What {@link tileSheetPng} draws. */
export interface TileSheet {
  /** Rows of tiles, all of one size; null leaves a place empty. */
  readonly rows: readonly (readonly (SheetTile | null)[])[];
  /** Stands above everything. */
  readonly title?: string;
  /** Stand above the columns and left of the rows. */
  readonly columnTitles?: readonly string[];
  readonly rowTitles?: readonly string[];
}

const GAP = 4;
const LINE = 24;
const SIDE = 64;

/** The sheet as a PNG file. */
export async function tileSheetPng(sheet: TileSheet): Promise<Uint8Array> {
  const { rows, title, columnTitles, rowTitles } = sheet;
  const first = rows.flat().find((tile) => tile !== null)?.picture;
  const [w, h] = first ? [first.width, first.height] : [1, 1];
  const columns = Math.max(...rows.map((row) => row.length), 1);
  const below = rows.some((row) => row.some((tile) => tile?.caption)) ? LINE : 0;
  const left = rowTitles ? SIDE : 0;
  const top = (title ? LINE + 8 : 0) + (columnTitles ? LINE : 0);
  const width = left + columns * (w + GAP) - GAP;
  const height = top + rows.length * (h + below + GAP) - GAP;
  const size = Math.min(14, Math.max(9, w / 14));
  const text: string[] = [];
  const layers = rows.flatMap((row, r) =>
    row.flatMap((tile, c) => {
      if (!tile) return [];
      const [x, y] = [left + c * (w + GAP), top + r * (h + below + GAP)];
      if (tile.caption) text.push(svgText(tile.caption, x + w / 2, y + h + 16, { size, anchor: 'middle' }));
      const { width: pw, height: ph, data } = tile.picture;
      const input = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
      return [{ input, raw: { width: pw, height: ph, channels: 4 as const }, left: x, top: y }];
    }),
  );
  if (title) text.push(svgText(title, 8, 21, { size: 16 }));
  columnTitles?.forEach((caption, c) => {
    text.push(svgText(caption, left + c * (w + GAP) + w / 2, top - 8, { size, anchor: 'middle' }));
  });
  rowTitles?.forEach((caption, r) => {
    const y = top + r * (h + below + GAP) + h / 2;
    text.push(svgText(caption, left - 8, y, { size: 14, anchor: 'end' }));
  });
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${text.join('')}</svg>`;
  // Loaded where it is needed: it takes 0.09 s, of programs too that draw no sheet.
  const { default: sharp } = await import('sharp');
  return sharp({ create: { width, height, channels: 3, background: '#fff' } })
    .composite([...layers, { input: Buffer.from(svg), left: 0, top: 0 }])
    .png()
    .toBuffer();
}
