/**
 * The energy of a fit over its iterations as an SVG: one line per stage, logarithmic energy axis.
 *
 * Energies are comparable within a stage only (stages differ in terms and resolution), so lines are not joined
 * across stages, and each stage has its own colour and background strip.
 */
import { f, formatTick, linearTicks, logTicks } from './axes.ts';
import { svgText, textWidth } from './text.ts';

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

// Okabe and Ito's palette, told apart by colour-blind readers too.
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#5b5b5b', '#8c6d1f'];
const FONT = 14;
const INK = '#222';
const GRID = '#d9d9d9';

interface Stage {
  readonly name: string;
  readonly colour: string;
  /** x of each sample, in iterations over the whole fit. */
  readonly at: readonly number[];
  readonly energy: readonly number[];
}

/**
 * SVG text of the plot; `samples` in the order of the fit, those with an energy that is not finite are left out.
 * An empty curve gives axes without a line.
 */
export function energyPlotSvg(
  curve: readonly EnergySample[],
  options: Partial<EnergyPlotOptions> = {},
): string {
  const { width, height, title } = { ...ENERGY_PLOT_DEFAULTS, ...options };
  const samples = curve.filter((sample) => Number.isFinite(sample.energy));
  const stages = splitStages(samples);
  const values = samples.map((sample) => sample.energy).filter((energy) => energy > 0);
  const ticks = logTicks(values.length ? Math.min(...values) : 1, values.length ? Math.max(...values) : 10);
  const labels = ticks.marks.map(formatTick);
  const legend = layOutLegend(stages, width - 40);

  const left = 34 + Math.max(...labels.map((label) => textWidth(label, FONT))) + 14;
  const right = width - 24;
  const top = (title ? 44 : 20) + legend.rows * 22;
  const bottom = height - 58;
  const last = Math.max(1, ...stages.flatMap((stage) => stage.at));
  const px = (iteration: number) => left + ((iteration + 0.5) / (last + 1)) * (right - left);
  const span = Math.log(ticks.high) - Math.log(ticks.low);
  const py = (energy: number) =>
    bottom - ((Math.log(Math.max(energy, ticks.low)) - Math.log(ticks.low)) / span) * (bottom - top);

  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
  ];
  if (title) parts.push(svgText(title, width / 2, 28, { size: 17, anchor: 'middle', fill: INK }));
  for (const stage of stages) {
    const x0 = px(stage.at[0] - 0.5);
    const x1 = px(stage.at[stage.at.length - 1] + 0.5);
    parts.push(
      `<rect x="${f(x0)}" y="${f(top)}" width="${f(x1 - x0)}" height="${f(bottom - top)}" fill="${stage.colour}" opacity="0.06"/>`,
    );
  }
  ticks.marks.forEach((mark, i) => {
    const y = py(mark);
    parts.push(`<path d="M${f(left)} ${f(y)}H${f(right)}" stroke="${GRID}"/>`);
    parts.push(svgText(labels[i], left - 10, y + 5, { size: FONT, anchor: 'end', fill: INK }));
  });
  for (const mark of linearTicks(last)) {
    parts.push(`<path d="M${f(px(mark))} ${f(bottom)}v6" stroke="${INK}"/>`);
    parts.push(svgText(String(mark), px(mark), bottom + 22, { size: FONT, anchor: 'middle', fill: INK }));
  }
  parts.push(`<path d="M${f(left)} ${f(top)}V${f(bottom)}H${f(right)}" fill="none" stroke="${INK}"/>`);
  for (const stage of stages) {
    const points = stage.at.map((at, i) => `${f(px(at))},${f(py(stage.energy[i]))}`);
    parts.push(
      `<polyline points="${points.join(' ')}" fill="none" stroke="${stage.colour}" stroke-width="2.5" stroke-linejoin="round"/>`,
    );
    for (const point of points) {
      const [x, y] = point.split(',');
      parts.push(`<circle cx="${x}" cy="${y}" r="3" fill="${stage.colour}"/>`);
    }
  }
  const middle = (left + right) / 2;
  parts.push(svgText('iteration', middle, height - 14, { size: FONT, anchor: 'middle', fill: INK }));
  const axis = { size: FONT, anchor: 'middle', fill: INK, rotate: -90 } as const;
  parts.push(svgText('energy', 22, (top + bottom) / 2, axis));
  const legendTop = title ? 50 : 26;
  for (const { stage, x, row } of legend.entries) {
    const y = legendTop + row * 22;
    parts.push(
      `<rect x="${f(x + 20)}" y="${f(y - 10)}" width="12" height="12" rx="2" fill="${stage.colour}"/>`,
    );
    parts.push(svgText(stage.name, x + 38, y + 1, { size: FONT, fill: INK }));
  }
  parts.push('</svg>');
  return parts.join('\n');
}

/** Runs of samples of one stage, placed one after the other on the iteration axis. */
function splitStages(samples: readonly EnergySample[]): Stage[] {
  const stages: { name: string; colour: string; at: number[]; energy: number[] }[] = [];
  samples.forEach((sample, i) => {
    if (i === 0 || sample.stage !== samples[i - 1].stage || sample.iteration < samples[i - 1].iteration) {
      stages.push({
        name: sample.stage,
        colour: COLOURS[stages.length % COLOURS.length],
        at: [],
        energy: [],
      });
    }
    const stage = stages[stages.length - 1];
    stage.at.push(i);
    stage.energy.push(sample.energy);
  });
  return stages;
}

/** Rows of legend entries that fit `width`; x is relative to the left edge of the picture. */
function layOutLegend(stages: readonly Stage[], width: number) {
  const entries: { stage: Stage; x: number; row: number }[] = [];
  let x = 0;
  let row = 0;
  for (const stage of stages) {
    const needed = 18 + textWidth(stage.name, FONT) + 24;
    if (x > 0 && x + needed > width) {
      x = 0;
      row++;
    }
    entries.push({ stage, x, row });
    x += needed;
  }
  return { entries, rows: stages.length ? row + 1 : 0 };
}
