/** `photofit space pca`: what can be said on its command line. The work is in space-pca-action.ts. */
import type { Command } from 'commander';
import { SPACE_PCA_DEFAULTS } from '../texture/space-defaults.ts';
import type { CliContext } from './context.ts';
import { parseCount } from './numbers.ts';
import type { SpacePcaCommandOptions } from './space-options.ts';

const HELP = `
MAPS is a folder of texture maps (.npz with albedo and visibility), or a work folder of photofit space, whose completed
maps are taken.

Texels count by their area on the head and by how well the maps saw them. Room for the maps as 16-bit numbers is needed
on the disk of the result while it runs: 0.8 MB a map of 512².

Examples:
  $ photofit space pca my.space.work -o my.space
  $ photofit space pca maps/ --model flame.head --components 200 -o my.space --flame FLAME_texture.npz
  $ photofit space show my.space                and look at it
  $ photofit fit me.jpg --space my.space        and use it`;

/** Adds the command to `photofit space`; `done` takes the exit code. */
export function addSpacePcaCommand(space: Command, context: CliContext, done: (code: number) => void): void {
  space
    .command('pca')
    .summary('a space out of texture maps')
    .description('Makes a texture space out of many texture maps: their mean and principal components.')
    .argument('<maps>', 'a folder of maps, or a work folder')
    .option('-o, --out <file>', 'texture space to write', 'my.space')
    .option(
      '--model <head>',
      "head that the maps lie on: embedded, a .head file, FLAME's folder",
      'open-head',
    )
    .option(
      '--components <n>',
      'components kept, at most maps less one',
      parseCount,
      SPACE_PCA_DEFAULTS.components,
    )
    .option('--flame <file.npz>', "also write FLAME_texture.npz's layout, for FLAME heads")
    .option('-q, --quiet', 'no progress', false)
    .addHelpText('after', HELP)
    .action(async (maps: string, options: SpacePcaCommandOptions) => {
      const { makeSpace } = await import('./space-pca-action.ts');
      done(await makeSpace(maps, options, context));
    });
}
