/** What `photofit space pca` does. */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { InvalidArgumentError } from '../core/errors.ts';
import { workPaths } from '../dataset/layout.ts';
import { npzPieces } from '../io/npz-write-stream.ts';
import { FLAME_FACES, flameTextureEntries } from '../model/flame/texture-write.ts';
import type { HeadModel } from '../model/head-model.ts';
import { uvLayoutHash, writeSpacePack } from '../model/space-pack.ts';
import { ensureWritableFolder, writeFileAtomically } from '../node/atomic.ts';
import { type MapFolder, openMapFolder } from '../node/map-folder.ts';
import { loadHeadModel } from '../node/models.ts';
import { withScratch } from '../node/scratch-file.ts';
import { textureSpaceOf } from '../texture/space-pca.ts';
import { type CliContext, EXIT } from './context.ts';
import { ProgressBar } from './progress-bar.ts';
import type { SpacePcaCommandOptions } from './space-options.ts';

/** Makes a space out of maps, and writes it. */
export async function makeSpace(
  named: string,
  options: SpacePcaCommandOptions,
  { stdout, stderr, signal }: CliContext,
): Promise<number> {
  const { out, components, flame } = options;
  await ensureWritableFolder(path.dirname(out));
  const model = await loadHeadModel(options.model);
  if (flame !== undefined && model.faces.length !== 3 * FLAME_FACES)
    throw new InvalidArgumentError(`--flame ${flame}: is FLAME's layout; ${model.name} is another head`);
  const maps = await openCompletedMaps(named, model);
  const bar = new ProgressBar(stderr, options);
  bar.start('space pca');
  try {
    const about = {
      name: path.parse(out).name,
      license: 'as the photos it was made from',
      credits: '',
      provenance: { command: 'space pca', maps: path.basename(path.resolve(named)) },
    };
    const share = flame === undefined ? 1 : 0.8;
    const space = await withScratch(path.dirname(out), (scratch) =>
      textureSpaceOf(maps, model, about, {
        components,
        scratch,
        signal,
        onProgress: ({ stage, fraction }) => bar.update({ stage, fraction: share * fraction }),
      }),
    );
    await writeFileAtomically(out, writeSpacePack(space), { signal });
    if (flame !== undefined) {
      const entries = flameTextureEntries(model, space.texture, {
        signal,
        onProgress: ({ stage, fraction }) => bar.update({ stage, fraction: share + (1 - share) * fraction }),
      });
      await writeFileAtomically(flame, npzPieces(entries), { signal });
    }
    bar.end();
    const { explained, texture } = space;
    const held = (100 * explained.reduce((s, x) => s + x, 0)).toFixed(1);
    stdout.write(
      `${out}: ${texture.names.length} components of ${texture.width} × ${texture.height} from ${space.maps} maps, ${held} % of their variance\n`,
    );
    if (flame !== undefined) stdout.write(`${flame}\n`);
  } finally {
    bar.end();
  }
  return EXIT.ok;
}

/** The maps that are named: those of a folder, or the completed ones of a work folder; they must lie on `model`. */
export async function openCompletedMaps(named: string, model: HeadModel): Promise<MapFolder> {
  const { completed } = workPaths(named);
  const isWork = await stat(completed).then(
    (found) => found.isDirectory(),
    () => false,
  );
  const maps = await openMapFolder(isWork ? completed : named);
  if (maps.layoutHash !== null && maps.layoutHash !== (await uvLayoutHash(model)))
    throw new InvalidArgumentError(
      `${named}: the maps lie on another head's texture layout than that of ${model.name}; give their head with --model`,
    );
  return maps;
}
