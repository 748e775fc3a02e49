/**
 * Maps with unseen texels into maps without: a folder of `NAME.npz`, each written aside and renamed, as many as there are
 * maps. `made-by.json` beside them says by what method, network and outliers and for which head they were made, so that a run that was ended
 * goes on, and one by another network begins anew. A map that has changed since is completed again.
 */
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { FormatError, InvalidArgumentError, throwIfAborted } from '../core/errors.ts';
import { sha256Hex } from '../core/sha256.ts';
import { createKernels, type Kernels } from '../kernels/runtime.ts';
import type { HeadModel } from '../model/head-model.ts';
import { uvLayoutHash } from '../model/space-pack.ts';
import {
  buildCompletionAtlas,
  type CompletionAtlas,
  type KnownTexture,
  reduceMap,
  restrictTexture,
} from '../texture/completion/atlas.ts';
import type { CheckErrors } from '../texture/completion/check.ts';
import {
  completeByMirror,
  completeFullSize,
  headMean,
  prepareFullSize,
  replaceOutliers,
} from '../texture/completion/full-size.ts';
import { completeByPca } from '../texture/completion/missing-pca.ts';
import { findOutliers, OUTLIER_DEFAULTS, OUTLIER_MAPS } from '../texture/completion/outliers.ts';
import { createTrainingSet, LEAST_MAPS } from '../texture/completion/training-set.ts';
import type { CompletionMethod } from '../texture/space-defaults.ts';
import type { TextureMap } from '../texture/texture-map.ts';
import { writeFileAtomically } from './atomic.ts';
import {
  type CompletionTrainingOptions,
  checkMapLayout,
  openCheckpoint,
  readCheckpoint,
  TRAINING_SIZE,
  trainCompletion,
} from './completion-training.ts';
import { type MapFolder, writeMap } from './map-folder.ts';
import { enableRelaxedSimd } from './relaxed-simd.ts';

/** Options of {@link completeMaps}. */
export interface CompleteMapsOptions extends CompletionTrainingOptions {
  /** Default `network`. */
  readonly method?: CompletionMethod;
  /** A checkpoint to use as it is; nothing is trained. */
  readonly checkpoint?: string;
  /** Leave what few maps agree with as it is; default false: it is replaced, see `outliers.ts`. */
  readonly keepOutliers?: boolean;
}

/** Folders that {@link completeMaps} writes into. */
export interface CompletionFolders {
  readonly training: string;
  readonly completed: string;
}

/** What {@link completeMaps} did. */
export interface CompletedMaps {
  readonly method: CompletionMethod;
  /** Maps in the folder now, and those of them that this run wrote. */
  readonly maps: number;
  readonly written: number;
  /** Share of what the maps show that was replaced as no skin; null where that was not looked for. */
  readonly outliers: number | null;
  /** The network, where there is one. */
  readonly network: CompletionNetworkReport | null;
  readonly seconds: number;
}

/** How far a network was trained. */
export interface CompletionNetworkReport {
  readonly file: string;
  /** Steps in all, and those of this run with the seconds they took. */
  readonly steps: number;
  readonly trainedSteps: number;
  readonly trainingSeconds: number;
  /** On held-out questions, in albedo; null for a checkpoint that was used as it is. */
  readonly errors: CheckErrors | null;
}

const MADE_BY = 'made-by.json';

/** Completes one map. */
type Complete = (map: TextureMap, index: number) => TextureMap;

/**
 * Completes `maps`, training a network first where there is none.
 * @param model the head whose UV layout the maps lie on.
 * @throws {InvalidArgumentError} on maps of another layout or size, too few of them, or a training with other settings
 * @throws {FormatError} on a checkpoint of another network or layout
 * @throws {AbortedError} when cancelled; what is done stays, and the same call goes on from there
 */
export async function completeMaps(
  model: HeadModel,
  maps: MapFolder,
  folders: CompletionFolders,
  options: CompleteMapsOptions = {},
): Promise<CompletedMaps> {
  const started = performance.now();
  const { method = 'network', checkpoint, signal } = options;
  if (checkpoint !== undefined && method !== 'network')
    throw new InvalidArgumentError(`--checkpoint ${checkpoint}: is a network; it goes with --method network`);
  if (method === 'robust' && (options.keepOutliers || maps.names.length < OUTLIER_MAPS))
    throw new InvalidArgumentError(
      `--method robust: ${options.keepOutliers ? 'replaces what is not skin, --keep-outliers leaves it' : `needs ${OUTLIER_MAPS} maps, there are ${maps.names.length}`}; complete them by pca or mirror`,
    );
  const layout = await uvLayoutHash(model);
  checkMapLayout(maps, layout, model.name);
  enableRelaxedSimd();
  const kernels = await createKernels();
  const cleaned = await withoutOutliers(kernels, model, maps, options);
  const { complete, by, network } =
    method === 'robust'
      ? { complete: cleaned.likely, by: cleaned.by, network: null }
      : await prepare(kernels, model, cleaned.maps, folders, method, options);
  options.onPhase?.('complete');
  const made = { format: 'completed-maps/4', method, by, outliers: cleaned.by, head: model.hash, layout };
  const madeBy = `${JSON.stringify(made, null, 1)}\n`;
  await begin(folders.completed, maps.names, madeBy);
  let written = 0;
  for (let i = 0; i < maps.names.length; i++) {
    throwIfAborted(signal);
    const file = `${folders.completed}/${maps.names[i]}.npz`;
    if (await isNewer(file, maps.file(i))) continue;
    const done = complete(await cleaned.maps.read(i), i);
    await writeMap(file, done, { layoutHash: layout });
    written++;
    options.onProgress?.({ stage: 'complete', fraction: (i + 1) / maps.names.length });
  }
  const seconds = (performance.now() - started) / 1000;
  return { method, maps: maps.names.length, written, outliers: cleaned.share, network, seconds };
}

/** The maps as they are read from now on, where there are enough of them to tell skin from what is in front of it. */
async function withoutOutliers(
  kernels: Kernels,
  model: HeadModel,
  maps: MapFolder,
  options: CompleteMapsOptions,
): Promise<{ maps: MapFolder; likely: Complete; by: string | null; share: number | null }> {
  if (options.keepOutliers || maps.names.length < OUTLIER_MAPS)
    return { maps, likely: (map) => map, by: null, share: null };
  options.onPhase?.('clean');
  const whole = buildCompletionAtlas(kernels, model, options.size ?? Math.min(TRAINING_SIZE, maps.size));
  const outliers = await findOutliers(kernels, whole, maps, {
    ...options,
    head: model,
    ...(options.method === 'robust' && {
      gate: OUTLIER_DEFAULTS.softGate,
      share: OUTLIER_DEFAULTS.softShare,
    }),
  });
  const full = prepareFullSize(kernels, model, maps.size, outliers.atlas);
  // A map is read, then completed: what is found out about it serves both.
  let last: { readonly i: number; readonly found: ReturnType<typeof outliers.map> } | null = null;
  const found = (i: number) => {
    if (last?.i !== i) last = { i, found: outliers.map(i) };
    return last.found;
  };
  const read = async (i: number) => {
    const map = await maps.read(i);
    return { ...map, ...replaceOutliers(full, map, found(i)) };
  };
  const likely: Complete = (map, i) => completeFullSize(kernels, full, map, found(i).likely);
  return { maps: { ...maps, read }, likely, by: await outliers.hash(), share: outliers.share };
}

/** Everything up to the first map. */
async function prepare(
  kernels: Kernels,
  model: HeadModel,
  maps: MapFolder,
  folders: CompletionFolders,
  method: Exclude<CompletionMethod, 'robust'>,
  options: CompleteMapsOptions,
): Promise<{ complete: Complete; by: string | null; network: CompletionNetworkReport | null }> {
  if (method === 'mirror') {
    const full = prepareFullSize(kernels, model, maps.size, null);
    return { complete: (map) => completeByMirror(kernels, full, map), by: null, network: null };
  }
  if (method === 'pca') {
    options.onPhase?.('learn');
    const whole = buildCompletionAtlas(kernels, model, options.size ?? Math.min(TRAINING_SIZE, maps.size));
    const base = headMean(model, whole);
    const { set, atlas } = await createTrainingSet(kernels, whole, maps, {
      ...(base && { base }),
      least: LEAST_MAPS,
      ...(options.components !== undefined && { components: options.components }),
      folds: 0,
      ...(options.signal && { signal: options.signal }),
      ...(options.onProgress && { onProgress: options.onProgress }),
    });
    const { pca, keep } = set;
    const by = await sha256Hex(new Uint8Array(pca.basis.slice().buffer));
    const fill = (known: KnownTexture) => completeByPca(pca, known);
    return { complete: small(kernels, model, maps.size, whole, atlas, keep, fill), by, network: null };
  }
  const trained =
    options.checkpoint === undefined
      ? await trainCompletion(kernels, model, maps, folders.training, options)
      : null;
  const file = trained?.file ?? (options.checkpoint as string);
  const checkpoint = await readCheckpoint(kernels, file);
  if (!checkpoint)
    throw new InvalidArgumentError(`${file}: no such file; photofit space complete trains a network`);
  if (checkpoint.layout !== (await uvLayoutHash(model)))
    throw new FormatError(
      `${file}: is a network for the UV layout of the head ${checkpoint.model.name}, which is not that of ${model.name}; train one for ${model.name}`,
    );
  const { whole, atlas, runner } = openCheckpoint(kernels, model, checkpoint, file);
  const fill = (known: KnownTexture) => runner.complete(checkpoint.pca, known).values;
  return {
    complete: small(kernels, model, maps.size, whole, atlas, checkpoint.keep, fill),
    by: await sha256Hex(await readFile(file)),
    network: {
      file,
      steps: checkpoint.state.step,
      trainedSteps: trained?.steps ?? 0,
      trainingSeconds: trained?.seconds ?? 0,
      errors: trained?.errors ?? null,
    },
  };
}

/** Completion by a small map: reduced, filled, and brought to full size. */
function small(
  kernels: Kernels,
  model: HeadModel,
  size: number,
  whole: CompletionAtlas,
  atlas: CompletionAtlas,
  keep: Uint8Array,
  fill: (known: KnownTexture) => Float32Array,
): Complete {
  const full = prepareFullSize(kernels, model, size, atlas);
  return (map) => completeFullSize(kernels, full, map, fill(restrictTexture(reduceMap(whole, map), keep)));
}

/** Keeps what an earlier run of the same kind left for maps that are still there, removes the rest. */
async function begin(folder: string, names: readonly string[], madeBy: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const record = `${folder}/${MADE_BY}`;
  const before = await readFile(record, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    return null;
  });
  const stays = new Set(before === madeBy ? names.map((name) => `${name}.npz`) : []);
  // Only where a run of ours wrote: other people's maps are left alone.
  const own = before === null ? [] : (await readdir(folder)).filter((name) => /^[^.].*\.npz$/.test(name));
  for (const name of own) if (!stays.has(name)) await rm(`${folder}/${name}`, { force: true });
  if (before !== madeBy) await writeFileAtomically(record, madeBy);
}

/** Whether a result is there and its source has not changed since. */
async function isNewer(result: string, source: string): Promise<boolean> {
  const time = async (file: string) =>
    (
      await stat(file).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error;
        return null;
      })
    )?.mtimeMs ?? null;
  const [done, changed] = [await time(result), await time(source)];
  return done !== null && changed !== null && done >= changed;
}
