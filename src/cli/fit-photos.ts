/**
 * What `photofit fit` does: every photo through `photo-job.ts`, one after the other on this thread or several at a time
 * on threads of their own. A photo that fails is reported and the others go on; a face's results appear as one whole
 * folder or not at all. All folders are written here, while the threads are at the next photos.
 */
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { AbortedError, InvalidArgumentError } from '../core/errors.ts';
import type { ProgressEvent } from '../core/progress.ts';
import { ensureWritableFolder, removeEmptyFolders } from '../node/atomic.ts';
import { useThreads } from '../node/kernel-workers.ts';
import { startPhotoHelper } from '../node/photo-helper.ts';
import { unpackError } from '../node/worker-errors.ts';
import { defaultJobs, shareArrays, WorkerPool, workerModule } from '../node/worker-pool.ts';
import { TEXTURE_OFFSET_DEFAULTS } from '../texture/solve-offset.ts';
import { type CliContext, EXIT } from './context.ts';
import { describeFailure, stackOf } from './failure.ts';
import type { FitOptions } from './fit-options.ts';
import type { FitWorkerEvent, FitWorkerInit } from './fit-worker.ts';
import { InOrder } from './in-order.ts';
import { findPhotos, type PhotoInput } from './inputs.ts';
import type { OpenPerception } from './open-perception.ts';
import type { FaceResult, LookedAt, PhotoSurroundings } from './photo-job.ts';
import { ProgressBar } from './progress-bar.ts';

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
    const { out, mask, samePerson, face, quiet, camera, focal, distance, ipd } = this.#options;
    const { photos, bad } = await findPhotos(named);
    for (const { file, error } of bad) this.#fail(file, error);
    if (photos.length === 0) return EXIT.failed;
    if (mask !== undefined && photos.length > 1) {
      throw new InvalidArgumentError(
        `--mask ${mask}: belongs to one photo, but ${photos.length} were named; fit them one by one`,
      );
    }
    if (samePerson && face === 'all') {
      throw new InvalidArgumentError('--same-person with --face all: one person has one face in each photo');
    }
    if (camera === 'orthographic' && (distance !== undefined || focal !== undefined)) {
      throw new InvalidArgumentError(
        `--${distance === undefined ? 'focal' : 'distance'} with --camera orthographic: such a camera has no distance and no focal length; --ipd tells the size with either`,
      );
    }
    if (ipd !== undefined && face === 'all') {
      throw new InvalidArgumentError('--ipd with --face all: it is the distance of one pair of eyes');
    }
    const made = await ensureWritableFolder(out);
    try {
      const jobs = Math.min(this.#options.jobs ?? defaultJobs(), photos.length);
      const module = jobs > 1 && !samePerson ? workerModule('fit-worker', import.meta.url) : null;
      if (module) await this.#fitOnThreads(photos, module, jobs);
      else await this.#fitHere(photos);
    } catch (error) {
      if (!(error instanceof AbortedError)) throw error;
      this.#bar.end();
      this.#bar.note('cancelled; what was finished is kept, nothing is half-written');
      return EXIT.interrupted;
    } finally {
      this.#bar.end();
      // An empty folder would look like a result.
      if (this.#fitted === 0) await removeEmptyFolders(out, made);
    }
    if (photos.length + bad.length > 1 && !quiet) {
      this.#bar.note(`${this.#fitted} fitted, ${this.#failed} failed`);
    }
    return this.#failed > 0 ? EXIT.failed : EXIT.ok;
  }

  /** On this thread: photos one by one, or together as one person. */
  async #fitHere(photos: readonly PhotoInput[]): Promise<void> {
    // First of all: a thread takes as long to start as what is imported next.
    const helper = this.#wantsHelper(photos) ? startPhotoHelper() : null;
    const [{ openPerception }, { lookAt }, { loadHead }] = await Promise.all([
      import('./open-perception.ts'),
      import('./photo-job.ts'),
      import('../node/spaces.ts'),
    ]);
    const options = this.#options;
    const { signal } = this.#context;
    const perception: OpenPerception = helper
      ? { faces: helper.faces, skin: null, dispose: () => {} }
      : await openPerception(options);
    try {
      // The picture is looked at while the head is read and prepared: it has to be with the helper before this thread is
      // too busy to send it.
      let early: Promise<LookedAt> | undefined;
      if (helper) {
        await new Promise<void>((sent) => {
          const progress = ({ stage }: ProgressEvent) => {
            if (stage === 'perceive') sent();
          };
          early = lookAt(photos[0], { perception, options, signal }, progress);
          early.then(
            () => sent(),
            () => sent(),
          );
        });
      }
      const model = await loadHead(options.model, options.space);
      // A fit alone on the machine may have all of it.
      if (options.jobs !== 1) await useThreads(model);
      const textureReady = options.offset
        ? helper?.prepareTexture(model, options.textureSize ?? TEXTURE_OFFSET_DEFAULTS.size)
        : undefined;
      const meshes = textureReady && helper?.meshes;
      const surroundings = { model, perception, options, signal, textureReady, meshes };
      if (options.samePerson) await this.#fitTogether(photos, surroundings);
      else await this.#fitInTurn(photos, surroundings, early);
    } finally {
      perception.dispose();
      await helper?.close();
    }
  }

  /** A single photo by the built-in networks is shared between two threads. */
  #wantsHelper(photos: readonly PhotoInput[]): boolean {
    const { jobs, samePerson, landmarks, detector, parsing } = this.#options;
    const alone = photos.length === 1 && jobs !== 1 && availableParallelism() > 1;
    return alone && !samePerson && !landmarks && !detector && !parsing;
  }

  async #fitInTurn(
    photos: readonly PhotoInput[],
    surroundings: PhotoSurroundings,
    early?: Promise<LookedAt>,
  ): Promise<void> {
    const { fitPhotoFile } = await import('./photo-job.ts');
    for (const [i, photo] of photos.entries()) {
      const counter = photos.length > 1 ? `[${i + 1}/${photos.length}] ` : '';
      this.#bar.start(counter + path.basename(photo.file));
      const listener = {
        progress: this.#bar.update,
        face: async (result: FaceResult) => {
          await this.#put(result);
          this.#report(photo, result);
        },
        failed: (error: unknown, face?: number) => this.#fail(photo.file, error, face),
      };
      await fitPhotoFile(photo, surroundings, listener, i === 0 ? early : undefined);
    }
  }

  async #fitTogether(photos: readonly PhotoInput[], surroundings: PhotoSurroundings): Promise<void> {
    const { fitTogether } = await import('./fit-together.ts');
    this.#bar.start(`${photos.length} photos of one person`);
    await fitTogether(photos, surroundings, {
      progress: this.#bar.update,
      face: async (photo, result) => {
        await this.#put(result);
        this.#report(photo, result);
      },
      failed: (photo, error) => this.#fail(photo.file, error),
    });
  }

  /** Several photos at a time; what is said of them comes in the order they were named. */
  async #fitOnThreads(photos: readonly PhotoInput[], module: URL, jobs: number): Promise<void> {
    const pool = new WorkerPool<FitWorkerInit, PhotoInput, void, FitWorkerEvent>(module, jobs);
    const said = new InOrder();
    try {
      const { loadHead } = await import('../node/spaces.ts');
      const model = shareArrays(await loadHead(this.#options.model, this.#options.space));
      this.#bar.start(`${photos.length} photos`);
      this.#bar.update({ stage: 'load', fraction: 0 });
      await pool.start({ model, options: this.#options });
      const fractions = new Float64Array(photos.length);
      let done = 0;
      const progress = () => {
        const sum = fractions.reduce((a, b) => a + b, 0);
        this.#bar.update({ stage: `${done} done`, fraction: sum / photos.length });
      };
      const queue = photos.entries();
      const lane = async () => {
        // A photo's folders are written while the lane's next photo is fitted, so that the disk never holds a thread up
        // and no more than one photo per lane waits in memory.
        let writing: Promise<void> = Promise.resolve();
        for (const [i, photo] of queue) {
          const before = writing;
          const folders: Promise<void>[] = [];
          const fail = (error: unknown, face?: number) =>
            said.say(i, () => this.#fail(photo.file, error, face));
          let failure: unknown;
          await pool
            .run(photo, {
              signal: this.#context.signal,
              onEvent: (event) => {
                if (event.type === 'progress') fractions[i] = event.event.fraction;
                else if (event.type === 'failed') fail(unpackError(event.error), event.face);
                else {
                  const folder = this.#putAndReport(photo, event.result, i, said);
                  // Awaited when the photo is done; a failure before that must not count as unheard.
                  folder.catch(() => {});
                  folders.push(folder);
                }
                progress();
              },
            })
            .catch((error) => {
              failure = error;
            });
          const finish = async () => {
            await Promise.all(folders);
            if (failure !== undefined && !(failure instanceof AbortedError)) fail(failure);
            fractions[i] = 1;
            done++;
            said.end(i);
            progress();
          };
          await before;
          writing = finish();
          writing.catch(() => {});
          if (failure instanceof AbortedError) throw failure;
        }
        await writing;
      };
      // All lanes come to their ends before the pool is closed: what is finished is written.
      const ends = await Promise.allSettled(Array.from({ length: jobs }, lane));
      for (const end of ends) if (end.status === 'rejected') throw end.reason;
    } finally {
      this.#bar.end();
      said.flush();
      await pool.close();
    }
  }

  async #putAndReport(photo: PhotoInput, result: FaceResult, index: number, said: InOrder): Promise<void> {
    try {
      await this.#put(result);
      said.say(index, () => this.#report(photo, result));
    } catch (error) {
      if (error instanceof AbortedError) throw error;
      said.say(index, () => this.#fail(photo.file, error, result.number));
    }
  }

  async #put(result: FaceResult): Promise<void> {
    const { putFitFolder } = await import('../node/results.ts');
    await putFitFolder(result.folder, result, this.#context.signal);
  }

  /** The result of one face, on stdout; its warnings on stderr. */
  #report(photo: PhotoInput, { file, folder, number }: FaceResult): void {
    this.#bar.end();
    this.#fitted++;
    const { stdout } = this.#context;
    if (this.#options.json) {
      const { metrics, texture_offset, energy, timing_ms, warnings } = file;
      const line = { input: photo.file, face: number, output: folder, ok: true };
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
