/**
 * What `photofit fit` does: one photo after the other through decode → perceive → fit → texture → write. A photo that fails
 * is reported and the next one begins; a face's results appear as one whole folder or not at all.
 */
import path from 'node:path';
import {
  AbortedError,
  InvalidArgumentError,
  NoFaceError,
  PhotofitError,
  throwIfAborted,
} from '../core/errors.ts';
import type { ImageF } from '../core/image.ts';
import type { DecodedPhoto } from '../core/photo.ts';
import { fitPerson } from '../fit/fit-person.ts';
import { fitPhoto } from '../fit/fit-photo.ts';
import type { PhotoFit } from '../fit/types.ts';
import { createKernels } from '../kernels/runtime.ts';
import type { HeadModel } from '../model/head-model.ts';
import { ensureWritableFolder } from '../node/atomic.ts';
import { decodePhoto } from '../node/photo.ts';
import { type WrittenFit, writeFitFolder } from '../node/results.ts';
import { loadHead } from '../node/spaces.ts';
import type { FaceObservation } from '../perceive/types.ts';
import { solvePersonTexture, type TextureOffset, type TextureView } from '../texture/solve-offset.ts';
import { type CliContext, EXIT } from './context.ts';
import { describeFailure, stackOf } from './failure.ts';
import type { FitOptions } from './fit-options.ts';
import { findPhotos, type PhotoInput } from './inputs.ts';
import { type OpenPerception, openPerception } from './open-perception.ts';
import { ProgressBar } from './progress-bar.ts';

/** Share of the bar that decoding and detection take when photos are fitted together. */
const LOOK_SHARE = 0.2;
/** Share of a photo's progress bar that fitting takes; texture and writing are the rest. */
const FIT_SHARE = 0.85;

/**
 * Fits every photo.
 * @returns the exit code: non-zero when anything failed, 130 when cancelled.
 */
export async function fitPhotos(
  named: readonly string[],
  options: FitOptions,
  context: CliContext,
): Promise<number> {
  const session = new FitSession(options, context);
  return session.run(named);
}

/** A face to fit and the folder for its results. */
interface Task {
  readonly observation: FaceObservation;
  /** Number in order of size, from 1. */
  readonly number: number;
  readonly folder: string;
}

/** Textures of the fits they were solved for. */
interface SolvedTexture {
  readonly offsets: readonly { readonly fit: PhotoFit; readonly offset: TextureOffset }[];
  /** Milliseconds a photo. */
  readonly ms: number;
}

/** A face with everything that its folder is written from. */
interface Finished {
  readonly photo: PhotoInput;
  readonly decoded: DecodedPhoto;
  readonly task: Task;
  readonly times: { readonly decode: number; readonly perceive: number };
  readonly fit: PhotoFit;
  readonly texture: SolvedTexture;
  readonly model: HeadModel;
}

/** One photo of a person, ready to be fitted. */
interface PersonView {
  readonly decoded: DecodedPhoto;
  readonly task: Task;
  readonly mask: ImageF | null;
  readonly times: { readonly decode: number; readonly perceive: number };
}

class FitSession {
  readonly #options: FitOptions;
  readonly #context: CliContext;
  readonly #bar: ProgressBar;
  #fitted = 0;
  #failed = 0;

  constructor(options: FitOptions, context: CliContext) {
    this.#options = options;
    this.#context = context;
    this.#bar = new ProgressBar(context.stderr, { quiet: options.quiet });
  }

  async run(named: readonly string[]): Promise<number> {
    const { out, mask } = this.#options;
    const { photos, bad } = await findPhotos(named);
    for (const { file, error } of bad) this.#fail(file, error);
    if (photos.length === 0) return EXIT.failed;
    if (mask !== undefined && photos.length > 1) {
      throw new InvalidArgumentError(
        `--mask ${mask}: belongs to one photo, but ${photos.length} were named; fit them one by one`,
      );
    }
    if (this.#options.samePerson && this.#options.face === 'all') {
      throw new InvalidArgumentError('--same-person with --face all: one person has one face in each photo');
    }
    await ensureWritableFolder(out);
    let perception: OpenPerception | undefined;
    try {
      const model = await loadHead(this.#options.model, this.#options.space);
      perception = await openPerception(this.#options);
      if (this.#options.samePerson) await this.#fitTogether(photos, model, perception);
      else
        for (const [i, photo] of photos.entries()) {
          const counter = photos.length > 1 ? `[${i + 1}/${photos.length}] ` : '';
          this.#bar.start(counter + path.basename(photo.file));
          await this.#fitPhoto(photo, model, perception);
        }
    } catch (error) {
      if (!(error instanceof AbortedError)) throw error;
      this.#bar.end();
      this.#bar.note('cancelled; what was finished is kept, nothing is half-written');
      return EXIT.interrupted;
    } finally {
      this.#bar.end();
      perception?.dispose();
    }
    if (photos.length + bad.length > 1 && !this.#options.quiet) {
      this.#bar.note(`${this.#fitted} fitted, ${this.#failed} failed`);
    }
    return this.#failed > 0 ? EXIT.failed : EXIT.ok;
  }

  async #fitPhoto(photo: PhotoInput, model: HeadModel, perception: OpenPerception): Promise<void> {
    const { signal } = this.#context;
    try {
      const started = performance.now();
      this.#bar.update({ stage: 'decode', fraction: 0 });
      const decoded = await decodePhoto(photo.file, { signal });
      const mask = this.#options.mask === undefined ? null : await readMask(this.#options.mask, decoded);
      const decode = performance.now() - started;
      this.#bar.update({ stage: 'perceive', fraction: 0.02 });
      const faces = await perception.faces.detect(decoded.image, { signal });
      const perceive = performance.now() - started - decode;
      const tasks = this.#chooseFaces(photo, faces);
      for (const task of tasks) {
        // Decoding and detection are paid once; every face of the photo reports them.
        await this.#fitFace(photo, decoded, mask, task, model, perception, { decode, perceive });
      }
    } catch (error) {
      if (error instanceof AbortedError) throw error;
      this.#fail(photo.file, error);
    }
  }

  /** All photos at once, as one person; photos that cannot be read or show no face are reported and left out. */
  async #fitTogether(
    photos: readonly PhotoInput[],
    model: HeadModel,
    perception: OpenPerception,
  ): Promise<void> {
    const { signal } = this.#context;
    const { camera, light, leaveOut, mask } = this.#options;
    this.#bar.start(`${photos.length} photos of one person`);
    const views: (PersonView & { readonly photo: PhotoInput })[] = [];
    for (const [i, photo] of photos.entries()) {
      try {
        this.#bar.update({ stage: `look at photo ${i + 1}`, fraction: (LOOK_SHARE * i) / photos.length });
        const started = performance.now();
        const decoded = await decodePhoto(photo.file, { signal });
        const decode = performance.now() - started;
        const faces = await perception.faces.detect(decoded.image, { signal });
        const perceive = performance.now() - started - decode;
        const [task] = this.#chooseFaces(photo, faces);
        const marked =
          mask === undefined
            ? ((await perception.skin?.skinMask(decoded.image, task.observation, { signal })) ?? null)
            : await readMask(mask, decoded);
        views.push({ photo, decoded, task, mask: marked, times: { decode, perceive } });
      } catch (error) {
        if (error instanceof AbortedError) throw error;
        this.#fail(photo.file, error);
      }
    }
    if (views.length === 0) return;
    const person = await fitPerson(
      views.map(({ decoded, task, mask: marked }) => ({
        image: decoded.image,
        observation: task.observation,
        focal35mm: decoded.focal35mm,
        mask: marked,
        camera,
      })),
      model,
      {
        light,
        strangers: leaveOut ? 'leave-out' : 'warn',
        signal,
        onProgress: (event) =>
          this.#bar.update({ ...event, fraction: LOOK_SHARE + (FIT_SHARE - LOOK_SHARE) * event.fraction }),
      },
    );
    this.#bar.update({ stage: 'texture', fraction: FIT_SHARE });
    const texture = await this.#texture(
      views.flatMap(({ decoded }, i) => {
        const fit = person.fits[i];
        // A stranger's skin does not belong on this head.
        return fit && !person.strangers.includes(i) ? [{ fit, photo: decoded.image }] : [];
      }),
      model,
    );
    for (const [i, { photo, decoded, task, times }] of views.entries()) {
      const fit = person.fits[i];
      try {
        if (!fit)
          throw new PhotofitError(
            `${photo.file}: left out, it seems to show somebody else than the other photos; fit it on its own, or without --leave-out`,
          );
        this.#bar.update({ stage: 'write', fraction: FIT_SHARE + ((1 - FIT_SHARE) * i) / views.length });
        await this.#write({ photo, decoded, task, times, fit, texture, model });
      } catch (error) {
        if (error instanceof AbortedError) throw error;
        this.#fail(photo.file, error);
      }
    }
    this.#bar.end();
  }

  #chooseFaces(photo: PhotoInput, faces: readonly FaceObservation[]): Task[] {
    const { face, out } = this.#options;
    if (faces.length === 0) {
      throw new NoFaceError(
        `${photo.file}: no face was found; use a photo in which the face is larger, sharper or less turned away`,
      );
    }
    const wanted = face === 'all' ? faces.map((_, i) => i + 1) : [face === 'largest' ? 1 : face];
    return wanted.map((number) => {
      const observation = faces[number - 1];
      if (!observation) {
        throw new NoFaceError(
          `${photo.file}: face ${number} was asked for, but ${faces.length === 1 ? 'only one was' : `only ${faces.length} were`} found; choose a lower --face`,
        );
      }
      const suffix = number === 1 ? '' : `_face${number}`;
      return { observation, number, folder: path.join(out, photo.name + suffix) };
    });
  }

  async #fitFace(
    photo: PhotoInput,
    decoded: DecodedPhoto,
    mask: ImageF | null,
    task: Task,
    model: HeadModel,
    perception: OpenPerception,
    times: { readonly decode: number; readonly perceive: number },
  ): Promise<void> {
    const { signal } = this.#context;
    try {
      const fit = await fitPhoto(decoded.image, model, {
        observation: task.observation,
        camera: this.#options.camera,
        light: this.#options.light,
        focal35mm: decoded.focal35mm,
        mask: mask ?? (await perception.skin?.skinMask(decoded.image, task.observation, { signal })),
        signal,
        onProgress: (event) =>
          this.#bar.update({ ...event, fraction: 0.05 + (FIT_SHARE - 0.05) * event.fraction }),
      });
      throwIfAborted(signal);
      this.#bar.update({ stage: 'texture', fraction: FIT_SHARE });
      const texture = await this.#texture([{ fit, photo: decoded.image }], model);
      this.#bar.update({ stage: 'write', fraction: (1 + FIT_SHARE) / 2 });
      await this.#write({ photo, decoded, task, times, fit, texture, model });
    } catch (error) {
      if (error instanceof AbortedError) throw error;
      this.#fail(photo.file, error, task.number);
    }
  }

  /** The texture that matches the photos, unless it is not wanted or the head has no texture coordinates. */
  async #texture(views: readonly TextureView[], model: HeadModel): Promise<SolvedTexture> {
    if (!this.#options.offset || model.uvs.length === 0) return { offsets: [], ms: 0 };
    const started = performance.now();
    const { signal } = this.#context;
    const { texture, metrics } = solvePersonTexture(await createKernels(), views, model, { signal });
    const offsets = views.map(({ fit }, i) => ({ fit, offset: { ...texture, metrics: metrics[i] } }));
    return { offsets, ms: (performance.now() - started) / views.length };
  }

  async #write({ photo, decoded, task, times, fit, texture, model }: Finished): Promise<void> {
    const written = await writeFitFolder(task.folder, {
      file: photo.file,
      face: task.number,
      photo: decoded,
      model,
      fit,
      offset: texture.offsets.find((o) => o.fit === fit)?.offset ?? null,
      timingMs: { ...times, texture: texture.ms },
      signal: this.#context.signal,
    });
    this.#bar.end();
    this.#fitted++;
    this.#report(photo, task, written);
  }

  /** The result of one face, on stdout; its warnings on stderr. */
  #report(photo: PhotoInput, task: Task, { file, folder }: WrittenFit): void {
    const { stdout } = this.#context;
    if (this.#options.json) {
      const { metrics, texture_offset, energy, timing_ms, warnings } = file;
      const line = { input: photo.file, face: task.number, output: folder, ok: true };
      stdout.write(
        JSON.stringify({ ...line, metrics, texture_offset, energy: energy.total, timing_ms, warnings }) +
          '\n',
      );
      return;
    }
    const { landmark_nme_inner51 } = file.metrics;
    const { skin_l1 } = file.texture_offset ?? file.metrics;
    const quality = `landmarks ${(100 * landmark_nme_inner51).toFixed(1)} %, skin ${skin_l1.toFixed(3)}`;
    stdout.write(`${photo.file} → ${folder}  (${quality}, ${(file.timing_ms.total / 1000).toFixed(1)} s)\n`);
    for (const warning of file.warnings) this.#bar.note(`${photo.file}: warning: ${warning}`);
  }

  #fail(file: string, error: unknown, face?: number): void {
    this.#failed++;
    const message = describeFailure(error, file);
    if (this.#options.json) {
      const name = error instanceof Error ? error.name : 'Error';
      const line = { input: file, ...(face && { face }), ok: false, error: { name, message } };
      this.#context.stdout.write(JSON.stringify(line) + '\n');
    }
    this.#bar.note(message);
    if (this.#options.debug) this.#bar.note(stackOf(error));
  }
}

/** Red channel of the mask picture as (H,W) in [0, 1]; must have the photo's size, or the shape of it. */
async function readMask(file: string, photo: DecodedPhoto): Promise<ImageF> {
  const { image, originalWidth, originalHeight } = await decodePhoto(file);
  if (originalWidth !== photo.originalWidth || originalHeight !== photo.originalHeight) {
    throw new InvalidArgumentError(
      `--mask ${file}: is ${originalWidth} × ${originalHeight} pixels, but the photo is ${photo.originalWidth} × ${photo.originalHeight}; it must be as large`,
    );
  }
  const { width, height, data } = image;
  return {
    width,
    height,
    channels: 1,
    data: Float32Array.from({ length: width * height }, (_, i) => data[4 * i] / 255),
  };
}
