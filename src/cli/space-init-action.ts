/** What `photofit space init` does. */
import path from 'node:path';
import { writeSpacePack } from '../model/space-pack.ts';
import { ensureWritableFolder, writeFileAtomically } from '../node/atomic.ts';
import { loadHeadModel } from '../node/models.ts';
import { loadInitialSpace } from '../node/space-init.ts';
import { type CliContext, EXIT } from './context.ts';
import { ProgressBar } from './progress-bar.ts';
import type { SpaceInitCommandOptions } from './space-options.ts';

/** Makes an initial space and writes it. */
export async function initSpace(
  options: SpaceInitCommandOptions,
  { stdout, stderr, signal }: CliContext,
): Promise<number> {
  const { from, out, size, components, landmarks } = options;
  await ensureWritableFolder(path.dirname(out));
  const bar = new ProgressBar(stderr, options);
  bar.start('space init');
  const model = await loadHeadModel(options.model);
  try {
    const { space, distance, covered, warnings } = await loadInitialSpace(from, model, {
      name: path.parse(out).name,
      ...(size !== undefined && { size }),
      ...(components !== undefined && { components }),
      ...(landmarks !== undefined && { landmarks }),
      onProgress: bar.update,
      signal,
    });
    bar.end();
    for (const warning of warnings) bar.note(`${from}: ${warning}`);
    await writeFileAtomically(out, writeSpacePack(space), { signal });
    const { width, height, names } = space.texture;
    const facts = [
      `${names.length} components of ${width} × ${height}`,
      ...(distance > 0
        ? [
            `head and source ${(1000 * distance).toFixed(1)} mm apart`,
            `${Math.round(100 * covered)} % of the map carried over, the rest filled in`,
          ]
        : []),
    ];
    stdout.write(`${out}: ${facts.join(', ')}\n`);
  } finally {
    bar.end();
  }
  return EXIT.ok;
}
