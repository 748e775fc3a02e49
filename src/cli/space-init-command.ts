/** `photofit space init`: what can be said on its command line. The work is in space-init-action.ts. */
import type { Command } from 'commander';
import { SPACE_INIT_DEFAULTS } from '../texture/space-defaults.ts';
import type { CliContext } from './context.ts';
import { parseCount, parseSize } from './numbers.ts';
import type { SpaceInitCommandOptions } from './space-options.ts';

const HELP = `
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

/** Adds the command to `photofit space`; `done` takes the exit code. */
export function addSpaceInitCommand(space: Command, context: CliContext, done: (code: number) => void): void {
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
    .addHelpText('after', HELP)
    .action(async (options: SpaceInitCommandOptions) => {
      const { initSpace } = await import('./space-init-action.ts');
      done(await initSpace(options, context));
    });
}
