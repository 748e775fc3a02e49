/** `photofit export`: what can be said on its command line. The work is in export-actions.ts, loaded when it runs. */
import { type Command, Option } from 'commander';
import type { CliContext } from './context.ts';
import { EXPORT_FORMATS, type ExportOptions } from './export-options.ts';

const EXAMPLES = `
Formats:
  glb   skinned, expressions and ARKit's blend shapes as morph targets, animations photo and neutral, photo's camera
  obj   with .mtl and texture beside it
  ply   binary, with vertex colours
  npz   FLAME parameters as VHAP and GaussianAvatars read them (FLAME heads only)

Examples:
  $ photofit export out/me -o me.glb                    the format is the ending's
  $ photofit export out/me --format ply                 me.ply
  $ photofit export out/me --pose neutral -o me.obj     the face at rest; also me.mtl and me_texture.png
  $ photofit export out/me --model flame.head -o me.npz`;

/** Adds the command to `program`; `done` takes the exit code. */
export function addExportCommand(program: Command, context: CliContext, done: (code: number) => void): void {
  program
    .command('export')
    .summary('write a fitted head for other programs')
    .description('Writes a fitted head as GLB, OBJ, PLY or FLAME parameters.')
    .argument('<fit>', 'a fit.json, or its folder')
    .addOption(
      new Option('--format <format>', "what to write; the ending of -o's file decides otherwise").choices([
        ...EXPORT_FORMATS,
      ]),
    )
    .addOption(
      new Option('--pose <state>', 'as in the photo, or face at rest and looking ahead')
        .choices(['photo', 'neutral'])
        .default('photo'),
    )
    .option('-o, --out <file>', 'file to write')
    .option('--no-arkit', "glb: only the head's own expressions, not ARKit's blend shapes")
    .option('--model <head>', 'the head it was fitted with, where that is not embedded')
    .option('--space <file>', 'the texture space it was fitted with, where that was given')
    .option('--debug', 'show where in the code an error came from', false)
    .addHelpText('after', EXAMPLES)
    .action(async (fit: string, options: ExportOptions) => {
      const { exportFitCommand } = await import('./export-actions.ts');
      done(await exportFitCommand(fit, options, context));
    });
}
