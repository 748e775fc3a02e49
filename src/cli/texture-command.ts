/** `photofit texture`: what can be said on its command line. The work is in texture-actions.ts, loaded when it runs. */
import { type Command, InvalidArgumentError } from 'commander';
import type { CliContext } from './context.ts';
import type { TextureOptions } from './texture-options.ts';

const EXAMPLES = `
Examples:
  $ photofit fit me.jpg --no-offset            a head with the model's smooth texture, in out/me/ …
  $ photofit texture out/me                    … gets the photo's: texture.png, visibility.png, head.glb and the others
  $ photofit texture out/me --size 1024        anew, with four times the texels
  $ photofit texture out/me --photo new/me.jpg the photo has moved
  $ photofit texture me.jpg --size 1024        fits the photo first, as photofit fit does`;

/** Adds the command to `program`; `done` takes the exit code. */
export function addTextureCommand(program: Command, context: CliContext, done: (code: number) => void): void {
  program
    .command('texture')
    .summary('make the texture of a fitted head match its photo')
    .description(
      'Solves for a texture that matches the photo, for a fit on disk (its folder is updated) or for a photo.',
    )
    .argument('<photo-or-fit>', 'a fit.json or its folder, or a photo')
    .option('--size <texels>', 'width of the texture: 512 or 1024', parseSize, 512)
    .option('-o, --out <folder>', 'where the result folder of a photo goes', 'out')
    .option('--photo <file>', "the fit's photo, where it is not where it was")
    .option('--model <head>', 'the head: for a fit the one it was made with, where that is not embedded')
    .option('--space <file>', 'the texture space that the head wears')
    .option('--json', 'print one line of JSON', false)
    .option('--quiet', 'no progress, only the result and errors', false)
    .option('--debug', 'show where in the code an error came from', false)
    .addHelpText('after', EXAMPLES)
    .action(async (named: string, options: TextureOptions) => {
      const { makeTexture } = await import('./texture-actions.ts');
      done(await makeTexture(named, options, context));
    });
}

function parseSize(text: string): 512 | 1024 {
  if (text === '512' || text === '1024') return Number(text) as 512 | 1024;
  throw new InvalidArgumentError('It must be 512 or 1024.');
}
