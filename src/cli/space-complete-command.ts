/** `photofit space complete`: maps with holes into maps without. What it does is in space-complete.ts. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { COMPLETION_METHODS, TRAINING_DEFAULTS, TRAINING_SET_DEFAULTS } from '../texture/space-defaults.ts';
import type { CliContext } from './context.ts';
import { parseCount, parseSeed } from './numbers.ts';
import type { SpaceCompleteOptions } from './space-complete-options.ts';

const EXAMPLES = `
Methods:
  network   an inpainting network trained on all the maps (GMCNN), which weighs and corrects the two below
  mirror    the other side of the face, the rest continued smoothly; needs no other maps
  pca       principal components learned from the seen parts of all maps
  robust    the same with robust weights and what the head's space knows; what few maps agree with goes; from 40 maps on

What is written, into the work folder or --out:
  completed/NAME.npz               maps without unseen texels; what a photo shows stays as it is
  training/checkpoint.safetensors  the network, and all that going on needs
  training/loss.png, loss.csv      error over the steps, renewed in the course of the training
  training/samples.png             parts of maps hidden and completed

Stop it whenever you like and run the same command again: the training and the completion go on from there.

Examples:
  $ photofit space complete my.space.work
  $ photofit space complete my.space.work --minutes 30 --threads 8 --seed 2
  $ photofit space complete my.space.work --method mirror
  $ photofit space complete new.work --checkpoint my.space.work/training/checkpoint.safetensors
  $ photofit space complete maps/ -o completed.work --model flame.head`;

/** Adds the command to `space`; `done` takes the exit code. */
export function addSpaceCompleteCommand(
  space: Command,
  context: CliContext,
  done: (code: number) => void,
): void {
  const { steps, seed } = TRAINING_DEFAULTS;
  space
    .command('complete')
    .summary('fill what no photo shows')
    .description('Completes texture maps: fills the texels that a photo does not show.')
    .argument('<maps>', 'work folder of `photofit space fit`, or a folder of .npz maps')
    .option('-o, --out <folder>', 'work folder to write into (default: the one that is read)')
    .option('--model <head>', 'head whose UV map it is (default: that of the work folder, else open-head)')
    .addOption(new Option('--method <name>', 'how').choices(COMPLETION_METHODS).default('network'))
    .option('--checkpoint <file>', 'a trained network; used as it is, nothing is trained')
    .addOption(
      new Option('--steps <n>', `steps of training in all (default: ${steps})`).argParser(parseSteps),
    )
    .addOption(
      new Option('--minutes <n>', 'as many steps as fit into this time')
        .argParser(parseMinutes)
        .conflicts('steps'),
    )
    .option('--threads <n>', 'threads that train (default: one per processor core)', parseCount)
    .option('--seed <number>', `whole number; the same gives the same network (default: ${seed})`, parseSeed)
    .option(
      '--components <n>',
      `principal components (default: ${TRAINING_SET_DEFAULTS.components}, at most a quarter of the maps)`,
      parseCount,
    )
    .option('--keep-outliers', 'leave what is hardly skin (glasses, hair, hands) as it is on the maps', false)
    .option('--restart', 'train anew, whatever was trained before', false)
    .option('--json', 'print the result as one line of JSON', false)
    .option('-q, --quiet', 'no progress, only results and errors', false)
    .option('--debug', 'show where in the code an error came from', false)
    .addHelpText('after', EXAMPLES)
    .action(async (maps: string, options: SpaceCompleteOptions) => {
      const { spaceComplete } = await import('./space-complete.ts');
      done(await spaceComplete(maps, options, context));
    });
}

function parseSteps(text: string): number {
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number from 1 to 9999999.');
}

function parseMinutes(text: string): number {
  const minutes = Number(text);
  if (text.trim() !== '' && minutes > 0 && minutes < Infinity) return minutes;
  throw new InvalidArgumentError('It must be a number above 0.');
}
