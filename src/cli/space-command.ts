/** `photofit space …`: texture spaces, made and looked at. What the commands do is in space-actions.ts. */
import type { Command } from 'commander';
import { SPACE_INIT_DEFAULTS } from '../texture/space-defaults.ts';
import type { CliContext } from './context.ts';
import { parseCount, parseSeed, parseSize, parseSpread } from './numbers.ts';
import { addSpaceCompleteCommand } from './space-complete-command.ts';
import type { SpaceInitCommandOptions, SpaceSampleOptions, SpaceShowOptions } from './space-options.ts';

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
  addInit(space, context, done);
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
}

const INIT_HELP = `
FROM is one of
  a head           an embedded head, a .head file, a folder with FLAME's files: its texture space
  a .space file    for another head
  a Basel model    01_MorphableModel.mat (2009), model2017-1_bfm_nomouth.h5, model2019_bfm.h5: the head is fitted to
                   the mean face (landmarks, then the surface), mean and components carried over to the nearest points
  FLAME_texture.npz   or another texture file of FLAME's, for FLAME heads
  a colour         #c68863: one colour all over, three uniform components
What the source does not reach is filled in without a seam.

Examples:
  $ photofit space init -o my.space                                    the embedded albedo space
  $ photofit space init --model flame.head -o my.space                 the same, carried over to FLAME's head
  $ photofit space init --from 01_MorphableModel.mat -o bfm.space
  $ photofit space init --from FLAME_texture.npz --model flame.head --size 512 --components 200 -o flame.space
  $ photofit space init --from '#c68863' -o plain.space
  $ photofit space show bfm.space                                      and look at it`;

function addInit(space: Command, context: CliContext, done: (code: number) => void): void {
  space
    .command('init')
    .summary('make the space that building one begins with')
    .description('Makes a texture space for a head out of another model, before any photo.')
    .option('--from <source>', 'what it is made from, see below', 'open-head')
    .option('--model <head>', "an embedded head, a .head file, or a folder with FLAME's files", 'open-head')
    .option('-o, --out <file>', 'texture space to write', 'init.space')
    .option(
      '--size <texels>',
      `width and height of the maps (default: ${SPACE_INIT_DEFAULTS.size})`,
      parseSize,
    )
    .option(
      '--components <n>',
      `components kept, at most what there are (default: ${SPACE_INIT_DEFAULTS.components})`,
      parseCount,
    )
    .option('--landmarks <file>', "landmarks on a Basel model's mean face, as for: model fit-mesh")
    .option('-q, --quiet', 'no progress', false)
    .addHelpText('after', INIT_HELP)
    .action(async (options: SpaceInitCommandOptions) => {
      const { initSpace } = await import('./space-init-action.ts');
      done(await initSpace(options, context));
    });
}
