/** `photofit energy`: what a stored fit costs, term by term, by its own energy or by the original's. */
import { type Command, Option } from 'commander';
import type { CliContext } from './context.ts';
import type { EnergyOptions } from './energy-options.ts';

const EXAMPLES = `
Examples:
  $ photofit energy out/me                                    the terms the fit ended with
  $ photofit energy out/me --energy original                  the same fit by the energy of photometric_optimization
  $ photofit energy fit.npy --model flame.head --photo 00000.png
                                                              a result file of the original, with 00000.npy
                                                              (landmarks) and 00000_seg.npy (mask) beside the photo`;

/** Adds the command to `program`; `done` takes the exit code. */
export function addEnergyCommand(program: Command, context: CliContext, done: (code: number) => void): void {
  program
    .command('energy')
    .summary('the energy of a stored fit, term by term')
    .description('Prints the energy of a stored fit, term by term.')
    .argument('<fit>', "result folder of photofit fit, its fit.json, or a fit.npy of the original's")
    .addOption(
      new Option(
        '--energy <which>',
        'own: as it was fitted; original: that of photometric_optimization, on 224² pixels',
      )
        .choices(['own', 'original'])
        .default('own'),
    )
    .option('--model <head>', 'the head it was fitted with (default: the embedded head of that name)')
    .option('--space <file>', 'the texture space it was fitted with, where that was given')
    .option('--photo <file>', 'the photo, when it is no longer where it was')
    .option('--mask <file.npy>', 'skin mask (H,W), non-zero where skin (default: the mask of the fit)')
    .option('--landmarks <file.npy>', '68 landmarks (68,2) in pixels (default: those of the fit)')
    .option('--json', 'print JSON', false)
    .addHelpText('after', EXAMPLES)
    .action(async (fit: string, options: EnergyOptions) => {
      const { printEnergy } = await import('./energy-actions.ts');
      done(await printEnergy(fit, options, context));
    });
}
