/** Curves of several things as an SVG: panels side by side, a line for each thing in each, one legend for all. */
import { withDefaults } from '../../core/defaults.ts';
import {
  type ChartLine,
  chartLegend,
  chartPanel,
  chartSvg,
  chartTitle,
  linearAxis,
  PALETTE,
} from './chart.ts';

/** One line; places where y is not finite are left out. */
export interface PanelLine {
  readonly x: readonly number[];
  readonly y: readonly number[];
  /** Number of its colour and of its entry in the legend. */
  readonly series: number;
  readonly dashed?: boolean;
}

/** One panel; its y axis begins at zero. */
export interface PlotPanel {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly lines: readonly PanelLine[];
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

/** SVG text of the panels; `names` are those of the series. */
export function curvePanelsSvg(
  panels: readonly PlotPanel[],
  names: readonly string[],
  options: CurvePanelsOptions = {},
): string {
  const { panelWidth, height, title } = withDefaults(CURVE_PANELS_DEFAULTS, options);
  const width = panelWidth * panels.length;
  const legendTop = title ? 40 : 12;
  const entries = names.map((name, s) => ({ name, colour: colourOf(s) }));
  const legend = chartLegend(entries, { x: 20, y: legendTop, width: width - 40 });
  const top = legendTop + legend.height + 6;
  return chartSvg(width, height, [
    ...(title ? [chartTitle(title, width / 2, 27)] : []),
    ...legend.parts,
    ...panels.flatMap((panel, p) => drawPanel(panel, panelWidth * p, top, panelWidth, height - top)),
  ]);
}

function drawPanel(panel: PlotPanel, x: number, y: number, width: number, height: number): string[] {
  const lines = panel.lines.map((line): ChartLine => {
    const points = line.x
      .map((at, i) => [at, line.y[i]] as const)
      .filter((point) => point.every(Number.isFinite));
    return { points, colour: colourOf(line.series), dashed: line.dashed };
  });
  const points = lines.flatMap((line) => line.points);
  const [xs, ys] = [points.map((point) => point[0]), points.map((point) => point[1])];
  return chartPanel(
    {
      ...panel,
      x: linearAxis(Math.min(...xs), Math.max(...xs)),
      y: linearAxis(Math.min(0, ...ys), Math.max(...ys)),
      lines,
    },
    { x, y, width, height },
  );
}

function colourOf(series: number): string {
  return PALETTE[series % PALETTE.length];
}
