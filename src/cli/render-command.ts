/** `photofit render`: what can be said on its command line. The work is in render-actions.ts, loaded when it runs. */
import { type Command, InvalidArgumentError } from 'commander';
import type { CliContext } from './context.ts';
import type { RenderOptions } from './render-options.ts';

const EXAMPLES = `
FIT is a fit.json or the folder it lies in; the texture.png beside it is used.

Angles are degrees. Given one of --yaw, --pitch, --roll, the head stands in the middle and they replace its rotation in
the photo: yaw turns it to its left, pitch nods it down, roll tilts it to its right. Light stays where the camera is.

Expressions go by the model's names (photofit model info), ARKit's, or their last word: smile is mouthSmileLeft and
mouthSmileRight. Those not named stay as fitted; neutral takes them all away first, and puts jaw and eyes at rest.

Examples:
  $ photofit render out/me                                   as in the photo, 1024 × 1024: me.png
  $ photofit render out/me --yaw 30 --light front -o side.png
  $ photofit render out/me --expression smile=0.8,jawOpen=0.3
  $ photofit render out/me --expression neutral --yaw 0 --background transparent
  $ photofit render out/me --pose jaw=10,neck=0/20/0         10° about x; 20° about y
  $ photofit render out/me --frame photo --background me.jpg the head over its photo
  $ photofit render out/me --shape --size 2048               grey clay instead of skin
  $ photofit render out/me --turntable 36 -o turn/           36 PNGs; -o turn.webp, turn.gif, turn.mp4 (needs ffmpeg)`;

/** Adds the command to `program`; `done` takes the exit code. */
export function addRenderCommand(program: Command, context: CliContext, done: (code: number) => void): void {
  program
    .command('render')
    .summary('draw a fitted head from any side')
    .description('Draws a fitted head at any size, from any side, in any light, with any expression.')
    .argument('<fit>', 'a fit.json, or its folder')
    .option('-o, --out <file>', 'picture (.png, .jpg, .webp), or turntable (a folder, .webp, .gif, .mp4)')
    .option('--size <pixels>', 'width and height', whole(1, 8192), 1024)
    .option('--yaw <degrees>', "turn to the head's left", angle)
    .option('--pitch <degrees>', 'nod down', angle)
    .option('--roll <degrees>', "tilt to the head's right", angle)
    .option('--expression <name=weight,…>', 'set expressions; neutral sets all to 0', parseExpression, [])
    .option('--pose <joint=degrees,…>', 'set joints: about x, or x/y/z as a rotation vector', parsePose, [])
    .option('--light <light>', 'fit, front, left, right, top, or 9 or 27 numbers', 'fit')
    .option('--background <what>', 'a colour (white, #8090a0), transparent, or a picture', 'white')
    .option('--frame <what>', 'head: a square around it; photo: all that the photo shows', parseFrame, 'head')
    .option('--shape', 'grey clay', false)
    .option('--albedo', 'skin without light', false)
    .option('--shading', 'light without skin', false)
    .option('--normals', 'surface normals as colours', false)
    .option('--model-texture', "the fit's own texture even where there is a texture.png", false)
    .option('--samples <n>', 'anti-aliasing: n × n samples per pixel', whole(1, 8), 3)
    .option('--turntable <frames>', 'one full turn in so many pictures', whole(2, 3600))
    .option('--fps <n>', 'pictures per second of a turntable', whole(1, 120), 24)
    .option('--model <head>', 'the head it was fitted with, where that is not embedded')
    .option('--space <file>', 'the texture space it was fitted with, where that was given')
    .option('--debug', 'show where in the code an error came from', false)
    .addHelpText('after', EXAMPLES)
    .action(async (fit: string, options: RenderOptions) => {
      const { renderFitCommand } = await import('./render-actions.ts');
      done(await renderFitCommand(fit, options, context));
    });
}

/** Parser of whole numbers in a range. */
export function whole(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && Number.isInteger(value) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  };
}

function angle(text: string): number {
  const value = number(text);
  if (Math.abs(value) <= 3600) return value;
  throw new InvalidArgumentError('It must be an angle in degrees, such as 30 or -15.');
}

function number(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError(`${text} is no number.`);
  return value;
}

function parseFrame(text: string): 'head' | 'photo' {
  if (text === 'head' || text === 'photo') return text;
  throw new InvalidArgumentError('It must be head or photo.');
}

function parseExpression(text: string, before: RenderOptions['expression']): RenderOptions['expression'] {
  const list = pairs(text).map(([name, value]) => {
    if (value === undefined && name === 'neutral') return [name, 0] as const;
    if (value === undefined) throw new InvalidArgumentError(`${name} has no weight: write ${name}=0.8.`);
    return [name, number(value)] as const;
  });
  return [...before, ...list];
}

function parsePose(text: string, before: RenderOptions['pose']): RenderOptions['pose'] {
  const list = pairs(text).map(([joint, value]) => {
    const numbers = (value ?? '').split('/').map(number);
    if (numbers.length !== 1 && numbers.length !== 3)
      throw new InvalidArgumentError(`${joint} needs one angle (about x) or three: ${joint}=0/20/0.`);
    return [joint, numbers.length === 1 ? [numbers[0], 0, 0] : numbers] as const;
  });
  return [...before, ...list];
}

function pairs(text: string): [string, string | undefined][] {
  return text.split(',').map((part) => {
    const [name, value, more] = part.split('=').map((s) => s.trim());
    if (!name || more !== undefined) throw new InvalidArgumentError(`"${part}" is not name=value.`);
    return [name, value];
  });
}
