/**
 * What `photofit space build` does: the stages one after the other, each where the last run left it, and the report.
 *
 * With `--rounds 2` photos are fitted once more with the space that the first fits gave: what it knows of skin is no more taken
 * for light or another shape. A round is a work folder of its own within that of the first, and begins with its initial space:
 * where that is there, nothing is asked of the rounds before. Maps are completed knowing the first round's initial space, so
 * that what no photo shows stays as that has it.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { InvalidArgumentError } from '../core/errors.ts';
import { roundFolder, workPaths } from '../dataset/layout.ts';
import { writeReport } from '../node/dataset-report.ts';
import { openWork, readManifest, type Work, writeManifest } from '../node/dataset-work.ts';
import { DEFAULT_HEAD } from '../node/models.ts';
import { loadTextureSpace } from '../node/spaces.ts';
import { mostComponents } from '../texture/completion/missing-pca.ts';
import { type CliContext, EXIT } from './context.ts';
import { ProgressBar } from './progress-bar.ts';
import { showSpace } from './space-actions.ts';
import type { SpaceBuildOptions } from './space-build-options.ts';
import { spaceComplete } from './space-complete.ts';
import { type FitStageResult, fitStage, fitWords, settingsOf } from './space-fit.ts';
import { initSpace } from './space-init-action.ts';
import { makeSpace } from './space-pca-action.ts';
import { GOES_ON, untilCancelled } from './until-cancelled.ts';

/** Fewest maps that say anything about how skin varies. */
const LEAST_KEPT = 3;
/**
 * Components that a later round fits photos with, at most: of 48 made people's photos fitted again with 20 or 40, those with
 * 40 were nearer to the true surface (1.19 and 1.29 pixels off, 1.69 in the first round).
 */
const ROUND_COMPONENTS = 40;

/**
 * Builds a texture space.
 * @returns the exit code: 0, or 130 when cancelled.
 */
export async function spaceBuild(
  named: readonly string[],
  options: SpaceBuildOptions,
  context: CliContext,
): Promise<number> {
  const root = options.work ?? `${options.out}.work`;
  const bar = new ProgressBar(context.stderr, options);
  // What single stages print as their result is progress here.
  const quietly: CliContext = {
    ...context,
    stdout: { write: (text) => (options.quiet ? undefined : context.stderr.write(text)) },
  };
  return untilCancelled(bar, GOES_ON, async () => {
    const fit = settingsOf({ ...options, out: root, shard: undefined });
    const space = await initialSpace(root, options, quietly);
    const first = await openWork(root, { model: options.model, space, fit });
    const folderOf = (round: number) => roundFolder(root, round);
    let round = options.rounds;
    while (round > 1 && !existsSync(workPaths(folderOf(round)).initial)) round--;
    for (; ; round++) {
      const folder = folderOf(round);
      const work = round === 1 ? first : await openRound(first, folderOf(round - 1), folder, fit);
      const fitted = await fitStage(work, named, { ...options, out: folder, shard: undefined }, context, bar);
      await writeReport(work, fitted);
      quietly.stdout.write(fitWords(folder, fitted));
      checkEnough(folder, fitted);
      const completed = await spaceComplete(folder, completeOptions(options), quietly, first.model);
      if (completed !== EXIT.ok) return completed;
      const last = round === options.rounds;
      const made = await makeSpace(
        folder,
        {
          out: last ? options.out : workPaths(folderOf(round + 1)).initial,
          model: first.file.model.source,
          components: last
            ? (options.components ?? defaultComponents(fitted))
            : Math.min(ROUND_COMPONENTS, mostComponents(fitted.gate?.gate.kept.length ?? 0)),
          quiet: options.quiet,
        },
        quietly,
      );
      if (made !== EXIT.ok) return made;
      if (!last) continue;
      const page = await report(work, fitted, options, quietly);
      context.stdout.write(
        options.json
          ? `${JSON.stringify({ output: options.out, work: folder, report: page, photos: fitted.photos, kept: fitted.gate?.gate.kept.length ?? 0 })}\n`
          : `${options.out}\n${page}\n`,
      );
      return EXIT.ok;
    }
  });
}

/** The work folder of a later round, with the photos of the one before. */
async function openRound(
  first: Work,
  before: string,
  folder: string,
  fit: ReturnType<typeof settingsOf>,
): Promise<Work> {
  const space = workPaths(folder).initial;
  const work = await openWork(folder, {
    model: first.file.model.source,
    space,
    fit: { ...first.file.fit, ...fit },
  });
  const photos = await readManifest(workPaths(before));
  if (photos && !(await readManifest(work.paths))) await writeManifest(work.paths, photos);
  return work;
}

/** The initial space's file: the one named, or the one made from `--from`; undefined for the head's own. */
async function initialSpace(
  root: string,
  options: SpaceBuildOptions,
  context: CliContext,
): Promise<string | undefined> {
  const { from, space } = options;
  if (from === undefined) return space;
  if (space !== undefined)
    throw new InvalidArgumentError(
      `--from ${from} with --space ${space}: both say what to begin with; leave one out`,
    );
  const { initial } = workPaths(root);
  if (!existsSync(initial))
    await initSpace(
      { from, model: options.model ?? DEFAULT_HEAD, out: initial, quiet: options.quiet },
      context,
    );
  return initial;
}

/** @throws {InvalidArgumentError} when too few fits were kept. */
function checkEnough(root: string, { gate }: FitStageResult): void {
  const kept = gate?.gate.kept.length ?? 0;
  if (kept < LEAST_KEPT)
    throw new InvalidArgumentError(
      `${root}: only ${kept} fits are good enough, a space needs at least ${LEAST_KEPT}; see ${path.join(root, 'report', 'index.html')} for why, add photos or lower thresholds with --gate`,
    );
}

function completeOptions(options: SpaceBuildOptions): Parameters<typeof spaceComplete>[1] {
  const { method, minutes, steps, seed, quiet, debug } = options;
  return {
    method,
    ...(method === 'network' && { minutes, steps, seed, threads: options.jobs }),
    restart: false,
    keepOutliers: false,
    json: false,
    quiet,
    debug,
  };
}

/** As many as FLAME's published space has, as far as the maps go. */
function defaultComponents({ gate }: FitStageResult): number {
  return Math.min(200, (gate?.gate.kept.length ?? 2) - 1);
}

async function report(
  work: Work,
  fitted: FitStageResult,
  options: SpaceBuildOptions,
  context: CliContext,
): Promise<string> {
  const { out } = options;
  const model = work.file.model.source;
  const figure = path.join(work.paths.report, 'space.png');
  const { texture, explained, maps } = await loadTextureSpace(out);
  const components = Math.min(5, texture.names.length);
  await showSpace(
    out,
    { model, out: figure, components, deviations: 2, size: 200, quiet: options.quiet },
    context,
  );
  const share = (n: number) => `${(100 * explained.slice(0, n).reduce((s, x) => s + x, 0)).toFixed(1)} %`;
  const counts = [1, 5, 10, 20, 50, 100, 200].filter((n) => n <= texture.names.length);
  return writeReport(work, {
    ...fitted,
    space: {
      name: path.basename(out),
      rows: [
        ['file', path.basename(out)],
        [
          'components',
          `${texture.names.length} of ${texture.width} × ${texture.height} texels, from ${maps} maps`,
        ],
        ...counts.map((n) => [`variance held by the first ${n}`, share(n)] as const),
      ],
    },
  });
}
