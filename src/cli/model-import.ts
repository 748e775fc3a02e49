/** `photofit model import flame`: files of the official model to one `.head` pack. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { headSizes } from '../model/head-model.ts';
import type { PackPrecision } from '../model/pack.ts';
import { type CliContext, EXIT } from './context.ts';

/** Options of `photofit model import flame`, after parsing. */
export interface ImportFlameOptions {
  readonly geometry?: string;
  readonly texture?: string;
  readonly landmarks?: string;
  readonly mediapipe?: string;
  readonly masks?: string;
  readonly template?: string;
  readonly staticEmbedding?: string;
  readonly dynamicEmbedding?: string;
  readonly identity?: number;
  readonly expressions?: number;
  readonly components?: number;
  readonly size?: number;
  readonly nearest: boolean;
  readonly expressionRange?: readonly [number, number];
  readonly precision: PackPrecision;
  readonly texturePrecision: PackPrecision;
  readonly out: string;
  readonly quiet: boolean;
}

const EXAMPLES = `
Examples:
  $ photofit model import flame FLAME2020/ -o flame.head
  $ photofit model import flame --geometry generic_model.pkl --texture FLAME_texture.npz \\
      --landmarks landmark_embedding.npy --template head_template_mesh.obj -o flame.head
  $ photofit fit me.jpg --model flame.head

The files: https://flame.is.tue.mpg.de (after registering). A folder is searched and its files are
told by what is in them; options override what is found. Without --texture the head has shape only.`;

/** Adds `import flame` to the command `model`; `done` takes the exit code. */
export function addModelImportCommand(
  model: Command,
  context: CliContext,
  done: (code: number) => void,
): void {
  const precision = (flags: string, text: string, value: PackPrecision) =>
    new Option(flags, text).choices(['float32', 'float16', 'int8']).default(value);
  model
    .command('import')
    .description('Makes a .head file of a model in its own format.')
    .command('flame')
    .description('FLAME 2017 to 2023 and its texture spaces (official files) to a .head file.')
    .argument('[folder]', 'folder with the files')
    .option('--geometry <file>', 'generic_model.pkl, flame2023.pkl, …')
    .option('--texture <file>', 'FLAME_texture.npz or albedoModel2020_FLAME_albedoPart.npz')
    .option('--landmarks <file>', 'landmark_embedding.npy')
    .option('--mediapipe <file>', 'mediapipe_landmark_embedding.npz')
    .option('--masks <file>', 'FLAME_masks.pkl')
    .option('--template <file>', 'head_template_mesh.obj, the UV layout')
    .option('--static-embedding <file>', 'flame_static_embedding.pkl, instead of --landmarks')
    .option('--dynamic-embedding <file>', 'flame_dynamic_embedding.npy, with --static-embedding')
    .option('--identity <n>', 'identity components to keep (default: all)', parseCount)
    .option('--expressions <n>', 'expression components to keep (default: all)', parseCount)
    .option('--components <n>', 'texture components to keep (default: 50)', parseCount)
    .option('--size <texels>', 'width and height of the texture (default: 256)', parseCount)
    .option('--nearest', 'take every n-th texel instead of averaging, as the original does', false)
    .option('--expression-range <low,high>', 'bounds of expression coefficients (default: none)', parseRange)
    .addOption(precision('--precision <type>', 'numbers of the geometry', 'float32'))
    .addOption(precision('--texture-precision <type>', 'numbers of the texture components', 'float16'))
    .option('-o, --out <file>', '.head file to write', 'flame.head')
    .option('-q, --quiet', 'no progress', false)
    .addHelpText('after', EXAMPLES)
    .action(async (folder: string | undefined, options: ImportFlameOptions) => {
      done(await importFlame(folder, options, context));
    });
}

/** Reads the files, writes the pack, says what is in it and what is missing. */
export async function importFlame(
  folder: string | undefined,
  options: ImportFlameOptions,
  { stdout, stderr, signal }: CliContext,
): Promise<number> {
  if (folder === undefined && options.geometry === undefined) {
    stderr.write(
      'photofit: give a folder with FLAME files, or --geometry FILE (add --help to see what is possible)\n',
    );
    return EXIT.usage;
  }
  const { findFlameFiles, loadFlame } = await import('../node/flame-files.ts');
  const { writeFileAtomically } = await import('../node/atomic.ts');
  const { writeHeadPack } = await import('../model/pack.ts');
  const { flamePackInfo } = await import('../model/flame/pack-info.ts');
  const { ProgressBar } = await import('./progress-bar.ts');
  const { geometry, texture, landmarks, mediapipe, masks, template, staticEmbedding, dynamicEmbedding } =
    options;
  const named = {
    geometry,
    texture,
    landmarks,
    mediapipe,
    masks,
    template,
    staticEmbedding,
    dynamicEmbedding,
  };
  const given = Object.fromEntries(Object.entries(named).filter(([, file]) => file !== undefined));
  const found = folder === undefined ? {} : await findFlameFiles(folder);
  const bar = new ProgressBar(stderr, { quiet: options.quiet });
  bar.start('FLAME');
  const head = await loadFlame(
    { ...found, ...given },
    {
      identityComponents: options.identity,
      expressionComponents: options.expressions,
      textureComponents: options.components,
      textureSize: options.size,
      textureReduction: options.nearest ? 'nearest' : 'area',
      expressionRange: options.expressionRange,
      onProgress: bar.update,
      signal,
    },
  );
  bar.end();
  const { precision, texturePrecision } = options;
  await writeFileAtomically(
    options.out,
    writeHeadPack(head, { ...flamePackInfo(head), precision, texturePrecision }),
  );
  const { V, S, E, T } = headSizes(head);
  const checked = head.edition.verified
    ? 'its checksum is the official one'
    : 'its checksum is not known here';
  stderr.write(
    `${head.edition.title}, ${checked}: ${V} vertices, ${S} identity, ${E} expression, ${T} texture components\n`,
  );
  for (const { file, help } of head.missing) stderr.write(`not given: ${file}. ${help}\n`);
  stdout.write(`${options.out}\n`);
  return EXIT.ok;
}

function parseCount(text: string): number {
  const n = Number(text);
  if (Number.isInteger(n) && n >= 0 && n <= 4096) return n;
  throw new InvalidArgumentError('It must be a whole number.');
}

function parseRange(text: string): [number, number] {
  const [low, high, more] = text.split(',').map(Number);
  if (low <= 0 && high >= 0 && low < high && more === undefined) return [low, high];
  throw new InvalidArgumentError(
    'It must be two numbers, the first at most 0, the second at least 0, e.g. 0,1.',
  );
}
