/** `photofit space fit`: the photos of a data set onto texture maps. What it does is in space-fit.ts. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { GATE_DEFAULTS, type GateThresholds } from '../dataset/gate.ts';
import { parseShard, type Shard } from '../dataset/shard.ts';
import type { CliContext } from './context.ts';
import { parseJobs } from './numbers.ts';
import type { SpaceFitOptions } from './space-fit-options.ts';

const GATE = Object.entries(GATE_DEFAULTS)
  .map(([name, value]) => `${name}=${value}`)
  .join(',');

const EXAMPLES = `
What is written, into the work folder:
  fits/<hash>/      one photo's fit.json, fit.npz, map.npz, measures.json and overlay.jpg
  failed/           photos that could not be fitted, with the reason
  gate.json         which fits go into the space, and why the others do not
  report/           index.html and contact sheets of both

Stop it whenever you like and run the same command again: what is finished is not done again. Photos that failed are
tried again with --retry-failed only. Thresholds of the gate can be changed without fitting anything again.

Examples:
  $ photofit space fit photos/ -o my.space.work
  $ photofit space fit photos/ -o my.space.work --model flame/ --space initial.space
  $ photofit space fit -o my.space.work --retry-failed
  $ photofit space fit -o my.space.work --gate landmarks=0.04,coverage=0.4
  $ photofit space fit photos/ -o /shared/my.space.work --shard 3/16     one of 16 machines
  $ photofit space fit photos/ -o /shared/my.space.work --queue redis://queue:6379

Thresholds: ${GATE}`;

/** Options that say how photos are fitted, alike for `space fit` and `space build`. */
export function addPhotoFitOptions(command: Command): Command {
  return command
    .option(
      '--model <head>',
      "an embedded head, a .head file, or a folder with FLAME's files (default: open-head)",
    )
    .addOption(
      new Option(
        '--light <kind>',
        'nine coefficients of light for all channels, or for each (default: mono)',
      ).choices(['mono', 'rgb']),
    )
    .addOption(
      new Option('--camera <kind>', 'projection (default: perspective)').choices([
        'perspective',
        'orthographic',
      ]),
    )
    .option('--size <pixels>', 'width of the crop that is fitted (default: 224)', parsePixels)
    .option('--map-size <texels>', 'width of the maps: 128, 256, 512 or 1024 (default: 512)', parsePixels)
    .option('--beside', 'use NAME.npy (68 landmarks) and NAME_seg.npy (skin) beside a photo where they are')
    .option('--jobs <number>', 'photos fitted at the same time (default: one per processor core)', parseJobs)
    .option('--retry-failed', 'try photos again that failed before', false)
    .option('--gate <thresholds>', 'NAME=VALUE,…: which fits are good enough, see below', parseGate)
    .option('--queue <url>', 'hand the photos out to `photofit worker` processes through Redis')
    .option('--json', 'print the result as one line of JSON', false)
    .option('-q, --quiet', 'no progress, only results and errors', false)
    .option('--debug', 'show where in the code an error came from', false);
}

/** Adds the command to `space`; `done` takes the exit code. */
export function addSpaceFitCommand(space: Command, context: CliContext, done: (code: number) => void): void {
  const command = space
    .command('fit')
    .summary('fit many photos and collect their texture maps')
    .description(
      'Fits every photo of a data set, solves for the texture that matches it, and keeps the maps that are good enough.',
    )
    .argument(
      '[photos...]',
      'photos, or folders with photos at any depth; those of the last run where absent',
    )
    .requiredOption('-o, --out <folder>', 'work folder')
    .option('--space <file>', "initial texture space, a .space file (default: the head's own)")
    .option('--shard <i/n>', 'only every n-th photo: several runs share one work folder', shard);
  addPhotoFitOptions(command)
    .addHelpText('after', EXAMPLES)
    .action(async (photos: string[], options: SpaceFitOptions) => {
      const { spaceFit } = await import('./space-fit.ts');
      done(await spaceFit(photos, options, context));
    });
}

function shard(text: string): Shard {
  try {
    return parseShard(text);
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}

function parsePixels(text: string): number {
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number.');
}

/** `landmarks=0.04,coverage=0.4` as thresholds. */
function parseGate(text: string): Partial<GateThresholds> {
  const out: Record<string, number> = {};
  for (const part of text.split(',')) {
    const [name, value, ...rest] = part.split('=').map((s) => s.trim());
    const number = Number(value);
    if (!(name in GATE_DEFAULTS) || !value || rest.length > 0 || !(number >= 0))
      throw new InvalidArgumentError(
        `"${part}" is no threshold: give NAME=NUMBER with one of ${Object.keys(GATE_DEFAULTS).join(', ')}.`,
      );
    out[name] = number;
  }
  return out;
}
