/** `photofit model fit-mesh`: a head fitted to a given mesh or scan. */
import path from 'node:path';
import { type Command, InvalidArgumentError as InvalidOption } from 'commander';
import { InvalidArgumentError } from '../core/errors.ts';
import { type CliContext, EXIT } from './context.ts';

/** Options of `photofit model fit-mesh`, after parsing. */
export interface FitMeshCommandOptions {
  readonly landmarks?: string;
  readonly model: string;
  readonly out?: string;
  readonly unit: number | 'guess' | 'free';
  readonly limit: number;
  readonly prior: number;
  readonly region: string;
  readonly neutral: boolean;
  readonly json: boolean;
  readonly quiet: boolean;
}

const EXAMPLES = `
Landmarks are numbered as in iBUG's 68 (0 to 67), or have names (nose_tip, left_eye_outer, chin, …; left is the
subject's). All 68, the inner 51, or at least 4 by number or name; coordinates or vertex numbers from 0:
  [[x, y, z], …]    [1225, 1888, …]    {"nose_tip": [x, y, z], "36": 4711}     as JSON
  nose_tip 0.1 12.3 4.5                                                       or as lines of text

What is written, into OUT/:
  head.obj      the head where the mesh lies, in its units; head.mtl, texture.png
  head.glb      the head with its skeleton and expressions, in metres
  fit.json      coefficients, place, residuals

Examples:
  $ photofit model fit-mesh scan.ply --landmarks scan.json
  $ photofit model fit-mesh face.obj --landmarks face.txt --model flame.head -o flame-face/
  $ photofit model fit-mesh bust.obj --landmarks bust.json --unit free --region head`;

/** Adds `fit-mesh` to the command `model`; `done` takes the exit code. */
export function addFitMeshCommand(model: Command, context: CliContext, done: (code: number) => void): void {
  model
    .command('fit-mesh')
    .description('Fits a head to a mesh or scan by landmarks and nearest points.')
    .argument('<mesh>', 'OBJ or PLY file; a PLY file may hold points only')
    .option('--landmarks <file>', 'landmarks on the mesh, .json or .txt (needed)')
    .option('--model <head>', "an embedded head, a .head file, or a folder with FLAME's files", 'open-head')
    .option('-o, --out <folder>', "where the results go (default: out/ and the mesh's name)")
    .option(
      '--unit <metres>',
      'metres per unit of the mesh; guess: by its landmarks; free: fit a scale',
      parseUnit,
      'guess',
    )
    .option('--limit <sd>', 'identity coefficients stay within ± this; 0 for free', parseLimit, 3)
    .option('--prior <weight>', 'weight of the priors on shape and expression', parsePositive, 1)
    .option('--region <name>', 'part of the head that is matched: face, head, or a region', 'face')
    .option('--neutral', 'no expression, mouth closed', false)
    .option('--json', 'print JSON', false)
    .option('-q, --quiet', 'no progress', false)
    .addHelpText('after', EXAMPLES)
    .action(async (mesh: string, options: FitMeshCommandOptions) => {
      done(await fitMeshFile(mesh, options, context));
    });
}

/** Reads, fits, writes, and prints the residuals. */
export async function fitMeshFile(
  file: string,
  options: FitMeshCommandOptions,
  { stdout, stderr, signal }: CliContext,
): Promise<number> {
  if (options.landmarks === undefined)
    throw new InvalidArgumentError(
      `${file}: where its face lies is not known; give --landmarks FILE with at least 4 points, see: photofit model fit-mesh --help`,
    );
  const { readMeshFile, readLandmarkFile, writeMeshFitFolder } = await import('../node/mesh-files.ts');
  const { loadHeadModel } = await import('../node/models.ts');
  const { ensureWritableFolder } = await import('../node/atomic.ts');
  const { fitMesh } = await import('../fit/fit-mesh.ts');
  const { ProgressBar } = await import('./progress-bar.ts');
  const folder = options.out ?? path.join('out', path.parse(file).name);
  const mesh = await readMeshFile(file);
  const landmarks = await readLandmarkFile(options.landmarks, mesh);
  const model = await loadHeadModel(options.model);
  await ensureWritableFolder(path.dirname(path.resolve(folder)));
  const bar = new ProgressBar(stderr, { quiet: options.quiet });
  bar.start(path.basename(file));
  const { unit, prior, region } = options;
  const fit = await fitMesh(mesh, model, {
    landmarks,
    unit,
    prior,
    region,
    limit: options.limit,
    expression: !options.neutral,
    onProgress: bar.update,
    signal,
  });
  bar.end();
  const written = await writeMeshFitFolder(folder, { file, mesh, landmarks, model, fit, signal });
  for (const warning of fit.warnings) bar.note(`${file}: warning: ${warning}`);
  const { mean, median, p95, matched } = fit.residuals;
  if (options.json) {
    const { residuals_mm, input, warnings } = written;
    stdout.write(
      `${JSON.stringify({ input: file, output: folder, unit: input.unit, residuals_mm, warnings })}\n`,
    );
  } else
    stdout.write(
      `${file} → ${folder}  (distance mean ${mean.toFixed(2)}, median ${median.toFixed(2)}, 95 % ${p95.toFixed(2)} mm; ` +
        `${Math.round(100 * matched)} % of the ${region} matched; ${known(fit)}${shortUnit(fit.unit)} m per unit)\n`,
    );
  return EXIT.ok;
}

const known = (fit: { readonly unitKnown: boolean }) => (fit.unitKnown ? '' : 'fitted: ');
const shortUnit = (unit: number) => String(Number(unit.toPrecision(4)));

function parseUnit(text: string): FitMeshCommandOptions['unit'] {
  return text === 'guess' || text === 'free' ? text : parsePositive(text);
}

function parseLimit(text: string): number {
  return text === '0' ? Number.POSITIVE_INFINITY : parsePositive(text);
}

function parsePositive(text: string): number {
  const x = Number(text);
  if (text !== '' && x > 0 && x < Infinity) return x;
  throw new InvalidOption('It must be a positive number.');
}
