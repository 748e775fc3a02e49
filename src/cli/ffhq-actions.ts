/** What `photofit ffhq` does: one image after the other; one that fails is told of and the next one begins. */
import path from 'node:path';
import { AbortedError, NoFaceError } from '../core/errors.ts';
import type { DecodedPhoto } from '../core/photo.ts';
import { fitPhoto } from '../fit/fit-photo.ts';
import { originalObservation } from '../fit/original-energy.ts';
import { writeOriginalFit } from '../fit/original-files.ts';
import { fitOriginal } from '../fit/original-fit.ts';
import { asOriginal } from '../fit/original-problem.ts';
import { originalModel, originalResult } from '../fit/original-result.ts';
import type { PhotoFit } from '../fit/types.ts';
import { createKernels } from '../kernels/runtime.ts';
import type { HeadModel } from '../model/head-model.ts';
import { ensureWritableFolder, writeFileAtomically } from '../node/atomic.ts';
import { type FfhqEntry, ffhqNames, findFfhq, readFfhqLandmarks, readFfhqMask } from '../node/ffhq-files.ts';
import { loadHeadModel } from '../node/models.ts';
import { loadPerception } from '../node/perception.ts';
import { decodePhoto } from '../node/photo.ts';
import { type WrittenFit, writeFitFolder } from '../node/results.ts';
import { observationOfLandmarks } from '../perceive/ibug68.ts';
import type { FaceObservation, FacePerception } from '../perceive/types.ts';
import { solveTextureOffset, type TextureOffset } from '../texture/solve-offset.ts';
import { type CliContext, EXIT } from './context.ts';
import { describeFailure, stackOf } from './failure.ts';
import type { FfhqOptions } from './ffhq-options.ts';
import { ProgressBar } from './progress-bar.ts';

/** Where fitting ends on the bar. */
const FIT_SHARE = 0.9;

/** Fits the images; the exit code is non-zero when any failed. */
export async function fitFfhq(
  asked: readonly string[],
  options: FfhqOptions,
  context: CliContext,
): Promise<number> {
  const { stdout, stderr, signal } = context;
  const names = ffhqNames(asked);
  const bar = new ProgressBar(stderr, { quiet: options.quiet });
  await ensureWritableFolder(options.out);
  const model = await loadHeadModel(options.model);
  // Loaded when a file is missing first; most folders have them all.
  let loaded: Promise<FacePerception> | undefined;
  const perceive = () => (loaded ??= loadPerception());
  let failed = 0;
  try {
    for (const [i, name] of names.entries()) {
      bar.start(names.length > 1 ? `[${i + 1}/${names.length}] ${name}` : name);
      try {
        const written = await fitOne(name, model, perceive, options, bar, signal);
        bar.end();
        report(name, written, options, context);
      } catch (error) {
        if (error instanceof AbortedError || signal.aborted) throw error;
        failed++;
        const message = describeFailure(error, name);
        if (options.json) {
          const about = { name: error instanceof Error ? error.name : 'Error', message };
          stdout.write(`${JSON.stringify({ input: name, ok: false, error: about })}\n`);
        }
        bar.note(message);
        if (options.debug) bar.note(stackOf(error));
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    bar.end();
    bar.note('cancelled; what was finished is kept, nothing is half-written');
    return EXIT.interrupted;
  } finally {
    bar.end();
    (await loaded?.catch(() => undefined))?.dispose();
  }
  if (names.length > 1 && !options.quiet) bar.note(`${names.length - failed} fitted, ${failed} failed`);
  return failed > 0 ? EXIT.failed : EXIT.ok;
}

async function fitOne(
  name: string,
  model: HeadModel,
  perceive: () => Promise<FacePerception>,
  options: FfhqOptions,
  bar: ProgressBar,
  signal: AbortSignal,
): Promise<WrittenFit> {
  const entry = await findFfhq(options.data, name);
  const started = performance.now();
  bar.update({ stage: 'decode', fraction: 0 });
  const photo = await decodePhoto(entry.photo, { signal });
  const decoded = performance.now();
  bar.update({ stage: 'perceive', fraction: 0.02 });
  const { width, height } = photo.image;
  const mask = options.files && entry.mask ? await readFfhqMask(entry.mask, width, height) : null;
  const face = await observe(entry, photo, perceive, options, signal);
  const input: OwnInput = { photo, model, face, mask, options, bar, signal };
  const perceived = performance.now();
  const { fit, npy } =
    options.energy === 'own' ? { fit: await own(input), npy: null } : await original(input);
  const solved = performance.now();
  const offset = options.energy === 'own' && options.offset ? await matchTexture(fit, input) : null;
  bar.update({ stage: 'write', fraction: (1 + FIT_SHARE) / 2 });
  const folder = path.join(options.out, entry.name);
  const timingMs = {
    decode: decoded - started,
    perceive: perceived - decoded,
    texture: offset ? performance.now() - solved : 0,
  };
  const written = await writeFitFolder(folder, {
    file: entry.photo,
    photo,
    model,
    fit,
    offset,
    timingMs,
    signal,
  });
  if (npy) await writeFileAtomically(path.join(folder, 'fit.npy'), npy, { signal });
  return written;
}

interface OwnInput {
  readonly photo: DecodedPhoto;
  readonly model: HeadModel;
  readonly face: FaceObservation;
  /** (H,W), null where it has to be found. */
  readonly mask: Float32Array | null;
  readonly options: FfhqOptions;
  readonly bar: ProgressBar;
  readonly signal: AbortSignal;
}

/** The landmark file as an observation, or what our own networks see. */
async function observe(
  entry: FfhqEntry,
  photo: DecodedPhoto,
  perceive: () => Promise<FacePerception>,
  options: FfhqOptions,
  signal: AbortSignal,
): Promise<FaceObservation> {
  if (options.files && entry.landmarks) {
    return observationOfLandmarks(await readFfhqLandmarks(entry.landmarks));
  }
  const [face] = await (await perceive()).detect(photo.image, { signal });
  if (!face)
    throw new NoFaceError(
      `${entry.photo}: no face was found; put its landmarks into ${entry.name}.npy beside it`,
    );
  return face;
}

function own({ photo, model, face, mask, options, bar, signal }: OwnInput): Promise<PhotoFit> {
  const { width, height } = photo.image;
  return fitPhoto(photo.image, model, {
    observation: face,
    camera: options.camera,
    focal35mm: photo.focal35mm,
    mask: mask && { width, height, channels: 1, data: mask },
    signal,
    onProgress: (event) => bar.update({ ...event, fraction: 0.05 + (FIT_SHARE - 0.05) * event.fraction }),
  });
}

/** The texture that matches the photo; none for a head without texture coordinates. */
async function matchTexture(
  fit: PhotoFit,
  { photo, model, bar, signal }: OwnInput,
): Promise<TextureOffset | null> {
  if (model.uvs.length === 0) return null;
  bar.update({ stage: 'texture', fraction: FIT_SHARE });
  return solveTextureOffset(await createKernels(), fit, photo.image, model, { signal });
}

/** The original's energy; without a mask file, skin is where a fit by our own energy found it. */
async function original(input: OwnInput): Promise<{ fit: PhotoFit; npy: Uint8Array }> {
  const { photo, face, bar, signal } = input;
  const { width, height } = photo.image;
  const mask = input.mask ?? skinOf(await own(input), width, height);
  const started = performance.now();
  const kernels = await createKernels();
  const model = originalModel(input.model);
  const observation = originalObservation(photo.image, mask, face.landmarks68);
  const result = fitOriginal(kernels, model, observation, {
    signal,
    onIteration: (stage, iteration, energy) =>
      bar.update({ stage, energy, fraction: Math.min(FIT_SHARE, 0.1 + 0.01 * iteration) }),
  });
  const fit = originalResult(kernels, model, result, observation, photo.image, face);
  return {
    fit: { ...fit, timingMs: { perceive: 0, solve: performance.now() - started } },
    npy: writeOriginalFit(model, asOriginal(result.state)),
  };
}

/** The skin mask of a fit over the whole photo. */
function skinOf({ skin: { crop, mask } }: PhotoFit, width: number, height: number): Float32Array {
  return Float32Array.from({ length: width * height }, (_, p) => {
    const x = Math.floor(((p % width) + 0.5 - crop.origin[0]) * crop.scale);
    const y = Math.floor((Math.floor(p / width) + 0.5 - crop.origin[1]) * crop.scale);
    if (x < 0 || y < 0 || x >= crop.size || y >= crop.size) return 0;
    return mask[y * crop.size + x] >= 128 ? 1 : 0;
  });
}

function report(
  name: string,
  { folder, file }: WrittenFit,
  options: FfhqOptions,
  { stdout }: CliContext,
): void {
  const { metrics, energy, timing_ms, warnings } = file;
  if (options.json) {
    const line = { input: name, output: folder, ok: true, which: options.energy };
    stdout.write(`${JSON.stringify({ ...line, metrics, energy: energy.total, timing_ms, warnings })}\n`);
    return;
  }
  const quality = `landmarks ${(100 * metrics.landmark_nme_inner51).toFixed(1)} %, skin ${metrics.skin_l1.toFixed(3)}`;
  const total = options.energy === 'original' ? `energy ${energy.total.toFixed(4)}, ` : '';
  stdout.write(`${name} → ${folder}  (${total}${quality}, ${(timing_ms.total / 1000).toFixed(1)} s)\n`);
}
