/**
 * The grids that teeth and tongue are made of: numbers of rows and columns, triangles, mirror images, places in the
 * atlas. Where they lie in the head: `mouth.ts`.
 */
/** Profile rows of a row of teeth: gum top, gum line, belly, edge in front, edge behind, gum behind. */
export const TOOTH_ROWS = 6;
/** Their place in the chart, 0…1 from the gums in front to the gums behind. */
export const TOOTH_ROW_V = [0, 0.26, 0.5, 0.76, 0.86, 1] as const;
/** Columns from one gap between teeth to the next. */
export const COLUMNS_A_TOOTH = 3;
/** Teeth on one side of a row. */
export const TEETH = 7;
/** Columns of a row of teeth, from the right to the left. */
export const TOOTH_COLUMNS = 2 * TEETH * COLUMNS_A_TOOTH + 1;
/** Rows (tip to root) and columns (right to left) of the tongue. */
export const TONGUE_ROWS = 11;
export const TONGUE_COLUMNS = 13;

/** Rows and columns of part 1 (tongue), 2 and 3 (teeth). */
export function gridSize(part: number): { rows: number; columns: number } {
  return part === 1
    ? { rows: TONGUE_ROWS, columns: TONGUE_COLUMNS }
    : { rows: TOOTH_ROWS, columns: TOOTH_COLUMNS };
}

/** Triangles of a part's grid, vertices counted from the part's first. Mirrored about the middle column. */
export function gridFaces(part: number): number[] {
  const { rows, columns } = gridSize(part);
  const out: number[] = [];
  for (let r = 0; r + 1 < rows; r++) {
    for (let c = 0; c + 1 < columns; c++) {
      const [a, b] = [r * columns + c, r * columns + c + 1];
      const [d, e] = [a + columns, b + columns];
      const left = 2 * c + 1 >= columns;
      // Outside is where the rows' turn and the columns' turn meet: reversed for the upper row.
      const tris = left ? [a, b, e, a, e, d] : [a, b, d, b, e, d];
      for (let i = 0; i < 6; i += 3) {
        out.push(tris[i]!, ...(part === 2 ? [tris[i + 2]!, tris[i + 1]!] : [tris[i + 1]!, tris[i + 2]!]));
      }
    }
  }
  return out;
}

/** The vertex of the grid on the other side. */
export function gridMirror(part: number, i: number): number {
  const { columns } = gridSize(part);
  return i - (i % columns) + columns - 1 - (i % columns);
}

/** Place (0…1, 0…1) of a vertex in its part's chart: across from right to left, down from the gums or the tip. */
export function gridPlace(part: number, i: number): [number, number] {
  const { rows, columns } = gridSize(part);
  const r = Math.floor(i / columns);
  return [(i % columns) / (columns - 1), part === 1 ? r / (rows - 1) : TOOTH_ROW_V[r]!];
}

/** How far a vertex of the tongue follows the jaw: its root hangs between jaw and skull. */
export function tongueFollow(i: number): number {
  const t = Math.floor(i / TONGUE_COLUMNS) / (TONGUE_ROWS - 1);
  return 1 - 0.35 * smooth((t - 0.3) / 0.7);
}

function smooth(t: number): number {
  const x = Math.min(1, Math.max(0, t));
  return x * x * (3 - 2 * x);
}
