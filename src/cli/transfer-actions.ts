/** What `photofit transfer` does. */
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { FormatError, InvalidArgumentError, throwIfAborted } from '../core/errors.ts';
import type { ImageF } from '../core/image.ts';
import { originalState } from '../fit/original-energy.ts';
import { readOriginalFit } from '../fit/original-files.ts';
import { lidsOf } from '../fit/video/lids.ts';
import { lipsOf } from '../fit/video/lips.ts';
import { personalModel } from '../fit/video/personal-model.ts';
import {
  faceCentre,
  fitCamera,
  type TransferSource,
  type TransferTarget,
  transferMotion,
} from '../fit/video/transfer.ts';
import { createKernels } from '../kernels/runtime.ts';
import type { HeadModel } from '../model/head-model.ts';
import { ensureWritableFolder } from '../node/atomic.ts';
import { hasFfmpeg } from '../node/ffmpeg.ts';
import { loadFit } from '../node/load-fit.ts';
import { loadHeadModel } from '../node/models.ts';
import { writeOverlayFilm } from '../node/overlay-film.ts';
import { albedoPng } from '../node/texture-file.ts';
import { loadTrack, TRANSFER_FILM, trackFileOf, writeTrackFolder } from '../node/track-results.ts';
import { packageVersion } from '../node/version.ts';
import { openVideo } from '../node/video-source.ts';
import { albedoMap, skinAlbedo } from '../render/albedo.ts';
import { movingMouth } from '../texture/inner-mouth.ts';
import { type CliContext, EXIT } from './context.ts';
import { openTrackPerception } from './open-perception.ts';
import { ProgressBar } from './progress-bar.ts';
import { JOURNAL } from './track-actions.ts';
import { runTrack } from './track-run.ts';
import type { TransferCliOptions } from './transfer-options.ts';

/** A head to drive. */
interface Target extends TransferTarget {
  readonly name: string;
  readonly fit: string;
  readonly texturePng: Uint8Array | null;
  /** What the moving head wears: the texture without what its photo shows between the lips. */
  readonly albedo: ImageF | null;
  readonly wornPng: Uint8Array | null;
}

/** What drives. */
interface Source extends TransferSource {
  readonly video: string;
  readonly rate: number | null;
  readonly smoothed: boolean;
  readonly complete: boolean;
  readonly warnings: readonly string[];
}

/** Share of the progress that tracking takes, where there is any. */
const TRACKING = 0.75;

/** Drives every fit with the source and writes the results. */
export async function transferCommand(
  source: string,
  fits: readonly string[],
  options: TransferCliOptions,
  context: CliContext,
): Promise<number> {
  const { stdout, stderr, signal } = context;
  if (options.absolute && options.neutralFrame !== undefined)
    throw new InvalidArgumentError(
      '--absolute with --neutral-frame: nothing is relative to a neutral face then; leave one out',
    );
  const bar = new ProgressBar(stderr, { quiet: options.quiet });
  const names = await readNames(options.expressionNames);
  const targets: Target[] = [];
  for (const fit of fits) targets.push(await loadTarget(fit, options.model, names, targets));
  await ensureWritableFolder(options.out);
  bar.start(path.basename(source));
  try {
    const stored = await trackFileOf(source);
    const from = stored
      ? await storedSource(source, options, targets, names)
      : await trackedSource(source, options, targets[0], names, bar, context);
    const before = stored ? 0 : TRACKING;
    for (const [i, target] of targets.entries()) {
      throwIfAborted(signal);
      const share = (1 - before) / targets.length;
      const warnings = await transferOne(from, target, options, signal, (done, detail) =>
        bar.update({ stage: target.name, fraction: before + share * (i + done), detail }),
      );
      bar.end();
      const output = path.join(options.out, target.name);
      const frames = from.track.frames.length;
      if (options.json)
        stdout.write(
          `${JSON.stringify({ input: source, fit: target.fit, output, ok: true, frames, warnings })}\n`,
        );
      else stdout.write(`${source} + ${target.fit} → ${output}  (${frames} frames)\n`);
      for (const warning of warnings) bar.note(`${target.fit}: warning: ${warning}`);
    }
    if (from.complete) return EXIT.ok;
    bar.note(`${source}: interrupted; the same command again goes on from there`);
    return EXIT.interrupted;
  } finally {
    bar.end();
  }
}

async function transferOne(
  source: Source,
  target: Target,
  options: TransferCliOptions,
  signal: AbortSignal,
  onProgress: (done: number, detail: string) => void,
): Promise<string[]> {
  onProgress(0, 'transfer');
  const camera = options.pose === 'own' ? fitCamera(target, source.track) : target.camera;
  const { track, missing } = transferMotion(
    source,
    { ...target, camera },
    {
      mode: options.absolute ? 'absolute' : 'relative',
      neutralFrame: options.neutralFrame,
      pose: options.pose === 'own' ? 'own' : 'source',
      light: options.light === 'own' ? 'own' : 'source',
    },
  );
  const warnings = [
    ...source.warnings,
    ...(missing.length > 0 ? [`the head has no counterpart of ${missing.join(', ')}`] : []),
  ];
  const folder = path.join(options.out, target.name);
  const { model, texturePng, wornPng } = target;
  const { video, rate, smoothed, complete } = source;
  await writeTrackFolder(folder, {
    ...{ track, model, texturePng, wornPng, rate, smoothed, complete, warnings, signal },
    version: packageVersion(),
    path: video,
  });
  if (!options.film || !complete) return warnings;
  if (!(await hasFfmpeg()))
    return [...warnings, `no ${TRANSFER_FILM}: films are encoded by ffmpeg, which is not on the PATH`];
  const person = personalModel(model, target.params, target.albedo ?? undefined);
  const sight = await sourceVideo(video, options);
  const started = performance.now();
  try {
    await writeOverlayFilm(path.join(folder, TRANSFER_FILM), sight.video, person, track, {
      layout: sight.warning ? 'alone' : 'beside',
      signal,
      onFrame: (done) =>
        onProgress(
          done / track.frames.length,
          `${done} frames, ${((1000 * done) / (performance.now() - started)).toFixed(0)} a second`,
        ),
    });
  } finally {
    sight.close();
  }
  return sight.warning ? [...warnings, sight.warning] : warnings;

  /** The video that drives, to stand beside the head; only how large it is where it cannot be read. */
  async function sourceVideo(file: string, { filmSize, pictureRate }: TransferCliOptions) {
    try {
      const opened = await openVideo(file, { maxDimension: filmSize, pictureRate, signal });
      return { video: opened, warning: null, close: () => opened.close() };
    } catch (error) {
      throwIfAborted(signal);
      const k = Math.min(1, filmSize / Math.max(track.width, track.height));
      const size = { width: Math.round(k * track.width), height: Math.round(k * track.height) };
      const warning = `the video does not stand beside the head: ${(error as Error).message}`;
      return { video: size, warning, close: () => {} };
    }
  }
}

/** A track read from its files. */
async function storedSource(
  source: string,
  options: TransferCliOptions,
  targets: readonly Target[],
  names: readonly string[] | null,
): Promise<Source> {
  const { track, metadata } = await loadTrack(source);
  const { name, hash } = metadata.model;
  const model =
    targets.find((target) => target.model.hash === hash)?.model ??
    (await loadHeadModel(options.trackModel ?? name).catch((error) => {
      if (options.trackModel !== undefined) throw error;
      return null;
    }));
  if (model && model.hash !== hash)
    throw new InvalidArgumentError(
      `--track-model: the track was made with ${name}, another head; give that one`,
    );
  return {
    track,
    expressionNames: namedExpressions(metadata.expression_names, names),
    jointNames: metadata.joint_names,
    centre: model && faceCentre(model, track.identity.identity),
    lids: model && lidsOf(model, track.identity.identity),
    lips: model && lipsOf(model, track.identity.identity),
    video: metadata.input.path,
    rate: metadata.input.rate,
    smoothed: metadata.smoothed,
    complete: true,
    warnings: metadata.complete ? [] : ['the track was broken off; it is used as far as it goes'],
  };
}

/** Tracks a video, and keeps the track. */
async function trackedSource(
  video: string,
  options: TransferCliOptions,
  first: Target,
  names: readonly string[] | null,
  bar: ProgressBar,
  { signal }: CliContext,
): Promise<Source> {
  const folder = path.join(options.out, path.parse(path.resolve(video)).name || 'video');
  await ensureWritableFolder(folder);
  const perception = await openTrackPerception({ keepMesh: false });
  try {
    const run = await runTrack({
      video,
      options: { ...options, smooth: true, offset: true, resume: true, model: undefined },
      head: options.trackModel === undefined ? first.model : await loadHeadModel(options.trackModel),
      journal: path.join(folder, JOURNAL),
      perception: perception.faces,
      onProgress: (event) => bar.update({ ...event, fraction: TRACKING * event.fraction }),
      onNote: (line) => bar.note(line),
      signal,
    });
    const { track, model, texturePng, rate, complete, smoothed, warnings } = run;
    await writeTrackFolder(folder, {
      ...{ track, model, texturePng, rate, complete, smoothed, warnings },
      version: packageVersion(),
      path: video,
      range: options,
    });
    if (complete) run.done();
    return {
      ...{ track, video, rate, smoothed, complete, warnings },
      expressionNames: namedExpressions(model.expressionNames, names),
      jointNames: model.joints.map((joint) => joint.name),
      centre: faceCentre(model, track.identity.identity),
      lids: lidsOf(model, track.identity.identity),
      lips: lipsOf(model, track.identity.identity),
    };
  } finally {
    perception.dispose();
  }
}

/** A fit of ours, or a result file of the original. */
async function loadTarget(
  fit: string,
  head: string | undefined,
  names: readonly string[] | null,
  before: readonly Target[],
): Promise<Target> {
  const stem = path.parse(path.resolve(fit.replace(/[/\\]fit\.json$/i, ''))).name || 'fit';
  let name = stem;
  for (let n = 2; before.some((target) => target.name === name); n++) name = `${stem}_${n}`;
  const withNames = (model: HeadModel): HeadModel => ({
    ...model,
    expressionNames: namedExpressions(model.expressionNames, names),
  });
  if (fit.toLowerCase().endsWith('.npy')) {
    if (head === undefined)
      throw new InvalidArgumentError(`${fit}: a file of the original does not name its model; give --model`);
    const model = await loadHeadModel(head);
    const { params, camera, light } = originalState(model, readOriginalFit(await readFile(fit), fit));
    const albedo = model.texture && albedoMap(model.texture, params.texture);
    const texturePng = albedo && (await albedoPng(albedo));
    const lit = Float32Array.from(light);
    const worn = { texturePng, wornPng: texturePng, albedo };
    return { ...{ name, fit, params, camera, ...worn }, light: lit, model: withNames(model) };
  }
  const { fit: stored, model, texture } = await loadFit(fit, { model: head });
  const { params, camera, light } = stored;
  const own = texture?.albedo ?? skinAlbedo(model, params);
  const texturePng = texture?.png ?? (own && (await albedoPng(own)));
  const albedo = own && texture ? movingMouth(await createKernels(), model, own, params.texture) : own;
  const wornPng = albedo === own ? texturePng : await albedoPng(albedo!);
  return { ...{ name, fit, params, camera, light, texturePng, albedo, wornPng }, model: withNames(model) };
}

const UNNAMED = /^expression_\d+$/;

/** `own`, with the given names in the place of those that say nothing. */
function namedExpressions(own: readonly string[], names: readonly string[] | null): readonly string[] {
  return own.map((name, e) => (UNNAMED.test(name) ? (names?.[e] ?? name) : name));
}

async function readNames(file: string | undefined): Promise<readonly string[] | null> {
  if (file === undefined) return null;
  if ((await stat(file)).size > 1e6)
    throw new FormatError(`--expression-names ${file}: is too large for names`);
  const text = await readFile(file, 'utf8');
  let names: unknown;
  try {
    names = text.trim().startsWith('[') ? JSON.parse(text) : text.split(/\r?\n/).map((line) => line.trim());
  } catch (cause) {
    throw new FormatError(`--expression-names ${file}: is no JSON list`, { cause });
  }
  if (!Array.isArray(names) || names.some((name) => typeof name !== 'string'))
    throw new FormatError(`--expression-names ${file}: must be a JSON list of names, or one name a line`);
  while (names.at(-1) === '') names.pop();
  return names as string[];
}
