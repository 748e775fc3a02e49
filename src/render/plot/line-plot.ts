/**
 * Lines over a common axis on a logarithmic scale as an SVG: the loss of a training with its running mean, what held-out
 * questions say, and levels to compare with.
 */
import { withDefaults } from '../../core/defaults.ts';
import {
  type ChartLine,
  chartLegend,
  chartPanel,
  chartSvg,
  chartTitle,
  countAxis,
  logAxis,
} from './chart.ts';

/** A line of a plot; x ascending, y above 0, other points are left out. */
export interface PlotLine extends ChartLine {
  readonly name: string;
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

/** SVG text of the plot; without points, axes alone. */
export function linePlotSvg(lines: readonly PlotLine[], options: Partial<LinePlotOptions> = {}): string {
  const { width, height, title, x, y, end } = withDefaults(LINE_PLOT_DEFAULTS, options);
  const kept = lines.map((line) => ({
    ...line,
    points: line.points.filter(([, v]) => v > 0 && v < Infinity),
  }));
  const legend = chartLegend(kept, { x: 20, y: 42, width: width - 40 });
  const top = 42 + legend.height;
  const panel = {
    xLabel: x,
    yLabel: y,
    x: countAxis(Math.max(end, 1, ...kept.map(({ points }) => points.at(-1)?.[0] ?? 0))),
    y: logAxis(kept.flatMap(({ points }) => points.map(([, v]) => v))),
    lines: kept,
  };
  return chartSvg(width, height, [
    chartTitle(title, width / 2, 28),
    ...legend.parts,
    ...chartPanel(panel, { x: 0, y: top, width, height: height - top }),
  ]);
}
