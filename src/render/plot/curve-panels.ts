/** Curves over a common axis as an SVG: several panels side by side, each with its lines and one legend for all. */
import { svgText, textWidth } from './text.ts';

/** One line; places where y is not finite are left out. */
export interface PanelLine {
  readonly x: readonly number[];
  readonly y: readonly number[];
  /** Number of its colour and of its entry in the legend. */
  readonly series: number;
  readonly dashed?: boolean;
}

/** One panel. */
export interface PlotPanel {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly lines: readonly PanelLine[];
  /** Begins the y axis at zero; default true. */
  readonly fromZero?: boolean;
}

/** Options of {@link curvePanelsSvg}. */
export interface CurvePanelsOptions {
  /** Width of a panel in pixels. */
  readonly panelWidth?: number;
  /** Pixels. */
  readonly height?: number;
  /** Above everything. */
  readonly title?: string;
}

/** Defaults of {@link CurvePanelsOptions}. */
export const CURVE_PANELS_DEFAULTS = { panelWidth: 420, height: 380 } as const;

// Okabe and Ito's palette, told apart by colour-blind readers too.
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#5b5b5b', '#8c6d1f'];
const FONT = 13;
const INK = '#222';
const GRID = '#d9d9d9';

/** SVG text of the panels; `names` are those of the series. */
export function curvePanelsSvg(
  panels: readonly PlotPanel[],
  names: readonly string[],
  options: CurvePanelsOptions = {},
): string {
  const { panelWidth, height, title } = { ...CURVE_PANELS_DEFAULTS, ...options };
  const width = panelWidth * panels.length;
  const top = title ? 40 : 12;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
  ];
  if (title) parts.push(svgText(title, 16, 27, { size: 17, fill: INK }));
  let x = 16;
  names.forEach((name, s) => {
    const colour = COLOURS[s % COLOURS.length];
    parts.push(`<rect x="${x}" y="${top + 4}" width="22" height="4" fill="${colour}"/>`);
    parts.push(svgText(name, x + 30, top + 11, { size: FONT, fill: INK }));
    x += 30 + textWidth(name, FONT) + 24;
  });
  panels.forEach((panel, p) => {
    parts.push(...drawPanel(panel, panelWidth * p, top + 28, panelWidth, height - top - 28));
  });
  parts.push('</svg>');
  return parts.join('\n');
}

function drawPanel(panel: PlotPanel, x0: number, y0: number, width: number, height: number): string[] {
  const points = panel.lines.flatMap(({ x, y }) => x.map((at, i) => [at, y[i]] as const)).filter(ok);
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  const yTicks = ticks((panel.fromZero ?? true) ? Math.min(0, ...ys) : Math.min(...ys), Math.max(...ys));
  const xTicks = ticks(Math.min(...xs), Math.max(...xs));
  const labels = yTicks.map(label);
  const left = x0 + 34 + Math.max(...labels.map((text) => textWidth(text, FONT)));
  const right = x0 + width - 16;
  const top = y0 + 28;
  const bottom = y0 + height - 46;
  const scale = (marks: readonly number[], low: number, high: number) => {
    const [a, b] = [marks[0], marks[marks.length - 1]];
    return (value: number) => low + ((value - a) / (b - a || 1)) * (high - low);
  };
  const px = scale(xTicks, left, right);
  const py = scale(yTicks, bottom, top);
  const parts = [
    svgText(panel.title, (left + right) / 2, y0 + 16, { size: 15, anchor: 'middle', fill: INK }),
  ];
  yTicks.forEach((mark, i) => {
    parts.push(`<path d="M${f(left)} ${f(py(mark))}H${f(right)}" stroke="${GRID}"/>`);
    parts.push(svgText(labels[i], left - 6, py(mark) + 5, { size: FONT, anchor: 'end', fill: INK }));
  });
  for (const mark of xTicks) {
    parts.push(`<path d="M${f(px(mark))} ${f(bottom)}v5" stroke="${INK}"/>`);
    parts.push(svgText(label(mark), px(mark), bottom + 20, { size: FONT, anchor: 'middle', fill: INK }));
  }
  parts.push(`<path d="M${f(left)} ${f(top)}V${f(bottom)}H${f(right)}" fill="none" stroke="${INK}"/>`);
  for (const line of panel.lines) {
    const colour = COLOURS[line.series % COLOURS.length];
    const at = line.x
      .map((x, i) => [x, line.y[i]] as const)
      .filter(ok)
      .map(([x, y]) => `${f(px(x))},${f(py(y))}`);
    const dash = line.dashed ? ' stroke-dasharray="6 4"' : '';
    parts.push(
      `<polyline points="${at.join(' ')}" fill="none" stroke="${colour}" stroke-width="2.5" stroke-linejoin="round"${dash}/>`,
    );
  }
  const middle = (left + right) / 2;
  parts.push(svgText(panel.xLabel, middle, y0 + height - 8, { size: FONT, anchor: 'middle', fill: INK }));
  const turned = { size: FONT, anchor: 'middle', fill: INK, rotate: -90 } as const;
  parts.push(svgText(panel.yLabel, x0 + 16, (top + bottom) / 2, turned));
  return parts;
}

function ok([x, y]: readonly [number, number]): boolean {
  return Number.isFinite(x) && Number.isFinite(y);
}

/** Round numbers from at or below `low` to at or above `high`, about five. */
function ticks(low: number, high: number): number[] {
  if (!(high > low)) return [low || 0, (low || 0) + 1];
  const raw = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * ([1, 2, 5, 10].find((s) => s * power >= raw) ?? 10);
  const first = Math.floor(low / step + 1e-9);
  const last = Math.ceil(high / step - 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

function label(value: number): string {
  return String(Number(value.toPrecision(6))).replace('-', '−');
}

function f(value: number): string {
  return value.toFixed(1);
}
