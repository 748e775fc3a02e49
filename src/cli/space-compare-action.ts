/** What `photofit space compare` does. */
import path from 'node:path';
import sharp from 'sharp';
import { InvalidArgumentError } from '../core/errors.ts';
import type { HeadModel } from '../model/head-model.ts';
import { uvLayoutHash } from '../model/space-pack.ts';
import { writeFileAtomically } from '../node/atomic.ts';
import { loadSpace, loadTextureSpace, SPACE_ENDING } from '../node/spaces.ts';
import { curvePanelsSvg, type PanelLine, type PlotPanel } from '../render/plot/curve-panels.ts';
import { measureSpace, type SpaceMeasures } from '../texture/space-measures.ts';
import { type CliContext, EXIT } from './context.ts';
import { ProgressBar } from './progress-bar.ts';
import type { SpaceCompareOptions } from './space-options.ts';
import { openCompletedMaps } from './space-pca-action.ts';

/** One space with its curves. */
interface Measured extends SpaceMeasures {
  readonly space: string;
  readonly components: number;
  /** Fraction of all variance per component, where the file says so. */
  readonly explained: readonly number[];
  /** Error on maps left out when it was made, where the file says so, 1/255. */
  readonly leaveOut: readonly number[] | null;
}

/** Measures spaces, draws their curves and writes the numbers beside. */
export async function compareSpaces(
  named: readonly string[],
  options: SpaceCompareOptions,
  { stdout, stderr, signal }: CliContext,
): Promise<number> {
  const { out, components, samples, seed } = options;
  const ending = path.extname(out).toLowerCase();
  if (ending !== '.png' && ending !== '.svg')
    throw new InvalidArgumentError(`--out ${out}: pictures of curves are .png or .svg`);
  const bar = new ProgressBar(stderr, options);
  bar.start('space compare');
  try {
    const all: Measured[] = [];
    let layout: string | undefined;
    for (const [i, name] of named.entries()) {
      const head = await openSpace(name, options.model);
      const own = await uvLayoutHash(head);
      if (options.maps !== undefined && layout !== undefined && own !== layout)
        throw new InvalidArgumentError(
          `${name}: lies on another texture layout than ${named[0]}; with --maps, compare spaces of one head`,
        );
      layout = own;
      const maps = options.maps === undefined ? undefined : await openCompletedMaps(options.maps, head);
      if (!head.texture) continue;
      const measures = await measureSpace(head, head.texture, {
        components,
        samples,
        seed,
        ...(maps && { maps }),
        signal,
        onProgress: ({ fraction }) =>
          bar.update({ stage: path.basename(name), fraction: (i + fraction) / named.length }),
      });
      all.push({ ...measures, space: name, components: head.texture.names.length, ...(await saidBy(name)) });
    }
    bar.end();
    const svg = curvePanelsSvg(panelsOf(all), labelsOf(named), {
      title: 'texture spaces by number of components',
    });
    const picture = ending === '.svg' ? svg : await sharp(Buffer.from(svg)).png().toBuffer();
    const numbers = `${out.slice(0, -ending.length)}.json`;
    const text = { maps: options.maps ?? null, unit: '1/255', spaces: all.map(plain) };
    await writeFileAtomically(numbers, `${JSON.stringify(text, null, 1)}\n`, { signal });
    await writeFileAtomically(out, picture, { signal });
    for (const row of all) stdout.write(`${summary(row)}\n`);
    stdout.write(`${out}\n`);
  } finally {
    bar.end();
  }
  return EXIT.ok;
}

/** `--model` is for spaces without a head; heads among those compared keep their own. */
async function openSpace(name: string, model: string | undefined): Promise<HeadModel> {
  const bare = [SPACE_ENDING, '.npz'].includes(path.extname(name).toLowerCase());
  return loadSpace(name, bare ? model : undefined);
}

/** What a space file knows about itself. */
async function saidBy(name: string): Promise<Pick<Measured, 'explained' | 'leaveOut'>> {
  if (path.extname(name).toLowerCase() !== SPACE_ENDING) return { explained: [], leaveOut: null };
  const { explained, provenance } = await loadTextureSpace(name);
  const known = (provenance['leave_out'] as { rms?: unknown } | undefined)?.rms;
  const isCurve = Array.isArray(known) && known.every((x) => typeof x === 'number');
  return { explained, leaveOut: isCurve ? known : null };
}

function panelsOf(all: readonly Measured[]): PlotPanel[] {
  const line = (series: number, y: readonly number[], x?: readonly number[], dashed = false): PanelLine => ({
    x: x ?? y.map((_, k) => k),
    y,
    series,
    dashed,
  });
  const panels: PlotPanel[] = [
    {
      title: 'compactness',
      xLabel: 'components',
      yLabel: 'variance held, %',
      lines: all.map((row, s) => line(s, held(row))),
    },
  ];
  const general = all.flatMap(({ generalisation, leaveOut }, s) => [
    ...(generalisation ? [line(s, generalisation)] : []),
    // Known from the making, on other maps: dashed.
    ...(leaveOut ? [line(s, leaveOut.slice(0, 1 + all[s].variances.length), undefined, true)] : []),
  ]);
  if (general.length > 0)
    panels.push({
      title: 'generalisation (dashed: left out when made)',
      xLabel: 'components',
      yLabel: 'error of maps, 1/255',
      lines: general,
    });
  const specific = all.flatMap(({ specificity, specificityAt }, s) =>
    specificity ? [line(s, specificity, specificityAt)] : [],
  );
  if (specific.length > 0)
    panels.push({
      title: 'specificity',
      xLabel: 'components',
      yLabel: 'distance to the nearest map, 1/255',
      lines: specific,
    });
  return panels;
}

/** Variance held by the first k components, %: of all where the file knows it, else of the space's own. */
function held({ variances, explained }: Measured): number[] {
  const known = explained.length >= variances.length;
  const total = known ? 1 : variances.reduce((s, x) => s + x, 0);
  const parts = (known ? explained : variances).slice(0, variances.length);
  const out = [0];
  for (const x of parts) out.push(out[out.length - 1] + (100 * x) / (total || 1));
  return out;
}

/** Spaces by their file names, by their paths where those are alike. */
function labelsOf(named: readonly string[]): string[] {
  const short = named.map((name) => path.basename(name));
  return new Set(short).size === short.length ? short : [...named];
}

function plain(row: Measured): object {
  const round = (list: readonly number[] | null) => list?.map((x) => Number(x.toPrecision(6))) ?? null;
  return {
    space: row.space,
    components: row.components,
    variances: round(row.variances),
    variance_held_percent: round(held(row)),
    generalisation: round(row.generalisation),
    leave_out: round(row.leaveOut),
    specificity_at: row.specificityAt,
    specificity: round(row.specificity),
  };
}

function summary(row: Measured): string {
  const K = row.variances.length;
  const sd = Math.sqrt(row.variances.reduce((s, x) => s + x, 0));
  const facts = [`${row.components} components`, `sd ${sd.toFixed(1)}/255`];
  if (row.generalisation)
    facts.push(
      `maps to ${row.generalisation[K].toFixed(2)}/255 with ${K} (${row.generalisation[0].toFixed(2)} with none)`,
    );
  if (row.specificity)
    facts.push(`random ones ${row.specificity[row.specificity.length - 1].toFixed(2)}/255 from a map`);
  return `${row.space}: ${facts.join(', ')}`;
}
