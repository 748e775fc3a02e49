/** `photofit sample`: random heads of a model, as TF_FLAME's sampling demos make them. */
import { type Command, Option } from 'commander';
import { throwIfAborted } from '../core/errors.ts';
import { SAMPLE_DEFAULTS } from '../model/sample.ts';
import { type CliContext, EXIT } from './context.ts';
import { parseCount, parseSeed, parseSize, parseSpread } from './numbers.ts';

/** Options of `photofit sample`, after parsing. */
export interface SampleCommandOptions {
  readonly count: number;
  readonly seed: number;
  readonly shape: number;
  readonly expression: number;
  readonly pose: number;
  readonly texture: number;
  readonly format: 'glb' | 'obj' | 'both' | 'none';
  readonly out: string;
  readonly size: number;
  readonly quiet: boolean;
}

const EXAMPLES = `
What is written, into OUT/:
  sheet.png                         all heads with their captions, coloured and as clay
  head-1.glb, head-2.glb, …         with skeleton and expressions; head-1.obj, .mtl, .png with --format obj
  samples.json                      the coefficients

Examples:
  $ photofit sample -n 8 --seed 1
  $ photofit sample flame.head -n 20 --expression 1 --format obj -o flames/
  $ photofit sample --shape 0 --pose 0 --texture 0 --format none    expressions of the mean head, the sheet only`;

/** Adds the command to `program`; `done` takes the exit code. */
export function addSampleCommand(program: Command, context: CliContext, done: (code: number) => void): void {
  program
    .command('sample')
    .summary('random heads of a model')
    .description(
      'Makes random heads: shapes, expressions, poses, textures. The same seed gives the same heads.',
    )
    .argument('[head]', "an embedded head, a .head file, or a folder with FLAME's files", 'open-head')
    .option('-n, --count <n>', 'how many', parseCount, 8)
    .option('--seed <number>', 'whole number', parseSeed, 1)
    .option('--shape <sd>', 'spread of head shapes, standard deviations', parseSpread, SAMPLE_DEFAULTS.shape)
    .option('--expression <x>', 'strength of expressions', parseSpread, SAMPLE_DEFAULTS.expression)
    .option('--pose <radians>', 'spread of turns of the head', parseSpread, SAMPLE_DEFAULTS.pose)
    .option('--texture <sd>', 'spread of textures, standard deviations', parseSpread, SAMPLE_DEFAULTS.texture)
    .addOption(
      new Option('--format <format>', 'mesh files').choices(['glb', 'obj', 'both', 'none']).default('glb'),
    )
    .option('-o, --out <folder>', 'where the files go', 'samples')
    .option('--size <pixels>', 'width and height of each head on the sheet', parseSize, 256)
    .option('-q, --quiet', 'no progress', false)
    .addHelpText('after', EXAMPLES)
    .action(async (head: string, options: SampleCommandOptions) => {
      done(await sampleHeads(head, options, context));
    });
}

/** Draws the heads and writes their files. */
export async function sampleHeads(
  name: string,
  options: SampleCommandOptions,
  { stdout, stderr, signal }: CliContext,
): Promise<number> {
  const { loadHeadModel } = await import('../node/models.ts');
  const { sampleHead } = await import('../model/sample.ts');
  const { headFiles, samplesText } = await import('../node/sample-files.ts');
  const { headsSheetPng } = await import('../node/head-figures.ts');
  const { writeFolderAtomically } = await import('../node/atomic.ts');
  const { ProgressBar } = await import('./progress-bar.ts');
  const { count, seed, shape, expression, pose, texture, format, out, size } = options;
  const model = await loadHeadModel(name);
  const digits = String(count).length;
  const heads = Array.from({ length: count }, (_, i) => ({
    caption: `head-${String(i + 1).padStart(digits, '0')}`,
    params: sampleHead(model, seed, i, { shape, expression, pose, texture }),
  }));
  const bar = new ProgressBar(stderr, options);
  bar.start('sample');
  const files: [string, Uint8Array | string][] = [];
  for (const [i, { caption, params }] of heads.entries()) {
    bar.update({ stage: 'write', fraction: i / (2 * count) });
    throwIfAborted(signal);
    files.push(...(await headFiles(model, params, caption, format)));
  }
  const spread = `shape ${shape}, expression ${expression}, pose ${pose}, texture ${texture}`;
  files.push([
    'sheet.png',
    await headsSheetPng(model, heads, {
      size,
      clay: true,
      title: `${model.name}: seed ${seed}, ${spread}`,
      columns: Math.min(8, count),
      onProgress: ({ fraction }) => bar.update({ stage: 'draw', fraction: 0.5 + fraction / 2 }),
      signal,
    }),
  ]);
  bar.end();
  files.push(['samples.json', samplesText(model, seed, { shape, expression, pose, texture }, heads)]);
  await writeFolderAtomically(out, files, { signal });
  stdout.write(`${count} heads of ${model.name} → ${out}\n`);
  return EXIT.ok;
}
