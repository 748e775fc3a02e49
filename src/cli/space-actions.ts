/** What `photofit space show|sample` do. */
import path from 'node:path';
import { type HeadModel, headSizes } from '../model/head-model.ts';
import { sampleHead } from '../model/sample.ts';
import { writeFileAtomically, writeFolderAtomically } from '../node/atomic.ts';
import { headsSheetPng, spaceFigurePng } from '../node/head-figures.ts';
import { loadSpace, loadTextureSpace, SPACE_ENDING } from '../node/spaces.ts';
import { albedoPng } from '../node/texture-file.ts';
import { albedoMap } from '../render/albedo.ts';
import { type CliContext, EXIT } from './context.ts';
import { ProgressBar } from './progress-bar.ts';
import type { SpaceSampleOptions, SpaceShowOptions } from './space-options.ts';

/** Draws the figure of a space. */
export async function showSpace(
  name: string,
  options: SpaceShowOptions,
  { stdout, stderr, signal }: CliContext,
): Promise<number> {
  const { out, components, deviations, size } = options;
  const bar = new ProgressBar(stderr, options);
  bar.start('space');
  const model = await loadSpace(name, options.model, { onProgress: bar.update, signal });
  const onProgress = bar.update;
  const isFile = path.extname(name).toLowerCase() === SPACE_ENDING;
  const shown = Math.min(components, headSizes(model).T);
  const { explained } = isFile ? await loadTextureSpace(name, { components: shown }) : { explained: [] };
  const figure = await spaceFigurePng(model, {
    components,
    deviations,
    size,
    explained,
    onProgress,
    signal,
  });
  bar.end();
  await writeFileAtomically(out, figure, { signal });
  stdout.write(`${out}\n`);
  return EXIT.ok;
}

/** Draws random textures on random heads, and writes the maps where a folder is named. */
export async function sampleSpace(
  name: string,
  options: SpaceSampleOptions,
  { stdout, stderr, signal }: CliContext,
): Promise<number> {
  const { out, count, seed, texture, shape, size } = options;
  const bar = new ProgressBar(stderr, options);
  bar.start('space');
  const model = await loadSpace(name, options.model, { onProgress: bar.update, signal });
  const heads = Array.from({ length: count }, (_, i) => ({
    caption: String(i + 1),
    params: sampleHead(model, seed, i, { shape, texture, expression: 0, pose: 0 }),
  }));
  const title = `${model.name}: ${count} random textures, seed ${seed}`;
  const sheet = await headsSheetPng(model, heads, { size, title, onProgress: bar.update, signal });
  bar.end();
  if (path.extname(out).toLowerCase() === '.png') await writeFileAtomically(out, sheet, { signal });
  else await writeFolderAtomically(out, await textureFiles(model, heads, sheet), { signal });
  stdout.write(`${out}\n`);
  return EXIT.ok;
}

async function textureFiles(
  model: HeadModel,
  heads: readonly { readonly params: ReturnType<typeof sampleHead> }[],
  sheet: Uint8Array,
): Promise<[string, Uint8Array | string][]> {
  const digits = String(heads.length).length;
  const files: [string, Uint8Array | string][] = [];
  const { T } = headSizes(model);
  for (const [i, { params }] of heads.entries()) {
    if (!model.texture) break;
    const name = `texture-${String(i + 1).padStart(digits, '0')}.png`;
    files.push([name, await albedoPng(albedoMap(model.texture, params.texture))]);
  }
  const coefficients = heads.map(({ params }) => Array.from(params.texture, (x) => Number(x.toPrecision(7))));
  files.push(['sheet.png', sheet]);
  files.push([
    'samples.json',
    `${JSON.stringify({ model: { name: model.name, hash: model.hash }, components: T, texture: coefficients })}\n`,
  ]);
  return files;
}
