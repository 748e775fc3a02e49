/**
 * Lines over a common axis on a logarithmic scale as an SVG: the loss of a training with its running mean, what held-out
 * questions say, and levels to compare with.
 */
import { f, formatTick, linearTicks, logTicks } from './axes.ts';
import { svgText, textWidth } from './text.ts';

/** A line of a plot. */
export interface PlotLine {
  readonly name: string;
  readonly colour: string;
  /** Pixels, default 2.5. */
  readonly width?: number;
  /** Points [x, y], x ascending, y above 0; others are left out. */
  readonly points: readonly (readonly [number, number])[];
  readonly dashed?: boolean;
}

/** Options of {@link linePlotSvg}. */
export interface LinePlotOptions {
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  readonly title: string;
  /** Names of the axes. */
  readonly x: string;
  readonly y: string;
  /** The x axis ends here, or at the last point where that is more. */
  readonly end: number;
}

/** Defaults of {@link LinePlotOptions}. */
export const LINE_PLOT_DEFAULTS: LinePlotOptions = {
  width: 960,
  height: 540,
  title: '',
  x: '',
  y: '',
  end: 1,
};

const FONT = 14;
const INK = '#222';

/** SVG text of the plot; without points, axes alone. */
export function linePlotSvg(lines: readonly PlotLine[], options: Partial<LinePlotOptions> = {}): string {
  const { width, height, title, x, y, end } = { ...LINE_PLOT_DEFAULTS, ...options };
  const kept = lines.map((line) => ({
    ...line,
    points: line.points.filter(([, v]) => v > 0 && v < Infinity),
  }));
  const values = kept.flatMap(({ points }) => points.map(([, v]) => v));
  const low = values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const high = values.reduce((a, b) => Math.max(a, b), 0);
  const ticks = values.length > 0 ? logTicks(low, high) : logTicks(1, 10);
  const labels = ticks.marks.map(formatTick);
  const [left, right] = [48 + Math.max(...labels.map((label) => textWidth(label, FONT))), width - 24];
  const [top, bottom] = [72, height - 58];
  const last = Math.max(end, 1, ...kept.map(({ points }) => points.at(-1)?.[0] ?? 0));
  const px = (v: number) => left + (v / last) * (right - left);
  const span = Math.log(ticks.high / ticks.low);
  const py = (v: number) => bottom - (Math.log(v / ticks.low) / span) * (bottom - top);
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    svgText(title, width / 2, 28, { size: 17, anchor: 'middle', fill: INK }),
  ];
  ticks.marks.forEach((mark, i) => {
    parts.push(`<path d="M${f(left)} ${f(py(mark))}H${f(right)}" stroke="#d9d9d9"/>`);
    parts.push(svgText(labels[i], left - 10, py(mark) + 5, { size: FONT, anchor: 'end', fill: INK }));
  });
  for (const mark of linearTicks(last)) {
    parts.push(`<path d="M${f(px(mark))} ${f(bottom)}v6" stroke="${INK}"/>`);
    parts.push(svgText(String(mark), px(mark), bottom + 22, { size: FONT, anchor: 'middle', fill: INK }));
  }
  parts.push(`<path d="M${f(left)} ${f(top)}V${f(bottom)}H${f(right)}" fill="none" stroke="${INK}"/>`);
  let legend = left;
  for (const { name, colour, width: thick = 2.5, points, dashed } of kept) {
    const path = points.map(([a, b]) => `${f(px(a))},${f(py(b))}`).join(' ');
    const dash = dashed ? ' stroke-dasharray="7 5"' : '';
    if (points.length > 0)
      parts.push(
        `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="${thick}" stroke-linejoin="round"${dash}/>`,
      );
    parts.push(`<rect x="${f(legend)}" y="44" width="12" height="12" rx="2" fill="${colour}"/>`);
    parts.push(svgText(name, legend + 18, 55, { size: FONT, fill: INK }));
    legend += 18 + textWidth(name, FONT) + 24;
  }
  parts.push(svgText(x, (left + right) / 2, height - 14, { size: FONT, anchor: 'middle', fill: INK }));
  const turned = { size: FONT, anchor: 'middle', fill: INK, rotate: -90 } as const;
  parts.push(svgText(y, 22, (top + bottom) / 2, turned));
  parts.push('</svg>');
  return parts.join('\n');
}
