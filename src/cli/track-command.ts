/** `photofit track`: what can be said on its command line. The work is in track-actions.ts, loaded only when it runs. */
import { type Command, InvalidArgumentError } from 'commander';
import type { CliContext } from './context.ts';
import { addNetworkOptions } from './network-options.ts';
import { parseDistance, parseFocal, parseIpd, parseSize } from './numbers.ts';
import type { TrackOptions } from './track-options.ts';

const EXAMPLES = `
Videos are read by the ffmpeg on the PATH (Debian: apt install ffmpeg), or by mediabunny where the package
@mediabunny/server is installed: MP4, MOV, WebM, AVI, …; or a folder of pictures.

What is written, into OUT/<video's name>/:
  overlay.mp4    photo | render over the photo | shape, for every frame: look at this first
  head.glb       textured head with the whole motion as an animation, for Blender or three.js
  track.json     per frame: time, parameters, errors, confidence; track.npz the same as arrays
  blendshapes.*  curves of ARKit's blend shapes as CSV and JSON
  flame_params.npz  FLAME parameters as other trackers read them, with a FLAME model
  texture.png    skin of the person

Ctrl-C keeps what is done, as a valid result; the same command again goes on from there.

Examples:
  $ photofit track talk.mp4                      results in out/talk/
  $ photofit track talk.mp4 --start 2 --end 10   eight seconds of it
  $ photofit track talk.mp4 --from out/me        shape and texture from a fit of the same person
  $ photofit track talk.mp4 --ipd 63             a head of the right size: pupils 63 mm apart
  $ photofit track two.mp4 --face 2              the second largest face
  $ photofit track frames/ --picture-rate 30     a folder of pictures, in the order of their names
  $ photofit track talk.mp4 --fps 10 --no-overlay --no-smooth`;

/** Adds the command to `program`; `done` takes the exit code. */
export function addTrackCommand(program: Command, context: CliContext, done: (code: number) => void): void {
  const command = program
    .command('track')
    .summary('follow the face in a video')
    .description(
      'Follows the face in a video: one shape and texture for the whole, and pose, expression, gaze and light of every frame.',
    )
    .argument('<video>', 'a video, or a folder of pictures')
    .option('-o, --out <folder>', 'where the result folder goes', 'out')
    .option(
      '--model <head>',
      "an embedded head, a .head file, or a folder with FLAME's files (default: open-head, or that of --from)",
    )
    .option('--from <fit>', 'a fit (folder or fit.json) that shape and texture are taken from')
    .option('--face <which>', 'largest, or a number: 1 is the largest', parseWhich, 'largest');
  addVideoInputOptions(command)
    .option(
      '--focal <pixels>',
      "the camera's focal length in pixels of the frames, whose longer side is at most 1920",
      parseFocal,
    )
    .option(
      '--distance <metres>',
      'from the camera to the root of the nose, for a head that stays that far away; with the focal length it tells how large the head is',
      parseDistance,
    )
    .option(
      '--ipd <millimetres>',
      'interpupillary distance, as opticians measure it: how large the head is',
      parseIpd,
    )
    .option('--no-smooth', 'frames as they were tracked, without the second pass over the whole')
    .option('--no-overlay', 'no overlay.mp4')
    .option('--overlay-size <pixels>', 'longest side of a panel of overlay.mp4', parseSize, 400)
    .option('--no-offset', "keep the head model's smooth texture: no detail from the video")
    .option('--no-resume', 'start anew where an earlier run was broken off')
    .option('--json', 'print one line of JSON', false)
    .option('--quiet', 'no progress, only results and errors', false)
    .option('--debug', 'show where in the code an error came from', false);
  addNetworkOptions(command)
    .addHelpText('after', EXAMPLES)
    .action(async (video: string, options: TrackOptions) => {
      const { trackCommand } = await import('./track-actions.ts');
      done(await trackCommand(video, options, context));
    });
}

/** Adds the options that say how a video is read. */
export function addVideoInputOptions(command: Command): Command {
  return command
    .option('--fps <number>', 'frames a second at most (default: all)', parsePositive)
    .option('--start <seconds>', 'begin there', parseSeconds)
    .option('--end <seconds>', 'end there', parseSeconds)
    .option('--picture-rate <number>', 'pictures a second of a folder of pictures', parsePositive, 25);
}

/** `largest`, or a number from 1. */
export function parseWhich(text: string): TrackOptions['face'] {
  if (text === 'largest') return text;
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be largest, or a number from 1 (the largest face).');
}

function parsePositive(text: string): number {
  const x = Number(text);
  if (text.trim() !== '' && x > 0 && x < Infinity) return x;
  throw new InvalidArgumentError('It must be a positive number.');
}

/** Seconds, or `1:02.5` in minutes and seconds, or hours before them. */
function parseSeconds(text: string): number {
  if (/^(\d+:){0,2}\d+(\.\d+)?$/.test(text))
    return text.split(':').reduce((sum, part) => 60 * sum + Number(part), 0);
  throw new InvalidArgumentError('It must be seconds (12.5) or minutes and seconds (1:12.5).');
}
