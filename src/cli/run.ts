/**
 * The command line as a function: arguments in, exit code out. Commands only declare themselves here; what they
 * do is imported when they run, so that --help and --version come at once.
 */
import { Command, CommanderError } from 'commander';
import { AbortedError } from '../core/errors.ts';
import { packageVersion } from '../node/version.ts';
import { type CliContext, EXIT } from './context.ts';
import { addEnergyCommand } from './energy-command.ts';
import { addExportCommand } from './export-command.ts';
import { describeFailure, stackOf } from './failure.ts';
import { addFfhqCommand } from './ffhq-command.ts';
import { addFitCommand } from './fit-command.ts';
import { addModelCommand } from './model-command.ts';
import { addRenderCommand } from './render-command.ts';
import { addSampleCommand } from './sample-command.ts';
import { addSpaceCommand } from './space-command.ts';
import { addTextureCommand } from './texture-command.ts';
import { addTrackCommand } from './track-command.ts';
import { addTransferCommand } from './transfer-command.ts';
import { addWorkerCommand } from './worker-command.ts';

const EXAMPLES = `
Examples:
  $ photofit fit me.jpg -o out/     a textured 3D head from one photo
  $ photofit fit photos/ --json     from every photo of a folder, results as JSON lines
  $ photofit track talk.mp4         the face in a video, frame by frame
  $ photofit render out/me --yaw 30 the head from another side
  $ photofit export out/me -o me.glb for Blender, three.js, Unity
  $ photofit model info             what the embedded head is made of
  $ photofit help fit               everything about one command`;

/**
 * Runs the command line with `args` (without the program's name); never throws, never ends the process.
 * @returns the exit code, see {@link EXIT}.
 */
export async function runCli(args: readonly string[], context: CliContext): Promise<number> {
  let code: number = EXIT.ok;
  const done = (result: number) => {
    code = result;
  };
  const program = new Command('photofit')
    .description('Makes 3D heads out of photographs.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .addHelpText('after', EXAMPLES)
    .showHelpAfterError('(add --help to see what is possible)')
    .configureOutput({
      writeOut: (text) => void context.stdout.write(text),
      writeErr: (text) => void context.stderr.write(text),
    })
    .exitOverride();
  addFitCommand(program, context, done);
  addTrackCommand(program, context, done);
  addTransferCommand(program, context, done);
  addTextureCommand(program, context, done);
  addRenderCommand(program, context, done);
  addExportCommand(program, context, done);
  addModelCommand(program, context, done);
  addFfhqCommand(program, context, done);
  addSampleCommand(program, context, done);
  addSpaceCommand(program, context, done);
  addWorkerCommand(program, context, done);
  addEnergyCommand(program, context, done);
  inheritSettings(program);
  try {
    await program.parseAsync([...args], { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    if (error instanceof AbortedError) return EXIT.interrupted;
    context.stderr.write(`photofit: ${describeFailure(error)}\n`);
    if (args.includes('--debug')) context.stderr.write(stackOf(error) + '\n');
    return EXIT.failed;
  }
}

/** Commands made by .command() before or after: all take over output, exit override and error help. */
function inheritSettings(parent: Command): void {
  for (const command of parent.commands) {
    command.copyInheritedSettings(parent);
    inheritSettings(command);
  }
}
