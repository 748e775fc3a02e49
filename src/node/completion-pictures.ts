/** What a training leaves to look at: the loss as a picture and a table, and answers to questions side by side. */
import sharp from 'sharp';
import type { Image8 } from '../core/image.ts';
import { linePlotSvg, type PlotLine } from '../render/plot/line-plot.ts';
import type { CompletionAtlas } from '../texture/completion/atlas.ts';
import type { CheckAnswers, CheckErrors, CheckQuestion } from '../texture/completion/check.ts';
import type { TrainingCheck } from '../texture/completion/checkpoint.ts';
import type { MapWindow } from '../texture/completion/examples.ts';
import { tileSheetPng } from './tile-sheet.ts';

/** The loss of each step and what held-out questions said, as CSV. */
export function lossCsv(losses: readonly number[], checks: readonly TrainingCheck[]): string {
  const at = new Map(checks.map(({ step, error }) => [step, error]));
  const rows = losses.map(
    (loss, i) => `${i + 1},${loss.toPrecision(7)},${at.get(i + 1)?.toPrecision(7) ?? ''}`,
  );
  return `step,loss,held_out_error\n${rows.join('\n')}\n`;
}

/** The loss over the steps as a PNG file. */
export async function lossPng(
  losses: readonly number[],
  checks: readonly TrainingCheck[],
  classical: CheckErrors,
  steps: number,
): Promise<Uint8Array> {
  const level = (name: string, colour: string, y: number): PlotLine => ({
    name,
    colour,
    dashed: true,
    points: [
      [0, y],
      [steps, y],
    ],
  });
  const svg = linePlotSvg(
    [
      { name: 'loss of a step', colour: '#b8cfe0', width: 1.2, points: losses.map((y, i) => [i + 1, y]) },
      { name: 'its mean', colour: '#0072b2', points: means(losses) },
      { name: 'held-out error', colour: '#d55e00', points: checks.map(({ step, error }) => [step, error]) },
      level('mirror', '#009e73', classical.mirror),
      level('components', '#cc79a7', classical.components),
    ],
    { title: 'Completion network', x: 'step', y: 'albedo error', end: steps },
  );
  return sharp(Buffer.from(svg)).flatten({ background: '#fff' }).png().toBuffer();
}

/** Means over windows of a twentieth of what there is. */
function means(losses: readonly number[]): [number, number][] {
  const half = Math.max(1, Math.round(losses.length / 40));
  return losses.map((_, i) => {
    const near = losses.slice(Math.max(0, i - half), i + half + 1);
    return [i + 1, near.reduce((a, b) => a + b, 0) / near.length];
  });
}

/** Questions, answers and truths as a PNG file, a row per question. */
export function samplesPng(
  atlas: CompletionAtlas,
  window: MapWindow,
  questions: readonly CheckQuestion[],
  answers: readonly CheckAnswers[],
  title: string,
): Promise<Uint8Array> {
  const scale = Math.max(1, Math.round(192 / window.width));
  const tile = (value: (i: number, c: number) => number): { picture: Image8 } => {
    const [width, height] = [scale * window.width, scale * window.height];
    const data = new Uint8ClampedArray(4 * width * height).fill(255);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const t = (window.y + Math.floor(y / scale)) * atlas.size + window.x + Math.floor(x / scale);
        const i = atlas.graph.nodes[t];
        for (let c = 0; c < 3; c++) data[4 * (y * width + x) + c] = i < 0 ? 255 : 255 * value(i, c);
      }
    return { picture: { width, height, data } };
  };
  const rows = questions.map(({ known, truth }, q) => {
    const filled = (values: Float32Array) =>
      tile((i, c) => {
        const w = known.weights[i];
        return w * known.values[3 * i + c] + (1 - w) * values[3 * i + c];
      });
    const { network, mirror, components } = answers[q];
    return [
      tile((i, c) => known.values[3 * i + c]),
      filled(network),
      filled(mirror),
      filled(components),
      tile((i, c) => truth.values[3 * i + c]),
    ];
  });
  const columnTitles = ['told', 'network', 'mirror + harmonic', 'components', 'seen by the photo'];
  return tileSheetPng({ rows, title, columnTitles });
}
