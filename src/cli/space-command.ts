/** `photofit space …`: texture spaces, made and looked at. Each command that makes one has a file of its own. */
import type { Command } from 'commander';
import type { CliContext } from './context.ts';
import { parseCount, parseSeed, parseSize, parseSpread } from './numbers.ts';
import { addSpaceBuildCommand } from './space-build-command.ts';
import { addSpaceCompareCommand } from './space-compare-command.ts';
import { addSpaceCompleteCommand } from './space-complete-command.ts';
import { addSpaceFitCommand } from './space-fit-command.ts';
import { addSpaceInitCommand } from './space-init-command.ts';
import type { SpaceSampleOptions, SpaceShowOptions } from './space-options.ts';
import { addSpacePcaCommand } from './space-pca-command.ts';

const SPACE =
  "an embedded head, a .head file, a folder with FLAME's files, a .space file, or FLAME_texture.npz";

const EXAMPLES = `
Examples:
  $ photofit space show open-head -o space.png        mean and first five components at ±2 sd
  $ photofit space show flame.head --components 8
  $ photofit space show FLAME_texture.npz --model flame.head
  $ photofit space show my.space                      on the embedded head it was made for; else --model
  $ photofit space sample open-head -n 16 --seed 1 -o textures/`;

/** Adds the commands to `program`; `done` takes the exit code. */
export function addSpaceCommand(program: Command, context: CliContext, done: (code: number) => void): void {
  const space = program
    .command('space')
    .summary('make texture spaces and look at them')
    .description('Makes and shows texture spaces: what a head model knows about skin.')
    .addHelpText('after', EXAMPLES);
  addSpaceInitCommand(space, context, done);
  addSpacePcaCommand(space, context, done);
  addSpaceCompareCommand(space, context, done);
  space
    .command('show')
    .description('Draws the mean and the first components of a texture space on the head, as a PNG file.')
    .argument('[space]', SPACE, 'open-head')
    .option('--model <head>', 'head that a .space or a .npz goes on')
    .option('-o, --out <picture>', 'PNG file to write', 'space.png')
    .option('--components <n>', 'components shown, a column each', parseCount, 5)
    .option('--deviations <sd>', 'how far along each component', parseSpread, 2)
    .option('--size <pixels>', 'width and height of each head', parseSize, 256)
    .option('-q, --quiet', 'no progress', false)
    .addHelpText(
      'after',
      '\nExamples:\n  $ photofit space show\n  $ photofit space show flame.head -o figure.png --size 384',
    )
    .action(async (name: string, options: SpaceShowOptions) => {
      const { showSpace } = await import('./space-actions.ts');
      done(await showSpace(name, options, context));
    });
  space
    .command('sample')
    .description('Draws random textures on random heads; the same seed gives the same ones.')
    .argument('[space]', SPACE, 'open-head')
    .option('--model <head>', 'head that a .space or a .npz goes on')
    .option('-n, --count <n>', 'how many', parseCount, 16)
    .option('--seed <number>', 'whole number', parseSeed, 1)
    .option('--texture <sd>', 'spread of textures', parseSpread, 1)
    .option('--shape <sd>', 'spread of head shapes', parseSpread, 1)
    .option('-o, --out <picture or folder>', 'PNG file, or a folder for the maps too', 'textures.png')
    .option('--size <pixels>', 'width and height of each head', parseSize, 256)
    .option('-q, --quiet', 'no progress', false)
    .addHelpText(
      'after',
      '\nExamples:\n  $ photofit space sample -n 16 --seed 1\n  $ photofit space sample flame.head -n 4 --shape 0 -o textures/',
    )
    .action(async (name: string, options: SpaceSampleOptions) => {
      const { sampleSpace } = await import('./space-actions.ts');
      done(await sampleSpace(name, options, context));
    });
  addSpaceCompleteCommand(space, context, done);
  addSpaceFitCommand(space, context, done);
  addSpaceBuildCommand(space, context, done);
}
