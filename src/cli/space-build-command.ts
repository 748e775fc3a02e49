/** `photofit space build`: photos in, a texture space out. What it does is in space-build.ts. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { COMPLETION_METHODS } from '../texture/space-defaults.ts';
import type { CliContext } from './context.ts';
import { parseCount, parseSeed } from './numbers.ts';
import type { SpaceBuildOptions } from './space-build-options.ts';
import { addPhotoFitOptions } from './space-fit-command.ts';

const EXAMPLES = `
Stages, each also a command of its own: init (with --from), fit, complete, pca. Stop it whenever you like and run the same
command again: it goes on where it was. At the end WORK/report/index.html shows what became of every photo, and the space.

Examples:
  $ photofit space build photos/ -o my.space
  $ photofit space build photos/ -o my.space --from 01_MorphableModel.mat --components 100
  $ photofit space build photos/ -o my.space --model flame.head --from '#c68863'
  $ photofit space build photos/ -o my.space --method mirror       no network to train: minutes instead of an hour
  $ photofit space build photos/ -o my.space --method robust --rounds 2   the best from hundreds of photos
  $ photofit space build photos/ -o my.space --queue redis://queue:6379   photos are fitted by photofit worker`;

/** Adds the command to `space`; `done` takes the exit code. */
export function addSpaceBuildCommand(
  space: Command,
  context: CliContext,
  done: (code: number) => void,
): void {
  const command = space
    .command('build')
    .summary('a texture space from photos, all stages')
    .description(
      'Builds a texture space from photos: initial space, fits, completed maps, principal components.',
    )
    .argument(
      '[photos...]',
      'photos, or folders with photos at any depth; those of the last run where absent',
    )
    .requiredOption('-o, --out <file>', 'texture space to write')
    .option('--work <folder>', 'work folder (default: OUT.work)')
    .option('--from <source>', 'make the initial space from this, see: photofit space init --help')
    .option('--space <file>', "initial texture space, a .space file (default: the head's own)")
    .addOption(
      new Option('--method <name>', 'how maps are completed').choices(COMPLETION_METHODS).default('network'),
    )
    .option('--minutes <n>', 'train the network for so long', parseMinutes)
    .option('--steps <n>', 'train the network for so many steps', parseCount)
    .option('--seed <number>', 'of the training', parseSeed)
    .option('--components <n>', 'components kept', parseCount)
    .option(
      '--rounds <n>',
      'fit the photos so many times, each with the space of the time before',
      parseCount,
      1,
    );
  addPhotoFitOptions(command)
    .addHelpText('after', EXAMPLES)
    .action(async (photos: string[], options: SpaceBuildOptions) => {
      const { spaceBuild } = await import('./space-build.ts');
      done(await spaceBuild(photos, options, context));
    });
}

function parseMinutes(text: string): number {
  const minutes = Number(text);
  if (text.trim() !== '' && minutes > 0 && minutes < Number.POSITIVE_INFINITY) return minutes;
  throw new InvalidArgumentError('It must be a number above 0.');
}
