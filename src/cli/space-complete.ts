/** What `photofit space complete` does: finds the maps and their head, trains or reads a network, fills the maps. */
import path from 'node:path';
import { firstRoundFolder, workPaths } from '../dataset/layout.ts';
import type { HeadModel } from '../model/head-model.ts';
import { type CompletedMaps, completeMaps } from '../node/complete-maps.ts';
import type { CompletionPhase } from '../node/completion-training.ts';
import { readWork, reopenWork } from '../node/dataset-work.ts';
import { type MapFolder, openFittedMaps, openMapFolder } from '../node/map-folder.ts';
import { loadHeadModel } from '../node/models.ts';
import { type CliContext, EXIT } from './context.ts';
import { duration, ProgressBar } from './progress-bar.ts';
import type { SpaceCompleteOptions } from './space-complete-options.ts';
import { GOES_ON, untilCancelled } from './until-cancelled.ts';

const PHASES: Readonly<Record<CompletionPhase, string>> = {
  clean: 'find what is no skin',
  learn: 'learn components',
  train: 'train',
  complete: 'complete',
};

/**
 * Completes the maps of a folder.
 * @param head the head with the space that is known of skin; by default as `openMaps` has it
 * @returns the exit code: 0, or 130 when cancelled.
 */
export async function spaceComplete(
  source: string,
  options: SpaceCompleteOptions,
  context: CliContext,
  head?: HeadModel,
): Promise<number> {
  const bar = new ProgressBar(context.stderr, options);
  const out = options.out ?? source;
  const paths = workPaths(out);
  return untilCancelled(bar, GOES_ON, async () => {
    const { maps, model } = await openMaps(source, options.model, head);
    const { method, checkpoint, steps, minutes, threads, seed, components, restart, keepOutliers } = options;
    const given = Object.fromEntries(
      Object.entries({ checkpoint, steps, minutes, threads, seed, components }).filter(
        ([, value]) => value !== undefined,
      ),
    );
    const result = await completeMaps(model, maps, paths, {
      ...given,
      method,
      restart,
      keepOutliers,
      signal: context.signal,
      onProgress: bar.update,
      onPhase: (phase) => {
        bar.end();
        bar.start(`${out}: ${PHASES[phase]}`);
      },
      onNote: (line) => {
        if (!options.quiet && !context.stderr.isTTY) bar.note(`${out}: ${line}`);
      },
    });
    bar.end();
    if (options.json) context.stdout.write(`${JSON.stringify({ output: out, ...result })}\n`);
    else context.stdout.write(words(out, result));
    return EXIT.ok;
  });
}

/**
 * The maps of a work folder that passed the gate, or all of a plain folder; and their head: the one named, or that of the
 * work folder with the texture space that its photos were fitted with, in a later round of `space build` those of the first.
 */
async function openMaps(
  folder: string,
  named?: string,
  head?: HeadModel,
): Promise<{ maps: MapFolder; model: HeadModel }> {
  const isWork = (await readWork(workPaths(folder))) !== null;
  const maps = isWork ? await openFittedMaps(folder) : await openMapFolder(folder);
  if (head) return { maps, model: head };
  if (!isWork || named !== undefined) return { maps, model: await loadHeadModel(named) };
  const first = firstRoundFolder(path.resolve(folder));
  const known = (await readWork(workPaths(first))) ? first : folder;
  return { maps, model: (await reopenWork(known)).model };
}

function words(out: string, { method, maps, written, outliers, network, seconds }: CompletedMaps): string {
  const lines: string[] = [];
  if (outliers !== null)
    lines.push(`${(100 * outliers).toFixed(1)} % of what the maps show is not skin and was replaced`);
  if (network) {
    const now =
      network.trainedSteps > 0
        ? `, ${network.trainedSteps} of them now in ${duration(1000 * network.trainingSeconds)}`
        : '';
    lines.push(`${network.file}: ${network.steps} steps${now}`);
    const { errors } = network;
    if (errors)
      lines.push(
        `error on hidden parts: network ${errors.network.toFixed(4)}, mirror ${errors.mirror.toFixed(4)}, components ${errors.components.toFixed(4)}`,
      );
  }
  lines.push(
    `${out}: ${maps} maps complete by ${method}, ${written} written now in ${duration(1000 * seconds)}`,
  );
  return `${lines.join('\n')}\n`;
}
