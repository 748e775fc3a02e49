/** `photofit fit`: what can be said on its command line. The work is in fit-photos.ts, loaded only when it runs. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { CliContext } from './context.ts';
import type { FitOptions } from './fit-options.ts';
import { addNetworkOptions } from './network-options.ts';
import { parseDistance, parseFocal, parseIpd, parseJobs, parsePoint } from './numbers.ts';

const EXAMPLES = `
What is written, into OUT/<photo's name>/:
  overlay.png   photo, landmarks, render over the photo, shape, albedo, shading
  head.glb      textured head for Blender or three.js; head.obj, head.mtl, texture.png the same as OBJ
  visibility.png  which texels of the texture the photo shows; the others are filled in
  fit.json      parameters, camera, light, energies, metrics, times; fit.npz the arrays for Python
  energy.png    the energy curve of every stage

Examples:
  $ photofit fit me.jpg                         results in out/me/
  $ photofit fit photos/ -o heads               every picture of a folder
  $ photofit fit photos/ --jobs 1               one at a time, on one thread: least memory
  $ photofit fit group.jpg --face all           every face: out/group/, out/group_face2/, …
  $ photofit fit me.jpg --face 2                the second largest face
  $ photofit fit a.jpg b.jpg c.jpg --same-person   one head from three photos of one person
  $ photofit fit me.jpg --ipd 63                a head of the right size: pupils 63 mm apart
  $ photofit fit rig/ --distance 0.8 --focal 2900   a calibrated camera 80 cm away
  $ photofit fit *.jpg --json > results.jsonl   one line of JSON per face
  $ photofit fit me.jpg --mask skin.png         only the white part of skin.png counts as skin
  $ photofit fit me.jpg --detector s3fd=s3fd.onnx --landmarks fan=2DFAN4.onnx --parsing bisenet=bisenet.onnx`;

/** Adds the command to `program`; `done` takes the exit code. */
export function addFitCommand(program: Command, context: CliContext, done: (code: number) => void): void {
  const command = program
    .command('fit')
    .summary('make a 3D head from each photo')
    .description('Fits the head model to the face in each photo and writes a textured 3D head.')
    .argument('<photos...>', 'photos, or folders with photos')
    .option('-o, --out <folder>', 'where the result folders go', 'out')
    .option('--face <which>', 'largest, all, or a number: 1 is the largest', parseFace, 'largest')
    .option(
      '--model <head>',
      "an embedded head (see: photofit model list), a .head file, or a folder with FLAME's files",
      'open-head',
    )
    .option('--space <file>', 'a texture space for the head to wear instead of its own (see: photofit space)')
    .addOption(
      new Option('--camera <kind>', 'projection')
        .choices(['perspective', 'orthographic'])
        .default('perspective'),
    )
    .addOption(
      new Option('--light <kind>', 'coloured or white light').choices(['rgb', 'mono']).default('rgb'),
    )
    .option(
      '--focal <pixels>',
      "the camera's focal length in pixels of the photo, in place of EXIF's",
      parseFocal,
    )
    .option(
      '--distance <metres>',
      'from the camera to the root of the nose, between the eyes; with the focal length it tells how large the head is',
      parseDistance,
    )
    .option(
      '--ipd <millimetres>',
      'interpupillary distance, as opticians measure it: how large the head is',
      parseIpd,
    )
    .option(
      '--principal-point <x,y>',
      "where the camera looks, in pixels of the photo from its top left corner: for crops, best with --focal, as EXIF's is not theirs (default: the photo's middle)",
      parsePoint,
    )
    .option('--mask <picture>', 'picture as large as the photo, white where skin is (one photo only)')
    .option(
      '--no-offset',
      "keep the head model's smooth texture: no detail from the photo, no visibility.png",
    )
    .option('--same-person', 'all photos show one person: one shape and texture for all of them', false)
    .option('--leave-out', 'with --same-person: leave out photos that seem to show somebody else', false)
    .option('--jobs <number>', 'photos fitted at the same time (default: one per processor core)', parseJobs)
    .option('--json', 'print one line of JSON per face', false)
    .option('--quiet', 'no progress, only results and errors', false)
    .option('--debug', 'show where in the code an error came from', false);
  addNetworkOptions(command)
    .addHelpText('after', EXAMPLES)
    .action(async (photos: string[], options: FitOptions) => {
      const { fitPhotos } = await import('./fit-photos.ts');
      done(await fitPhotos(photos, options, context));
    });
}

function parseFace(text: string): FitOptions['face'] {
  if (text === 'largest' || text === 'all') return text;
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be largest, all, or a number from 1 (the largest face).');
}
