/** `photofit space compare`: what can be said on its command line. The work is in space-compare-action.ts. */
import type { Command } from 'commander';
import { SPACE_COMPARE_DEFAULTS } from '../texture/space-defaults.ts';
import type { CliContext } from './context.ts';
import { parseCount, parseSeed } from './numbers.ts';
import type { SpaceCompareOptions } from './space-options.ts';

const HELP = `
What is drawn, by number of components:
  compactness      variance that the first components hold; better spaces rise sooner
  generalisation   error of maps that a space was not made from, projected onto it (--maps); lower is better
  specificity      distance of random textures to the nearest map (--maps); lower is better
Errors are weighted by area on the head, and where maps say what was seen, by that. Maps that went into a space flatter
it: keep some back. A space from photofit space pca also knows its error on maps left out when it was made.

Written: a picture (.png or .svg) and, with the same name, .json with all numbers.

Examples:
  $ photofit space compare initial.space my.space -o curves.png
  $ photofit space compare initial.space my.space --maps held-out/ --components 50
  $ photofit space compare open-head my.space`;

/** Adds the command to `photofit space`; `done` takes the exit code. */
export function addSpaceCompareCommand(
  space: Command,
  context: CliContext,
  done: (code: number) => void,
): void {
  space
    .command('compare')
    .summary('how compact, general and specific spaces are')
    .description('Measures texture spaces against each other: curves by number of components.')
    .argument('<spaces...>', 'one or several: .space files, heads')
    .option('--model <head>', 'head they are for (default: the embedded one that the first was made for)')
    .option('--maps <folder>', 'texture maps, best such as no space was made from')
    .option('-o, --out <picture>', 'picture to write, .png or .svg', 'curves.png')
    .option('--components <n>', 'components compared', parseCount, SPACE_COMPARE_DEFAULTS.components)
    .option(
      '--samples <n>',
      'random textures for the specificity',
      parseCount,
      SPACE_COMPARE_DEFAULTS.samples,
    )
    .option('--seed <number>', 'whole number', parseSeed, SPACE_COMPARE_DEFAULTS.seed)
    .option('-q, --quiet', 'no progress', false)
    .addHelpText('after', HELP)
    .action(async (spaces: string[], options: SpaceCompareOptions) => {
      const { compareSpaces } = await import('./space-compare-action.ts');
      done(await compareSpaces(spaces, options, context));
    });
}
