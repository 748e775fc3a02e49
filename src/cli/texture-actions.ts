/** What `photofit texture` does: the texture offset of a fit on disk, or of a photo after fitting it. */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { InvalidArgumentError } from '../core/errors.ts';
import { loadFit } from '../node/load-fit.ts';
import { DEFAULT_HEAD } from '../node/models.ts';
import { retextureFit } from '../node/retexture.ts';
import { type CliContext, EXIT } from './context.ts';
import { fitPhotos } from './fit-photos.ts';
import { ProgressBar } from './progress-bar.ts';
import type { TextureOptions } from './texture-options.ts';
import { untilCancelled } from './until-cancelled.ts';

/** Makes the texture; the result goes to stdout. */
export async function makeTexture(
  named: string,
  options: TextureOptions,
  context: CliContext,
): Promise<number> {
  if (await isFit(named)) return updateFit(named, options, context);
  if (options.photo !== undefined)
    throw new InvalidArgumentError(`--photo ${options.photo}: goes with a fit on disk, ${named} is a photo`);
  const { out, size, model = DEFAULT_HEAD, space, json, quiet, debug } = options;
  return fitPhotos(
    [named],
    {
      ...{ out, model, space, json, quiet, debug, textureSize: size },
      ...{ face: 'largest', camera: 'perspective', light: 'rgb', keepMesh: false },
      ...{ offset: true, samePerson: false, leaveOut: false },
    },
    context,
  );
}

/** Whether a folder or a JSON file is named: a photo is neither. */
async function isFit(named: string): Promise<boolean> {
  if (path.extname(named).toLowerCase() === '.json') return true;
  const found = await stat(named).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
    throw error;
  });
  return found?.isDirectory() ?? false;
}

async function updateFit(named: string, options: TextureOptions, context: CliContext): Promise<number> {
  const { stdout, stderr, signal } = context;
  const { model, space, size, photo, quiet, json } = options;
  const loaded = await loadFit(named, { model, space });
  const bar = new ProgressBar(stderr, { quiet });
  bar.start(path.basename(path.resolve(loaded.folder)));
  return untilCancelled(bar, 'cancelled; the folder is as it was', async () => {
    const { file, folder } = await retextureFit(loaded, { size, photo, signal, onProgress: bar.update });
    bar.end();
    const offset = file.texture_offset!;
    if (json) {
      const line = { input: file.input.path, output: folder, ok: true, texture_offset: offset };
      stdout.write(JSON.stringify({ ...line, timing_ms: file.timing_ms }) + '\n');
    } else {
      const { skin_l1_before, skin_l1, skin_psnr_db, width, height } = offset;
      stdout.write(
        `${folder}  (${width} × ${height}, skin ${skin_l1_before.toFixed(3)} → ${skin_l1.toFixed(3)}, ${skin_psnr_db.toFixed(1)} dB)\n`,
      );
    }
    return EXIT.ok;
  });
}
