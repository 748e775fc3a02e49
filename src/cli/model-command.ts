/** `photofit model list|info|render`: what head models there are and what is in them. Work in model-actions.ts. */
import { type Command, InvalidArgumentError } from 'commander';
import type { CliContext } from './context.ts';
import { addFitMeshCommand } from './fit-mesh-command.ts';
import { addModelImportCommand } from './model-import.ts';

const HEAD = "name of an embedded head, a .head file, or a folder with FLAME's files";

const EXAMPLES = `
Examples:
  $ photofit model list                         the heads that come with photofit
  $ photofit model list my-heads/               and the .head files of a folder
  $ photofit model info open-head               sizes, names, licence, landmarks, regions
  $ photofit model render open-head -o sheet.png
  $ photofit model import flame FLAME2020/      a .head file of official FLAME files`;

/** Adds the commands to `program`; `done` takes the exit code. */
export function addModelCommand(program: Command, context: CliContext, done: (code: number) => void): void {
  const model = program
    .command('model')
    .summary('list, describe and draw head models')
    .description('Shows the head models photos can be fitted with.')
    .addHelpText('after', EXAMPLES);
  addModelImportCommand(model, context, done);
  addFitMeshCommand(model, context, done);
  model
    .command('list')
    .description('Lists the embedded heads, and the .head files of a folder.')
    .argument('[folder]', 'folder with .head files')
    .option('--json', 'print one line of JSON per head', false)
    .addHelpText('after', '\nExamples:\n  $ photofit model list\n  $ photofit model list my-heads/ --json')
    .action(async (folder: string | undefined, options: { json: boolean }) => {
      const { listModels } = await import('./model-actions.ts');
      done(await listModels(folder, options, context));
    });
  model
    .command('info')
    .description('Describes a head: sizes, names of components, joints, landmarks, regions, licence.')
    .argument('[head]', HEAD, 'open-head')
    .option('--json', 'print JSON', false)
    .addHelpText('after', '\nExamples:\n  $ photofit model info\n  $ photofit model info my.head --json')
    .action(async (head: string, options: { json: boolean }) => {
      const { describeModel } = await import('./model-actions.ts');
      done(await describeModel(head, options, context));
    });
  model
    .command('render')
    .description('Draws a head: the mean, its first identity components, and expressions.')
    .argument('[head]', HEAD, 'open-head')
    .option('-o, --out <picture>', 'PNG file to write', 'head.png')
    .option('--size <pixels>', 'width and height of each drawing', parseSize, 256)
    .addHelpText(
      'after',
      '\nExamples:\n  $ photofit model render\n  $ photofit model render my.head -o sheet.png --size 384',
    )
    .action(async (head: string, options: { out: string; size: number }) => {
      const { renderModel } = await import('./model-actions.ts');
      done(await renderModel(head, options, context));
    });
}

function parseSize(text: string): number {
  const size = Number(text);
  if (Number.isInteger(size) && size >= 32 && size <= 2048) return size;
  throw new InvalidArgumentError('It must be a whole number from 32 to 2048.');
}
