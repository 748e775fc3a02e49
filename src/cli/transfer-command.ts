/** `photofit transfer`: what can be said on its command line. The work is in transfer-actions.ts, loaded when it runs. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { CliContext } from './context.ts';
import { parseSize } from './numbers.ts';
import { addVideoInputOptions, parseWhich } from './track-command.ts';
import type { TransferCliOptions } from './transfer-options.ts';

const EXAMPLES = `
What is written, into OUT/<fit's name>/:
  transfer.mp4   video | the fitted head with its expression | shape
  head.glb       the head with the motion as an animation; track.*, blendshapes.*, texture.png as photofit track has them
Shape and texture are those of the fit, to the bit. A video is tracked first, into OUT/<video's name>/, which can be
given instead of the video the next time.

Examples:
  $ photofit transfer talk.mp4 out/me              the expressions of the video on the head fitted to me.jpg
  $ photofit transfer out/talk out/me out/you      one track drives many heads
  $ photofit transfer out/talk fit.npy --model FLAME2020/   a result file of photometric_optimization
  $ photofit transfer out/talk out/me --pose own   the head stays as its photo has it, only the face moves
  $ photofit transfer out/talk out/me --neutral-frame 12    frame 12 of the video is the neutral face`;

/** Adds the command to `program`; `done` takes the exit code. */
export function addTransferCommand(
  program: Command,
  context: CliContext,
  done: (code: number) => void,
): void {
  const command = program
    .command('transfer')
    .summary('drive fitted heads with the face in a video')
    .description(
      "Gives fitted heads the expression, jaw, gaze and pose of the face in a video; shape and texture stay the fits'.",
    )
    .argument('<source>', 'a video, or a track: track.npz, track.json, or the folder they are in')
    .argument('<fits...>', 'fits: folders of photofit fit, fit.json files, or fit.npy files of the original')
    .option('-o, --out <folder>', 'where the result folders go', 'out/transfer')
    .option('--absolute', "the source's expression as it is, not relative to its neutral face", false)
    .option('--neutral-frame <number>', "the source's frame that is neutral (default: found)", parseFrame)
    .addOption(
      new Option('--pose <whose>', 'pose of the head: of the video, or the own, still')
        .choices(['video', 'own'])
        .default('video'),
    )
    .addOption(new Option('--light <whose>', 'light').choices(['own', 'video']).default('own'))
    .option('--model <head>', 'the head of the fits (default: the embedded head of that name)')
    .option('--track-model <head>', 'the head to track with (default: that of the first fit)')
    .option(
      '--expression-names <file>',
      'names of the expressions of a head that has none, as FLAME: a JSON list or one a line',
    )
    .option('--face <which>', 'largest, or a number: 1 is the largest', parseWhich, 'largest');
  addVideoInputOptions(command)
    .option('--no-film', 'no transfer.mp4')
    .option('--film-size <pixels>', 'longest side of a panel of transfer.mp4', parseSize, 400)
    .option('--json', 'print one line of JSON per fit', false)
    .option('--quiet', 'no progress, only results and errors', false)
    .option('--debug', 'show where in the code an error came from', false)
    .addHelpText('after', EXAMPLES)
    .action(async (source: string, fits: string[], options: TransferCliOptions) => {
      const { transferCommand } = await import('./transfer-actions.ts');
      done(await transferCommand(source, fits, options, context));
    });
}

function parseFrame(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be the number of a frame, from 0.');
}
