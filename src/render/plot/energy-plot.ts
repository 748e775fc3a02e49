/**
 * The energy of a fit over its iterations as an SVG: one line per stage, logarithmic energy axis.
 *
 * Energies are comparable within a stage only (stages differ in terms and resolution), so lines are not joined
 * across stages, and each stage has its own colour and background strip.
 */
import { withDefaults } from '../../core/defaults.ts';
import { chartLegend, chartPanel, chartSvg, chartTitle, countAxis, logAxis, PALETTE } from './chart.ts';

/** One point of the curve; `EnergyPoint` of a fit is one. */
export interface EnergySample {
  readonly stage: string;
  readonly iteration: number;
  readonly energy: number;
}

/** Options of {@link energyPlotSvg}. */
export interface EnergyPlotOptions {
  /** Pixels. */
  readonly width: number;
  /** Pixels. */
  readonly height: number;
  /** Above the plot; none by default. */
  readonly title?: string;
}

/** Defaults of {@link EnergyPlotOptions}. */
export const ENERGY_PLOT_DEFAULTS: EnergyPlotOptions = { width: 960, height: 540 };

interface Stage {
  readonly name: string;
  readonly colour: string;
  /** Points [iteration over the whole fit, energy]. */
  readonly points: [number, number][];
}

/**
 * SVG text of the plot; `samples` in the order of the fit, those with an energy that is not finite are left out.
 * An empty curve gives axes without a line.
 */
export function energyPlotSvg(
  curve: readonly EnergySample[],
  options: Partial<EnergyPlotOptions> = {},
): string {
  const { width, height, title } = withDefaults(ENERGY_PLOT_DEFAULTS, options);
  const samples = curve.filter((sample) => Number.isFinite(sample.energy));
  const stages = splitStages(samples);
  const legendTop = title ? 40 : 16;
  const legend = chartLegend(stages, { x: 20, y: legendTop, width: width - 40 });
  const top = legendTop + legend.height;
  return chartSvg(width, height, [
    ...(title ? [chartTitle(title, width / 2, 28)] : []),
    ...legend.parts,
    ...chartPanel(
      {
        xLabel: 'iteration',
        yLabel: 'energy',
        // Half an iteration at both ends, so that a stage of one point has a strip.
        x: countAxis(Math.max(1, samples.length - 1), 0.5),
        y: logAxis(samples.map(({ energy }) => energy).filter((energy) => energy > 0)),
        lines: stages.map(({ colour, points }) => ({ colour, points, dotted: true })),
        bands: stages.map(({ colour, points }) => ({
          colour,
          from: points[0][0] - 0.5,
          to: points[points.length - 1][0] + 0.5,
        })),
      },
      { x: 0, y: top, width, height: height - top },
    ),
  ]);
}

/** Runs of samples of one stage, placed one after the other on the iteration axis. */
function splitStages(samples: readonly EnergySample[]): Stage[] {
  const stages: Stage[] = [];
  samples.forEach(({ stage, iteration, energy }, i) => {
    const isNew = i === 0 || stage !== samples[i - 1].stage || iteration < samples[i - 1].iteration;
    if (isNew) stages.push({ name: stage, colour: PALETTE[stages.length % PALETTE.length], points: [] });
    stages[stages.length - 1].points.push([i, energy]);
  });
  return stages;
}
