/** `photofit ffhq`: images of FFHQ by their numbers, as the original's demo takes them. */
import { type Command, Option } from 'commander';
import type { CliContext } from './context.ts';
import type { FfhqOptions } from './ffhq-options.ts';

const EXAMPLES = `
Looked for in the folder: 00000.png (or in 00000/, as the data set has it), 00000.npy with 68 landmarks (68,2) in
pixels, 00000_seg.npy with a mask, non-zero where skin. What is missing is found by our own networks.

What is written, into OUT/00000/: as by photofit fit; with --energy original also fit.npy, as the original writes it.

Examples:
  $ photofit ffhq 00000 --data FFHQ/
  $ photofit ffhq 00000-00004 00017 --data FFHQ/ --model flame.head -o fits/
  $ photofit ffhq 00000 --data FFHQ/ --model flame.head --energy original
  $ photofit ffhq 00000 --data FFHQ/ --no-files            our own landmarks and mask, whatever lies there`;

/** Adds the command to `program`; `done` takes the exit code. */
export function addFfhqCommand(program: Command, context: CliContext, done: (code: number) => void): void {
  program
    .command('ffhq')
    .summary('fit FFHQ images by number')
    .description('Fits FFHQ images by name, with their landmark and mask files where there are any.')
    .argument('<names...>', 'names such as 00000, and ranges such as 00000-00004')
    .requiredOption('--data <folder>', 'folder with the images')
    .option('-o, --out <folder>', 'where the result folders go', 'out')
    .option('--model <head>', "an embedded head, a .head file, or a folder with FLAME's files", 'open-head')
    .addOption(
      new Option(
        '--energy <which>',
        'own, or original: the energy of photometric_optimization, to the letter',
      )
        .choices(['own', 'original'])
        .default('own'),
    )
    .addOption(
      new Option('--camera <kind>', 'projection of the own energy')
        .choices(['perspective', 'orthographic'])
        .default('perspective'),
    )
    .option('--no-files', 'ignore landmark and mask files')
    .option('--no-offset', "keep the model's own texture, without the photo's detail")
    .option('--json', 'print one line of JSON per image', false)
    .option('-q, --quiet', 'no progress, only results and errors', false)
    .option('--debug', 'show where in the code an error came from', false)
    .addHelpText('after', EXAMPLES)
    .action(async (names: string[], options: FfhqOptions) => {
      const { fitFfhq } = await import('./ffhq-actions.ts');
      done(await fitFfhq(names, options, context));
    });
}
