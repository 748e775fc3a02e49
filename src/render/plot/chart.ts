/** What line charts are made of, as SVG: axes, panels with their lines, legends. Text is drawn as outlines (`text.ts`). */
import { svgText, textWidth } from './text.ts';

/** Okabe and Ito's palette, told apart by colour-blind readers too. */
export const PALETTE: readonly string[] = [
  '#0072b2',
  '#d55e00',
  '#009e73',
  '#cc79a7',
  '#e69f00',
  '#56b4e9',
  '#5b5b5b',
  '#8c6d1f',
];

const INK = '#222';
const GRID = '#d9d9d9';
/** Pixels. */
const FONT = 14;
const LEGEND_ROW = 22;

/** A scale: values from `low` to `high`, numbers written at `marks`. */
export interface Axis {
  readonly low: number;
  readonly high: number;
  readonly marks: readonly number[];
  readonly isLog?: boolean;
}

/** A line of a chart. */
export interface ChartLine {
  readonly colour: string;
  /** Points [x, y] in the axes' units. */
  readonly points: readonly (readonly [number, number])[];
  /** Pixels, default 2.5. */
  readonly width?: number;
  readonly dashed?: boolean;
  /** Puts a dot on every point. */
  readonly dotted?: boolean;
}

/** A chart with its axes. */
export interface ChartPanel {
  readonly title?: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly lines: readonly ChartLine[];
  /** Coloured strips behind the lines, x from … to. */
  readonly bands?: readonly { readonly from: number; readonly to: number; readonly colour: string }[];
}

/** Where something is drawn, pixels. */
export interface ChartBox {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Entry of a legend. */
export interface LegendEntry {
  readonly name: string;
  readonly colour: string;
}

/** Logarithmic axis around positive values: decades, with 2 and 5 in between where there are few of them. */
export function logAxis(values: readonly number[]): Axis {
  const low = values.reduce((a, b) => Math.min(a, b), values.length > 0 ? Number.POSITIVE_INFINITY : 1);
  const high = values.reduce((a, b) => Math.max(a, b), values.length > 0 ? 0 : 10);
  const decades = Math.log10(high / low);
  const steps = decades > 5 ? [1] : decades > 2 ? [1, 3] : [1, 2, 5];
  const all: number[] = [];
  for (let d = Math.floor(Math.log10(low)) - 1; d <= Math.ceil(Math.log10(high)) + 1; d++) {
    for (const step of steps) all.push(Number((step * 10 ** d).toPrecision(3)));
  }
  const from = all.findLastIndex((mark) => mark <= low);
  const to = all.findIndex((mark) => mark >= high);
  const marks = all.slice(Math.max(0, from), Math.max(to, from + 1) + 1);
  const every = Math.max(1, Math.ceil(marks.length / 12));
  return {
    low: marks[0],
    high: marks[marks.length - 1],
    marks: marks.filter((_, i) => i % every === 0),
    isLog: true,
  };
}

/** Linear axis from the round number at or below `low` to the one at or above `high`, about five steps. */
export function linearAxis(low: number, high: number): Axis {
  if (!Number.isFinite(low) || !Number.isFinite(high)) return linearAxis(0, 1);
  if (!(high > low)) return linearAxis(low, low + Math.max(1, Math.abs(low)));
  const raw = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * ([1, 2, 5, 10].find((s) => s * power >= raw) ?? 10);
  const first = Math.floor(low / step + 1e-9);
  const last = Math.ceil(high / step - 1e-9);
  const marks = Array.from({ length: last - first + 1 }, (_, i) =>
    Number(((first + i) * step).toPrecision(12)),
  );
  return { low: marks[0], high: marks[marks.length - 1], marks };
}

/** Axis of things counted from 0 to `last`, at most about ten numbers, with `margin` at both ends. */
export function countAxis(last: number, margin = 0): Axis {
  const steps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];
  const step = steps.find((candidate) => last / candidate <= 10) ?? 10 ** Math.ceil(Math.log10(last / 10));
  const marks = Array.from({ length: Math.floor(last / step) + 1 }, (_, i) => i * step);
  return { low: -margin, high: last + margin, marks };
}

/** SVG text of a picture on white. */
export function chartSvg(width: number, height: number, parts: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    ...parts,
    '</svg>',
  ].join('\n');
}

/** A picture's title. */
export function chartTitle(title: string, x: number, y: number): string {
  return svgText(title, x, y, { size: 17, anchor: 'middle', fill: INK });
}

/** Entries side by side, in as many rows as `width` asks for; `height` is what they take, pixels. */
export function chartLegend(
  entries: readonly LegendEntry[],
  { x, y, width }: Omit<ChartBox, 'height'>,
): { readonly parts: string[]; readonly height: number } {
  const parts: string[] = [];
  let [at, row] = [0, 0];
  for (const { name, colour } of entries) {
    const needed = 18 + textWidth(name, FONT) + 24;
    if (at > 0 && at + needed > width) {
      at = 0;
      row++;
    }
    const top = y + LEGEND_ROW * row;
    parts.push(`<rect x="${f(x + at)}" y="${f(top)}" width="12" height="12" rx="2" fill="${colour}"/>`);
    parts.push(svgText(name, x + at + 18, top + 11, { size: FONT, fill: INK }));
    at += needed;
  }
  return { parts, height: entries.length > 0 ? LEGEND_ROW * (row + 1) : 0 };
}

/** A panel, axes and all, within a box. */
export function chartPanel(panel: ChartPanel, box: ChartBox): string[] {
  const labels = panel.y.marks.map(formatTick);
  const left = box.x + 48 + Math.max(0, ...labels.map((label) => textWidth(label, FONT)));
  const right = box.x + box.width - 24;
  const top = box.y + (panel.title ? 28 : 8);
  const bottom = box.y + box.height - 58;
  const middle = (left + right) / 2;
  const px = scale(panel.x, left, right);
  const py = scale(panel.y, bottom, top);
  const text = (content: string, x: number, y: number, anchor: 'middle' | 'end', rotate?: number) =>
    svgText(content, x, y, { size: FONT, anchor, fill: INK, ...(rotate !== undefined && { rotate }) });

  const parts: string[] = [];
  if (panel.title)
    parts.push(svgText(panel.title, middle, box.y + 16, { size: 15, anchor: 'middle', fill: INK }));
  for (const { from, to, colour } of panel.bands ?? [])
    parts.push(
      `<rect x="${f(px(from))}" y="${f(top)}" width="${f(px(to) - px(from))}" height="${f(bottom - top)}" fill="${colour}" opacity="0.06"/>`,
    );
  panel.y.marks.forEach((mark, i) => {
    parts.push(`<path d="M${f(left)} ${f(py(mark))}H${f(right)}" stroke="${GRID}"/>`);
    parts.push(text(labels[i], left - 10, py(mark) + 5, 'end'));
  });
  for (const mark of panel.x.marks) {
    parts.push(`<path d="M${f(px(mark))} ${f(bottom)}v6" stroke="${INK}"/>`);
    parts.push(text(formatTick(mark), px(mark), bottom + 22, 'middle'));
  }
  parts.push(`<path d="M${f(left)} ${f(top)}V${f(bottom)}H${f(right)}" fill="none" stroke="${INK}"/>`);
  for (const { colour, points, width = 2.5, dashed, dotted } of panel.lines) {
    if (points.length === 0) continue;
    const at = points.map(([x, y]) => [f(px(x)), f(py(y))]);
    const dash = dashed ? ' stroke-dasharray="7 5"' : '';
    parts.push(
      `<polyline points="${at.map(String).join(' ')}" fill="none" stroke="${colour}" stroke-width="${width}" stroke-linejoin="round"${dash}/>`,
    );
    if (dotted) for (const [x, y] of at) parts.push(`<circle cx="${x}" cy="${y}" r="3" fill="${colour}"/>`);
  }
  parts.push(text(panel.xLabel, middle, box.y + box.height - 14, 'middle'));
  parts.push(text(panel.yLabel, box.x + 22, (top + bottom) / 2, 'middle', -90));
  return parts;
}

/** Pixels of a value; what a logarithmic axis cannot show lies on its lower end. */
function scale({ low, high, isLog }: Axis, from: number, to: number): (value: number) => number {
  const place = (value: number) => (isLog ? Math.log(Math.max(value, low)) : value);
  return (value) => from + ((place(value) - place(low)) / (place(high) - place(low))) * (to - from);
}

function formatTick(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e5 || (size > 0 && size < 1e-3))
    return value.toExponential().replace('e+', 'e').replaceAll('-', '−');
  return String(Number(value.toPrecision(6))).replace('-', '−');
}

function f(value: number): string {
  return value.toFixed(1);
}
